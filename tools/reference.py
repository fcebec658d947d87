"""Write what repeats something else: man page, completions, the READMEs' help, and the figures. `make docs` runs it.

    python tools/reference.py

`tests/install/test_reference.py` fails when what is committed is not what this writes.
"""

from __future__ import annotations

import functools
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from click.shell_completion import get_completion_class

from fitferry.cli.main import group

TOP = Path(__file__).parent.parent
REFERENCE = Path("docs/reference")
SHELLS = ("bash", "zsh", "fish")
PROGRAM = "fitferry"
WIDTH = 80
"""Columns of the help in the READMEs."""
READMES = {"README.md": "en_US", "README.ko.md": "ko_KR"}
"""The READMEs, and the languages of their help."""
AFTER = """\
.SH EXIT STATUS
.TP
.B 0
Done. Of \\fBstatus\\fR: all is well, or only waiting. Of \\fBrun\\fR: stopped by a signal.
.TP
.B 1
It failed, and the last line says why. Of \\fBstatus\\fR and \\fBhealth\\fR: no daemon answers.
Of \\fBrun\\fR: the port is in use, or the state folder cannot be written.
.TP
.B 2
A command or an option that does not exist.
.TP
.B 3
Of \\fBstatus\\fR: a person is needed.
.TP
.B 75
Of \\fBrun\\fR: another daemon holds this state folder.
.TP
.B 78
The settings are wrong; each problem is named.
.SH ENVIRONMENT
.TP
.B FITFERRY_CONFIG
The settings file.
.TP
.BI FITFERRY_ SECTION _ KEY
Takes the place of that key of the settings file; lists by commas.
.TP
.BR STRAVA_CLIENT_ID ", " STRAVA_CLIENT_SECRET ", " STRAVA_CLIENT_SECRET_FILE
The API application, where no \\fBFITFERRY_STRAVA_\\fR... variable says it.
.SH FILES
.TP
.I /config/config.toml, /etc/fitferry/config.toml, $XDG_CONFIG_HOME/fitferry/config.toml
The settings: the first that exists, unless \\fB--config\\fR or the environment names one.
.TP
.I /var/lib/fitferry, /config, $XDG_STATE_HOME/fitferry
The state folder: of the service, in a container, else.
.SH SEE ALSO
.BR systemctl (1),
.BR journalctl (1)
"""
"""What holds for all commands. The words are those of the README."""


def escaped(text: str) -> str:
    """Text as roff takes it literally."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"(?m)^([.'])", r"\\&\1", text)


def paragraphs(text: str) -> str:
    """A help text's paragraphs, each filled by roff itself."""
    blocks = (
        " ".join(block.replace("\b", "").split()) for block in re.split(r"\n\s*\n", text) if block.strip()
    )
    return "\n.PP\n".join(escaped(block) for block in blocks)


def options(command: click.Command, context: click.Context) -> Iterator[str]:
    """Each option as an entry of a list."""
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and record[1]:
            yield f".TP\n.B {escaped(record[0])}\n{escaped(record[1])}"


def commands(parent: click.Group, context: click.Context) -> Iterator[tuple[click.Command, click.Context]]:
    """Every command that is shown, and those below it, by name."""
    for name in parent.list_commands(context):
        command = parent.get_command(context, name)
        if command is None or command.hidden:
            continue
        inner = click.Context(command, info_name=name, parent=context)
        yield command, inner
        if isinstance(command, click.Group):
            yield from commands(command, inner)


def man_page() -> str:
    """The page fitferry(1)."""
    context = click.Context(group, info_name=PROGRAM, **group.context_settings)
    description = (group.help or "").strip()
    lines = [
        f'.TH FITFERRY 1 "" "{PROGRAM}" "User Commands"',
        f".SH NAME\n{PROGRAM} \\- put every activity file from a folder onto Strava, exactly once",
        f".SH SYNOPSIS\n.B {PROGRAM}\n[\\fIOPTIONS\\fR] \\fICOMMAND\\fR [\\fIARGS\\fR]",
        f".SH DESCRIPTION\n{paragraphs(description)}",
        ".SH OPTIONS",
        *options(group, context),
        ".SH COMMANDS",
    ]
    for command, inner in commands(group, context):
        usage = " ".join(command.collect_usage_pieces(inner))
        lines.append(
            f".SS {escaped(inner.command_path.removeprefix(PROGRAM + ' '))} {escaped(usage)}".rstrip()
        )
        lines.append(paragraphs(command.help or ""))
        lines.extend(entry for entry in options(command, inner) if "\\-\\-help\n" not in entry)
    return "\n".join(lines) + "\n" + AFTER


def completion(shell: str) -> str:
    """The script that completes commands and options in a shell, by asking the program."""
    kind = get_completion_class(shell)
    if kind is None:
        raise LookupError(shell)
    made = kind(group, {}, PROGRAM, f"_{PROGRAM.upper()}_COMPLETE")
    return made.source_template % made.source_vars()


@functools.cache
def help_in(language: str) -> str:
    """The help that the program prints in a language."""
    command = [sys.executable, "-m", PROGRAM, "--help"]
    environ = {"LANG": f"{language}.UTF-8", "COLUMNS": str(WIDTH)}
    return subprocess.run(command, env=environ, capture_output=True, encoding="utf-8", check=True).stdout


def helped(readme: str, language: str) -> str:
    """A README with the help that the program prints in its language."""
    return re.sub(
        r"(?s)(<!-- help -->\n```\n).*?(```\n<!-- /help -->)",
        lambda found: f"{found[1]}{help_in(language)}{found[2]}",
        readme,
    )


def figures(paper: str, measured: dict[str, Any]) -> str:
    """The paper with the table of what was measured, from bench/figures.toml."""
    lines = [f"Measured on {measured['machine']}, against the sandbox:", ""]
    lines += ["| what | figure | command | day |", "| --- | --- | --- | --- |"]
    before = None
    for row in measured["figure"]:
        command = "the same" if row["command"] == before else f"`{row['command']}`"
        lines.append(f"| {row['what']} | {row['figure']} | {command} | {row['measured']} |")
        before = row["command"]
    table = "\n".join(lines)
    return re.sub(
        r"(?s)(<!-- figures -->\n).*?(<!-- /figures -->)",
        lambda found: f"{found[1]}{table}\n{found[2]}",
        paper,
    )


def files(top: Path = TOP) -> dict[Path, str]:
    """Each file that is generated, below `top`, with its content."""
    benchmarks = Path("docs/benchmarks.md")
    measured = tomllib.loads((top / "bench/figures.toml").read_text(encoding="utf-8"))
    return {
        REFERENCE / "fitferry.1": man_page(),
        **{REFERENCE / f"fitferry.{shell}": completion(shell) for shell in SHELLS},
        **{
            Path(readme): helped((top / readme).read_text(encoding="utf-8"), language)
            for readme, language in READMES.items()
        },
        benchmarks: figures((top / benchmarks).read_text(encoding="utf-8"), measured),
    }


def main() -> None:
    """Write them all."""
    for path, text in files().items():
        (TOP / path).parent.mkdir(parents=True, exist_ok=True)
        if not (TOP / path).exists() or (TOP / path).read_text(encoding="utf-8") != text:
            (TOP / path).write_text(text, encoding="utf-8")
            sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
