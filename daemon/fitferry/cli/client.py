"""Requests to the running daemon: by HTTP on its own page, with the API token of the state folder."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar, cast
from urllib.parse import urlencode

from fitferry.cli import local_http
from fitferry.cli.context import Context
from fitferry.core.api_types import UPLOAD_BYTES, JobJson
from fitferry.core.errors import FitferryError
from fitferry.core.messages import Json, Message, cli, system, verbatim, web
from fitferry.core.strava import MAX_FILE_BYTES
from fitferry.system import multipart, safe_files, state_dir

REQUEST_SECONDS = 120.0
"""How long an answer may take: the daemon may itself wait for Strava, for half a minute and more than once."""
LOOK_SECONDS = 10.0
"""The same for what the daemon answers by itself."""

T = TypeVar("T")


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

    def get(self, answer: type[T], path: str, **query: str | int) -> T:
        """Ask for JSON of one shape. Raises DaemonRefused with the daemon's words."""
        return self._ask(answer, "GET", path + (f"?{urlencode(query)}" if query else ""))

    def look(self, answer: type[T], path: str) -> T:
        """Ask for what the daemon answers by itself, and at once."""
        return self._ask(answer, "GET", path, seconds=LOOK_SECONDS)

    def post(self, answer: type[T], path: str, body: Mapping[str, object] | None = None) -> T:
        return self._ask(answer, "POST", path, json.dumps(body or {}).encode(), "application/json")

    def post_file(self, path: str, file: Path, **fields: str) -> JobJson:
        """Hand a file over: it is read here, as whoever runs the command."""
        try:
            content = _read(file)
        except OSError as error:
            raise FitferryError(
                cli.FILE_UNREADABLE(file=str(file), reason=system.from_os_error(error))
            ) from error
        if len(content) > MAX_FILE_BYTES and not _is_zip(content):
            raise FitferryError(web.UPLOAD_TOO_LARGE())
        form, kind = multipart.form(fields, file.name, content)
        if len(form) > UPLOAD_BYTES:
            raise FitferryError(web.UPLOAD_BODY_TOO_LARGE())
        return self._ask(JobJson, "POST", path, form, kind)

    def _ask(
        self,
        answer: type[T],
        method: str,
        path: str,
        body: bytes = b"",
        kind: str = "",
        seconds: float = REQUEST_SECONDS,
    ) -> T:
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        headers["Fitferry-Messages"] = "codes"  # errors as data, too: they are said in the person's language
        if kind:
            headers["Content-Type"] = kind
        try:
            _, content = local_http.ask(
                method, path, host=self._host, port=self._port, seconds=seconds, headers=headers, body=body
            )
            return read_answer(content, answer)
        except (OSError, ValueError) as error:
            reason = str(error) or type(error).__name__
            raise FitferryError(
                cli.NO_ANSWER(host=self._host, port=str(self._port), reason=reason)
            ) from error


def read_answer(content: bytes, answer: type[T]) -> T:
    """An answer's JSON. Raises DaemonRefused with the daemon's words, ValueError for another shape."""
    found = json.loads(content or b"{}")
    if not isinstance(found, dict):
        raise ValueError("no object")  # noqa: TRY004  # one error for whatever is none of the daemon's answers
    told = found.get("error")
    if isinstance(told, dict):
        raise DaemonRefused(message_of(told.get("text"), told.get("message")))
    missing: frozenset[str] = getattr(answer, "__required_keys__", frozenset()) - found.keys()
    if missing:  # the daemon is of another version
        raise ValueError(f"no {min(missing)}")
    return cast("T", found)


def message_of(data: Json, english: str | None) -> Message:
    """What the daemon said, as a message where it came as one, too, else its English."""
    try:
        return Message.from_values(data)
    except ValueError:
        return verbatim(english or "")


def _is_zip(content: bytes) -> bool:
    from fitferry.formats.archives import is_zip  # noqa: PLC0415  # only for a large file

    return is_zip(content)


def _read(file: Path) -> bytes:
    """A file that somebody named, also by a link; more of it than the daemon takes is not read. Raises OSError."""
    parent, name = os.path.split(os.path.realpath(file))
    with safe_files.open_folder(parent) as folder, folder.file(name) as handle:
        return safe_files.read(handle, UPLOAD_BYTES)


def _token(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        reason = system.from_os_error(error) if isinstance(error, OSError) else cli.NOT_A_TOKEN()
        raise FitferryError(cli.NOT_YOURS(path=str(path), reason=reason)) from error
