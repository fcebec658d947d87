"""How near is Fitferry to what cannot be avoided: an event, a read, a SHA-256, one synced commit, TLS and the POST?

    python bench/floor.py [--pairs N] [--round-trip MS] [--copy SECONDS] [--share N] [--stravalib] [--cache FOLDER]

The floor is one thread without anything else (`FLOOR` below). All send to the same sandbox over TLS, file by file in
turn; `--round-trip` puts a relay before it, `--copy` lets each file take so long to be written. `--stravalib` measures
the script of `bench/peers`, too. `--share 7` lets the contenders have a seventh of their time, as on a Raspberry Pi: of
each seven milliseconds they are stopped for six. Printed: the medians of the time from the close to the first byte of
the POST at the server, the 95th percentile, and Fitferry's ratio to each.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.peers.contenders import Stravalib
from bench.relay import Relay

from certificates import self_signed
from daemon_harness import DaemonHarness
from fit_writer import ride
from fitferry.sandbox import Sandbox

START = int(time.time()) - 40 * 3600
"""Rides of the last two days: people wait for those."""
FLOOR = """
import ctypes, os, sys, struct, hashlib, sqlite3, socket, time, ssl
from urllib.parse import urlsplit
inbox, state, api, token = sys.argv[1], sys.argv[2], urlsplit(sys.argv[3]), sys.argv[4]
db = sqlite3.connect(state, isolation_level=None)
db.execute("PRAGMA journal_mode=wal"); db.execute("PRAGMA synchronous=full")
db.execute("CREATE TABLE job (id INTEGER PRIMARY KEY, sha TEXT UNIQUE, path BLOB, sent REAL)")
libc = ctypes.CDLL(None)
fd = libc.inotify_init1(os.O_CLOEXEC)
libc.inotify_add_watch(fd, inbox.encode(), 0x8 | 0x80)
context = ssl.create_default_context()
print("ready", flush=True)
while True:
    events, at = os.read(fd, 65536), 0
    while at < len(events):
        _, _, _, size = struct.unpack_from("iIII", events, at)
        name = events[at + 16 : at + 16 + size].rstrip(b"\\0").decode(); at += 16 + size
        path = f"{inbox}/{name}"
        with open(path, "rb") as file: body = file.read()
        sha = hashlib.sha256(body).hexdigest()
        db.execute("BEGIN IMMEDIATE")
        db.execute("INSERT OR IGNORE INTO job (sha, path, sent) VALUES (?, ?, ?)", (sha, path.encode(), time.time()))
        db.execute("COMMIT")
        edge = os.urandom(16).hex()
        fields = (("data_type", "fit"), ("external_id", sha))
        parts = [f'--{edge}\\r\\nContent-Disposition: form-data; name="{k}"\\r\\n\\r\\n{v}\\r\\n'.encode() for k, v in fields]
        head = f'--{edge}\\r\\nContent-Disposition: form-data; name="file"; filename="a.fit"\\r\\n\\r\\n'.encode()
        content = b"".join([*parts, head, body, f"\\r\\n--{edge}--\\r\\n".encode()])
        s = context.wrap_socket(socket.create_connection((api.hostname, api.port)), server_hostname=api.hostname)
        s.sendall(f"POST {api.path}/uploads HTTP/1.1\\r\\nHost: {api.netloc}\\r\\nAuthorization: Bearer {token}\\r\\n"
            f"Content-Type: multipart/form-data; boundary={edge}\\r\\nContent-Length: {len(content)}\\r\\n"
            "Connection: close\\r\\n\\r\\n".encode() + content)
        while s.recv(65536): pass
        s.close()
"""

THROTTLE = """
import os, signal, sys, time
share, pids = int(sys.argv[1]), list(map(int, sys.argv[2:]))
while True:
    for number, seconds in ((signal.SIGSTOP, (share - 1) / 1000), (signal.SIGCONT, 0.001)):
        for pid in pids:
            os.kill(pid, number)
        time.sleep(seconds)
