"""Consents under way: OAuth states and one-time links to them, of which only digests are kept."""

from __future__ import annotations

from dataclasses import dataclass

from fitferry.core.messages import Message
from fitferry.storage.database import Column, write, writing
from fitferry.storage.models import OauthStateRow

STATE_SECONDS = 600
"""Seconds that a consent may take from its address to its callback."""


@dataclass(frozen=True, slots=True)
class Consent:
    """One consent: whose it is, when it was asked for and used, and its outcome so far.

    `browser`: the digest of the secret in the one browser in which it may end; None: in any.
    """

    athlete: str
    created_at: float
    used_at: float | None
    outcome: str | None
    message: Message | None
    browser: str | None


def create_oauth_state(
    digest: str, athlete: str, now: float, *, browser: str | None = None, link: str | None = None
) -> None:
    """Store a consent that is being asked for; old ones go. `link`: the digest of the link that led to it."""
    with writing():
        OauthStateRow.delete().where(OauthStateRow.created_at < now - 2 * STATE_SECONDS).execute()
        OauthStateRow.insert(
            digest=digest, athlete=athlete, created_at=now, browser=browser, link=link
        ).execute()


def create_link(digest: str, athlete: str, now: float) -> None:
    """Store a one-time link that leads to a consent."""
    write(OauthStateRow.insert(digest=digest, athlete=athlete, created_at=now, is_link=True))


def link_athlete(digest: str, now: float) -> str | None:
    """The athlete of a link; None if it is unknown, older than ten minutes, or led to a connection already."""
    row = OauthStateRow.get_or_none(*_is_good(digest, now), OauthStateRow.is_link)
    return str(row.athlete) if row else None


def consume_oauth_state(digest: str, now: float) -> str | None:
    """Mark a state as used; whose it is, or None if it is unknown, used, or older than ten minutes."""
    taken = write(OauthStateRow.update(used_at=now).where(*_is_good(digest, now), ~OauthStateRow.is_link))
    state = consent(digest) if taken else None
    return state.athlete if state else None


def finish_oauth_state(digest: str, outcome: str, message: Message, now: float) -> None:
    """Store the outcome of a consent, for whoever waits for it; a link that led to a connection is used up."""
    row = OauthStateRow.get_or_none(OauthStateRow.digest == digest)
    with writing():
        if row is not None and row.link is not None:
            OauthStateRow.update(
                outcome=outcome, message=message, used_at=now if outcome == "connected" else None
            ).where(OauthStateRow.digest == row.link, OauthStateRow.used_at.is_null()).execute()
        OauthStateRow.update(outcome=outcome, message=message).where(OauthStateRow.digest == digest).execute()


def consent(digest: str) -> Consent | None:
    row = OauthStateRow.get_or_none(OauthStateRow.digest == digest)
    if row is None:
        return None
    return Consent(row.athlete, row.created_at, row.used_at, row.outcome, row.message, row.browser)


def _is_good(digest: str, now: float) -> tuple[Column, ...]:
    row = OauthStateRow
    return row.digest == digest, row.used_at.is_null(), row.created_at > now - STATE_SECONDS
