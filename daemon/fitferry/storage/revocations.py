"""Tokens that are yet to be revoked at Strava."""

from __future__ import annotations

from dataclasses import dataclass

from fitferry.storage.database import write
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
    write(RevocationRow.insert(athlete=athlete, athlete_id=athlete_id, sealed=sealed))


def delete_revocation(number: int) -> None:
    write(RevocationRow.delete().where(RevocationRow.id == number))


def update_revocation(number: int, sealed: bytes) -> None:
    write(RevocationRow.update(sealed=sealed).where(RevocationRow.id == number))
