"""One-time links and signed-in browsers; only digests of their secrets are kept."""

from __future__ import annotations

from fitferry.storage.database import write, writing
from fitferry.storage.models import LoginLinkRow, SessionRow

LINK_SECONDS = 600
SESSION_SECONDS = 90 * 86_400
RENEW_SECONDS = 86_400
"""A session is renewed by use, but not written more often than this."""


def add_link(digest: str, now: float) -> None:
    """Make a link good for ten minutes; links that are over go."""
    with writing():
        LoginLinkRow.delete().where(LoginLinkRow.expires_at <= now).execute()
        LoginLinkRow.insert(digest=digest, expires_at=now + LINK_SECONDS).execute()


def link_is_good(digest: str, now: float) -> bool:
    """Whether a link could be used now."""
    return bool(
        LoginLinkRow.select().where(LoginLinkRow.digest == digest, LoginLinkRow.expires_at > now).exists()
    )


def use_link(digest: str, now: float) -> bool:
    """Use a link up; False if it is unknown, used, or over."""
    where = (LoginLinkRow.digest == digest) & (LoginLinkRow.expires_at > now)
    return bool(write(LoginLinkRow.delete().where(where)))


def add_session(digest: str, now: float, *, api_token: str) -> None:
    """Sign a browser in; sessions that are over go. `api_token`: the digest of today's API token."""
    with writing():
        SessionRow.delete().where(SessionRow.expires_at <= now).execute()
        SessionRow.insert(digest=digest, expires_at=now + SESSION_SECONDS, api_token=api_token).execute()


def end_of_other_tokens(api_token: str) -> int:
    """End the sessions that began under another API token than this one; how many they were."""
    with writing():
        SessionRow.update(api_token=api_token).where(SessionRow.api_token.is_null()).execute()
        return int(SessionRow.delete().where(SessionRow.api_token != api_token).execute())


def end_all() -> int:
    """Sign every browser out, and let no login link work any more; how many sessions there were."""
    with writing():
        LoginLinkRow.delete().execute()
        return int(SessionRow.delete().execute())


def session_is_good(digest: str, now: float) -> bool:
    """Whether a browser is signed in; using a session renews it."""
    row = SessionRow.get_or_none((SessionRow.digest == digest) & (SessionRow.expires_at > now))
    if row is None:
        return False
    if row.expires_at < now + SESSION_SECONDS - RENEW_SECONDS:
        write(SessionRow.update(expires_at=now + SESSION_SECONDS).where(SessionRow.digest == digest))
    return True


def end_session(digest: str) -> None:
    """Sign a browser out."""
    write(SessionRow.delete().where(SessionRow.digest == digest))
