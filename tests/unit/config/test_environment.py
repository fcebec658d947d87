"""Settings from the environment."""

from __future__ import annotations

import os
import time
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from fitferry.config.environment import use_time_zone
from fitferry.config.keys import Key
from fitferry.core.admission_rules import midnight
from settings_files import APP, KEYS, WATCH, Place

TEXTS = {
    "strava.client_id": ("777", "777"),
    "strava.client_secret": ("t", "t"),
    "strava.auto_upload": ("no", False),
    "strava.since": ("2026-02-03", date(2026, 2, 3)),
    "strava.website": ("http://127.0.0.1:1/", "http://127.0.0.1:1"),
    "strava.api": ("http://127.0.0.1:1", "http://127.0.0.1:1"),
    "strava.scopes": ("read, activity:write", ("read", "activity:write")),
    "watch.athlete": ("sam", "sam"),
    "watch.recursive": ("0", False),
    "watch.method": ("poll", "poll"),
    "watch.scan_interval": ("7.5", 7.5),
    "watch.settle": ("0", 0),
    "uploads.max_concurrent": ("5", 5),
    "uploads.retry_delays": ("1,2.5", (1, 2.5)),
    "uploads.uncertain_delay": ("9", 9),
    "uploads.check_delays": ("1", (1,)),
    "uploads.check_timeout": ("9", 9),
    "uploads.after_upload": ("delete", "delete"),
    "uploads.archive_folder": ("done", "done"),
    "web.host": ("0.0.0.0", "0.0.0.0"),  # noqa: S104  # a setting that people use in containers
    "web.port": ("0", 0),
    "web.url": ("https://rides.example/", "https://rides.example"),
    "web.hosts": ("nas,nas.local", ("nas", "nas.local")),
    "web.language": ("ko", "ko"),
    "state.folder": ("/s", Path("/s")),
    "state.key_file": ("/k", Path("/k")),
    "log.level": ("debug", "debug"),
    "log.format": ("json", "json"),
    "notify.urls": ("ntfy://a,ntfy://b", ("ntfy://a", "ntfy://b")),
    "notify.uploads": ("ON", True),
    "notify.heartbeat_url": ("https://hc.example/1", "https://hc.example/1"),
    "notify.heartbeat_interval": ("60", 60),
    "hooks.command": ("/bin/true,--quiet", ("/bin/true", "--quiet")),
    "hooks.timeout": ("5", 5),
}


APART = {"strava.client_secret_file", "watch.folder"}


def test_every_key_has_a_case_for_its_variable() -> None:
    """The table below leaves none out."""
    assert {key.dotted for key in KEYS} == TEXTS.keys() | APART


@pytest.mark.parametrize(
    "key", [key for key in KEYS if key.dotted not in APART], ids=lambda key: key.variable
)
def test_every_key_can_be_overridden_by_its_variable(place: Place, key: Key) -> None:
    """Lists by commas, booleans in the usual words."""
    text, expected = TEXTS[key.dotted]
    place.environ = {key.variable: text}
    found = place.load(APP + WATCH)
    section = found.watch[0] if key.section == "watch" else getattr(found, key.section)

    assert expected == getattr(section, key.name)


@pytest.mark.parametrize(
    "key", [key for key in KEYS if key.kind.shown and key.dotted != "uploads.retry_delays"]
)
def test_a_variable_that_does_not_fit_is_named_itself(place: Place, key: Key) -> None:
    """The person has to look in the environment, not in the file."""
    place.environ = {key.variable: "nonsense"}

    assert str(key.kind.expected) in place.problems(APP + WATCH)[key.variable]


def test_our_variables_win_over_the_old_names(place: Place) -> None:
    """People keep what they have, and can still be more precise."""
    place.environ = {"STRAVA_CLIENT_ID": "1", "STRAVA_AUTO_UPLOAD": "false"}
    old = place.load(APP + WATCH).strava
    assert (old.client_id, old.auto_upload) == ("1", False)
    place.environ |= {"FITFERRY_STRAVA_CLIENT_ID": "2"}

    assert place.load(APP + WATCH).strava.client_id == "2"


def test_the_environment_alone_is_enough(place: Place) -> None:
    """A container needs no file."""
    place.environ = {
        "STRAVA_CLIENT_ID": "1",
        "STRAVA_CLIENT_SECRET": "s",
        "FITFERRY_WATCH_FOLDER": "/rides",
        "FITFERRY_WATCH_ATHLETE": "sam",
    }
    found = place.load()

    assert [(Path("/rides"), "sam")] == [(watch.folder, watch.athlete) for watch in found.watch]
    assert found.source is None


def test_an_empty_variable_is_none_at_all(place: Place) -> None:
    """Compose files set variables that nobody filled in."""
    place.environ = {"FITFERRY_WEB_PORT": "", "STRAVA_CLIENT_ID": ""}

    assert place.load(APP + WATCH).web.port == 8480


def test_an_unknown_variable_is_a_warning_no_more(place: Place) -> None:
    """An orchestrator may set what it likes."""
    place.environ = {"FITFERRY_WEB_PROT": "1", "FITFERRY_CONFIG": ""}
    (warning,) = place.load(APP + WATCH).warnings

    assert "FITFERRY_WEB_PORT?" in str(warning)


def test_a_table_without_a_folder_is_given_the_one_of_the_environment(place: Place) -> None:
    """The file names none then."""
    place.environ = {"FITFERRY_WATCH_FOLDER": "/srv/rides"}
    found = place.load(APP + '[[watch]]\nathlete = "sam"\n')

    assert [(str(watch.folder), watch.athlete) for watch in found.watch] == [("/srv/rides", "sam")]


@pytest.mark.parametrize("given", ['"Asia/Seoul"', "'Asia/Seoul'", " Asia/Seoul ", "Asia/Seoul"])
def test_a_time_zone_counts_whatever_an_env_file_leaves_around_it(
    monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    """The C library takes what it does not know for UTC, without a word: `since` would begin nine hours late."""
    monkeypatch.setenv("TZ", given)
    try:
        time.tzset()
        use_time_zone(os.environ)
        assert midnight(date(2026, 9, 21)) == datetime(2026, 9, 20, 15, tzinfo=UTC).timestamp()
    finally:
        monkeypatch.undo()
        time.tzset()
