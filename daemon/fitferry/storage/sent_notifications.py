"""What were people told already? Keys of what lasts, and the moment up to which outcomes were told."""

from __future__ import annotations

from fitferry.storage.database import put, tuples, writing
from fitferry.storage.models import NoticeRow

_OUTCOMES = "outcomes"


def told() -> set[str]:
    """The keys of the problems that people know of."""
    return {key for (key,) in tuples(NoticeRow.select(NoticeRow.key)) if key != _OUTCOMES}


def tell(key: str, now: float) -> None:
    """Write down that people know of a problem."""
    with writing():
        put(NoticeRow, key=key, at=now)


def untell(key: str) -> None:
    """Write down that people know that a problem is over."""
    with writing():
        NoticeRow.delete().where(NoticeRow.key == key).execute()


def outcomes_told_until() -> float | None:
    """The moment up to which outcomes were told; None before the first time."""
    row = NoticeRow.get_or_none(NoticeRow.key == _OUTCOMES)
    return None if row is None else float(row.at)


def outcomes_were_told(until: float) -> None:
    """Write down that moment."""
    with writing():
        put(NoticeRow, key=_OUTCOMES, at=until)
