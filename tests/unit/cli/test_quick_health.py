"""Health by the shortest way answers as the ordinary command would, or leaves it to that one."""

from __future__ import annotations

import contextlib
import fcntl
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fitferry.cli import quick_health


class Daemon:
    """A state folder with a lock, a status and a port that answers once."""

    def __init__(self, folder: Path, answer: bytes) -> None:
        self.config = folder / "config.toml"
        self.config.write_text(f'[state]\nfolder = "{folder}"\n', encoding="utf-8")
        self.lock = (folder / "lock").open("w")
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.listener = socket.create_server(("127.0.0.1", 0))
        port = self.listener.getsockname()[1]
        status = {"web": {"host": "0.0.0.0", "port": port}}  # noqa: S104  # as a container has it
        (folder / "status.json").write_text(json.dumps(status), encoding="utf-8")
        self.thread = threading.Thread(target=self._answer, args=(answer,), daemon=True)
        self.thread.start()

    def _answer(self, answer: bytes) -> None:
        with contextlib.suppress(OSError):  # nobody came before the end
            connection, _ = self.listener.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(answer)

    def is_healthy(self) -> bool:
        """What the short way says."""
        return quick_health.is_healthy(str(self.config), {})


@pytest.fixture
def daemon(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Daemon]:
    """A daemon with an answer."""
    found = Daemon(tmp_path, request.param)
    yield found
    found.lock.close()
    found.listener.shutdown(socket.SHUT_RDWR)
    found.listener.close()
    found.thread.join(60)


@pytest.mark.parametrize("daemon", [b"HTTP/1.1 200 OK\r\n\r\n"], indirect=True)
def test_a_daemon_that_answers_is_healthy(daemon: Daemon) -> None:
    """Also where it listens on every address."""
    assert daemon.is_healthy()


@pytest.mark.parametrize("daemon", [b"HTTP/1.1 503 Service Unavailable\r\n\r\n", b""], indirect=True)
def test_any_other_answer_is_left_to_the_ordinary_command(daemon: Daemon) -> None:
    """It says what is wrong."""
    assert not daemon.is_healthy()


@pytest.mark.parametrize("daemon", [b"HTTP/1.1 200 OK\r\n\r\n"], indirect=True)
def test_without_the_lock_another_program_may_be_on_the_port(daemon: Daemon) -> None:
    """The status file of a daemon that was killed names it still."""
    daemon.lock.close()

    assert not daemon.is_healthy()


@pytest.mark.parametrize("text", [None, "", "[state", '[state]\nfolder = "~/x"\n', "state = 3\n"])
def test_settings_that_do_not_say_it_plainly_are_left_to_the_ordinary_command(
    tmp_path: Path, text: str | None
) -> None:
    """It reads them as a whole."""
    path = tmp_path / "config.toml"
    if text is not None:
        path.write_text(text, encoding="utf-8")

    assert not quick_health.is_healthy(str(path), {"XDG_STATE_HOME": str(tmp_path)})
