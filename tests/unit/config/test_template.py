"""The example, and settings that are written for people."""

from __future__ import annotations

import re
import stat
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from fitferry.config import template
from fitferry.core.errors import RequestRejected
from settings_files import EXAMPLE, KEYS, WATCH, Place


def test_the_example_parses_to_exactly_the_defaults(place: Place) -> None:
    """With the lines that have no default left as comments."""
    example = place.load(EXAMPLE.read_text(encoding="utf-8"), require_app=False)
    defaults = place.load('[[watch]]\nfolder = "/srv/rides"\n', require_app=False)

    assert defaults == example


def test_the_example_shows_every_key_with_a_reason() -> None:
    """One comment above each key, and a value that fits, also where it is commented out."""
    example = EXAMPLE.read_text(encoding="utf-8")
    missing = [
        key.dotted
        for key in KEYS
        if not re.search(rf"^# {re.escape(key.why)}\n(# )?{key.name} = ", example, re.MULTILINE)
    ]

    assert missing == []


def test_what_is_rendered_is_read_back(place: Place) -> None:
    """`init` writes what was chosen, commented, and nothing else changes."""
    text = template.render(
        {"strava.client_id": 7, "strava.client_secret": "q\"uo'te", "strava.since": date(2026, 1, 2)},
        watch=[{"folder": Path("/srv/a b"), "athlete": "sam"}],
    )
    chosen, plain = place.load(text), place.load('[strava]\nclient_id = 7\nclient_secret = "x"\n' + WATCH)

    assert (7, "q\"uo'te", date(2026, 1, 2)) == (
        int(chosen.strava.client_id),
        chosen.strava.client_secret,
        chosen.strava.since,
    )
    assert (Path("/srv/a b"), "sam") == (chosen.watch[0].folder, chosen.watch[0].athlete)
    assert replace(plain.uploads) == chosen.uploads


def test_a_config_is_written_whole_for_the_owner_and_never_over_another(tmp_path: Path) -> None:
    """A secret may stand in it."""
    path = tmp_path / "new" / "config.toml"
    template.write_config(path, "a = 1\n", force=False, check=Path.stat)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(RequestRejected):
        template.write_config(path, "a = 2\n", force=False, check=Path.stat)
    template.write_config(path, "a = 3\n", force=True, check=Path.stat)
    with pytest.raises(NotADirectoryError):
        template.write_config(path, "a = 4\n", force=True, check=lambda found: next(found.iterdir()))

    assert path.read_text(encoding="utf-8") == "a = 3\n"
    assert [path] == list(path.parent.iterdir())
