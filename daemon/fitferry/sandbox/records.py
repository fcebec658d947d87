"""What the look-alike keeps: its switches, tokens, uploads and activities."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

SCOPES = (
    "read",
    "read_all",
    "profile:read_all",
    "profile:write",
    "activity:read",
    "activity:read_all",
    "activity:write",
)


@dataclass(slots=True)
class Switches:
    """What can be told to be otherwise, over `/_sandbox/settings` or in the process."""

    client_id: int = 12345
    client_secret: str = "sandbox-secret"  # noqa: S105  # everybody may know it
    callback_domain: str = "localhost"
    capacity: int = 10
    consent: str = "ask"
    """ask (show the page), approve, deny"""
    untick: list[str] = field(default_factory=list)
    athlete: int = 1001
    """who sits at the browser"""
    inactive: bool = False
    header_only: bool = False
    """from 2027 on a token is taken in the header alone"""
    old_base: bool = True
    """whether /api/v3 still answers"""
    fresh_codes_refused: int = 0
    keep_refresh_token: bool = False
    token_scope: bool = True
    processing_seconds: float = 2.0
    duplicate_html: bool = True
    duplicates_by: list[str] = field(default_factory=lambda: ["bytes", "external_id"])
    """any of bytes, external_id, overlap; empty: none are refused"""
    echo_external_id: bool = False
    """whether the answer to an upload names its external_id before it is ready"""
    overall_limit: list[int] = field(default_factory=lambda: [200, 2000])
    read_limit: list[int] = field(default_factory=lambda: [100, 1000])
    lone_comma: bool = True
    date_offset: float = 0.0
    """seconds that the Date header of answers is ahead of the clock"""
    gear: list[str] = field(default_factory=lambda: ["b1", "b12", "b1234567", "g1", "g12"])
    """the bikes and shoes that an activity may be given"""


@dataclass(slots=True)
class Token:
    """An access token and the refresh token that came with it."""

    athlete: int
    scopes: tuple[str, ...]
    access: str
    refresh: str
    expires_at: float


@dataclass(slots=True)
class Upload:
    """What arrived, and what becomes of it."""

    id: int
    athlete: int
    external_id: str | None
    data_type: str
    sha256: str
    size: int
    name: str
    fields: dict[str, str]
    began_at: float
    ready_at: float
    error: str | None = None
    activity_id: int | None = None
    gone: bool = False
    done: bool = False


@dataclass(slots=True)
class Activity:
    id: int
    athlete: int
    name: str
    sport_type: str
    start: float
    elapsed: float
    distance: float
    external_id: str | None = None
    upload_id: int | None = None
    sha256: str | None = None
    trainer: bool = False
    commute: bool = False
    hide_from_home: bool = False
    gear_id: str | None = None
    description: str = ""
    deleted: bool = False


def iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
