"""The list of commands stands within 80 columns, in Korean, too, whose letters take two."""

from __future__ import annotations

from fitferry.cli import output
from fitferry.cli.main import all_commands
from fitferry.i18n.translator import translator


def test_each_line_of_the_korean_list_fits_a_terminal() -> None:
    """Click counts letters, not columns, and would leave the break to the terminal, in the middle of a word."""
    korean, space = translator("ko"), max(map(len, all_commands()))
    lines = [
        f"  {name:{space}}  {korean.say(' '.join((command.help or '').split()))}"
        for name, command in all_commands().items()
    ]

    assert [line for line in lines if output.columns(line) > 80] == []
    assert any(output.columns(line) > len(line) for line in lines)
