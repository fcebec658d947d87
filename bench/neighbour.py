"""A second user of the machine who exchanges names in the watched folder, for so many rides each way (root).

    python bench/neighbour.py [ROUNDS]

The daemon runs as a user of its own, and must read, write, send and delete nothing outside its folder.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from hostile_neighbour import WAYS, race


def main() -> None:
    """Run and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    for way in WAYS:
        print(
            f"{way:32} {race(way, rounds)} exchanges in {rounds} rounds, nothing outside reached", flush=True
        )


if __name__ == "__main__":
    main()
