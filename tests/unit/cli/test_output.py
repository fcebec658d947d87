"""What is printed fits the terminal, keeps links and reasons whole, and moves no cursor."""

from __future__ import annotations

import contextlib
import io
import json
import re
import sys
from collections.abc import Callable

import pytest

from fitferry.cli import output
from fitferry.cli.output import Row
from fitferry.core.messages import cli

LINK = "https://www.strava.com/activities/12345678901234567890"
REASON = "Strava cannot use the file: Time information is missing from file, and the rest of a long reason is here, too"
HARMFUL = "a\x1b[2Jb\x9bc\u202ed\u2028e\rf\x00g\udcffh"


class Terminal(io.StringIO):
    """Standard output as a terminal."""

    def isatty(self) -> bool:
        return True


def on_terminal(work: Callable[[], None]) -> str:
    """What is printed on a terminal of 80 columns."""
    screen = Terminal()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(screen):
        patch.setenv("COLUMNS", "80")
        work()
    found = re.sub(r"\x1b\[[\d;]*m", "", screen.getvalue())
    assert found
    return found


def rows(*files: str) -> list[Row]:
    """Uploads as the command lists them."""
    when = "2026-09-22 07:30"
    return [
        Row([str(number), when, "cycling", file, "failed"], LINK if number % 2 else REASON)
        for number, file in enumerate(files, 1)
    ]


HEADS = (cli.HEAD_JOB(), cli.HEAD_START(), cli.HEAD_SPORT(), cli.HEAD_FILE(), cli.HEAD_STATUS())


def test_a_table_fits_eighty_columns_with_links_and_reasons_whole() -> None:
    """What is too wide stands on lines of its own, broken at spaces only."""
    lines = on_terminal(
        lambda: output.table(HEADS, rows("morning.fit", "ride.fit", "자전거 라이딩.fit"))
    ).splitlines()

    assert max(map(output.columns, lines)) <= 80
    assert sum(LINK in line for line in lines) == 2
    assert REASON in " ".join(line.strip() for line in lines)


def test_a_long_name_is_not_cut() -> None:
    """It goes below, too."""
    name = "a very long name of a file that some other program has made for this ride of a person.fit"
    lines = on_terminal(lambda: output.table(HEADS, rows(name))).splitlines()

    assert name in " ".join(line.strip() for line in lines)
    assert max(map(len, lines)) <= 80


def test_wide_keeps_each_upload_in_one_line() -> None:
    """However wide the terminal is."""
    assert len(on_terminal(lambda: output.table(HEADS, rows("a.fit", "b.fit"), wide=True)).splitlines()) == 3


def test_elsewhere_a_table_is_tab_separated(monkeypatch: pytest.MonkeyPatch) -> None:
    """For programs."""
    pipe = io.StringIO()
    monkeypatch.setattr(sys, "stdout", pipe)
    output.table(HEADS, rows("a.fit"))

    assert pipe.getvalue() == f"1\t2026-09-22 07:30\tcycling\ta.fit\tfailed\t{LINK}\n"


@pytest.mark.parametrize(
    ("seconds", "shown"), [(None, ""), (59.6, "0:01:00"), (3723, "1:02:03"), (93784, "26:03:04")]
)
def test_a_duration_has_no_words_also_where_it_is_longer_than_a_day(
    seconds: float | None, shown: str
) -> None:
    """It reads the same in every language."""
    assert output.duration(seconds) == shown


def test_sentences_are_wrapped_at_spaces() -> None:
    """A link in them stays whole."""
    message = cli.LAST_UPLOAD(file="a file with a name of some length to fill the line up.fit", url=LINK)
    lines = on_terminal(lambda: output.line(message, indent=2)).splitlines()

    assert max(map(len, lines)) <= 80
    assert any(LINK in line for line in lines)


@pytest.mark.parametrize("wide", [False, True])
def test_no_name_moves_the_cursor(*, wide: bool) -> None:
    """Control characters, C1, turning letters and line separators: one sign in place of each."""

    def show() -> None:
        output.table(HEADS, rows(HARMFUL), wide=wide)
        output.line(cli.FOLDER_WATCHED(folder=HARMFUL))
        output.heading(cli.FOLDER_WATCHED(folder=HARMFUL))
        output.pairs([("name", HARMFUL)])

    shown = on_terminal(show)

    assert all(letter.isprintable() or letter == "\n" for letter in shown)
    assert len(shown.splitlines()) == len([line for line in shown.split("\n") if line])


def test_json_holds_the_name_and_escapes_what_a_terminal_would_obey(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs read back what it was."""
    pipe = io.StringIO()
    monkeypatch.setattr(sys, "stdout", pipe)
    output.as_json({"file": HARMFUL, "other": "자전거 é"})
    text = pipe.getvalue()

    assert all(letter.isprintable() or letter == "\n" for letter in text)
    assert json.loads(text) == {"file": HARMFUL, "other": "자전거 é"}
    assert "자전거 é" in text
