"""Fitferry with one failpoint: the wiring of a test, which dies by SIGKILL where FITFERRY_FAILPOINT says.

    FITFERRY_FAILPOINT=NAME[:COUNT] python daemon_failpoints.py run

It dies at the COUNT-th passing. The package itself knows nothing of this.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

from fitferry.__main__ import main
from fitferry.auth import token_cipher
from fitferry.storage import accounts, activities, attempts, database, database_file
from fitferry.strava import Strava
from fitferry.uploads import safe_move

POINTS: dict[str, tuple[Any, str, str]] = {
    "before a sending is written": (attempts, "mark_sending", "before"),
    "before sending": (attempts, "mark_sending", "after"),
    "before the outcome is written": (attempts, "record", "before"),
    "after the outcome was written": (attempts, "record", "after"),
    "before a file is admitted": (activities, "admit", "before"),
    "after a file was admitted": (activities, "admit", "after"),
    "after a fresh file was admitted as being sent": (activities, "admit", "after"),
    "before a fresh file that was admitted as being sent goes out": (Strava, "upload", "before"),
    "before the outcome of a fresh file is written": (attempts, "record", "before"),
    "between refresh and commit": (accounts, "update_tokens", "before"),
    "in a migration": (type(database.database), "execute_sql", "migration"),
    "in a backup": (database_file, "is_whole", "copy"),
    "in a rotation, keys written": (token_cipher, "write_keys", "after"),
    "in a rotation, tokens sealed anew": (accounts, "update_tokens", "after"),
    "before a file is put away": (safe_move, "archive", "before"),
    "after a file was put away": (safe_move, "archive", "after"),
}
"""What is wrapped, and where the daemon dies in it."""
PASSINGS = {"in a migration": 26, "in a rotation, keys written": 2}
"""How often one life passes a point, where that is more than once."""


def _dying(call: Callable[..., Any], where: str, count: int) -> Callable[..., Any]:
    passed = [0]

    def die() -> None:
        passed[0] += 1
        if passed[0] == count:
            os.kill(os.getpid(), signal.SIGKILL)

    def called(*given: Any, **options: Any) -> Any:
        words = " ".join(map(str, given[:2]))
        counts = {"migration": "CREATE" in words or "ALTER" in words, "copy": ".part" in words}.get(
            where, True
        )
        if counts and where in {"before", "copy"}:
            die()
        answer = call(*given, **options)
        if counts and where in {"after", "migration"}:
            die()
        return answer

    return called


if __name__ == "__main__":
    name, _, count = os.environ.get("FITFERRY_FAILPOINT", "").partition(":")
    if name:
        owner, attribute, where = POINTS[name]
        setattr(owner, attribute, _dying(getattr(owner, attribute), where, int(count or 1)))
    main()
