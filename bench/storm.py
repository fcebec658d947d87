"""Nothing lost, nothing doubled: a daemon that is killed again and again while answers are lost.

    python bench/storm.py [KILLS] [FILES] [SEED] [--no-refusal] [--no-read] [--few]

--no-refusal: a Strava that refuses no duplicates; what holds then is Fitferry's own looking first.
--few: so few files at a time that each finds a free worker, and is admitted as being sent in one commit.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from kill_storm import AT_ONCE, storm

FEW = 2


def main() -> None:
    """Run and print; exit 1 if anything was lost, doubled or told wrongly."""
    numbers = [int(word) for word in sys.argv[1:] if not word.startswith("--")]
    kills, files, seed = [*numbers, *[2_000, 10_000, 1][len(numbers) :]]
    with tempfile.TemporaryDirectory() as folder:
        report = storm(
            Path(folder),
            kills=kills,
            files=files,
            seed=seed,
            refuse_duplicates="--no-refusal" not in sys.argv,
            can_read="--no-read" not in sys.argv,
            at_once=FEW if "--few" in sys.argv else AT_ONCE,
            told=lambda words: print(words, flush=True),
        )
    print(f"{report.kills:,} kills, {report.files:,} files in {report.seconds / 60:.1f} min")
    print(
        f"completed {report.completed:,}, activities {report.activities:,}, uploads sent {report.uploads:,}"
    )
    print(f"lost {len(report.lost)}, doubled {len(report.doubled)}, told wrongly {len(report.untrue)}")
    print(f"integrity_check: {report.integrity}")
    for words in [*report.lost, *report.doubled, *report.untrue][:20]:
        print(f"  {words}")
    sys.exit(0 if report.is_clean else 1)


if __name__ == "__main__":
    main()
