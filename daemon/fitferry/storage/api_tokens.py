"""Named tokens, of which only digests are kept."""

from __future__ import annotations

from dataclasses import asdict

from fitferry.core.api_tokens import ApiToken, Permission
from fitferry.storage.database import write
from fitferry.storage.models import ApiTokenRow

NOTED_SECONDS = 3_600.0
"""How far apart the uses of a token are that are written down: a monitor reads once a second."""


def add(token: ApiToken, digest: str) -> bool:
    """Keep a new token; False where its name is taken."""
    row = ApiTokenRow.insert(digest=digest, **asdict(token))
    return bool(write(row.on_conflict_ignore().as_rowcount()))


def use(digest: str, now: float) -> ApiToken | None:
    """The token with this digest, None if there is none (any more); that it was used is noted once an hour."""
    row = ApiTokenRow.get_or_none(ApiTokenRow.digest == digest)
    if row is None:
        return None
    if row.last_used_at is None or abs(now - row.last_used_at) >= NOTED_SECONDS:
        write(ApiTokenRow.update(last_used_at=now).where(ApiTokenRow.digest == digest))
    return _token(row)


def listed() -> list[ApiToken]:
    """All tokens by their names."""
    return [_token(row) for row in ApiTokenRow.select().order_by(ApiTokenRow.name)]


def revoke(name: str) -> bool:
    """Forget a token; False if there is none of that name."""
    return bool(write(ApiTokenRow.delete().where(ApiTokenRow.name == name)))


def _token(row: ApiTokenRow) -> ApiToken:
    return ApiToken(row.name, Permission(row.permission), row.athlete, row.created_at, row.last_used_at)
