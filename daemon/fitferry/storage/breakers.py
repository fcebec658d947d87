"""What do all jobs share? Strava's allowance as last heard, and the gates that are shut."""

from __future__ import annotations

from fitferry.core.upload import Gate, GateName
from fitferry.storage.database import put, writing
from fitferry.storage.models import GateRow


def gates() -> dict[GateName, Gate]:
    """The gates that are shut."""
    return {
        GateName(row.name): Gate(GateName(row.name), row.until, row.since, row.tries, row.code, row.message)
        for row in GateRow.select()
    }


def shut(gate: Gate) -> None:
    """Shut a gate, or keep it shut for longer; one that is shut keeps the time since when.

    A limit only ever lasts longer; elsewhere a probe that failed ends its own lease.
    """
    with writing():
        before = gates().get(gate.name)
        put(
            GateRow,
            name=gate.name,
            until=max(before.until, gate.until)
            if before and gate.name is GateName.RATE_LIMIT
            else gate.until,
            since=before.since if before else gate.since,
            tries=gate.tries,
            code=gate.code,
            message=gate.message,
            probing=False,
        )


def reopen(*names: GateName) -> bool:
    """Open gates; whether any was shut."""
    if not GateRow.select().where(GateRow.name.in_(names)).exists():
        return False
    with writing():
        return bool(GateRow.delete().where(GateRow.name.in_(names)).execute())


def take_probe(name: GateName, now: float, lease: float) -> bool:
    """Be the one job that tries a gate whose time has come; False if another one is."""
    with writing():
        return bool(
            GateRow.update(until=now + lease, probing=True)
            .where(GateRow.name == name, GateRow.until <= now)
            .execute()
        )


def hurry(names: list[GateName], now: float) -> None:
    """Let gates be tried by the next job, after a probe that did not ask Strava."""
    leased = (GateRow.name.in_(names)) & (GateRow.until > now) & GateRow.probing
    if names and GateRow.select().where(leased).exists():
        with writing():
            GateRow.update(until=now, probing=False).where(leased).execute()


def try_now(names: list[GateName], now: float) -> None:
    """Let gates be tried by the next job, as far in the future as that may be."""
    with writing():
        GateRow.update(until=now).where(GateRow.name.in_(names), GateRow.until > now).execute()


def hurry_gates(now: float) -> None:
    """After a start: let gates be tried at once where that may help."""
    try_now([GateName.SETTINGS, GateName.NETWORK], now)


def clamp(longest: dict[GateName, float], now: float) -> None:
    """Let no gate be shut for longer than its longest wait from now: the clock may have jumped back.

    One that is shut since a time to come was shut by a clock that was wrong by at least so much.
    """
    for gate in gates().values():
        ahead = max(0.0, gate.since - now)
        until = min(gate.until - ahead, now + longest[gate.name])
        if until < gate.until:
            with writing():
                GateRow.update(until=until, since=gate.since - ahead).where(
                    GateRow.name == gate.name
                ).execute()
