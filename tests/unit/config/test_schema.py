"""What the schema says of each setting is what papers say, and what is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from settings_files import APP, WATCH, Place
from settings_papers import papers


@pytest.mark.parametrize("path", papers(), ids=lambda path: path.name)
def test_what_is_written_of_the_settings_is_what_the_schema_says(path: Path) -> None:
    """Whoever changes a setting runs `make settings`."""
    assert path.read_text(encoding="utf-8") == papers()[path]


def test_the_defaults_are_those_that_people_were_promised(place: Place) -> None:
    """The table of the settings, as the README has it."""
    found = place.load(APP + WATCH)

    assert (
        found.strava.client_id,
        found.strava.client_secret,
        found.strava.auto_upload,
        found.strava.since,
    ) == ("12345", "s", True, None)
    assert (
        found.strava.website,
        found.strava.api,
    ) == ("https://www.strava.com", "https://www.strava.com/api/v3")
    assert found.strava.scopes == ("read", "activity:write", "activity:read_all")
    (watch,) = found.watch
    assert (Path("/srv/rides"), "me", True, "auto", None, 2) == (
        watch.folder,
        watch.athlete,
        watch.recursive,
        watch.method,
        watch.scan_interval,
        watch.settle,
    )
    assert (
        found.uploads.max_concurrent,
        found.uploads.retry_delays,
        found.uploads.uncertain_delay,
    ) == (3, (60, 300, 1800, 7200), 60)
    assert (found.uploads.check_delays, found.uploads.check_timeout) == ((2, 2, 4, 8, 16, 30), 1800)
    assert (found.uploads.after_upload, found.uploads.archive_folder) == ("keep", "uploaded")
    assert (
        found.web.host,
        found.web.port,
        found.web.url,
        found.web.hosts,
        found.web.language,
    ) == ("127.0.0.1", 8480, None, (), "auto")
    assert (found.log.level, found.log.format) == ("info", "auto")
    assert (
        found.notify.urls,
        found.notify.uploads,
        found.notify.heartbeat_url,
        found.notify.heartbeat_interval,
    ) == ((), False, None, 3600)
    assert found.athletes == ("me",)
    assert found.warnings == ()
