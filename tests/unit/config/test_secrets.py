"""No message about wrong settings repeats a secret, whatever slip brought it there."""

from __future__ import annotations

from pathlib import Path

import pytest

from fitferry.config.load import load
from fitferry.core.errors import SettingsError

SECRET = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c"
SLIPS = {
    "strava in double brackets": '[[strava]]\nclient_id = 1\nclient_secret = "{0}"\n',
    "strava as a text": 'strava = "{0}"\n',
    "strava as a list": 'strava = ["{0}"]\n',
    "id and secret swapped": '[strava]\nclient_id = "{0}"\nclient_secret = 12345\n',
    "secret as the id": '[strava]\nclient_id = "{0}"\n',
    "secret in a list": '[strava]\nclient_id = 1\nclient_secret = ["{0}"]\n',
    "secret in a table": '[strava]\nclient_id = 1\nclient_secret = {{ value = "{0}" }}\n',
    "secret in client_secret_file": '[strava]\nclient_id = 1\nclient_secret_file = "{0}"\n',
    "secret as the path of a file": '[strava]\nclient_id = 1\nclient_secret_file = "/{0}"\n',
    "secret as a key": '[strava]\nclient_id = 1\n{0} = "client_secret"\n',
    "secret as a quoted key": '[strava]\n"{0}" = 1\n',
    "secret as a section": "[{0}]\nclient_id = 1\n",
    "secret as a section below": "[strava.{0}]\nclient_id = 1\n",
    "secret twice as a key": "[strava]\n{0} = 1\n{0} = 2\n",
    "secret twice in an inline table": "strava = {{ {0} = 1, {0} = 2 }}\n",
    "secret without quotes": "[strava]\nclient_secret = {0}\n",
    "secret behind a missing quote": '[strava]\nclient_secret = "{0}\n',
    "secret after a value": '[strava]\nclient_secret = "a" {0}\n',
    "secret with a bad escape": '[strava]\nclient_secret = "\\{0}"\n',
    "secret as a date": '[strava]\nsince = "{0}"\n',
    "secret as a scope": '[strava]\nscopes = ["{0}"]\n',
    "password in the website": '[strava]\nwebsite = "ftp://me:{0}@strava"\n',
    "password in the API": '[strava]\napi = "me:{0}@host"\n',
    "password in the page's address": '[web]\nurl = "me:{0}@nas"\n',
    "password in a host": '[web]\nhost = "me:{0}@nas/"\n',
    "password in hosts": '[web]\nhosts = ["http://me:{0}@nas"]\n',
    "notify in double brackets": '[[notify]]\nurls = ["tgram://{0}/1"]\n',
    "a notify address as a text": '[notify]\nurls = "tgram://{0}/1"\n',
    "notify addresses as a table": '[notify]\nurls = {{ "tgram://{0}" = 1 }}\n',
    "a heartbeat that is no address": '[notify]\nheartbeat_url = "hc/{0}"\n',
    "secret as a port": '[web]\nport = "{0}"\n',
    "secret as a level": '[log]\nlevel = "{0}"\n',
    "secret as a delay": '[uploads]\nretry_delays = ["{0}"]\n',
    "secret as a folder": '[[watch]]\nfolder = "{0}"\n',
    "secret as a folder twice": '[[watch]]\nfolder = "/{0}"\n[[watch]]\nfolder = "/{0}/"\n',
    "watch as a text": 'watch = "{0}"\n',
    "secret as a rule": 'rule = "{0}"\n',
    "secret in a rule's condition": '[[rule]]\nwhen = {{ sport = "{0}" }}\nset = {{ commute = true }}\n',
    "secret as an athlete": '[[watch]]\nfolder = "/a"\n[[rule]]\nwhen = {{ athlete = "{0}" }}\nset = {{ commute = true }}\n',
    "secret as a rule's key": "[[rule]]\nset = {{ {0} = true }}\n",
    "secret in a template": '[[rule]]\nset = {{ name = "{{{0}}}" }}\n',
    "secret as a command": '[hooks]\ncommand = "curl -u API_KEY:{0}"\n',
}
VARIABLES = {
    "FITFERRY_STRAVA_CLIENT_ID": "{0}",
    "STRAVA_CLIENT_ID": "{0}",
    "STRAVA_CLIENT_SECRET_FILE": "{0}",
    "FITFERRY_WEB_URL": "me:{0}@nas",
    "FITFERRY_WEB_PORT": "{0}",
    "FITFERRY_NOTIFY_HEARTBEAT_URL": "{0}",
    "FITFERRY_CLIENT_{0}": "1",
}


