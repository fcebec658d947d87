"""How many broken files are repaired, as two foreign decoders judge it.

    python bench/repair.py [FOLDER OF REAL FILES] [CUTS]

Real activities whose summaries are those of their records, as both decoders read them, are cut at random places after their first minute, repaired, and read again.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from decoders import by_fitdecode, by_fitparse, is_right
from fitferry.core.activity import FileKind
from fitferry.formats import fit
from fitferry.formats.fit.repair import NotRepairable, repair
from samples import SAMPLES

MAX_FILES = 40


def main() -> None:
    """Cut, repair, judge, print."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLES
    cuts = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    chosen = [(path, data, first) for path, data, first in _files(folder)][:MAX_FILES]
    random_ = random.Random(20261127)
    outcomes: Counter[str] = Counter()
    for number in range(cuts):
        path, data, first = chosen[number % len(chosen)]
        at = random_.randrange(first, len(data) - 1)
        outcome = _outcome(data[:at])
        outcomes[outcome] += 1
        if outcome != "right":
            print(f"{path.name[:70]} cut at {at:,} of {len(data):,}: {outcome}")
    print(f"{len(chosen)} files, {cuts} cuts: {dict(outcomes)}")


def _files(folder: Path) -> list[tuple[Path, bytes, int]]:
    found = []
    for path in sorted(folder.glob("*.[fF][iI][tT]")):
        data = path.read_bytes()
        minute = first_minute(data)
        if minute is not None and is_right(by_fitparse(data)) and is_right(by_fitdecode(data)):
            found.append((path, data, minute))
    return found


def first_minute(data: bytes) -> int | None:
    """Where the first minute of a whole activity ends; None where there is no such place."""
    result = fit.inspect([data])
    if result.kind is not FileKind.ACTIVITY:
        return None
    low, high = 14, len(data) - 1
    while low < high:
        middle = (low + high) // 2
        try:
            elapsed = repair(data[:middle]).result.facts.elapsed_s or 0
        except NotRepairable:
            elapsed = 0
        low, high = (middle + 1, high) if elapsed < 60 else (low, middle)
    return low if low < len(data) - 1 else None


def _outcome(cut: bytes) -> str:
    try:
        made = repair(cut).data
    except NotRepairable as error:
        return str(error)
    judged = {"fitparse": by_fitparse(made), "fitdecode": by_fitdecode(made)}
    unread = [name for name, found in judged.items() if found is None]
    if unread:
        return f"not read by {' and '.join(unread)}"
    wrong = [name for name, found in judged.items() if not is_right(found)]
    return f"wrong by {' and '.join(wrong)}" if wrong else "right"


if __name__ == "__main__":
    main()
