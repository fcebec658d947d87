"""How is the page served? Waitress in a thread of its own. Owns waitress."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from waitress import create_server, wasyncore

from fitferry.web.middleware import UPLOAD_BYTES


class Server:
    """A place to serve an application at."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self.port = port
        """The port that it listens on; of 0 it becomes a free one."""

    @contextlib.contextmanager
    def serving(self, app: Any) -> Iterator[None]:
        """Serve from here to the end. Raises OSError where the port is taken, ValueError where no such host is known."""
        server: Any = create_server(
            app,
            host=self._host,
            port=self.port,
            threads=4,
            connection_limit=50,
            channel_timeout=30,
            # The guard answers properly below this; above it waitress hangs up.
            max_request_body_size=2 * UPLOAD_BYTES,
            ident=None,
            clear_untrusted_proxy_headers=True,
        )
        self.port = int(server.effective_port)
        thread = threading.Thread(target=server.run, name="web", daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.task_dispatcher.shutdown()
            # Closed in its own loop, which sleeps for up to a second unless it is woken so, with all connections:
            # a page that is kept open would keep the loop alive.
            server.trigger.pull_trigger(lambda: wasyncore.close_all(server._map))  # noqa: SLF001  # it has no other name
            thread.join(timeout=5)
