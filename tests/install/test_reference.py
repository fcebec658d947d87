"""Man page, completions, the README's help, and the figures are what program and benches say."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from datetime import date
from pathlib import Path

import click
import pytest

import reference
from fitferry.cli.main import all_commands, group

TOP = Path(__file__).parent.parent.parent
MANDOC = shutil.which("mandoc")


@pytest.mark.parametrize("path", sorted(reference.files()))
def test_what_is_committed_is_what_make_docs_writes(path: Path) -> None:
    """Otherwise `make docs` was forgotten."""
    assert (TOP / path).read_text(encoding="utf-8") == reference.files()[path], "run `make docs`"


def test_the_man_page_has_every_command_and_every_option() -> None:
    """By their names, as a person searches for them."""
    page = (TOP / "docs/reference/fitferry.1").read_text(encoding="utf-8").replace("\\-", "-")
    context = click.Context(group, info_name="fitferry")
    sections = dict(re.findall(r"(?ms)^\.SS (\S+)[^\n]*\n(.*?)(?=^\.S[SH] )", page))

    assert set(all_commands()) <= set(sections)
    for name, command in all_commands().items():
        for parameter in command.get_params(click.Context(command, info_name=name, parent=context)):
            if isinstance(parameter, click.Option) and parameter.help and "--help" not in parameter.opts:
                assert parameter.opts[0] in sections[name], (name, parameter.opts)


def test_every_figure_names_a_bench_that_exists_and_the_day() -> None:
    """So that anybody can measure it again."""
    read = tomllib.loads((TOP / "bench/figures.toml").read_text(encoding="utf-8"))
    days = {row["what"]: row["measured"] for row in read["figure"]}
    scripts = {row["command"].split()[1] for row in read["figure"]}

    assert [what for what, day in days.items() if not isinstance(day, date)] == []
    assert len(days) == len(read["figure"])
    assert [script for script in scripts if not (TOP / script).exists()] == []


def test_roff_is_taken_literally() -> None:
    """A line that begins with a dot, a backslash, a hyphen."""
    assert reference.escaped(".SH x\n'y \\z a-b") == "\\&.SH x\n\\&'y \\ez a\\-b"


@pytest.mark.skipif(MANDOC is None, reason="no mandoc: install Debian's package mandoc")
def test_mandoc_understands_the_page() -> None:
    """No error and no warning but the missing date, which would change with each build."""
    ended = subprocess.run(
        [str(MANDOC), "-T", "lint", "-W", "warning", str(TOP / "docs/reference/fitferry.1")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert [line for line in ended.stdout.splitlines() if "missing date" not in line] == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completions_ask_the_program(shell: str) -> None:
    """By the variable that click reads."""
    assert f"_FITFERRY_COMPLETE={shell}_complete" in (TOP / f"docs/reference/fitferry.{shell}").read_text(
        encoding="utf-8"
    )


def test_bash_can_read_its_script() -> None:
    """Without an error."""
    subprocess.run(["/bin/bash", "-n", str(TOP / "docs/reference/fitferry.bash")], check=True)