def told(path: Path | None, environ: dict[str, str], home: Path) -> str:
    """Everything that is said of these settings."""
    try:
        found = load(path, environ, home=home, places=(), container=home / "none")
    except SettingsError as error:
        return f"{error} {[problem.key for problem in error.problems]}"
    return " ".join(map(str, found.warnings))


@pytest.mark.parametrize("slip", SLIPS)
def test_no_slip_in_the_file_shows_the_secret(tmp_path: Path, slip: str) -> None:
    """Each is told all the same."""
    path = tmp_path / "config.toml"
    path.write_text(SLIPS[slip].format(SECRET), encoding="utf-8")
    found = told(path, {}, tmp_path)

    assert found
    assert SECRET not in found


@pytest.mark.parametrize("name", VARIABLES)
def test_no_slip_in_a_variable_shows_the_secret(tmp_path: Path, name: str) -> None:
    """Not even as the name of one."""
    found = told(None, {name.format(SECRET): VARIABLES[name].format(SECRET)}, tmp_path)

    assert found
    assert SECRET not in found


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("[strava]\nclient_id = \n", ["is not TOML: Invalid value (at line 2"]),
        ('[web]\nport = "8602"\n', ['web.port: found the text "8602", expected a whole number']),
        ("[log]\nlevel = 5\n", ['log.level: found 5, expected one of "debug"']),
        ('[watch]\nfolder = "/srv/rides"\n', ["watch: double the brackets, [[watch]]"]),
        ("[[strava]]\nclient_id = 1\n", ["strava: write [strava] once, with single brackets"]),
        ("[strvaa]\nclient_id = 1\n", ["strvaa does not exist; did you mean strava?"]),
        (f'[strava]\nclient_id = "{SECRET}"\n', ["are the id and the secret swapped?"]),
        (f"[strava]\n\n{SECRET} = 1\n", ["strava: the key in line 3 does not exist"]),
    ],
)
def test_a_slip_is_one_problem_in_plain_words(tmp_path: Path, text: str, wanted: list[str]) -> None:
    """What else follows from it is not told."""
    path = tmp_path / "config.toml"
    rest = {"STRAVA_CLIENT_SECRET": "s", "FITFERRY_WATCH_FOLDER": "/srv/rides"}
    if "client_id" not in text:
        rest["STRAVA_CLIENT_ID"] = "1"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as raised:
        load(path, rest, home=tmp_path)

    assert [part for part in wanted if part in str(raised.value)] == wanted
    assert len(raised.value.problems) == 1


def test_what_is_missing_is_called_missing_and_where_it_was_looked_for(tmp_path: Path) -> None:
    """With the command that makes a file."""
    with pytest.raises(SettingsError) as raised:
        load(None, {}, home=tmp_path, places=(tmp_path / "etc.toml",), container=tmp_path / "none")
    text = str(raised.value)

    assert "strava.client_id is missing: " in text
    assert "fitferry init" in text
    assert f"{tmp_path}/etc.toml, {tmp_path}/.config/fitferry/config.toml" in text


@pytest.mark.parametrize("start", ["\ufeff", ""])
def test_a_byte_order_mark_is_passed_over(tmp_path: Path, start: str) -> None:
    """Notepad writes one into everything that it saves."""
    path, secret = tmp_path / "config.toml", tmp_path / "secret"
    secret.write_text(f'{start} "{SECRET}" \r\n', encoding="utf-8")
    path.write_text(
        f'{start}[strava]\r\nclient_id = 1\r\nclient_secret_file = "{secret}"\r\n[[watch]]\r\nfolder = "/a"\r\n',
        encoding="utf-8",
    )

    assert load(path, {}, home=tmp_path).strava.client_secret == SECRET


