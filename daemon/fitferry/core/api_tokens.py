"""Named tokens: programs that may do one thing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Permission(StrEnum):
    """What a named token is good for."""

    UPLOAD = "upload"
    READ = "read"


@dataclass(frozen=True, slots=True)
class ApiToken:
    """One named token, without its secret. `athlete`: whom an `upload` token brings files for."""

    name: str
    permission: Permission
    athlete: str | None
    created_at: float
    last_used_at: float | None
