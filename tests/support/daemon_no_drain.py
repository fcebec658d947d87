"""Fitferry that gives uploads in flight no time at a stop: the wiring of a test.

python daemon_no_drain.py run
"""

from __future__ import annotations

from fitferry import daemon
from fitferry.__main__ import main

if __name__ == "__main__":
    daemon.DRAIN_SECONDS = 0.1
    main()