@pytest.mark.parametrize("value", [f'"{SECRET}"', f" '{SECRET}' ", f"{SECRET}\r\n", f'\ufeff"{SECRET}"'])
def test_quotes_and_blanks_around_a_variable_are_passed_over(tmp_path: Path, value: str) -> None:
    """Env files of containers keep them."""
    environ = {
        "STRAVA_CLIENT_SECRET": value,
        "STRAVA_CLIENT_ID": '"7"',
        "FITFERRY_WATCH_FOLDER": "'/srv/rides' ",
    }
    found = load(None, environ, home=tmp_path, places=())

    assert (found.strava.client_id, found.strava.client_secret) == ("7", SECRET)
    assert str(found.watch[0].folder) == "/srv/rides"


@pytest.mark.parametrize("folder", ["~nobody-at-all/rides", "rides", "", "/a\\u0000b"])
def test_a_folder_that_cannot_be_is_one_sentence(tmp_path: Path, folder: str) -> None:
    """Also one of somebody who does not exist."""
    path = tmp_path / "config.toml"
    path.write_text(
        f'[strava]\nclient_id = 1\nclient_secret = "s"\n[[watch]]\nfolder = "{folder}"\n', encoding="utf-8"
    )
    with pytest.raises(SettingsError) as raised:
        load(path, {}, home=tmp_path)

    assert [problem.key for problem in raised.value.problems] == ["watch.folder"]


def test_what_is_ours_in_a_watched_folder_is_a_warning(tmp_path: Path) -> None:
    """Whoever may write there could exchange the state folder, or the settings with the command in them."""
    rides = tmp_path / "rides"
    rides.mkdir()
    config, inside = tmp_path / "config.toml", rides / "config.toml"
    text = f'[strava]\nclient_id = 1\nclient_secret = "s"\n[[watch]]\nfolder = "{rides}"\n[state]\nfolder = "{{}}"\n'
    for path, state, warned in (
        (config, tmp_path / "state", []),
        (config, rides / "state", [str(rides / "state")]),
        (inside, tmp_path, [str(inside)]),
    ):
        path.write_text(text.format(state), encoding="utf-8")
        path.chmod(0o600)
        warnings = load(path, {}, home=tmp_path).warnings
        assert [str(warning).split()[0] for warning in warnings] == warned


def test_secrets_that_everybody_can_read_are_a_warning(tmp_path: Path) -> None:
    """The settings with the secret in them, its file, and the API's token."""
    config, secret, state = tmp_path / "config.toml", tmp_path / "secret", tmp_path / "state"
    state.mkdir()
    body = f'[[watch]]\nfolder = "/a"\n[state]\nfolder = "{state}"\n'
    secret.write_text("s", encoding="utf-8")
    (state / "api-token").write_text("t", encoding="utf-8")
    config.write_text(f"[strava]\nclient_id = 1\nclient_secret_file = '{secret}'\n{body}", encoding="utf-8")
    for path in (config, secret, state / "api-token"):
        path.chmod(0o644)

    def warned() -> list[str]:
        return [str(warning).split()[0] for warning in load(config, {}, home=tmp_path).warnings]

    assert warned() == [str(secret), str(state / "api-token")]
    config.write_text(f'[strava]\nclient_id = 1\nclient_secret = "s"\n{body}', encoding="utf-8")
    (state / "api-token").chmod(0o600)
    assert warned() == [str(config)]
    config.chmod(0o640)
    assert warned() == []


@pytest.mark.parametrize(
    ("variable", "value", "code"),
    [
        ("PUID", "0", "puid_root"),
        ("TZ", "Europe/Berlin'", "tz_unknown"),
        ("TZ", "Mars/Olympus", "tz_unknown"),
        ("TZ", "../../etc/passwd", "tz_unknown"),
    ],
)
def test_a_variable_that_does_something_else_than_was_meant_is_a_warning(
    tmp_path: Path, variable: str, value: str, code: str
) -> None:
    """It is said, and the rest goes on."""
    environ = {
        variable: value,
        "STRAVA_CLIENT_ID": "1",
        "STRAVA_CLIENT_SECRET": "s",
        "FITFERRY_WATCH_FOLDER": "/a",
    }

    assert [warning.code for warning in load(None, environ, home=tmp_path, places=()).warnings] == [code]
