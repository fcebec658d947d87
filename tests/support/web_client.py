"""A page with everything behind it but the network, and a browser that asks it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.test import Client, TestResponse

import compiled_templates
from fakes import NOW, Answers, Clock, a_job, grant, oauth, recorded, strava, tokens
from fitferry.config.load import load
from fitferry.config.schema import Settings
from fitferry.core.activity import WatchMethod, WatchState
from fitferry.core.messages import verbatim
from fitferry.core.upload import AttemptResult, Job, Outcome, Status
from fitferry.monitoring import status
from fitferry.monitoring.metrics import Metrics
from fitferry.uploads.commands import Actions
from fitferry.web.app import wsgi
from fitferry.web.context import WebContext
from fitferry.web.credentials import make_login_link
from web_fuzz import OddRequest

compiled_templates.keep()
TOKEN = "the-api-token"
HOST = "127.0.0.1:8480"
ORIGIN = f"http://{HOST}"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


class Page:
    """The page under test."""

    def __init__(self, folder: Path, extra: str = "") -> None:
        self.folder = folder
        self.clock = Clock()
        self.wire = Answers()
        self.wire.to("POST /oauth/token", (200, grant()))
        self.wire.to("POST /oauth/revoke", (200, b""))
        self.ill: str | None = None
        self.changes = 0
        self.metrics = Metrics()
        self.shown: Callable[[], status.Snapshot] = self.snapshot
        self.metrics.show(lambda: self.shown())  # noqa: PLW0108  # a scene has its own
        self.calls: list[str] = []
        self.rotate_keys: Callable[[], None] = lambda: self.calls.append("rotated")
        client = strava(self.wire)
        self.tokens = tokens(client)
        self.oauth = oauth(client, self.tokens)
        self.settings = self._settings(extra)
        self.context = WebContext(
            settings=self.settings,
            actions=Actions(self.settings, wake=lambda: self.calls.append("wake"), clock=self.clock),
            oauth=self.oauth,
            api_token=TOKEN,
            url=lambda: self.settings.web.url or ORIGIN,
            port=lambda: 8480,
            snapshot=lambda: self.shown(),  # noqa: PLW0108  # a scene has its own
            revision=lambda: self.changes,
            metrics=self.metrics.text,
            health_error=lambda: verbatim(self.ill) if self.ill else None,
            rotate_keys=lambda: self.rotate_keys(),  # noqa: PLW0108  # a test may set another
            connected=lambda: self.calls.append("connected"),
            clock=self.clock,
        )
        self.restart()

    def restart(self) -> None:
        """Another process, and a browser that it does not know yet."""
        self.app = wsgi(self.context)
        self.browser = Client(self.app)

    def flask(self) -> Flask:
        """The application behind the request filter."""
        app = self.app.application.built()
        assert isinstance(app, Flask)
        return app

    def snapshot(self) -> status.Snapshot:
        """What the daemon would say of itself."""
        watch = WatchState("/rides", "me", WatchMethod.EVENTS, available=True)
        process = status.Process(1, NOW, "127.0.0.1", 8480, ORIGIN, (watch,))
        return status.snapshot(self.settings.athletes, process, self.clock())

    def ask(self, method: str, path: str, *, host: str = HOST, **given: Any) -> TestResponse:
        """One request, with the browser's cookies."""
        headers = {"Host": host, **given.pop("headers", {})}
        return self.browser.open(
            path, method=method, base_url=f"http://{HOST}", headers=headers, buffered=True, **given
        )

    def api(self, method: str, path: str, **given: Any) -> TestResponse:
        """One request with the API token and without cookies."""
        headers = {**BEARER, **given.pop("headers", {})}
        return Client(self.app).open(path, method=method, base_url=f"http://{HOST}", headers=headers, **given)

    def odd(self, request: OddRequest) -> int:
        """The status with which an odd request is answered."""
        headers = {**request.headers, **(BEARER if request.signed_in else {})}
        environ = {"QUERY_STRING": request.query, "CONTENT_LENGTH": str(len(request.body))}
        with Client(self.app, use_cookies=False).open(
            request.path,
            method=request.method,
            base_url=ORIGIN,
            headers=headers,
            data=request.body,
            environ_overrides=environ,
        ) as answer:
            for _ in answer.response:
                pass
            return answer.status_code

    def sign_in(self) -> None:
        """Follow a one-time link."""
        token = make_login_link(self.context).split("token=")[1]
        answer = self.ask("POST", "/login", data={"token": token})
        assert answer.status_code == 303, answer.text

    def job(self, name: str = "a.fit", body: bytes = b"ride") -> Job:
        """An upload in the ledger."""
        return a_job(self.folder / name, body)

    def _settings(self, extra: str) -> Settings:
        path = self.folder / "config.toml"
        state = self.folder / "state"
        state.mkdir()
        path.write_text(
            '[strava]\nclient_id = 12345\nclient_secret = "app-secret"\nwebsite = "https://www.strava.example"\n'
            f'[[watch]]\nfolder = "/rides"\n[state]\nfolder = "{state}"\n{extra}',
            encoding="utf-8",
        )
        return load(path, {})


def set_status(job: Job, status: Status, **step: Any) -> None:
    """Let an attempt have come to this."""
    recorded(job.id, AttemptResult(Outcome.FAILED, status, **step), NOW)
