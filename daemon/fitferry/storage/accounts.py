"""The athletes: their Strava accounts, scopes and sealed tokens. Kept in memory: each upload asks for them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from fitferry.core.upload import Athlete, AuthProblem
from fitferry.storage.cached import Cached
from fitferry.storage.database import run
from fitferry.storage.models import AthleteRow, RevocationRow
from fitferry.storage.statements import put

_ALL = """
SELECT name, sealed_tokens, athlete_id, display_name, scopes, trouble, trouble_since FROM athlete ORDER BY name
"""


class _Account(NamedTuple):
    """An athlete's row. After disconnecting the account is known to `is_another` alone."""

    athlete: Athlete
    sealed: bytes | None
    athlete_id: int | None


def _read() -> dict[str, _Account]:
    found = {}
    for name, sealed, athlete_id, display_name, scopes, trouble, trouble_since in run(_ALL):
        athlete = Athlete(
            name=name,
            connected=sealed is not None,
            athlete_id=athlete_id if sealed is not None or trouble else None,
            display_name=display_name,
            scopes=tuple(scopes.split()),
            trouble=AuthProblem(trouble) if trouble else None,
            trouble_since=trouble_since,
        )
        found[name] = _Account(athlete, None if sealed is None else bytes(sealed), athlete_id)
    return found


_accounts = Cached(_read)


def get(name: str) -> Athlete:
    """One athlete; a name that was never connected is not connected."""
    known = _accounts.get().get(name)
    return Athlete(name, connected=False) if known is None else known.athlete


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
    with _accounts.changing():
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
    if athlete_id is None:
        return set()
    return {name for name in with_tokens() if get(name).athlete_id == athlete_id}


def sharing_an_account(names: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of names that are connected to one Strava account: older versions allowed that."""
    asked, first = set(names), dict[int, str]()
    pairs = []
    for name in with_tokens():
        athlete_id = get(name).athlete_id
        if name not in asked or athlete_id is None:
            continue
        if athlete_id in first:
            pairs.append((first[athlete_id], name))
        first.setdefault(athlete_id, name)
    return pairs


def is_another(name: str, athlete_id: int | None) -> bool:
    """Whether a name was connected to another account before."""
    known = _accounts.get().get(name)
    return known is not None and None not in {known.athlete_id, athlete_id} and known.athlete_id != athlete_id


def sealed_tokens(name: str) -> bytes | None:
    known = _accounts.get().get(name)
    return None if known is None else known.sealed


def with_tokens() -> list[str]:
    """Every name that has tokens, in the settings or not."""
    return [name for name, known in _accounts.get().items() if known.sealed is not None]


def update_tokens(name: str, sealed: bytes, scopes: Iterable[str] | None = None) -> None:
    """Replace the sealed tokens (and scopes) of an athlete who is still connected."""
    columns: dict[str, object] = {"sealed_tokens": sealed}
    if scopes is not None:
        columns["scopes"] = " ".join(scopes)
    with _accounts.changing():
        where = (AthleteRow.name == name) & AthleteRow.sealed_tokens.is_null(False)
        AthleteRow.update(**columns).where(where).execute()


def clear_tokens(name: str, trouble: AuthProblem, now: float, refused: bytes | None = None) -> bool:
    """Clear tokens that cannot be used any more, and store why; False if there were none.

    `refused`: only these sealed tokens, and no others that were stored since.
    """
    stored = AthleteRow.sealed_tokens
    matches = stored.is_null(False) if refused is None else stored == refused
    with _accounts.changing():
        return bool(
            AthleteRow.update(sealed_tokens=None, trouble=trouble, trouble_since=now)
            .where(AthleteRow.name == name, matches)
            .execute()
        )


def disconnect(name: str, *, revoke: bool = True) -> None:
    """Clear an athlete's tokens and name; the tokens are kept until they could be revoked, if they are to be."""
    with _accounts.changing():
        row = AthleteRow.get_or_none(AthleteRow.name == name)
        if revoke and row is not None and row.sealed_tokens is not None:
            RevocationRow.insert(athlete=name, athlete_id=row.athlete_id, sealed=row.sealed_tokens).execute()
        AthleteRow.update(
            sealed_tokens=None, display_name=None, scopes="", trouble=None, trouble_since=None
        ).where(AthleteRow.name == name).execute()
