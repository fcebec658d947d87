"""The command `inspect`: what files are, and what Fitferry would do with them, without doing it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fitferry.cli import output
from fitferry.cli.context import Context
from fitferry.config.schema import Settings, WatchSettings
from fitferry.core import admission_rules, filenames, rules
from fitferry.core.activity import FileKind, ParseResult
from fitferry.core.api_types import iso
from fitferry.core.errors import FitferryError
from fitferry.core.messages import Message, as_message, inspection, system
from fitferry.core.upload import Status
from fitferry.system.deadline import call

if TYPE_CHECKING:
    from fitferry.formats import ArchiveMember, FileContents
    from fitferry.inbox.file_reader import FileLook

_Pair = tuple[Message | str, str]


@dataclass(frozen=True, slots=True)
class _Ruled:
    """What the rules of the settings say of an activity: which match, and what is sent with the file."""

    rules: list[int]
    skipped_by_rule: int | None
    sends: dict[str, str]
    sets: dict[str, str | bool]


@dataclass(frozen=True, slots=True)
class _Inspected:
    """A file, and what Fitferry would do with it, as the end of a sentence."""

    file: str
    would: Message
    look: FileLook | None = None
    ruled: _Ruled | None = None

    @property
    def activities(self) -> tuple[ArchiveMember, ...]:
        """The activities of a file that holds several."""
        members = self.look.contents.members if self.look is not None else ()
        return members if len(members) > 1 else ()


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One object a file, with everything that is known.")
@click.pass_obj
def inspect(context: Context, files: tuple[Path, ...], as_json: bool) -> None:  # noqa: FBT001  # click passes it so
    """Say what files are, and what Fitferry would do, without doing it; exit 1 if one cannot be read."""
    found = [_inspected(context, file) for file in files]
    if as_json:
        output.as_json([_json(one) for one in found])
    else:
        _tell(found)
    sys.exit(0 if all(one.look for one in found) else 1)


def _tell(found: Iterable[_Inspected]) -> None:
    """Print what was found, for people."""
    for one in found:
        output.heading(inspection.WOULD(file=one.file, action=one.would))
        output.pairs(_rows_of_file(one))
        for number, activity in enumerate(one.activities, 1):
            output.heading(f"  {number}. {activity.name}")
            unfinished = activity.result.kind is FileKind.UNFINISHED
            label = inspection.NOT_WHOLE() if unfinished else inspection.HELD()
            reason = output.of(activity.result.reason or "")
            output.pairs(_filled([(label, reason), *_rows(activity.result), ("sha256", activity.sha256)]))


def _inspected(context: Context, file: Path) -> _Inspected:
    from fitferry.inbox import file_reader  # noqa: PLC0415  # other commands need not wait for it

    name = filenames.shown(str(file), whole=True)
    try:
        look = file_reader.look(os.path.realpath(file))
    except OSError as error:
        return _Inspected(name, inspection.NOT_READ(reason=system.from_os_error(error)))
    if look is None:
        return _Inspected(name, inspection.BEING_CHANGED())
    settings = context.settings()
    own = _watch_of(settings, file)
    would = _known(context, look.file.sha256) or _would(settings, own, file, look.contents)
    return _Inspected(name, would, look, _ruled(settings, own, file.name, look.contents.result))


def _would(settings: Settings, own: WatchSettings | None, file: Path, content: FileContents) -> Message:
    """What would be done, as the end of a sentence. `own`: the watched folder that the file is in."""
    found = content.result
    ruled = [
        _ruled(settings, own, f"{file.name}/{one.name}" if one.name else file.name, one.result)
        for one in content.members
        if one.result.kind is FileKind.ACTIVITY
    ]
    skipped = [one.skipped_by_rule for one in ruled if one is not None and one.skipped_by_rule is not None]
    admission = admission_rules.decide(found, settings.admission)
    reason = as_message(admission.error_message or "")
    if admission.status is not Status.SKIPPED and _is_passed_over(settings, own, file):
        return inspection.PASS_OVER()
    if found.kind is FileKind.UNFINISHED:
        return inspection.WAIT_FOR_REST(reason=found.reason)
    if skipped and len(skipped) == len(ruled):
        return inspection.SKIP_BY_RULE(rule=skipped[0])
    if admission.status is Status.SKIPPED:
        return inspection.SKIP(reason=reason)
    if admission.status is Status.HELD:
        return inspection.HOLD(reason=reason)
    return inspection.UPLOAD(count=max(len(ruled) - len(skipped), 1))


def _is_passed_over(settings: Settings, own: WatchSettings | None, file: Path) -> bool:
    """Whether files of this name are taken from no watched folder, or are not from where this one lies."""
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
        return call(folder.resolve)
    except (OSError, RuntimeError, TimeoutError):
        return folder


def _ruled(settings: Settings, own: WatchSettings | None, name: str, found: ParseResult) -> _Ruled | None:
    if found.kind is not FileKind.ACTIVITY or not settings.rules:
        return None
    athlete = own.athlete if own is not None else [*settings.athletes, "me"][0]
    subject = rules.Subject(athlete, name, found.facts)
    skipped = rules.skipped_by(settings.rules, subject)
    return _Ruled(
        rules=rules.matching(settings.rules, subject),
        skipped_by_rule=skipped,
        sends=rules.upload_fields(settings.rules, subject) if skipped is None else {},
        sets=rules.edit_fields(settings.rules, subject) if skipped is None else {},
    )


def _known(context: Context, sha256: str) -> Message | None:
    """What became of these bytes already, where this user can read the history."""
    from fitferry.storage import uploads  # noqa: PLC0415  # only where there is one

    athletes = context.settings().athletes
    try:
        with context.reading():
            found = [job for name in athletes for job in uploads.of_file(name, sha256)]
    except FitferryError:
        return None
    if not found:
        return None
    job = found[0]
    if not job.error_message:
        return inspection.KNOWN(job=str(job.id), status=job.status.value)
    return inspection.KNOWN_BECAUSE(job=str(job.id), status=job.status.value, reason=job.error_message)


def _json(one: _Inspected) -> dict[str, object]:
    """A file for programs."""
    if one.look is None:
        return {"file": one.file, "would": str(one.would)}
    file, result = one.look.file, one.look.contents.result
    activities = [_activity_json(activity) for activity in one.activities]
    return {
        "file": one.file,
        "would": str(one.would),
        "verdict": result.kind.value,
        "data_type": result.data_type or None,
        "reason": str(result.reason) if result.reason else None,
        **({} if one.activities else _facts(result)),
        "size": file.fingerprint.size,
        "sha256": file.sha256,
        **(asdict(one.ruled) if one.ruled is not None else {}),
        **({"activities": activities} if activities else {}),
    }


def _activity_json(one: ArchiveMember) -> dict[str, object]:
    """One of several activities in a file."""
    reason = str(one.result.reason) if one.result.reason else None
    said = {"name": one.name, "verdict": one.result.kind.value, "reason": reason}
    return {**said, **_facts(one.result), "sha256": one.sha256}


def _facts(found: ParseResult) -> dict[str, object]:
    return {**asdict(found.facts), "start_time": iso(found.facts.start_time)}


def _rows_of_file(one: _Inspected) -> list[_Pair]:
    if one.look is None:
        return []
    file, result = one.look.file, one.look.contents.result
    rows: list[_Pair] = [(inspection.FORMAT(), result.data_type)] if one.activities else _rows(result)
    if one.ruled is not None:
        rows.append((inspection.RULES(), ", ".join(map(str, one.ruled.rules))))
        rows += [(f"  {name}", value) for name, value in one.ruled.sends.items()]
        rows += [(f"  {name}", str(value).lower()) for name, value in one.ruled.sets.items()]
    size = output.of(inspection.BYTES(size=file.fingerprint.size)) if file.fingerprint.size else ""
    return _filled([*rows, (inspection.SIZE(), size), ("sha256", file.sha256)])


def _rows(result: ParseResult) -> list[_Pair]:
    facts = result.facts
    distance = f"{facts.distance_m / 1000:.2f} km" if facts.distance_m else ""
    return [
        (inspection.KIND(), output.of(facts.kind or "")),
        (inspection.FORMAT(), result.data_type),
        (inspection.SPORT(), " / ".join(filter(None, [facts.sport, facts.sub_sport]))),  # as rules call them
        (inspection.START(), output.local(iso(facts.start_time))),
        (inspection.MOVING(), output.duration(facts.duration_s)),
        (inspection.ELAPSED(), output.duration(facts.elapsed_s)),
        (inspection.DISTANCE(), distance),
        (inspection.DEVICE(), " ".join(filter(None, [facts.manufacturer, facts.product]))),
        (inspection.SERIALS(), ", ".join(facts.serials)),
        (inspection.SESSIONS(), str(facts.sessions) if facts.sessions > 1 else ""),
    ]


def _filled(rows: list[_Pair]) -> list[_Pair]:
    return [(name, value) for name, value in rows if value]


COMMANDS = (inspect,)
