"""Breakers: waits that all jobs share, closed, open, or half open."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from fitferry.core.messages import Message
from fitferry.core.strava import StravaErrorKind


class BreakerName(StrEnum):
    """A wait that all jobs share."""

    NETWORK = "network"
    RATE_LIMIT = "rate_limit"
    SETTINGS = "settings"


class BreakerCause(StrEnum):
    """What opens a breaker beside one failed request, which is known by its kind."""

    OUTAGE = "outage"
    """Uploads of several jobs in a row have failed."""


@dataclass(frozen=True, slots=True)
class BreakerTrip:
    """What opens a breaker, or keeps it open: until when, and why."""

    name: BreakerName
    until: float
    code: StravaErrorKind | BreakerCause
    message: Message


@dataclass(frozen=True, slots=True)
class Breaker:
    """A wait that all jobs share: open until `until`, then half open: one job may try (`probing`).

    A breaker that is closed does not exist. `since`: when it was opened; `tries`: how often it was tried in vain.
    """

    name: BreakerName
    until: float
    since: float
    tries: int
    code: str
    message: Message
    probing: bool = False

    @classmethod
    def opened(cls, trip: BreakerTrip, before: Breaker | None, now: float) -> Breaker:
        """The breaker after a trip. One that was open keeps the time since when; a limit only ever lasts longer."""
        until, since, tries = trip.until, now, 1
        if before is not None:
            since, tries = before.since, before.tries + 1
            if trip.name is BreakerName.RATE_LIMIT:
                until = max(before.until, until)
        return cls(trip.name, until, since, tries, trip.code, trip.message)

    def blocks(self, now: float) -> bool:
        """Whether nobody may pass now, not even a probe."""
        return self.until > now

    def within(self, longest: float, now: float) -> Breaker:
        """The breaker with no more than `longest` seconds left: the clock may have jumped back.

        One that was opened at a time to come was opened by a clock that was wrong by at least so much.
        """
        ahead = max(0.0, self.since - now)
        return replace(self, until=min(self.until - ahead, now + longest), since=self.since - ahead)
