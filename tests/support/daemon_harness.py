"""A whole installation for tests, as the demo drives it; quicker to start where a fork server is given."""

from __future__ import annotations

import contextlib
import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fitferry.demo.harness import PATIENCE, Process
from fitferry.demo.harness import DaemonHarness as DemoHarness
from fitferry.sandbox import Sandbox
from fork_server import ForkedProcess, ForkServer, can_be_forked

__all__ = ["PATIENCE", "DaemonHarness", "harness"]


class DaemonHarness(DemoHarness):
    """The demo's; daemon and commands are forked by `server`, which pytest gives, else started as processes."""

    server: ForkServer | None = None

    def spawn(self) -> Process:
        """Start the daemon."""
        if self.server is None or not can_be_forked(self.more):
            return super().spawn()
        with self.log.open("ab") as log, memory() as nothing:
            files = [nothing, log.fileno(), log.fileno()]
            self.process = self._forked(self.server, ["run"], self.more, files)
        return self.process

    def run(self, *words: str, text: str | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        if self.server is None or not can_be_forked(environ):
            return subprocess.run(
                self.command(*words),
                capture_output=True,
                text=True,
                input=text,
                timeout=PATIENCE,
                check=False,
                env={**self.environ(), **environ},
            )
        with memory(text or "") as stdin, memory() as stdout, memory() as stderr:
            process = self._forked(self.server, words, environ, [stdin, stdout, stderr])
            try:
                code = process.wait(PATIENCE)
            finally:
                process.kill()
            return subprocess.CompletedProcess(words, code, _written(stdout), _written(stderr))

    def edit(self, old: str, new: str) -> None:
        """Change the settings wherever these words stand in them."""
        text = self.config.read_text(encoding="utf-8")
        assert old in text
        self.config.write_text(text.replace(old, new), encoding="utf-8")

    def drop(self, name: str, body: bytes) -> Path:
        """Put a file into the folder as a copy does."""
        path = self.rides / name
        path.write_bytes(body)
        return path

    def text(self, path: str) -> str:
        """What the page answers to somebody with the API token, also where it refuses."""
        try:
            with urllib.request.urlopen(self.request("GET", path), timeout=PATIENCE) as answer:  # noqa: S310  # the daemon
                return str(answer.read().decode())
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.read().decode()

    def _forked(
        self, server: ForkServer, words: Sequence[str], more: Mapping[str, str], files: Sequence[int]
    ) -> ForkedProcess:
        return server.spawn(self.command(*words)[1:], {**self.environ(), **more}, files)


@contextlib.contextmanager
def memory(text: str = "") -> Iterator[int]:
    """A descriptor with this text, to be read or written."""
    descriptor = os.memfd_create("standard")
    try:
        os.write(descriptor, text.encode())
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)


def _written(descriptor: int) -> str:
    text = os.pread(descriptor, os.fstat(descriptor).st_size, 0).decode()
    return text.replace("\r\n", "\n")  # as `text=True` reads them


@contextlib.contextmanager
def harness(folder: Path, **switches: Any) -> Iterator[DaemonHarness]:
    """An installation in a folder whose daemon does not run yet; everything is ended afterwards.

    `switches`: how the sandbox is to be.
    """
    with Sandbox(**{"processing_seconds": 0.1, **switches}) as sandbox:
        home = DaemonHarness(folder, sandbox)
        try:
            yield home
        finally:
            home.kill()
