"""Who is connected? Sealed tokens, the accounts behind the names, and consents under way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fitferry.ledger.tables import AthleteRow, FarewellRow, OauthStateRow, put, tuples, writing
from fitferry.model.jobs import Athlete, Trouble

STATE_SECONDS = 600
"""How long a consent may take from its address to its callback."""


@dataclass(frozen=True, slots=True)
class Consent:
    """One consent that was asked for: whose, when, and what came of it so far."""

    athlete: str
    created_at: float
    used_at: float | None
    outcome: str | None
    message: str | None


@dataclass(frozen=True, slots=True)
class Farewell:
    """Sealed tokens that are yet to be revoked."""

    id: int
    athlete: str
    sealed: bytes


def get(name: str) -> Athlete:
    """What is known of an athlete; one that was never connected is simply not connected."""
    row = AthleteRow.get_or_none(AthleteRow.name == name)
    if row is None:
        return Athlete(name, connected=False)
    return Athlete(
        name=name,
        connected=row.sealed_tokens is not None,
        # After a farewell the account is known to `is_another` alone.
        athlete_id=row.athlete_id if row.sealed_tokens is not None or row.trouble else None,
        display_name=row.display_name,
        scopes=tuple(row.scopes.split()),
        trouble=Trouble(row.trouble) if row.trouble else None,
        trouble_since=row.trouble_since,
    )


def connected(names: Iterable[str]) -> list[str]:
    """Those of the names that have tokens."""
    rows = AthleteRow.select(AthleteRow.name).where(
        AthleteRow.name.in_(list(names)), AthleteRow.sealed_tokens.is_null(False)
    )
    return [name for (name,) in tuples(rows)]


def connect(
    name: str, athlete_id: int | None, display_name: str | None, scopes: Iterable[str], sealed: bytes
) -> None:
    """Write down a new connection; whatever troubled the old one is over.

    Older tokens of the same account are not revoked any more: that would end this connection, too.
    """
    with writing():
        FarewellRow.delete().where(FarewellRow.athlete_id == athlete_id).execute()
        put(
            AthleteRow,
            name=name,
            athlete_id=athlete_id,
            display_name=display_name,
            scopes=" ".join(scopes),
            sealed_tokens=sealed,
        )


def is_another(name: str, athlete_id: int | None) -> bool:
    """Whether a name stood for another account the last time that it was connected."""
    row = AthleteRow.get_or_none(AthleteRow.name == name)
    return row is not None and None not in {row.athlete_id, athlete_id} and row.athlete_id != athlete_id


def sealed_tokens(name: str) -> bytes | None:
    """The sealed tokens of an athlete, None if there are none."""
    row = AthleteRow.get_or_none(AthleteRow.name == name)
    return bytes(row.sealed_tokens) if row is not None and row.sealed_tokens is not None else None


def with_tokens() -> list[str]:
    """Everybody who has tokens, in the settings or not, for the rotation of the key."""
    rows = AthleteRow.select(AthleteRow.name).where(AthleteRow.sealed_tokens.is_null(False))
    return [name for (name,) in tuples(rows)]


def renew(name: str, sealed: bytes) -> None:
    """Replace the sealed tokens of an athlete who is still connected."""
    with writing():
        where = (AthleteRow.name == name) & AthleteRow.sealed_tokens.is_null(False)
        AthleteRow.update(sealed_tokens=sealed).where(where).execute()


def lose(name: str, trouble: Trouble, now: float, refused: bytes | None = None) -> bool:
    """Forget tokens that cannot be used any more, and why; False if there were none.

    `refused`: these sealed tokens, and no others that were stored since.
    """
    there = (
        AthleteRow.sealed_tokens.is_null(False) if refused is None else AthleteRow.sealed_tokens == refused
    )
    with writing():
        return bool(
            AthleteRow.update(sealed_tokens=None, trouble=trouble, trouble_since=now)
            .where(AthleteRow.name == name, there)
            .execute()
        )


def disconnect(name: str) -> None:
    """Forget an athlete's tokens and name; what can still be revoked is kept for a farewell."""
    with writing():
        row = AthleteRow.get_or_none(AthleteRow.name == name)
        if row is not None and row.sealed_tokens is not None:
            FarewellRow.insert(athlete=name, athlete_id=row.athlete_id, sealed=row.sealed_tokens).execute()
        AthleteRow.update(
            sealed_tokens=None,
            display_name=None,
            scopes="",
            trouble=None,
            trouble_since=None,
        ).where(AthleteRow.name == name).execute()


def farewells() -> list[Farewell]:
    """The sealed tokens that are yet to be revoked at Strava."""
    rows = FarewellRow.select(FarewellRow.id, FarewellRow.athlete, FarewellRow.sealed)
    return [Farewell(number, athlete, bytes(sealed)) for number, athlete, sealed in tuples(rows)]


def farewell(number: int) -> Farewell | None:
    """One of them, if it still is to be revoked."""
    return next((one for one in farewells() if one.id == number), None)


def farewell_said(number: int) -> None:
    """Forget a token that was revoked."""
    with writing():
        FarewellRow.delete().where(FarewellRow.id == number).execute()


def renew_farewell(number: int, sealed: bytes) -> None:
    """Replace sealed tokens that are yet to be revoked."""
    with writing():
        FarewellRow.update(sealed=sealed).where(FarewellRow.id == number).execute()


def ask(digest: str, athlete: str, now: float) -> None:
    """Write down a consent that is being asked for; old ones go."""
    with writing():
        OauthStateRow.delete().where(OauthStateRow.created_at < now - 2 * STATE_SECONDS).execute()
        OauthStateRow.insert(digest=digest, athlete=athlete, created_at=now).execute()


def take(digest: str, now: float) -> str | None:
    """Use a consent's state up; whose it is, or None if it is unknown, used, or older than ten minutes."""
    with writing():
        taken = (
            OauthStateRow.update(used_at=now)
            .where(
                OauthStateRow.digest == digest,
                OauthStateRow.used_at.is_null(),
                OauthStateRow.created_at > now - STATE_SECONDS,
            )
            .execute()
        )
    found = consent(digest) if taken else None
    return found.athlete if found else None


def conclude(digest: str, outcome: str, message: str) -> None:
    """Write down what came of a consent, for whoever waits for it."""
    with writing():
        OauthStateRow.update(outcome=outcome, message=message).where(OauthStateRow.digest == digest).execute()


def consent(digest: str) -> Consent | None:
    """What is known of a consent."""
    row = OauthStateRow.get_or_none(OauthStateRow.digest == digest)
    return Consent(row.athlete, row.created_at, row.used_at, row.outcome, row.message) if row else None
