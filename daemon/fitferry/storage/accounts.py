"""Who is connected? Sealed tokens, the accounts behind the names, and consents under way."""

from __future__ import annotations

from collections.abc import Iterable

from fitferry.core.upload import Athlete, AuthProblem
from fitferry.storage.database import put, tuples, writing
from fitferry.storage.models import AthleteRow, RevocationRow


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
        trouble=AuthProblem(row.trouble) if row.trouble else None,
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
        RevocationRow.delete().where(RevocationRow.athlete_id == athlete_id).execute()
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


def lose(name: str, trouble: AuthProblem, now: float, refused: bytes | None = None) -> bool:
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
            RevocationRow.insert(athlete=name, athlete_id=row.athlete_id, sealed=row.sealed_tokens).execute()
        AthleteRow.update(
            sealed_tokens=None,
            display_name=None,
            scopes="",
            trouble=None,
            trouble_since=None,
        ).where(AthleteRow.name == name).execute()
