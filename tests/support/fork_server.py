"""Starts Fitferry by a fork of a process that has imported it, which takes a tenth of the time of a new Python.

What is forked waits at its end for its threads as any Python does, dies of SIGKILL as any process does, and shares
nothing with its parent. The interpreter's own end, which takes longer than most commands, is left out. Where the start
or the end of Python itself is looked at, tests start a process of their own.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import io
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import NoReturn

import compiled_templates
import fitferry

_MOST = 1 << 17
"""Bytes of a request: words and environment."""
_STARTS = ("LC_", "LANG", "PYTHON", "LD_", "MALLOC", "OPENSSL", "SSL")
"""Variables that take effect when Python or a library starts, and later not: of a locale that is the encoding."""

_SETTINGS = """
strava = {{ client_id = 12345, client_secret = "sandbox-secret" }}
watch = [{{ folder = "{folder}" }}]
web = {{ port = 0 }}
state = {{ folder = "{folder}" }}
"""


class ForkedProcess:
    """A child of the fork server, with what tests use of `subprocess.Popen`."""

    def __init__(self, answers: socket.socket) -> None:
        self._answers = answers
        self.pid = int(answers.recv(64))
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code, once it has ended."""
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; raises TimeoutExpired."""
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return code

    def send_signal(self, sig: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, sig)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)

    def _ended(self, timeout: float | None) -> int | None:
        if self.returncode is None and select.select([self._answers], [], [], timeout)[0]:
            self.returncode = int(self._answers.recv(64))
            self._answers.close()
        return self.returncode


class ForkServer:
    """One for each process that runs tests; started when it is first needed."""

    def __init__(self) -> None:
        self._control: socket.socket | None = None

    def spawn(
        self, program: Sequence[str], environ: Mapping[str, str], files: Sequence[int]
    ) -> ForkedProcess:
        """Start `program`, the words that follow `python`; `files`: its standard input, output and error."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        request = json.dumps([list(program), dict(environ), str(Path.cwd())]).encode()
        with theirs:
            socket.send_fds(self._control or self._start(), [request], [*files, theirs.fileno()])
        return ForkedProcess(ours)

    def _start(self) -> socket.socket:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        server = subprocess.Popen([sys.executable, __file__], stdin=theirs.fileno())
        theirs.close()
        atexit.register(server.wait)
        atexit.register(self._control.close)
        return self._control


def can_be_forked(more: Mapping[str, str]) -> bool:
    """Whether these further variables take effect in a Python that runs already."""
    return not any(name.startswith(_STARTS) and not value.endswith("UTF-8") for name, value in more.items())


def _live_once() -> None:
    """Be a daemon for a moment, so that each child finds what a process makes once: statements, patterns, certificates."""
    from fitferry import daemon  # noqa: PLC0415  # for the server alone, not for those who start it
    from fitferry.config.load import load  # noqa: PLC0415  # as above
    from fitferry.system.wakeup import WakeupPipe  # noqa: PLC0415  # as above
    from fitferry.web import flask_app  # noqa: PLC0415  # as above

    compiled_templates.keep()
    templates = flask_app.build(None).jinja_env  # type: ignore[arg-type]  # nobody asks
    for name in templates.list_templates():
        templates.get_template(name)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        config = Path(folder) / "config.toml"
        config.write_text(_SETTINGS.format(folder=folder), encoding="utf-8")
        with WakeupPipe() as wakeup, contextlib.ExitStack() as running:
            daemon.start(load(config, {}), wakeup, running).tick()
    _wait_for_threads(threading.enumerate())  # a fork takes none along


def _wait_for_threads(threads: Iterable[threading.Thread]) -> None:
    for thread in threads:
        if thread is not threading.main_thread():
            thread.join()


def _serve() -> None:
    """Fork for each request until nobody can make one; then return in each child, once, as the child."""
    control = socket.socket(fileno=os.dup(0))
    wakes, waker = socket.socketpair()
    waker.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
    children: dict[int, socket.socket] = {}
    while True:
        ready = select.select([control, wakes], [], [])[0]
        if wakes in ready:
            wakes.recv(64)
            _reap(children)
        if control in ready:
            request, files, _, _ = socket.recv_fds(control, _MOST, 4)
            if not request:
                os._exit(0)
            child = os.fork()
            if not child:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for inherited in (control, wakes, waker, *children.values()):
                    inherited.close()
                program, environ, folder = json.loads(request)
                _become(program, environ, folder, files)
                return
            children[child] = socket.socket(fileno=files.pop())
            children[child].send(b"%d" % child)
            for file in files:
                os.close(file)


def _reap(children: dict[int, socket.socket]) -> None:
    for pid, answers in list(children.items()):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            with contextlib.suppress(OSError), children.pop(pid):  # nobody may want to know
                answers.send(b"%d" % os.waitstatus_to_exitcode(status))


def _become(program: list[str], environ: dict[str, str], folder: str, files: list[int]) -> None:
    for descriptor, file in enumerate(files[:3]):
        os.dup2(file, descriptor)
    for file in files:
        os.close(file)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    time.tzset()
    sys.argv[:] = program


def _run() -> int:
    """Run what was asked for; its exit code."""
    try:
        if sys.argv[0] == "-m":
            del sys.argv[0]
            runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as end:
        if isinstance(end.code, str):
            sys.stderr.write(end.code)
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001  # printed, as the interpreter does
        traceback.print_exc()
        return 1
    return 0


def _end(code: int) -> NoReturn:
    """End as the interpreter does, as far as anybody sees."""
    _wait_for_threads(thread for thread in threading.enumerate() if not thread.daemon)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    for module in pkgutil.walk_packages(fitferry.__path__, "fitferry."):
        if ".migrations." not in module.name and not module.name.endswith("__main__"):
            import_module(module.name)
    for name in ("playhouse.migrations", "encodings.idna", "tomllib"):  # what functions import
        import_module(name)
    _live_once()
    gc.freeze()
    _serve()
    _end(_run())
