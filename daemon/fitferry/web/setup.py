"""The set-up in the browser: one page behind a link from the log, served where there are no settings at all.

The link proves who may use it, under whatever name the machine is reached; looking at it uses nothing up. It is good
for an hour after each use; a link that is over logs a fresh one, once a minute at most.
"""

from __future__ import annotations

import hmac
import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs
from wsgiref.types import WSGIEnvironment

import structlog
from flask import Flask, g, redirect, render_template, request
from flask.typing import ResponseReturnValue

from fitferry import __version__
from fitferry.config import first_settings as first
from fitferry.config.schema import Settings
from fitferry.core.api_types import ProblemJson, StatusJson, WindowsJson, iso
from fitferry.core.errors import FitferryError, RejectionCode, RequestRejected
from fitferry.core.messages import Message, setup
from fitferry.monitoring import status_json
from fitferry.system import link_notice, lockfile, logs, state_dir, systemd
from fitferry.system.wakeup import WakeupPipe
from fitferry.web.language import locale_of
from fitferry.web.middleware import HEALTH, OTHER_BYTES, RequestFilter
from fitferry.web.server import Handover, Server
from fitferry.web.setup_answers import Answers, judge

PATH = "/setup"
LINK_SECONDS = 3600.0
LOG_SECONDS = 60.0
_REST = 60.0
_ALL = "1990-01-01"
"""The day from which on activities are uploaded where all are wanted: before it there were none of these files."""
_FIELDS = ("client_id", "client_secret", "folder", "old")

_log = structlog.get_logger()


class SetUp:
    """One set-up, and the link that leads to it.

    `base`: defaults and environment; `path`: the file to write; `finished`: called once it is written, when there is a
    `login_token`.
    """

    def __init__(
        self, base: Settings, path: Path, *, port: Callable[[], int], finished: Callable[[], None]
    ) -> None:
        self.base = base
        self.path = path
        self.port = port
        self.finished = finished
        self.token = self.login_token = ""
        self._good_until = self._logged_at = float("-inf")

    def log_link(self) -> None:
        """Make a link in place of the old one, and say in the log how to go on; on a terminal in a box."""
        self.token, self._logged_at = secrets.token_urlsafe(24), time.monotonic()
        self._good_until = self._logged_at + LINK_SECONDS
        web = self.base.web
        host = web.host if web.host not in {"", "::", "0.0.0.0"} else "127.0.0.1"  # noqa: S104  # what the setting says
        url = web.url or f"http://{f'[{host}]' if ':' in host else host}:{self.port()}"
        link = f"{url}{PATH}?token={self.token}"
        link_notice.show("setup_needed", setup.OPEN_LINK(host=host), "setup_link", link)

    def knows(self, environ: WSGIEnvironment) -> bool:
        """Whether a request shows the link's token."""
        given, now = parse_qs(environ.get("QUERY_STRING", "")).get("token", [""])[0], time.monotonic()
        if now < self._good_until and hmac.compare_digest(given.encode(), self.token.encode()):
            self._good_until = now + LINK_SECONDS
            return True
        if given and now - self._logged_at >= LOG_SECONDS:
            self.log_link()
        return False


def serve(base: Settings, path: Path) -> Handover | None:
    """Serve the page until the settings are written; None where it was stopped.

    From then on browsers that connect wait for the daemon: none finds nobody at home.

    Raises CannotRun where another daemon holds the state folder, OSError where the port is taken.
    """
    os.umask(0o077)
    logs.configure(base.log.level, base.log.format)
    state_dir.prepare(base.state.folder)
    with lockfile.taken(base.state.folder), WakeupPipe() as wakeup, wakeup.stopped_by_signals():
        server = Server(base.web.host, base.web.port, url=base.web.url)

        def finish() -> None:
            server.hand_over()
            wakeup.wake()  # the pause of the main thread is time for the last answer to reach the browser

        set_up = SetUp(base, path, port=lambda: server.port, finished=finish)
        with server.serving(SetUpFilter(set_up)):
            set_up.log_link()
            _write_status(base, server.port)
            systemd.tell("READY=1")
            while not wakeup.stopping and not set_up.login_token:
                wakeup.wait(_REST)
        return Handover(server, set_up.login_token) if set_up.login_token else None


