"""The command `inspect`: what files are, and what Fitferry would do with them, without doing it."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fitferry.cli import output
from fitferry.cli.context import Context
from fitferry.config.schema import Settings, WatchSettings
from fitferry.core import admission_rules, filenames, rules
from fitferry.core.activity import FileKind, ParseResult
from fitferry.core.messages import Message, as_message, inspection, system
from fitferry.core.rules import edit_fields, matching, skipped_by, upload_fields
from fitferry.core.upload import Status
from fitferry.system import state_dir
from fitferry.system.deadline import call

if TYPE_CHECKING:
    from fitferry.formats import ArchiveMember, FileContents

FOLDER_SECONDS = 2.0
"""How long a folder may take to answer: it may be on a server that is away."""


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One object a file, with everything that is known.")
@click.pass_obj
def inspect(context: Context, files: tuple[Path, ...], as_json: bool) -> None:  # noqa: FBT001  # click passes it so
    """Say what files are, and what Fitferry would do with them, without doing it."""
    found = [_inspected(context, file) for file in files]
    if as_json:
        output.as_json(_plain(found))
        return
    for one in found:
        output.heading(inspection.WOULD(file=one["file"], action=one["would"]))
        output.pairs(_rows(one))
        for number, activity in enumerate(one.get("activities", []), 1):
            output.heading(f"  {number}. {activity['name']}")
            reason = activity["reason"]
            label = (
                inspection.NOT_WHOLE() if activity["verdict"] == FileKind.UNFINISHED else inspection.HELD()
            )
            broken = [(label, output.of(reason))] if reason else []
            output.pairs([*broken, *_rows(activity)])


def _inspected(context: Context, file: Path) -> dict[str, Any]:
    from fitferry.inbox import file_reader  # noqa: PLC0415  # other commands need not wait for it

    name = filenames.shown(str(file), whole=True)
    try:
        look = file_reader.look(os.path.realpath(file))
    except OSError as error:
        return {"file": name, "would": inspection.NOT_READ(reason=system.from_os_error(error))}
    if look is None:
        return {"file": name, "would": inspection.BEING_CHANGED()}
    reading, content = look.file, look.contents
    several = len(content.members) > 1
    ruled = _ruled(context, file, content.result)
    return {
        "file": name,
        "would": _known(context, reading.sha256) or _would(context, file, content, ruled),
        "verdict": content.result.kind.value,
        "data_type": content.result.data_type or None,
        "reason": content.result.reason or None,
        **({} if several else _facts(content.result)),
        "size": reading.fingerprint.size,
        "sha256": reading.sha256,
        **ruled,
        **({"activities": [_part(one) for one in content.members]} if several else {}),
    }


def _would(context: Context, file: Path, content: FileContents, ruled: dict[str, Any]) -> Message:
    """What would be done, as the end of a sentence."""
    found = content.result
    whole = sum(one.result.kind is FileKind.ACTIVITY for one in content.members)
    admission = admission_rules.decide(found, context.settings().admission)
    reason = as_message(admission.error_message or "")
    if admission.status is not Status.SKIPPED and _is_passed_over(context, file):
        return inspection.PASS_OVER()
    if found.kind is FileKind.UNFINISHED:
        return inspection.WAIT_FOR_REST(reason=found.reason)
    if ruled.get("skipped_by_rule"):
        return inspection.SKIP_BY_RULE(rule=ruled["skipped_by_rule"])
    if admission.status is Status.SKIPPED:
        return inspection.SKIP(reason=reason)
    if admission.status is Status.HELD:
        return inspection.HOLD(reason=reason)
    return inspection.UPLOAD(count=max(whole, 1))


def _is_passed_over(context: Context, file: Path) -> bool:
    """Whether files of this name are taken from no watched folder, or are not from where this one lies."""
    settings = context.settings()
    own = _watch_of(settings, file)
    if own is None:
        return not filenames.is_wanted_name(file.name)
    folder, path = _real(own.folder), _real(file.parent) / file.name
    archive = frozenset([str(folder / settings.uploads.archive_folder)])
    inside = filenames.is_inside(str(path), str(folder), recursive=own.recursive, without=archive)
    return not (inside and filenames.is_wanted_name(file.name))


def _watch_of(settings: Settings, file: Path) -> WatchSettings | None:
    """The innermost watched folder that holds a file."""
    inner_first = sorted(settings.watch, key=lambda watch: len(watch.folder.parts), reverse=True)
    parent = _real(file.parent)
    return next((watch for watch in inner_first if parent.is_relative_to(_real(watch.folder))), None)


def _real(folder: Path) -> Path:
    """A folder without links; as it is named where it does not answer."""
    try:
        return call(folder.resolve, FOLDER_SECONDS)
    except (OSError, RuntimeError, TimeoutError):
        return folder


def _ruled(context: Context, file: Path, found: ParseResult) -> dict[str, Any]:
    """What the rules of the settings say of an activity: which match, and what is sent with the file."""
    settings = context.settings()
    if found.kind is not FileKind.ACTIVITY or not settings.rules:
        return {}
    own = _watch_of(settings, file)
    athlete = own.athlete if own is not None else [*settings.athletes, "me"][0]
    subject = rules.subject_of(athlete, file.name, found.facts)
    skipped = skipped_by(settings.rules, subject)
    return {
        "rules": matching(settings.rules, subject),
        "skipped_by_rule": skipped,
        "sends": upload_fields(settings.rules, subject) if skipped is None else {},
        "sets": edit_fields(settings.rules, subject) if skipped is None else {},
    }


def _known(context: Context, sha256: str) -> Message | None:
    """What became of these bytes already, where this user can read the history."""
    from fitferry.storage import database, uploads  # noqa: PLC0415  # only where there is one

    path = context.folder() / state_dir.STATE_DB
    try:
        if not path.exists():
            return None
        with database.opened_to_read(path):
            found = [job for name in context.settings().athletes for job in uploads.of_file(name, sha256)]
    except (OSError, database.DatabaseError):
        return None
    if not found:
        return None
    job = found[0]
    if not job.error_message:
        return inspection.KNOWN(job=str(job.id), status=job.status.value)
    return inspection.KNOWN_BECAUSE(job=str(job.id), status=job.status.value, reason=job.error_message)


def _part(one: ArchiveMember) -> dict[str, Any]:
    """One of several activities in a file."""
    said = {"name": one.name, "verdict": one.result.kind.value, "reason": one.result.reason or None}
    return {**said, **_facts(one.result), "sha256": one.sha256}


def _facts(found: ParseResult) -> dict[str, Any]:
    from fitferry.monitoring.status_json import iso  # noqa: PLC0415  # it opens the way to the ledger

    facts = asdict(found.facts)
    return {**facts, "start_time": iso(facts["start_time"])}


def _rows(one: dict[str, Any]) -> list[tuple[Message | str, str]]:
    """What a person wants to know of a file."""
    sport = " / ".join(filter(None, [one.get("sport"), one.get("sub_sport")]))  # as rules call them
    device = " ".join(filter(None, [one.get("manufacturer"), one.get("product")]))
    rows: list[tuple[Message | str, str]] = [
        (inspection.KIND(), output.of(one.get("kind") or "")),
        (inspection.FORMAT(), one.get("data_type") or ""),
        (inspection.SPORT(), sport),
        (inspection.START(), output.local(one.get("start_time"))),
        (inspection.MOVING(), output.duration(one.get("duration_s"))),
        (inspection.ELAPSED(), output.duration(one.get("elapsed_s"))),
        (inspection.DISTANCE(), f"{one['distance_m'] / 1000:.2f} km" if one.get("distance_m") else ""),
        (inspection.DEVICE(), device),
        (inspection.SERIALS(), ", ".join(one.get("serials", ()))),
        (inspection.SESSIONS(), str(one["sessions"]) if (one.get("sessions") or 0) > 1 else ""),
        (inspection.RULES(), ", ".join(str(number) for number in one.get("rules", ()))),
        *((f"  {name}", str(value)) for name, value in one.get("sends", {}).items()),
        *((f"  {name}", str(value).lower()) for name, value in one.get("sets", {}).items()),
        (inspection.SIZE(), output.of(inspection.BYTES(size=one["size"])) if one.get("size") else ""),
        ("sha256", one.get("sha256") or ""),
    ]
    return [(name, value) for name, value in rows if value]


def _plain(value: Any) -> Any:
    """For JSON: messages as English."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return str(value) if isinstance(value, Message) else value


COMMANDS = (inspect,)
