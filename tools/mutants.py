"""Mutation tests: change one thing in a module at a time, and see whether its tests notice.

    python tools/mutants.py [--sample N] [--seed N] [--tests FILE …] [PART …]

PART names modules or folders of the package (`core`, `uploads/worker`), whose tests are in the folder of the same name
below `tests/unit`. Survivors that `tools/mutants_accepted.toml` names with a reason count as killed; a name there of
which no mutant survives is said, unless this is a sample. Exit 1 below the score asked for. `MUTANTS_LOG` names a file
for what the tests say.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import os
import random
import tomllib
from collections.abc import Sequence
from pathlib import Path

from mutant_changes import Mutant, mutants_of
from mutant_runs import survivors

TOP = Path(__file__).parents[1]
PACKAGE = TOP / "daemon" / "fitferry"
ACCEPTED = Path(__file__).with_name("mutants_accepted.toml")
PARTS = (
    "core",
    "uploads",
    "auth",
    "formats/fit",
    *(f"strava/{name}" for name in ("answer_forms", "error_responses", "responses")),
)
WANTED_SCORE = 0.9
LIBRARIES = ("httpx", "peewee", "playhouse.migrations", "huey", "structlog", "cryptography.fernet")
"""What the tests load and no mutant changes: loaded once, before the forks."""


def _modules(parts: Sequence[str]) -> list[Path]:
    found: list[Path] = []
    for part in parts:
        place = PACKAGE / part
        found += sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    return found


def accepted() -> dict[str, str]:
    """Survivors that are right to survive, each with its reason."""
    return tomllib.loads(ACCEPTED.read_text(encoding="utf-8")) if ACCEPTED.exists() else {}


def every_mutant(parts: Sequence[str] = PARTS) -> list[Mutant]:
    """All that these parts of the package may become."""
    return [mutant for path in _modules(parts) for mutant in mutants_of(path, PACKAGE)]


def main() -> None:
    """Run, print survivors and the score."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("parts", nargs="*", default=PARTS)
    words.add_argument("--sample", type=int, help="so many mutants of all, chosen by the seed")
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--tests", nargs="+", type=Path, help="these files of tests instead of the folder's")
    given = words.parse_args()
    for name in LIBRARIES:
        importlib.import_module(name)
    os.chdir(TOP)
    every = every_mutant(given.parts)
    modules = {mutant.module for mutant in every} if given.sample is None else set()
    if given.sample and given.sample < len(every):
        chosen = set(
            random.Random(given.seed).sample(range(len(every)), given.sample)
        )  # the same for the same seed
        every = [mutant for number, mutant in enumerate(every) if number in chosen]
    known, left = accepted(), list[Mutant]()
    for folder, mutants in itertools.groupby(every, lambda mutant: mutant.module.split("/")[0]):
        left += survivors(list(mutants), given.tests or [TOP / "tests/unit" / folder])
    named = [mutant for mutant in left if mutant.name in known]
    for mutant in left:
        print("accepted" if mutant in named else "survived", f"line {mutant.line}: {mutant.name}")
    for name in known.keys() - {mutant.name for mutant in named}:
        if name.partition(":")[0] in modules:
            print("accepted, but noticed:", name)
    score = 1 - (len(left) - len(named)) / len(every)
    print(f"{len(every)} mutants, {len(left)} survived, {len(named)} of them accepted: score {score:.1%}")
    raise SystemExit(score < WANTED_SCORE)


if __name__ == "__main__":
    main()