"""

CACHE = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "fitferry-peers"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=30)
    parser.add_argument("--round-trip", type=float, default=0.0)
    parser.add_argument("--copy", type=float, default=0.001)
    parser.add_argument("--share", type=int, default=1)
    parser.add_argument("--stravalib", action="store_true")
    parser.add_argument("--cache", type=Path, default=CACHE)
    given = parser.parse_args()
    programs = Stravalib.installed(given.cache.expanduser().resolve()) if given.stravalib else None
    with tempfile.TemporaryDirectory(prefix="floor-") as name:
        folder = Path(name)
        certificate = self_signed(folder)
        os.environ |= dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"), str(certificate[0]))
        with (
            Sandbox(certificate=certificate, processing_seconds=0.0) as sandbox,
            Relay(sandbox.port, given.round_trip / 1000) as relay,
        ):
            port = relay.port if given.round_trip else sandbox.port
            found = _measure(folder, sandbox, port, programs, given)
    print(
        f"close -> first byte of the POST, {given.pairs} each in turn, copy {given.copy:g} s, "
        f"round trip {given.round_trip:g} ms, 1/{given.share} of the CPU:"
    )
    ours = statistics.median(found["Fitferry"])
    for name, waits in found.items():
        median, most = statistics.median(waits), sorted(waits)[int(len(waits) * 0.95)]
        print(
            f"{name:10} {median:6.1f} ms median, {most:6.1f} ms p95; Fitferry is {ours / median:.2f} x that"
        )


def _measure(
    folder: Path, sandbox: Sandbox, port: int, programs: Path | None, given: argparse.Namespace
) -> dict[str, list[float]]:
    """The milliseconds of each contender, in turn."""
    url = f"https://127.0.0.1:{port}"
    home = DaemonHarness(folder, sandbox)
    settings = home.config.read_text().replace(sandbox.url, url)
    # Looks at what is processed would use the reads of the quarter hour up.
    home.config.write_text(settings.replace("check_delays = [0.1]", "check_delays = [20]"))
    home.start()
    home.connect()
    inboxes = {"Fitferry": home.rides}
    with contextlib.ExitStack() as running:
        running.callback(home.stop)
        assert home.process is not None
        pids = [home.process.pid]
        for name, command in _others(folder, sandbox, url, programs).items():
            inboxes[name] = folder / name
            process = subprocess.Popen(
                command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=_environ(sandbox, port)
            )
            running.callback(process.wait)
            running.callback(process.kill)
            pids.append(process.pid)
        time.sleep(3)
        if given.share > 1:
            running.enter_context(_throttled(pids, given.share))
        waits: dict[str, list[float]] = {name: [] for name in inboxes}
        number = 0
        for turn in range(given.pairs):
            for name in sorted(inboxes, key=lambda name: (list(inboxes).index(name) + turn) % len(inboxes)):
                number += 1
                waits[name].append(_one(sandbox, inboxes[name] / f"{number}.fit", number, given.copy))
    return waits


def _others(folder: Path, sandbox: Sandbox, url: str, programs: Path | None) -> dict[str, list[str]]:
    """The commands of the others, each with an inbox of its name."""
    (folder / "floor").mkdir()
    token = _token(sandbox)
    commands = {
        "floor": [
            sys.executable, "-c", FLOOR, str(folder / "floor"), str(folder / "floor.db"), f"{url}/api/v3", token
        ]
    }  # fmt: skip
    if programs is not None:
        (folder / "stravalib").mkdir()
        script = str(Path(__file__).parent / "peers" / "stravalib_watch.py")
        commands["stravalib"] = [
            str(programs / "python"), script, str(folder / "stravalib"), str(folder / "done")
        ]  # fmt: skip
    return commands


def _token(sandbox: Sandbox) -> str:
    token = sandbox.world.exchange(sandbox.world.grant(("read", "activity:write", "activity:read_all")) or "")
    assert token is not None
    return token.access


def _environ(sandbox: Sandbox, port: int) -> dict[str, str]:
    return {**os.environ, "STRAVA_TOKEN": _token(sandbox), "STRAVA_SERVER": f"127.0.0.1:{port}"}


@contextlib.contextmanager
def _throttled(pids: list[int], share: int) -> Iterator[None]:
    """Let processes run for one millisecond of each `share`."""
    program = [sys.executable, "-c", THROTTLE, str(share), *map(str, pids)]
    throttle = subprocess.Popen(program)
    try:
        yield
    finally:
        throttle.kill()
        throttle.wait()
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def _one(sandbox: Sandbox, path: Path, number: int, copy: float) -> float:
    """Milliseconds from the close of one file to its POST."""
    before = set(sandbox.world.uploads)
    body = ride(START + 500 * number, seconds=10_000, serial=number + 1)
    with path.open("wb") as file:
        file.write(body[: len(body) // 2])
        file.flush()
        time.sleep(copy)
        file.write(body[len(body) // 2 :])
    done = time.time()
    deadline = time.monotonic() + 30
    while set(sandbox.world.uploads) == before:
        assert time.monotonic() < deadline, f"{path} did not arrive"
        time.sleep(0.005)
    upload = max(sandbox.world.uploads.values(), key=lambda upload: upload.id)
    time.sleep(0.4)
    return (upload.began_at - done) * 1000


if __name__ == "__main__":
    main()
