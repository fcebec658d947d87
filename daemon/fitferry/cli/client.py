"""Requests to the running daemon: by HTTP on its own page, with the API token of the state folder."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fitferry.cli import local_http
from fitferry.cli.context import Context
from fitferry.core.errors import FitferryError
from fitferry.core.messages import Message, as_message, cli, system
from fitferry.core.strava import MAX_FILE_BYTES
from fitferry.system import multipart, safe_files, state_dir

REQUEST_SECONDS = 120.0
"""How long an answer may take: the daemon may itself wait for Strava, for half a minute and more than once."""
LOOK_SECONDS = 10.0
"""The same for what the daemon answers by itself."""


class DaemonRefused(FitferryError):
    """The daemon runs, and has said why it does not do what it was asked."""


class Daemon:
    """The daemon of a state folder. Raises FitferryError where none runs, and where it may not be asked."""

    def __init__(self, context: Context) -> None:
        if not context.daemon_runs():
            raise FitferryError(cli.NO_DAEMON())
        web = context.status_file()["web"]
        self._host, self._port = local_http.reached_by(web["host"]), web["port"]
        self._token = _token(context.folder() / state_dir.API_TOKEN)

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """Ask; the answer's JSON. Raises DaemonRefused with the daemon's words."""
        return self._ask("GET", path + (f"?{urlencode(query)}" if query else ""))

    def look(self, path: str) -> dict[str, Any]:
        """Ask for what the daemon answers by itself, and at once."""
        return self._ask("GET", path, seconds=LOOK_SECONDS)

    def post(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask for something to be done."""
        return self._ask("POST", path, json.dumps(body or {}).encode(), "application/json")

    def post_file(self, path: str, file: Path, **fields: str) -> dict[str, Any]:
        """Hand a file over: it is read here, as whoever runs the command."""
        try:
            content = _read(file)
        except OSError as error:
            raise FitferryError(
                cli.FILE_UNREADABLE(file=str(file), reason=system.from_os_error(error))
            ) from error
        if len(content) > MAX_FILE_BYTES:
            raise FitferryError(cli.FILE_TOO_LARGE())
        form, kind = multipart.form(fields, file.name, content)
        return self._ask("POST", path, form, kind)

    def _ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        kind: str = "",
        seconds: float = REQUEST_SECONDS,
    ) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        headers["Fitferry-Messages"] = "codes"  # errors as data, too: they are said in the person's language
        if kind:
            headers["Content-Type"] = kind
        try:
            _, answer = local_http.ask(
                method,
                path,
                host=self._host,
                port=self._port,
                seconds=seconds,
                headers=headers,
                body=body,
            )
            found = json.loads(answer or b"{}")
        except (OSError, ValueError) as error:
            reason = str(error) or type(error).__name__
            raise FitferryError(
                cli.NO_ANSWER(host=self._host, port=str(self._port), reason=reason)
            ) from error
        if isinstance(found, dict) and isinstance(found.get("error"), dict):
            raise DaemonRefused(as_message(message_of(found["error"])))
        return dict(found)


def message_of(told: dict[str, Any], name: str = "message", values: str = "text") -> Message | str:
    """What the daemon said, as a message where it comes as one, else its English."""
    if isinstance(told.get(values), dict):
        try:
            return Message.from_json(json.dumps(told[values]))
        except ValueError:
            pass
    return str(told.get(name) or "")


def _read(file: Path) -> bytes:
    """A file that somebody named, also by a link; more than one byte too many of it is not read. Raises OSError."""
    parent, name = os.path.split(os.path.realpath(file))
    with safe_files.open_folder(parent) as folder, folder.file(name) as handle:
        return safe_files.read(handle, MAX_FILE_BYTES + 1).body


def _token(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        reason = system.from_os_error(error) if isinstance(error, OSError) else cli.NOT_A_TOKEN()
        raise FitferryError(cli.NOT_YOURS(path=str(path), reason=reason)) from error
