"""What is owed after an upload is completed, and when it is tried again. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from fitferry.core.messages import Message


class FollowUpKind(StrEnum):
    """What follows an upload."""

    EDIT = "edit"
    """A change of the activity that the upload itself could not carry: gear, mute."""
    HOOK = "hook"
    """The command of the settings."""


class FollowUpState(StrEnum):
    """How far it has come."""

    OWED = "owed"
    BEGUN = "begun"
    """Under way; found so after a crash, it may have happened, and is done again."""
    DONE = "done"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class FollowUp:
    """One thing that is owed, was done, or was given up; times in epoch seconds."""

    id: int
    kind: FollowUpKind
    job_id: int
    state: FollowUpState
    failures: int
    next_attempt_at: float
    finished_at: float | None
    message: Message | None


def retry_at(failures: int, retry_delays: Sequence[float], now: float) -> float | None:
    """When to try again after so many failures; None where that was one too many."""
    return now + retry_delays[failures - 1] if failures <= len(retry_delays) else None
