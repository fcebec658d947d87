"""What the user asked for, and every problem with it at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from fitferry.config.load import language
from settings_files import APP, KEYS, WATCH, Place

TEN_MISTAKES = """
[strava]
client_id = "twelve"
client_secrett = "s"
since = 2026-01-01T00:00:00
scopes = ["read"]

[[watch]]
folder = "rides"
settle = -1

[uploads]
max_concurrent = true
retry_delays = []
after_upload = "burn"

[web]
port = 70000
url = "localhost:8480"

[wep]
"""


def test_every_problem_is_told_at_once(place: Place) -> None:
    """Each with its key, and each slip once: the missing secret is the one that was misspelt."""
    assert {
        "strava.client_id",
        "strava.client_secrett",
        "strava.since",
        "strava.scopes",
        "watch.folder",
        "watch.settle",
        "uploads.max_concurrent",
        "uploads.retry_delays",
        "uploads.after_upload",
        "web.port",
        "web.url",
        "wep",
    } == set(place.problems(TEN_MISTAKES))


@pytest.mark.parametrize(
    ("line", "near"),
    [
        ("[strava]\nclient_idd = 1", "strava.client_id?"),
        ("[web]\nprot = 1", "web.port?"),
        ("[uploads]\nretry_delay = [1]", "uploads.retry_delays?"),
        ("[strava]\nfolder = '/srv'", "watch.folder?"),
        ("[strvaa]\nclient_id = 1", "strava?"),
        ('[[watch]]\nfolder = "/a"\nathelte = "me"', "watch.athlete?"),
    ],
)
def test_a_typo_is_answered_with_the_nearest_key(place: Place, line: str, near: str) -> None:
    """So that nobody has to open the example to find it."""
    assert any(near in message for message in place.problems(line).values())


BAD = {
    "strava.client_id": ["true", "0", '"12a"', "1.5", '""'],
    "strava.client_secret": ["5", '""'],
    "strava.auto_upload": ['"yes"', "1"],
    "strava.since": ['"2026-01-01"', "2026"],
    "strava.website": [
        *(
            '"www.strava.com"',
            '"ftp://x"',
            '"https://"',
            '"https://x:port"',
            '"https://x:0"',
            '"https://[::1"',
        ),
        *(
            '"https://a b"',
            '"https://x\\n"',
            '"https://☃"',
            '"https://a..b"',
            '"https://999.1.1.1"',
            '"https://1.2.3"',
        ),
        *('"https://%zz"', '"https://*"', f'"https://{"a" * 70}.de"'),
    ],
    "strava.scopes": ["[]", '["read"]', '["activity:write", "everything"]', '"activity:write"'],
    "uploads.max_concurrent": ["0", "21", "1.5", "true"],
    "uploads.retry_delays": ["[]", "[-1]", '["60"]', "[inf]", "[nan]", "60", "[true]"],
    "uploads.uncertain_delay": ["-1", "nan", "inf", "true"],
    "uploads.archive_folder": ['"/abs"', '"../up"', '""', '"."', r'"a\u0000b"'],
    "web.host": ['"http://x"', '""', '"127.0.0.1:8480"', r'"a\u0000b"', '"a..b"'],
    "web.hosts": ['["http://x"]', '["a/b"]', '"nas"', '["a..ü"]'],
    "web.port": ["-1", "65536", '"80"'],
    "web.language": ['"fr"'],
    "state.folder": ['"relative"', '""'],
    "log.level": ['"loud"'],
    "log.format": ['"xml"'],
    "notify.heartbeat_url": ['"hc"'],
    "notify.urls": ['[""]', "[1]"],
}


@pytest.mark.parametrize(
    ("dotted", "value"), [(key, value) for key, values in BAD.items() for value in values]
)
def test_a_value_that_does_not_fit_is_named_with_what_is_expected(
    place: Place, dotted: str, value: str
) -> None:
    """Every key says which values it takes."""
    section, name = dotted.split(".")
    problems = place.problems(f"[{section}]\n{name} = {value}\n")
    (key,) = [key for key in KEYS if key.dotted == dotted]

    assert str(key.kind.expected) in problems[dotted]


@pytest.mark.parametrize(
    "url",
    [
        "https://ü.de",
        "http://my_nas:1/api/",
        "http://[::1]:80",
        "https://api-v3.strava.com.",
        "HTTP://127.0.0.1",
    ],
)
def test_every_address_that_a_request_can_go_to_is_taken(place: Place, url: str) -> None:
    """Whatever is written there that works: only a bar at the end goes."""
    settings = place.load(
        f'[strava]\nclient_id = 1\nclient_secret = "s"\napi = "{url}"\n[[watch]]\nfolder = "/a"'
    )

    assert settings.strava.api == url.rstrip("/")


@pytest.mark.parametrize("text", ["a = = 1", "a = 1 b", "\x00"])
def test_a_file_that_is_no_toml_says_where(place: Place, text: str) -> None:
    """With line and column, as the parser knows them."""
    assert "line 1" in place.problems(text)[str(place.file)]


def test_one_folder_spelt_in_two_ways_is_the_same_folder(place: Place) -> None:
    """By its name alone: a look at the disk would hold up every command while a server does not answer."""
    rides = place.folder / "rides"
    text = (
        f'[[watch]]\nfolder = "{rides}"\n[[watch]]\nathlete = "bob"\nfolder = "{place.folder}/x/../rides/"\n'
    )

    assert list(place.problems(APP + text)) == ["watch[2].folder"]


def test_an_address_that_may_hold_a_secret_is_not_shown(place: Place) -> None:
    """Not even where it is wrong."""
    text = '[notify]\nurls = "discord://a/SECRET"\nheartbeat_url = "hc.example/SECRET"\n'

    assert len(found := place.problems(APP + WATCH + text)) == 2
    assert "SECRET" not in " ".join(found.values())


@pytest.mark.parametrize(
    ("text", "environ", "found"),
    [
        ('[web]\nlanguage = "ko"\nport = "x"', {}, "ko"),
        ('[web]\nlanguage = "ko"', {"FITFERRY_WEB_LANGUAGE": "en"}, "en"),
        ("", {}, "auto"),
        ('[web]\nlanguage = "xx"', {}, "auto"),
        ("web = 3", {}, "auto"),
        ("[web", {}, "auto"),
    ],
)
def test_the_language_is_known_by_itself(
    tmp_path: Path, text: str, environ: dict[str, str], found: str
) -> None:
    """So that wrong settings can be told in it."""
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")

    assert language(path, environ) == found
    assert language(tmp_path / "missing.toml", {}) == "auto"


def test_folders_may_be_nested_but_not_twice_the_same(place: Place) -> None:
    """Of nested ones the innermost owns the file; the same one twice is a mistake."""
    nested = WATCH + '[[watch]]\nfolder = "/srv/rides/sam"\nathlete = "sam"\n'
    assert place.load(APP + nested).athletes == ("me", "sam")

    assert list(place.problems(APP + WATCH + '[[watch]]\nfolder = "/srv/./rides/"\n')) == ["watch[2].folder"]


def test_a_missing_folder_is_no_problem_of_the_settings(place: Place) -> None:
    """It may be mounted later."""
    place.load(APP + '[[watch]]\nfolder = "/nowhere/at/all"\n')


def test_commands_that_only_read_need_no_app(place: Place) -> None:
    """`fitferry status` works before anything is set up."""
    assert (
        place.load("", require_app=False).strava.client_id,
        place.load("", require_app=False).watch,
    ) == ("", ())
    assert {"strava.client_id", "strava.client_secret", "watch"} == set(place.problems(""))
