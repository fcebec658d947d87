"""Where settings, state and key are looked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fitferry.config.load import language, load
from fitferry.core.errors import SettingsError
from settings_files import APP, WATCH, Place


def test_a_file_that_was_named_has_to_be_there(place: Place) -> None:
    """By option or by variable; the option wins."""
    assert {"--config"} <= set(_problems(place, place.folder / "missing.toml"))
    place.environ = {"FITFERRY_CONFIG": str(place.folder / "missing.toml")}
    assert {"FITFERRY_CONFIG"} <= set(place.problems())
    place.load(APP + WATCH)


def _problems(place: Place, option: Path) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        load(option, place.environ, home=place.folder, places=())
    return [problem.key for problem in raised.value.problems]


def test_files_are_looked_for_in_their_order(place: Place) -> None:
    """The fixed places first, then the user's own folder."""
    own = place.folder / ".config/fitferry/config.toml"
    own.parent.mkdir(parents=True)
    own.write_text(APP + WATCH + "[web]\nport = 1\n", encoding="utf-8")
    assert own == place.load().source
    (place.folder / "etc.toml").write_text(APP + WATCH + "[web]\nport = 2\n", encoding="utf-8")

    assert place.load().web.port == 2


def test_the_state_folder_is_where_one_would_look(place: Place) -> None:
    """systemd's, else /config in a container, else the user's own."""
    assert place.folder / ".local/state/fitferry" == place.load(APP + WATCH).state.folder
    place.environ = {"XDG_STATE_HOME": "/xdg"}
    assert Path("/xdg/fitferry") == place.load(APP + WATCH).state.folder
    (place.folder / "config").mkdir()
    place.environ = {"STRAVA_CLIENT_ID": "1", "STRAVA_CLIENT_SECRET": "s", "FITFERRY_WATCH_FOLDER": "/rides"}
    assert place.folder / "config" == place.load().state.folder
    place.environ = {"STATE_DIRECTORY": "/var/lib/fitferry:/other"}
    assert Path("/var/lib/fitferry") == place.load(APP + WATCH).state.folder


def test_commands_beside_the_service_find_its_state(place: Place) -> None:
    """The folder is named to the service alone; `sudo -u fitferry fitferry login` has the settings only."""
    place.service = place.file

    assert Path("/var/lib/fitferry") == place.load(APP + WATCH).state.folder
    assert Path("/elsewhere") == place.load(APP + WATCH + '[state]\nfolder = "/elsewhere"\n').state.folder


@pytest.mark.parametrize("named", [False, True])
def test_settings_that_another_user_hides_are_a_problem_and_no_surprise(
    place: Place, monkeypatch: pytest.MonkeyPatch, *, named: bool
) -> None:
    """/etc/fitferry is closed to ordinary users, who call `fitferry status` all the same."""
    hidden = place.folder / "etc.toml"

    def refuse(path: Path, *_: object, **__: object) -> Any:
        raise PermissionError(13, "Permission denied", str(path))

    for way in ("stat", "read_text"):  # not by chmod: root, who may run this, may enter everything
        monkeypatch.setattr(Path, way, refuse)
    place.environ = {"FITFERRY_CONFIG": str(hidden)} if named else {}

    assert "Permission denied" in place.problems()[str(hidden)]
    assert language(None, place.environ, places=(hidden,)) == "auto"


def test_the_key_is_systemds_where_it_gives_one(place: Place) -> None:
    """Else it lies in the state folder."""
    state = place.load(APP + WATCH).state
    assert state.folder / "key" == state.key_file
    place.environ = {"CREDENTIALS_DIRECTORY": str(place.folder)}
    assert state.folder / "key" == place.load(APP + WATCH).state.key_file
    (place.folder / "fitferry-key").write_text("k", encoding="utf-8")

    assert place.folder / "fitferry-key" == place.load(APP + WATCH).state.key_file


def test_a_user_without_a_name_or_a_home_can_run_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As any number that a container is started as."""
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", lambda uid: {}[uid])
    environ = {"STRAVA_CLIENT_ID": "1", "STRAVA_CLIENT_SECRET": "s", "FITFERRY_WATCH_FOLDER": str(tmp_path)}
    found = load(None, environ, places=(), container=tmp_path)

    assert found.state.folder == tmp_path
