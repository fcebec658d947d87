"""The breakers: waits that all jobs share. Closed (no row), open until a time, then half open: one job probes.

The one place where a breaker changes; `core.retry_policy` decides what opens it, and for how long.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields

from fitferry.core.breaker import Breaker, BreakerName, BreakerTrip
from fitferry.core.retry_results import MAX_BREAKER_SECONDS, NETWORK_SECONDS
from fitferry.storage.cached import Cached
from fitferry.storage.models import BreakerRow
from fitferry.storage.statements import put


def _read() -> dict[BreakerName, Breaker]:
    return {
        BreakerName(row.name): Breaker(
            BreakerName(row.name), row.until, row.since, row.tries, row.code, row.message, row.probing
        )
        for row in BreakerRow.select()
    }


_breakers = Cached(_read)


def open_breakers() -> dict[BreakerName, Breaker]:
    """The breakers that are not closed."""
    return dict(_breakers.get())


def seconds_blocked(now: float) -> float:
    """Seconds for which nobody may pass, not even a probe; 0 if somebody may."""
    return max(
        (breaker.until - now for breaker in open_breakers().values() if breaker.blocks(now)), default=0.0
    )


def open(trip: BreakerTrip, now: float) -> None:  # noqa: A001  the field's word for it; the module is named where it is called
    """Open a breaker, or keep it open for longer; a probe under way has failed by this."""
    with _breakers.changing():
        breaker = Breaker.opened(trip, open_breakers().get(trip.name), now)
        put(BreakerRow, **{field.name: getattr(breaker, field.name) for field in fields(breaker)})


def close(*names: BreakerName) -> bool:
    """Close breakers; whether any was open."""
    if not open_breakers().keys() & set(names):
        return False
    with _breakers.changing():
        return bool(BreakerRow.delete().where(BreakerRow.name.in_(names)).execute())


@contextlib.contextmanager
def passing(clock: Callable[[], float]) -> Iterator[bool]:
    """Pass for one attempt: False if a breaker blocks it. The first to pass a half-open one is its only probe.

    A probe that neither closed its breaker nor opened it anew leaves it to the next attempt.
    """
    probed = _take_probes(clock())
    try:
        yield probed is not None
    finally:
        release_probe(probed or [], clock())


def release_probe(names: list[BreakerName], now: float) -> None:
    """Let breakers be probed by the next job, after a probe that did not ask Strava."""
    leased = (BreakerRow.name.in_(names)) & (BreakerRow.until > now) & BreakerRow.probing
    known = open_breakers()
    if any(name in known and known[name].probing and known[name].blocks(now) for name in names):
        with _breakers.changing():
            BreakerRow.update(until=now, probing=False).where(leased).execute()


def probe_now(names: Iterable[BreakerName], now: float) -> None:
    """Let breakers be probed by the next job, without waiting for their time."""
    wanted = list(names)
    if open_breakers().keys() & set(wanted):
        with _breakers.changing():
            BreakerRow.update(until=now).where(BreakerRow.name.in_(wanted), BreakerRow.until > now).execute()


def probe_after_start(now: float) -> None:
    """Let breakers be probed at once where a restart may have helped: people restart after they mend something."""
    probe_now([BreakerName.SETTINGS, BreakerName.NETWORK], now)


def clamp(now: float) -> None:
    """Let no breaker stay open for longer than it may: the clock may have jumped back."""
    for breaker in open_breakers().values():
        within = breaker.within(MAX_BREAKER_SECONDS[breaker.name], now)
        if within.until < breaker.until:
            with _breakers.changing():
                BreakerRow.update(until=within.until, since=within.since).where(
                    BreakerRow.name == breaker.name
                ).execute()


def _take_probes(now: float) -> list[BreakerName] | None:
    """The half-open breakers whose one probe this attempt is; None if a breaker blocks it."""
    breakers = open_breakers()
    if any(breaker.blocks(now) for breaker in breakers.values()):
        return None
    close(BreakerName.RATE_LIMIT)  # its time is over: nothing has to be probed
    probed: list[BreakerName] = [name for name in breakers if name is not BreakerName.RATE_LIMIT]
    return probed if all(_take_probe(name, now) for name in probed) else None


def _take_probe(name: BreakerName, now: float) -> bool:
    with _breakers.changing():
        half_open = (BreakerRow.name == name, BreakerRow.until <= now)
        return bool(BreakerRow.update(until=now + NETWORK_SECONDS, probing=True).where(*half_open).execute())