class SetUpFilter(RequestFilter[Flask]):
    """The request filter, for which the link stands in for Host, Origin and sign-in."""

    def __init__(self, set_up: SetUp) -> None:
        self._set_up = set_up
        super().__init__(
            build(set_up),
            url=lambda: f"http://127.0.0.1:{set_up.port()}",
            hosts=(),
            health_error=lambda: None,
            may_enter=lambda _environ: None,
        )

    def body_limit(self, environ: WSGIEnvironment) -> int:  # noqa: ARG002  # the link is not known yet
        """A form's length, from anybody: who may send one is judged with the whole address."""
        return OTHER_BYTES

    def _foreign(self, environ: WSGIEnvironment) -> RequestRejected | None:
        may_pass = environ.get("PATH_INFO", "").startswith("/static/") or self._set_up.login_token
        if may_pass or self._set_up.knows(environ):
            return None
        if environ.get("PATH_INFO", "") == HEALTH:
            return super()._foreign(environ)
        return RequestRejected(RejectionCode.UNAUTHORIZED, setup.LINK_OVER())


def build(set_up: SetUp) -> Flask:
    """The page as an application."""
    app = Flask(__name__)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.config["MAX_CONTENT_LENGTH"] = OTHER_BYTES

    @app.before_request
    def let_in() -> ResponseReturnValue | None:
        g.locale = locale_of(request, set_up.base.web.language)
        if set_up.login_token and request.path != PATH and request.endpoint != "static":
            # This connection ends; on the next one the daemon answers.
            return redirect(request.full_path, 307)
        if request.endpoint == "static" or set_up.knows(request.environ):
            return None
        return _page(error=setup.LINK_OVER()), 401

    @app.get(PATH)
    def show() -> ResponseReturnValue:
        usual = str(set_up.base.watch[0].folder) if set_up.base.watch else ""
        return _page(answers=Answers({"folder": usual}))

    @app.post(PATH)
    def save() -> ResponseReturnValue:
        if set_up.login_token:  # pressed twice
            return _page(login_token=set_up.login_token)
        answers = judge(set_up.base, {name: request.form.get(name, "") for name in (*_FIELDS, "seen")})
        if answers.can_be_written:
            error = _write(set_up, answers)
            if error is None:
                set_up.login_token = secrets.token_urlsafe(24)
                set_up.finished()
                return _page(login_token=set_up.login_token)
            return _page(answers=answers, error=error), 400
        return _page(answers=answers)

    return app


def _write(set_up: SetUp, answers: Answers) -> Message | None:
    """Write the settings; why they could not be written, None if they were."""
    since = {"all": _ALL, "none": "today"}.get(answers.typed["old"], "all")
    own = request.host_url.rstrip("/")
    settings = first.FirstSettings(
        client_id=first.read_client_id(answers.typed["client_id"]),
        client_secret=first.read_secret(answers.typed["client_secret"]),
        client_secret_file=None,
        folder=first.read_full_path(answers.typed["folder"]),
        since=first.read_since(since),
        url=None if set_up.base.web.url or _hostname() in {"127.0.0.1", "localhost"} else own,
    )
    try:
        first.write(set_up.path, settings)
    except FitferryError as error:
        return error.message
    _log.info("settings_written", path=str(set_up.path))
    return None


def _page(*, answers: Answers | None = None, error: Message | None = None, login_token: str = "") -> str:
    return render_template(
        "setup.html",
        locale=g.locale,
        _=g.locale.say,
        version=__version__,
        answers=answers,
        callback=_hostname(),
        error=error,
        login_token=login_token,
        token=request.args.get("token", ""),
    )


def _hostname() -> str:
    """The name under which the browser reached the page: what Strava wants as callback domain."""
    host = request.host
    return host.split("]")[0] + "]" if host.startswith("[") else host.rsplit(":", 1)[0]


def _write_status(base: Settings, port: int) -> None:
    """A status file for `health` and for whoever looks."""
    now = iso(time.time())
    problem: ProblemJson = {
        "code": "not_set_up",
        "athlete": None,
        "message": str(setup.NOT_SET_UP()),
        "since": now,
        "text": setup.NOT_SET_UP().to_values(),
    }
    nothing: WindowsJson = {"limit": [0, 0], "usage": [0, 0]}
    values: StatusJson = {
        "version": __version__,
        "pid": os.getpid(),
        "started_at": now,
        "updated_at": now,
        "web": {"host": base.web.host, "port": port, "url": base.web.url or f"http://127.0.0.1:{port}"},
        "state": "attention",
        "problems": [problem],
        "athletes": [],
        "queue": dict.fromkeys(("pending", "processing", "completed", "failed", "held", "skipped"), 0),
        "rate_limit": {"overall": nothing, "read": nothing, "held_until": None},
        "last_upload": None,
        "watch": [],
    }
    status_json.write(base.state.folder / state_dir.STATUS, values)
