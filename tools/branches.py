"""Branches that tests take in each package, from coverage's report as JSON; ends with 1 where they are too few.

`python tools/branches.py REPORT`. Coverage's own gate counts lines and branches together, and lines are many more.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

LEAST = 95.0
"""Percent of the branches in each package."""


def shares(report: dict[str, Any]) -> dict[str, float]:
    """For each package, the branches that are taken, in percent; `report` as coverage writes it."""
    taken: Counter[str] = Counter()
    there: Counter[str] = Counter()
    for name, file in report["files"].items():
        package = name.split("fitferry/")[1].split("/")[0]
        taken[package] += file["summary"]["covered_branches"]
        there[package] += file["summary"]["num_branches"]
    return {package: 100 * taken[package] / there[package] for package in sorted(there) if there[package]}


if __name__ == "__main__":
    found = shares(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    for package, share in found.items():
        sys.stdout.write(f"{package}: {share:.1f} % of the branches\n")
    few = [package for package, share in found.items() if share < LEAST]
    sys.exit(f"fewer than {LEAST:.0f} % of the branches: {', '.join(few)}" if few or not found else 0)
