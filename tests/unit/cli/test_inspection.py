"""The commands inspect and repair, which need no daemon."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from documents import zipped
from fitferry.core.activity import FileKind
from fitferry.formats import fit
from offline import offline
from samples import SAMPLES

Ride = Callable[..., bytes]


def test_files_are_inspected_without_being_touched(tmp_path: Path) -> None:
    """What they are, and what would be done with them."""
    config = tmp_path / "config.toml"
    config.write_text("", encoding="utf-8")
    names = ["edge_820_ride.fit", "course.fit", "cut_short.fit", "not_fit.fit", "missing.fit"]
    answer = offline("-c", str(config), "inspect", *(str(SAMPLES / name) for name in names), "--json")
    found = json.loads(answer.output)

    assert answer.exit_code == 1  # one of them is missing
    assert [one["would"] for one in found[:2]] == ["upload it", "not upload it: not an activity: a course"]
    assert "3,512 of 3,525 bytes" in found[2]["would"]
    assert (
        found[0]["sport"],
        found[0]["start_time"],
        found[0]["duration_s"],
    ) == ("cycling", "2017-06-12T16:10:15Z", 64.524)
    assert found[4]["would"] == "not read it: No such file or directory"
    readable = offline("-c", str(config), "inspect", str(SAMPLES / names[0]))
    assert readable.exit_code == 0
    assert "sport     cycling" in readable.output


def test_a_file_that_breaks_off_is_repaired_and_nothing_is_overwritten(tmp_path: Path, ride: Ride) -> None:
    """Beside the others in the folder that is named; the second time there is one of that name."""
    half = tmp_path / "a.fit"
    half.write_bytes(ride(seconds=300)[:3_000])
    first = offline("repair", str(half), "--output", str(tmp_path / "whole"))
    made = (tmp_path / "whole" / "a-repaired.fit").read_bytes()
    second = offline("repair", str(half), str(tmp_path / "missing.fit"), "--output", str(tmp_path / "whole"))

    assert (first.exit_code, second.exit_code) == (0, 1)
    assert "whole again" in first.output
    assert second.output.count("not repaired") == 2
    assert (tmp_path / "whole" / "a-repaired.fit").read_bytes() == made
    assert fit.inspect([made]).kind is FileKind.ACTIVITY


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a.fit", "upload it"),
        ("sub/a.FIT", "upload it"),
        ("sub/a.fit.part", "pass it over"),
        (".a.fit", "pass it over"),
        ("a", "pass it over"),
        ("@eaDir/a.fit", "pass it over"),
        (".hidden/a.fit", "pass it over"),
        ("uploaded/a.fit", "pass it over"),
        ("../a.fit", "upload it"),
        ("../a.fit.part", "pass it over"),
    ],
)
def test_inspect_knows_what_a_watched_folder_passes_over(tmp_path: Path, name: str, words: str) -> None:
    """By the name, and by the folders above it; not by where the watched folder itself lies."""
    rides = tmp_path / ".hidden/rides"
    (rides / name).parent.mkdir(parents=True, exist_ok=True)
    (rides / name).write_bytes((SAMPLES / "edge_820_ride.fit").read_bytes())
    config = tmp_path / "config.toml"
    config.write_text(f"[[watch]]\nfolder = '{rides}'\n", encoding="utf-8")
    found = json.loads(offline("-c", str(config), "inspect", str(rides / name), "--json").output)[0]

    assert found["would"].startswith(words)


def test_inspect_shows_each_activity_of_an_archive(tmp_path: Path, ride: Ride) -> None:
    """Also the broken one, with what is wrong with it."""
    archive = tmp_path / "all.zip"
    archive.write_bytes(zipped({"a.fit": ride(), "b.fit": ride(serial=2), "c.fit": ride(serial=3)[:-1]}))
    config = tmp_path / "config.toml"
    config.write_text("", encoding="utf-8")
    output = offline("-c", str(config), "inspect", str(archive)).output

    assert "Fitferry would upload its 2 activities" in output
    assert "not whole" in output.split("3. c.fit")[1]


def test_inspect_shows_which_rules_match_and_what_they_send(tmp_path: Path) -> None:
    """And when one of them skips the file."""
    config = tmp_path / "config.toml"
    rule = "[[rule]]\nwhen = {{ sport = '{}' }}\nset = {{ {} }}\n"
    config.write_text(
        rule.format("running", "name = 'Run'")
        + rule.format("cycling", "name = 'A {sport} ride', commute = true")
        + rule.format("cycling", "skip = true"),
        encoding="utf-8",
    )
    file = str(SAMPLES / "edge_820_ride.fit")
    found = json.loads(offline("-c", str(config), "inspect", file, "--json").output)[0]

    assert found["would"] == "not upload it: rule 3 of your settings says so"
    assert (found["rules"], found["sends"]) == ([2, 3], {})
    config.write_text(rule.format("cycling", "name = 'A {sport} ride', commute = true"), encoding="utf-8")
    shown = offline("-c", str(config), "inspect", file)
    found = json.loads(offline("-c", str(config), "inspect", file, "--json").output)[0]

    assert (found["rules"], found["sends"]) == ([1], {"name": "A cycling ride", "commute": "1"})
    assert "rules      1\n      name     A cycling ride\n      commute  1\n" in shown.output


@pytest.mark.parametrize(
    ("pattern", "would"),
    [
        ("race*", "upload it"),
        ("*.fit", "not upload it: rule 1 of your settings says so"),
        ("*.gpx", "upload its 2 activities"),
    ],
)
def test_inspect_asks_the_rules_of_each_ride_in_a_zip(
    tmp_path: Path, ride: Ride, pattern: str, would: str
) -> None:
    """By its own name, too."""
    config, file = tmp_path / "config.toml", tmp_path / "week.zip"
    config.write_text(
        f'[[rule]]\nwhen = {{ file = "{pattern}" }}\nset = {{ skip = true }}\n', encoding="utf-8"
    )
    file.write_bytes(zipped({"race.fit": ride(serial=1), "ride.fit": ride(serial=2)}))

    assert json.loads(offline("-c", str(config), "inspect", str(file), "--json").output)[0]["would"] == would


def test_a_name_cannot_move_the_terminals_cursor(tmp_path: Path) -> None:
    """Names are other people's text."""
    evil = tmp_path / "a\x1b[2J\n\u202efit"
    evil.write_bytes(b"x" * 100)
    config = tmp_path / "config.toml"
    config.write_text("", encoding="utf-8")
    output = offline("-c", str(config), "inspect", str(evil)).output

    assert not {"\x1b", "\u202e"}.intersection(output)
    assert len(output.splitlines()) == 3
