"""The athletes: their Strava accounts, scopes and sealed tokens."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from fitferry.core.upload import Athlete, AuthProblem
from fitferry.storage.database import put, run, tuples, writing
from fitferry.storage.models import AthleteRow, RevocationRow

_GET = """
SELECT sealed_tokens IS NOT NULL, athlete_id, display_name, scopes, trouble, trouble_since
FROM athlete WHERE name = ?
"""
_ACCOUNTS = """
SELECT name, athlete_id FROM athlete WHERE sealed_tokens IS NOT NULL AND athlete_id IS NOT NULL ORDER BY name
"""


def get(name: str) -> Athlete:
    """One athlete; a name that was never connected is not connected."""
    rows = run(_GET, name)
    if not rows:
        return Athlete(name, connected=False)
    is_connected, athlete_id, display_name, scopes, trouble, trouble_since = rows[0]
    return Athlete(
        name=name,
        connected=bool(is_connected),
        # After disconnecting the account is known to `is_another` alone.
        athlete_id=athlete_id if is_connected or trouble else None,
        display_name=display_name,
        scopes=tuple(scopes.split()),
        trouble=AuthProblem(trouble) if trouble else None,
        trouble_since=trouble_since,
    )


def connected(names: Iterable[str]) -> list[str]:
    """The names that have tokens."""
    return [name for name in names if get(name).connected]


def connect(
    name: str,
    athlete_id: int | None,
    display_name: str | None,
    scopes: Iterable[str],
    sealed: bytes,
    *,
    retired: Collection[str] = (),
) -> None:
    """Store a new connection; the problem of the old one is resolved.

    Older tokens of the same account, pending revocation or under the `retired` names, go without being revoked:
    that would end this connection, too.
    """
    with writing():
        RevocationRow.delete().where(RevocationRow.athlete_id == athlete_id).execute()
        if retired:
            AthleteRow.update(sealed_tokens=None).where(AthleteRow.name.in_(list(retired))).execute()
        put(
            AthleteRow,
            name=name,
            athlete_id=athlete_id,
            display_name=display_name,
            scopes=" ".join(scopes),
            sealed_tokens=sealed,
        )


def connected_to(athlete_id: int | None) -> set[str]:
    """The names that are connected to a Strava account."""
    if athlete_id is None:
        return set()
    where = (AthleteRow.athlete_id == athlete_id) & AthleteRow.sealed_tokens.is_null(False)
    return {name for (name,) in tuples(AthleteRow.select(AthleteRow.name).where(where))}


def sharing_an_account(names: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of names that are connected to one Strava account: older versions allowed that."""
    asked, first = set(names), dict[int, str]()
    pairs = []
    for name, athlete_id in run(_ACCOUNTS):
        if name not in asked:
            continue
        if athlete_id in first:
            pairs.append((first[athlete_id], name))
        first.setdefault(athlete_id, name)
    return pairs


def is_another(name: str, athlete_id: int | None) -> bool:
    """Whether a name was connected to another account before."""
    row = AthleteRow.get_or_none(AthleteRow.name == name)
    return row is not None and None not in {row.athlete_id, athlete_id} and row.athlete_id != athlete_id


def sealed_tokens(name: str) -> bytes | None:
    """The sealed tokens of an athlete, None if there are none."""
    rows = run("SELECT sealed_tokens FROM athlete WHERE name = ?", name)
    return bytes(rows[0][0]) if rows and rows[0][0] is not None else None


def with_tokens() -> list[str]:
    """Every name that has tokens, in the settings or not."""
    rows = AthleteRow.select(AthleteRow.name).where(AthleteRow.sealed_tokens.is_null(False))
    return [name for (name,) in tuples(rows)]


def update_tokens(name: str, sealed: bytes, scopes: Iterable[str] | None = None) -> None:
    """Replace the sealed tokens (and scopes) of an athlete who is still connected."""
    columns: dict[str, object] = {"sealed_tokens": sealed}
    if scopes is not None:
        columns["scopes"] = " ".join(scopes)
    with writing():
        where = (AthleteRow.name == name) & AthleteRow.sealed_tokens.is_null(False)
        AthleteRow.update(**columns).where(where).execute()


def clear_tokens(name: str, trouble: AuthProblem, now: float, refused: bytes | None = None) -> bool:
    """Clear tokens that cannot be used any more, and store why; False if there were none.

    `refused`: only these sealed tokens, and no others that were stored since.
    """
    stored = AthleteRow.sealed_tokens
    matches = stored.is_null(False) if refused is None else stored == refused
    with writing():
        return bool(
            AthleteRow.update(sealed_tokens=None, trouble=trouble, trouble_since=now)
            .where(AthleteRow.name == name, matches)
            .execute()
        )


def disconnect(name: str, *, revoke: bool = True) -> None:
    """Clear an athlete's tokens and name; the tokens are kept until they could be revoked, if they are to be."""
    with writing():
        row = AthleteRow.get_or_none(AthleteRow.name == name)
        if revoke and row is not None and row.sealed_tokens is not None:
            RevocationRow.insert(athlete=name, athlete_id=row.athlete_id, sealed=row.sealed_tokens).execute()
        AthleteRow.update(
            sealed_tokens=None,
            display_name=None,
            scopes="",
            trouble=None,
            trouble_since=None,
        ).where(AthleteRow.name == name).execute()
