"""Consents under way: OAuth states, of which only digests are kept."""

from __future__ import annotations

from dataclasses import dataclass

from fitferry.storage.database import writing
from fitferry.storage.models import OauthStateRow

STATE_SECONDS = 600
"""Seconds that a consent may take from its address to its callback."""


@dataclass(frozen=True, slots=True)
class Consent:
    """One consent that was asked for: whose, when, and what came of it so far."""

    athlete: str
    created_at: float
    used_at: float | None
    outcome: str | None
    message: str | None


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
