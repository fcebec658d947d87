"""How is the running daemon asked? By HTTP on its own page, with the API token of the state folder."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fitferry.cli.context import Context
from fitferry.core.errors import FitferryError, RequestRejected
from fitferry.core.strava import MAX_FILE_BYTES
from fitferry.system import state_dir

_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104  # what it listens on, not what we do


class Daemon:
    """The daemon of a state folder. Raises FerryError where none runs."""

    def __init__(self, context: Context) -> None:
        if not context.daemon_runs():
            raise FitferryError(
                "no daemon runs: start it with `fitferry run`, or with systemctl start fitferry"
            )
        web = context.status()["web"]
        self._host, self._port = _WILDCARDS.get(web["host"], web["host"]), web["port"]
        self._token = _token(context.folder() / state_dir.API_TOKEN)

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """Ask; the answer's JSON. Raises Refused with the daemon's words."""
        return self._ask("GET", path + (f"?{urlencode(query)}" if query else ""))

    def post(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask for something to be done."""
        return self._ask("POST", path, json.dumps(body or {}).encode(), "application/json")

    def post_file(self, path: str, file: Path, **fields: str) -> dict[str, Any]:
        """Hand a file over: it is read here, as whoever runs the command."""
        try:
            if file.stat().st_size > MAX_FILE_BYTES:
                raise FitferryError("the file is larger than the 25 MB that Strava takes")
            content = file.read_bytes()
        except OSError as error:
            raise FitferryError(f"{file} cannot be read ({error.strerror})") from error
        boundary = secrets.token_hex(16)
        name = file.name.encode("utf-8", "replace").replace(b'"', b"'")
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
            for key, value in fields.items()
        ]
        head = b'--%s\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n' % (
            boundary.encode(),
            name,
        )
        parts += [
            head + b"Content-Type: application/octet-stream\r\n\r\n",
            content,
            f"\r\n--{boundary}--\r\n".encode(),
        ]
        return self._ask("POST", path, b"".join(parts), f"multipart/form-data; boundary={boundary}")

    def _ask(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> dict[str, Any]:
        import http.client  # noqa: PLC0415  # commands that ask nobody start sooner without it

        connection = http.client.HTTPConnection(self._host, self._port, timeout=30)
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        headers["Host"] = (
            f"localhost:{self._port}"  # the name that it listens under may be none of the page's
        )
        if kind:
            headers["Content-Type"] = kind
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            found = json.loads(answer.read() or b"{}")
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise FitferryError(
                f"the daemon does not answer on {self._host} port {self._port} ({error})"
            ) from error
        finally:
            connection.close()
        if "error" in found and isinstance(found["error"], dict):
            raise RequestRejected(found["error"]["code"], found["error"]["message"], answer.status)
        return dict(found)


def _token(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise FitferryError(
            f"{path} cannot be read ({error.strerror}); are you the user who runs Fitferry?"
        ) from error
