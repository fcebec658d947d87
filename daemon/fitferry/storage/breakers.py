"""What do all jobs share? Strava's allowance as last heard, and the gates that are shut."""

from __future__ import annotations

from fitferry.core.upload import Breaker, BreakerName
from fitferry.storage.database import put, writing
from fitferry.storage.models import BreakerRow


def open_breakers() -> dict[BreakerName, Breaker]:
    """The gates that are shut."""
    return {
        BreakerName(row.name): Breaker(
            BreakerName(row.name), row.until, row.since, row.tries, row.code, row.message
        )
        for row in BreakerRow.select()
    }


def shut(breaker: Breaker) -> None:
    """Shut a gate, or keep it shut for longer; one that is shut keeps the time since when.

    A limit only ever lasts longer; elsewhere a probe that failed ends its own lease.
    """
    with writing():
        before = open_breakers().get(breaker.name)
        put(
            BreakerRow,
            name=breaker.name,
            until=max(before.until, breaker.until)
            if before and breaker.name is BreakerName.RATE_LIMIT
            else breaker.until,
            since=before.since if before else breaker.since,
            tries=breaker.tries,
            code=breaker.code,
            message=breaker.message,
            probing=False,
        )


def close(*names: BreakerName) -> bool:
    """Open gates; whether any was shut."""
    if not BreakerRow.select().where(BreakerRow.name.in_(names)).exists():
        return False
    with writing():
        return bool(BreakerRow.delete().where(BreakerRow.name.in_(names)).execute())


def take_probe(name: BreakerName, now: float, lease: float) -> bool:
    """Be the one job that tries a gate whose time has come; False if another one is."""
    with writing():
        return bool(
            BreakerRow.update(until=now + lease, probing=True)
            .where(BreakerRow.name == name, BreakerRow.until <= now)
            .execute()
        )


def release_probe(names: list[BreakerName], now: float) -> None:
    """Let gates be tried by the next job, after a probe that did not ask Strava."""
    leased = (BreakerRow.name.in_(names)) & (BreakerRow.until > now) & BreakerRow.probing
    if names and BreakerRow.select().where(leased).exists():
        with writing():
            BreakerRow.update(until=now, probing=False).where(leased).execute()


def try_now(names: list[BreakerName], now: float) -> None:
    """Let gates be tried by the next job, as far in the future as that may be."""
    with writing():
        BreakerRow.update(until=now).where(BreakerRow.name.in_(names), BreakerRow.until > now).execute()


def probe_all_now(now: float) -> None:
    """After a start: let gates be tried at once where that may help."""
    try_now([BreakerName.SETTINGS, BreakerName.NETWORK], now)


def clamp(longest: dict[BreakerName, float], now: float) -> None:
    """Let no gate be shut for longer than its longest wait from now: the clock may have jumped back.

    One that is shut since a time to come was shut by a clock that was wrong by at least so much.
    """
    for breaker in open_breakers().values():
        ahead = max(0.0, breaker.since - now)
        until = min(breaker.until - ahead, now + longest[breaker.name])
        if until < breaker.until:
            with writing():
                BreakerRow.update(until=until, since=breaker.since - ahead).where(
                    BreakerRow.name == breaker.name
                ).execute()
