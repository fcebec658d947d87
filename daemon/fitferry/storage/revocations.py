"""Tokens that are yet to be revoked at Strava."""

from __future__ import annotations

from dataclasses import dataclass

from fitferry.storage.database import tuples, writing
from fitferry.storage.models import FarewellRow


@dataclass(frozen=True, slots=True)
class Farewell:
    """Sealed tokens that are yet to be revoked."""

    id: int
    athlete: str
    sealed: bytes


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
