"""What were people told already? Keys of what lasts, and the moment up to which outcomes were told."""

from __future__ import annotations

from fitferry.storage.database import put, tuples, writing
from fitferry.storage.models import SentNotificationRow

_OUTCOMES = "outcomes"


def told() -> set[str]:
    """The keys of the problems that people know of."""
    return {key for (key,) in tuples(SentNotificationRow.select(SentNotificationRow.key)) if key != _OUTCOMES}


def tell(key: str, now: float) -> None:
    """Write down that people know of a problem."""
    with writing():
        put(SentNotificationRow, key=key, at=now)


def forget_sent(key: str) -> None:
    """Write down that people know that a problem is over."""
    with writing():
        SentNotificationRow.delete().where(SentNotificationRow.key == key).execute()


def outcomes_sent_until() -> float | None:
    """The moment up to which outcomes were told; None before the first time."""
    row = SentNotificationRow.get_or_none(SentNotificationRow.key == _OUTCOMES)
    return None if row is None else float(row.at)


def set_outcomes_sent_until(until: float) -> None:
    """Write down that moment."""
    with writing():
        put(SentNotificationRow, key=_OUTCOMES, at=until)
