"""What people were told already, and the notifications that no messenger has taken yet.

That something was told, and the notification itself, are written in one transaction: none is lost, none is doubled.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from fitferry.core.messages import Message
from fitferry.storage.database import write, writing
from fitferry.storage.models import NotificationRow, SentNotificationRow
from fitferry.storage.statements import put, tuples

MAX_WAITING = 1_000
"""Notifications that wait at most; then the oldest go."""
_OUTCOMES = "outcomes"


@dataclass(frozen=True, slots=True)
class Notification:
    title: Message
    body: Message


@dataclass(frozen=True, slots=True)
class WaitingNotification:
    """One that is not taken yet. `addresses`: digests of those that have still to take it, None for all."""

    id: int
    notification: Notification
    created_at: float
    addresses: tuple[str, ...] | None


def sent_problems() -> dict[str, tuple[int, float]]:
    """The keys of the problems that people know of: the newest job that each was told for, and when."""
    row = SentNotificationRow
    rows = tuples(row.select(row.key, row.latest, row.at))
    return {key: (latest, at) for key, latest, at in rows if key != _OUTCOMES}


def problem_sent(key: str, latest: int, notification: Notification | None, now: float) -> None:
    """Write down that a problem is told."""
    with writing():
        put(SentNotificationRow, key=key, at=now, latest=latest)
        _add([notification] if notification else [], now)


def problem_resolved(key: str, notification: Notification, now: float) -> None:
    """Write down that it is told that a problem is resolved."""
    with writing():
        SentNotificationRow.delete().where(SentNotificationRow.key == key).execute()
        _add([notification], now)


def outcomes_sent_until() -> int | None:
    """The finish number of the last upload whose outcome was told; None before the first time."""
    row = SentNotificationRow.get_or_none(SentNotificationRow.key == _OUTCOMES)
    return None if row is None else int(row.latest)


def outcomes_sent(until: int, notifications: Iterable[Notification], now: float) -> None:
    """Write down that outcomes are told up to a finish number."""
    with writing():
        put(SentNotificationRow, key=_OUTCOMES, at=now, latest=until)
        _add(notifications, now)


def waiting() -> list[WaitingNotification]:
    """The notifications that are not taken yet, oldest first."""
    return [
        WaitingNotification(
            row.id,
            Notification(row.title, row.body),
            row.created_at,
            None if row.addresses is None else tuple(json.loads(row.addresses)),
        )
        for row in NotificationRow.select().order_by(NotificationRow.id)
    ]


def any_waiting() -> bool:
    return bool(NotificationRow.select().exists())


def taken(ids: Iterable[int]) -> None:
    """Forget notifications that every messenger has taken."""
    write(NotificationRow.delete().where(NotificationRow.id.in_(list(ids))))


def not_taken(ids: Iterable[int], addresses: Iterable[str]) -> None:
    """Keep notifications for the addresses that have not taken them."""
    write(
        NotificationRow.update(addresses=json.dumps(sorted(addresses))).where(
            NotificationRow.id.in_(list(ids))
        )
    )


def _add(notifications: Iterable[Notification], now: float) -> None:
    for notification in notifications:
        NotificationRow.insert(title=notification.title, body=notification.body, created_at=now).execute()
    newest = NotificationRow.select(NotificationRow.id).order_by(NotificationRow.id.desc()).limit(MAX_WAITING)
    NotificationRow.delete().where(NotificationRow.id.not_in(newest)).execute()
