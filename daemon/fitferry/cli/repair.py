"""The command `repair`: whole files of FIT files that break off."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from fitferry.cli import output
from fitferry.core import filenames
from fitferry.core.messages import cli, files, system
from fitferry.formats.fit.repair import NotRepairable, Repaired
from fitferry.formats.fit.repair import repair as repaired_from
from fitferry.formats.fit.verify import is_read_by_fitparse
from fitferry.inbox import file_reader


@click.command()
@click.argument("paths", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--output",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Where the whole files go; by default the current folder.",
)
def repair(paths: tuple[Path, ...], folder: Path) -> None:
    """Make whole files of FIT files that break off; nothing is overwritten."""
    done = [_repair(path, folder) for path in paths]
    sys.exit(0 if all(done) else 1)


def _repair(path: Path, folder: Path) -> bool:
    name = filenames.shown(str(path), whole=True)
    try:
        repaired = _repaired(path)
        made = folder / f"{path.stem}-repaired.fit"
        _write(made, repaired.data)
    except (NotRepairable, OSError) as error:
        reason = error.message if isinstance(error, NotRepairable) else system.from_os_error(error)
        output.line(cli.NOT_REPAIRED(file=name, reason=reason), err=True)
        return False
    _tell(made, repaired)
    return True


def _repaired(path: Path) -> Repaired:
    reading = file_reader.read(os.path.realpath(path))
    if reading is None:
        raise NotRepairable(files.REPAIR_BEING_CHANGED())
    return repaired_from(reading.body)


def _write(path: Path, data: bytes) -> None:
    """Write a new file. Raises FileExistsError, OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(data)


def _tell(path: Path, repaired: Repaired) -> None:
    name, facts = filenames.shown(str(path), whole=True), repaired.result.facts
    output.line(
        cli.REPAIRED(file=name, records=repaired.records, duration=facts.elapsed_s or 0, lost=repaired.lost)
    )
    if not is_read_by_fitparse(repaired.data):
        output.line(cli.REPAIRED_UNREAD(file=name), err=True)


COMMANDS = (repair,)
