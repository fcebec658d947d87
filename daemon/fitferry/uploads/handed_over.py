"""What a person hands over: which activities of a file are queued, which are held, and why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from fitferry.core import admission_rules
from fitferry.core.activity import AdmissionDecision, FileKind, NewActivity, ParseResult
from fitferry.core.admission_rules import AdmissionRules
from fitferry.core.messages import Message, uploads
from fitferry.core.upload import Status
from fitferry.formats import ArchiveMember, examine, is_known
from fitferry.formats.thumbnail import draw


@dataclass(frozen=True, slots=True)
class HandedOver:
    """A file that a person hands over. `result`: of all of it. `activities`: to be admitted; there may be none."""

    name: str
    body: bytes
    sha256: str
    result: ParseResult
    activities: tuple[NewActivity, ...]


def judge(body: bytes, name: str) -> HandedOver:
    """What a person may want uploaded of a file; a wrong checksum is no reason for a person."""
    digest = sha256(body).hexdigest()
    content = examine(body, digest)
    members = tuple(member for member in content.members if _may_be_activity(member.result))
    broken = tuple(member for member in content.members if member not in members)
    if not members and _may_be_activity(content.result):
        members, broken = (ArchiveMember(digest, content.result),), ()
    activities = (*map(_pending, members), *map(_held, broken)) if members else ()
    return HandedOver(name, body, digest, content.result, activities)


def _pending(member: ArchiveMember) -> NewActivity:
    """What is queued, whatever the settings would hold back."""
    decision, drawing = AdmissionDecision(Status.PENDING), draw(member.result.samples)
    return NewActivity(member.sha256, member.result, decision, member.name, drawing)


def _held(member: ArchiveMember) -> NewActivity:
    """What is broken beside a whole activity: not sent, and not dropped in silence either."""
    decision = admission_rules.decide(member.result, AdmissionRules())  # of faults the settings say nothing
    return NewActivity(member.sha256, member.result, decision, member.name)


def _may_be_activity(result: ParseResult) -> bool:
    if result.kind is FileKind.DAMAGED:
        return result.facts.kind == "activity" or result.data_type in {"tcx", "gpx"}
    return result.kind in {FileKind.ACTIVITY, FileKind.UNREADABLE_TIMES}


def why_not(result: ParseResult, body: bytes) -> Message:
    """Why there is nothing in a file that could be queued. `body`: its bytes."""
    if not is_known(body):
        return uploads.NO_KNOWN_FORMAT()
    if result.kind is FileKind.NO_ACTIVITY:
        return uploads.NO_ACTIVITY(reason=result.reason)
    if result.kind is FileKind.UNFINISHED or result.reason is None:
        return uploads.NOT_WHOLE(reason=result.reason)
    return result.reason
