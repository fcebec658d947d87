"""Consents under way: OAuth states, of which only digests are kept."""

from __future__ import annotations

from dataclasses import dataclass

from fitferry.core.messages import Message
from fitferry.storage.database import writing
from fitferry.storage.models import OauthStateRow

STATE_SECONDS = 600
"""Seconds that a consent may take from its address to its callback."""


@dataclass(frozen=True, slots=True)
class Consent:
    """One consent: whose it is, when it was asked for and used, and its outcome so far."""

    athlete: str
    created_at: float
    used_at: float | None
    outcome: str | None
    message: Message | None


def create_oauth_state(digest: str, athlete: str, now: float) -> None:
    """Store a consent that is being asked for; old ones go."""
    with writing():
        OauthStateRow.delete().where(OauthStateRow.created_at < now - 2 * STATE_SECONDS).execute()
        OauthStateRow.insert(digest=digest, athlete=athlete, created_at=now).execute()


def consume_oauth_state(digest: str, now: float) -> str | None:
    """Mark a state as used; whose it is, or None if it is unknown, used, or older than ten minutes."""
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
    state = consent(digest) if taken else None
    return state.athlete if state else None


def finish_oauth_state(digest: str, outcome: str, message: Message | str) -> None:
    """Store the outcome of a consent, for whoever waits for it."""
    with writing():
        OauthStateRow.update(outcome=outcome, message=message).where(OauthStateRow.digest == digest).execute()


def consent(digest: str) -> Consent | None:
    """One consent, None if its state is unknown."""
    row = OauthStateRow.get_or_none(OauthStateRow.digest == digest)
    return Consent(row.athlete, row.created_at, row.used_at, row.outcome, row.message) if row else None
