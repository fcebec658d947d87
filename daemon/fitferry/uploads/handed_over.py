"""What a person hands over: which activities of a file are queued, which are held, and why there is none."""

from __future__ import annotations

from fitferry.core import admission_rules
from fitferry.core.activity import AdmissionDecision, FileKind, NewActivity, ParseResult
from fitferry.core.admission_rules import AdmissionRules
from fitferry.core.messages import Message, uploads
from fitferry.core.upload import Status
from fitferry.formats import ArchiveMember, FileContents, is_known
from fitferry.formats.thumbnail import draw


def activities_in(sha256: str, content: FileContents) -> tuple[ArchiveMember, ...]:
    """What a person may want uploaded of a file; a wrong checksum is no reason for a person."""
    members = tuple(member for member in content.members if _may_be_activity(member.result))
    if not members and _may_be_activity(content.result):
        return (ArchiveMember(sha256, content.result),)
    return members


def pending(member: ArchiveMember) -> NewActivity:
    """What is queued, whatever the settings would hold back."""
    decision, drawing = AdmissionDecision(Status.PENDING), draw(member.result.samples)
    return NewActivity(member.sha256, member.result, decision, member.name, drawing)


def held(member: ArchiveMember) -> NewActivity:
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
