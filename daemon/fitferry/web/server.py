"""How is the page served? Waitress in a thread of its own. Owns waitress."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Any, Self

from waitress import create_server, wasyncore

from fitferry.web.guard import UPLOAD_BYTES


class Server:
    """An application on a port; a context manager. Entering raises OSError where the port is taken."""

    def __init__(self, app: Any, host: str, port: int) -> None:
        self._app, self._host, self._port = app, host, port
        self._server: Any = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._server = create_server(
            self._app,
            host=self._host,
            port=self._port,
            threads=4,
            connection_limit=50,
            channel_timeout=30,
            # The guard answers properly below this; above it waitress hangs up.
            max_request_body_size=2 * UPLOAD_BYTES,
            ident=None,
            clear_untrusted_proxy_headers=True,
        )
        self._thread = threading.Thread(target=self._server.run, name="web", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.task_dispatcher.shutdown()
        # Closed in its own loop, which sleeps for up to a second unless it is woken so, with all connections:
        # a page that is kept open would keep the loop alive.
        self._server.trigger.pull_trigger(lambda: wasyncore.close_all(self._server._map))  # noqa: SLF001  # it has no other name
        if self._thread is not None:
            self._thread.join(timeout=5)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._server.effective_port)

    def alive(self) -> bool:
        """Whether the thread lives."""
        return self._thread is not None and self._thread.is_alive()
