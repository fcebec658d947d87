"""How does Fitferry compare with what people use today? The same scenarios for all, one table.

    python bench/peers [--files N] [--cache FOLDER] [NAME ...]

Peers are installed into venvs below the cache at their first run; NAME chooses those whose name holds it.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "support"))
sys.path.insert(0, str(Path(__file__).parents[2]))

from bench.peers import scenarios
from bench.peers.contenders import CONTENDERS, Contender
from bench.peers.table import Cells, better, table
from bench.peers.venvs import NotRun

from certificates import self_signed

CACHE = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "fitferry-peers"
TRUSTED = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
NOTES = f"""\
- Each scenario has a sandbox of its own, over TLS, which takes 2 s to process an upload.
- Fitferry runs as it comes, but its waits of a minute and more after a failure are 5 s here.
- `stravalib_watch.py` and `curl_loop.sh` were written for this; the loop does not look for files at its start.
- Fit-File-Faker sends to Garmin: it is followed to its first request, which a proxy refuses.
- A real 429 lasts until the quarter hour, for which Fitferry waits; this one is over at once.
- Installed: {"; ".join(" ".join(one.packages or one.programs) for one in CONTENDERS[1:])}."""


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--files", type=int, default=10)
    parser.add_argument("--cache", type=Path, default=CACHE)
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began, cache = time.monotonic(), given.cache.expanduser().resolve()
    ours, *peers = CONTENDERS
    wanted = [name.lower() for name in given.names] or [""]
    chosen = [one for one in peers if any(name in one.name.lower() for name in wanted)]
    homes = {one: _home(one, cache) for one in [ours, *chosen]}
    columns: dict[str, Cells | str] = {}
    with tempfile.TemporaryDirectory(prefix="peers-") as folder:
        certificate = self_signed(Path(folder))
        os.environ |= dict.fromkeys(TRUSTED, str(certificate[0]))
        for one, home in homes.items():
            print(f"{time.monotonic() - began:3.0f} s: {one.name}", file=sys.stderr, flush=True)
            if isinstance(home, str):
                columns[one.name] = home
            else:
                columns[one.name] = scenarios.run(one, home, certificate, given.files)
    print("\n".join([*table(columns), "", *better(columns), NOTES]))
    machine = f"{os.cpu_count()} CPUs, Python {platform.python_version()}"
    command = " ".join(["python bench/peers", "--files", str(given.files), *given.names])
    print(f"- {time.strftime('%Y-%m-%d')}, `{command}`, {machine}, {time.monotonic() - began:.0f} s.")


def _home(kind: type[Contender], cache: Path) -> Path | str:
    """Where a contender's programs are; why it cannot be run."""
    try:
        return kind.installed(cache)
    except NotRun as why:
        return f"not run: {why}"


if __name__ == "__main__":
    main()
