"""The first settings: when they are asked for, which answers cannot be right, and how they are written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fitferry.config import first_settings as first
from fitferry.core.errors import FitferryError, RequestRejected


@pytest.mark.parametrize(
    ("environ", "file", "wanted"),
    [
        ({}, False, True),
        ({"FITFERRY_WATCH_FOLDER": "/rides", "FITFERRY_WEB_HOST": "0.0.0.0"}, False, True),  # noqa: S104  # as the image sets it
        ({}, True, False),
        ({"STRAVA_CLIENT_ID": "1"}, False, False),
        ({"FITFERRY_STRAVA_CLIENT_SECRET_FILE": "/s"}, False, False),
        ({"INVOCATION_ID": "x"}, False, False),
        ({"FITFERRY_CONFIG": "/nowhere"}, False, False),
        ({"STRAVA_CLIENT_ID": ""}, False, True),
    ],
)
def test_set_up_is_served_only_where_nothing_is_said_at_all(
    tmp_path: Path, environ: dict[str, str], *, file: bool, wanted: bool
) -> None:
    """Everything else is wrong settings, exit 78, as ever."""
    place = tmp_path / "config.toml"
    if file:
        place.touch()

    assert first.is_wanted(None, environ, places=[place], home=tmp_path) is wanted
    assert not first.is_wanted(place, environ, places=[place], home=tmp_path)


@pytest.mark.parametrize(
    ("read", "bad"),
    [
        (first.read_client_id, ["", "12a", "0", "-1", "f" * 40, "1.5"]),
        (first.read_secret, ["", '""', "12345", "a\x07b"]),
        (first.read_folder, ["", "~nobody-at-all/x", "a\0b"]),
        (first.read_full_path, ["", "rides", "~nobody-at-all/x"]),
        (first.read_secret_file, ["", "f" * 40]),
        (first.read_since, ["", "yesterday", "2026-13-01", "0001-01-01"]),
    ],
)
def test_an_answer_that_cannot_be_right_is_a_sentence(read: Callable[[str], Any], bad: list[str]) -> None:
    """So that it can be asked again, at the command and on the page."""
    for text in bad:
        with pytest.raises(FitferryError):
            read(text)


def test_settings_that_appeared_meanwhile_are_not_replaced(tmp_path: Path) -> None:
    """Somebody was faster."""
    path = tmp_path / "config.toml"
    answers = first.FirstSettings(1, "s", None, tmp_path)
    first.write(path, answers)
    before = path.read_text(encoding="utf-8")
    with pytest.raises(RequestRejected):
        first.write(path, answers)

    assert path.read_text(encoding="utf-8") == before
    assert list(tmp_path.iterdir()) == [path]
