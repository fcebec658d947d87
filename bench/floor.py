"""How near is Fitferry to what cannot be avoided: an event, a read, a SHA-256, one synced commit, TLS and the POST?

    python bench/floor.py [--pairs N] [--round-trip MS] [--copy SECONDS]

The floor is one thread without anything else (`FLOOR` below). Both send to the same sandbox over TLS, file by file in
turn; `--round-trip` puts a relay before it, `--copy` lets each file take so long to be written. Printed: the medians of
the time from the close to the first byte of the POST at the server, and their ratio.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.relay import Relay

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


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=30)
    parser.add_argument("--round-trip", type=float, default=0.0)
    parser.add_argument("--copy", type=float, default=0.001)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="floor-") as name:
        folder = Path(name)
        certificate = _certificate(folder)
        os.environ["SSL_CERT_FILE"] = str(certificate[0])
        with (
            Sandbox(certificate=certificate) as sandbox,
            Relay(sandbox.port, given.round_trip / 1000) as relay,
        ):
            url = f"https://127.0.0.1:{relay.port if given.round_trip else sandbox.port}"
            ours, floor = _measure(folder, sandbox, url, given.pairs, given.copy)
    print(
        f"close -> first byte of the POST, {given.pairs} pairs, copy {given.copy:g} s, round trip "
        f"{given.round_trip:g} ms: Fitferry {ours:.1f} ms, floor {floor:.1f} ms, ratio {ours / floor:.2f}"
    )


def _measure(folder: Path, sandbox: Sandbox, url: str, pairs: int, copy: float) -> tuple[float, float]:
    """The medians of Fitferry and of the floor, in milliseconds."""
    home = DaemonHarness(folder, sandbox)
    settings = home.config.read_text().replace(sandbox.url, url)
    # Looks at what is processed would use the reads of the quarter hour up.
    home.config.write_text(settings.replace("check_delays = [0.1]", "check_delays = [20]"))
    home.start()
    home.connect()
    inbox = folder / "floor"
    inbox.mkdir()
    token = sandbox.world.exchange(sandbox.world.grant(("read", "activity:write")) or "")
    assert token is not None
    program = [
        sys.executable,
        "-c",
        FLOOR,
        str(inbox),
        str(folder / "floor.db"),
        f"{url}/api/v3",
        token.access,
    ]
    floor = subprocess.Popen(program, stdout=subprocess.PIPE)
    waits: dict[Path, list[float]] = {home.rides: [], inbox: []}
    try:
        assert floor.stdout is not None
        floor.stdout.readline()
        time.sleep(2)
        for number in range(pairs):
            for place in (home.rides, inbox) if number % 2 else (inbox, home.rides):
                waits[place].append(
                    _one(sandbox, place / f"{number}.fit", 2 * number + (place == inbox), copy)
                )
    finally:
        floor.kill()
        floor.wait()
        home.stop()
    return statistics.median(waits[home.rides]), statistics.median(waits[inbox])


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


def _certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that is its own authority, and its key."""
    public, private = folder / "public.pem", folder / "private.pem"
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=sandbox"
    command = ["openssl", *words.split(), "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command, "-out", public, "-keyout", private], check=True, capture_output=True)
    return public, private


if __name__ == "__main__":
    main()
