"""Tokens that are yet to be revoked at Strava."""

from __future__ import annotations

from dataclasses import dataclass

from fitferry.storage.database import writing
from fitferry.storage.models import RevocationRow
from fitferry.storage.statements import tuples


@dataclass(frozen=True, slots=True)
class PendingRevocation:
    id: int
    athlete: str
    sealed: bytes


def pending_revocations() -> list[PendingRevocation]:
    rows = RevocationRow.select(RevocationRow.id, RevocationRow.athlete, RevocationRow.sealed)
    return [PendingRevocation(number, athlete, bytes(sealed)) for number, athlete, sealed in tuples(rows)]


def pending_revocation(number: int) -> PendingRevocation | None:
    """One of them, if it still is to be revoked."""
    return next((pending for pending in pending_revocations() if pending.id == number), None)


def add_revocation(athlete: str, athlete_id: int | None, sealed: bytes) -> None:
    with writing():
        RevocationRow.insert(athlete=athlete, athlete_id=athlete_id, sealed=sealed).execute()


def delete_revocation(number: int) -> None:
    with writing():
        RevocationRow.delete().where(RevocationRow.id == number).execute()


def update_revocation(number: int, sealed: bytes) -> None:
    with writing():
        RevocationRow.update(sealed=sealed).where(RevocationRow.id == number).execute()
