"""What the user asked for, and every problem with it at once."""

from __future__ import annotations

import re
import stat
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from fitferry.config import Settings, template
from fitferry.config.load import language, load
from fitferry.config.schema import Key, all_keys
from fitferry.core.errors import RequestRejected, SettingsError
from fitferry.core.rules import Changes, Conditions, Rule
from settings_papers import papers

KEYS = all_keys()
EXAMPLE = Path(__file__).parents[3] / "config.example.toml"
APP = '[strava]\nclient_id = 12345\nclient_secret = "s"\n'
WATCH = '[[watch]]\nfolder = "/srv/rides"\n'


class Place:
    """A home with nothing in it but what a test puts there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "given.toml"
        self.environ: dict[str, str] = {}
        self.service = folder / "etc.toml"

    def load(self, text: str | None = None, *, require_app: bool = True) -> Settings:
        """The settings of a file with this text, or of no file."""
        if text is not None:
            self.file.write_text(text, encoding="utf-8")
            self.file.chmod(0o600)
        return load(
            self.file if text is not None else None,
            self.environ,
            require_app=require_app,
            home=self.folder,
            places=(self.folder / "etc.toml",),
            container=self.folder / "config",
            service=self.service,
        )

    def problems(self, text: str | None = None) -> dict[str, str]:
        """What is wrong with a file with this text: key to message."""
        with pytest.raises(SettingsError) as raised:
            self.load(text)
        return {problem.key: str(problem) for problem in raised.value.problems}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty place."""
    return Place(tmp_path)


@pytest.mark.parametrize("path", papers(), ids=lambda path: path.name)
def test_what_is_written_of_the_settings_is_what_the_schema_says(path: Path) -> None:
    """Whoever changes a setting runs `make settings`."""
    assert path.read_text(encoding="utf-8") == papers()[path]


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
    "strava.website": ['"www.strava.com"', '"ftp://x"', '"https://"', '"https://x:port"'],
    "strava.scopes": ["[]", '["read"]', '["activity:write", "everything"]', '"activity:write"'],
    "uploads.max_concurrent": ["0", "21", "1.5", "true"],
    "uploads.retry_delays": ["[]", "[-1]", '["60"]', "[inf]", "[nan]", "60", "[true]"],
    "uploads.uncertain_delay": ["-1", "nan", "inf", "true"],
    "uploads.archive_folder": ['"/abs"', '"../up"', '""', '"."'],
    "web.host": ['"http://x"', '""'],
    "web.hosts": ['["http://x"]', '["a/b"]', '"nas"'],
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


def test_a_wrong_secret_is_not_shown(place: Place) -> None:
    """Settings problems are printed, and copied into questions."""
    assert "[5]" not in place.problems("[strava]\nclient_secret = [5]")["strava.client_secret"]


def test_a_secret_may_come_from_a_file(place: Place) -> None:
    """With the line's end that every editor adds."""
    secret = place.folder / "secret"
    secret.write_text(" s3cret\n", encoding="utf-8")
    found = place.load(f'[strava]\nclient_id = 1\nclient_secret_file = "{secret}"\n' + WATCH)

    assert found.strava.client_secret == "s3cret"
    assert "s3cret" not in repr(found)


@pytest.mark.parametrize("content", [None, "", " \n"])
def test_a_secret_file_that_holds_nothing_is_a_problem(place: Place, content: str | None) -> None:
    """Once, without a second one about the missing secret."""
    secret = place.folder / "secret"
    if content is not None:
        secret.write_text(content, encoding="utf-8")
    problems = place.problems(f'[strava]\nclient_id = 1\nclient_secret_file = "{secret}"\n' + WATCH)

    assert list(problems) == ["strava.client_secret_file"]


def test_two_secrets_are_one_too_many(place: Place) -> None:
    """Nobody can know which one is meant."""
    assert "strava.client_secret_file" in place.problems(APP + 'client_secret_file = "/x"\n' + WATCH)


@pytest.mark.parametrize("prefix", ["FITFERRY_", ""])
def test_either_secret_variable_replaces_both_keys_of_the_file(place: Place, prefix: str) -> None:
    """A secret from the environment never meets one of the file."""
    secret = place.folder / "secret"
    secret.write_text("from a file", encoding="utf-8")
    place.environ = {f"{prefix}STRAVA_CLIENT_SECRET_FILE": str(secret)}
    assert place.load(APP + WATCH).strava.client_secret == "from a file"
    place.environ = {f"{prefix}STRAVA_CLIENT_SECRET": "from a variable"}
    text = '[strava]\nclient_id = 1\nclient_secret_file = "/missing"\n' + WATCH

    assert place.load(text).strava.client_secret == "from a variable"


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


def test_a_table_without_a_folder_is_given_the_one_of_the_environment(place: Place) -> None:
    """The file names none then."""
    place.environ = {"FITFERRY_WATCH_FOLDER": "/srv/rides"}
    found = place.load(APP + '[[watch]]\nathlete = "sam"\n')

    assert [(str(watch.folder), watch.athlete) for watch in found.watch] == [("/srv/rides", "sam")]


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


@pytest.mark.parametrize("paper", ["config.example.toml", "docs/rules.md"])
def test_the_rules_in_the_papers_are_good_rules(place: Place, paper: str) -> None:
    """Without their comment signs they load."""
    text = (EXAMPLE.parent / paper).read_text(encoding="utf-8")
    shown = re.findall(r"^(?:# )?(\[\[rule\]\]\n(?:# )?when = .*\n(?:# )?set = .*)$", text, re.MULTILINE)
    found = place.load(APP + WATCH + "\n".join(shown).replace("# ", ""))

    assert len(found.rules) >= 2


def test_a_rule_for_an_athlete_without_a_folder_is_a_problem(place: Place) -> None:
    """And a type that Strava may have added is a warning."""
    text = APP + WATCH + '[[rule]]\nwhen = { athlete = "nobody" }\nset = { skip = true }\n'
    assert "expected one of me" in place.problems(text)["rule[1].when.athlete"]
    text = APP + WATCH + '[[rule]]\nset = { sport_type = "Quidditch" }\n'
    (warning,) = place.load(text).warnings

    assert str(warning).startswith("rule[1].set.sport_type: ")


def test_rules_are_kept_as_they_stand(place: Place) -> None:
    """With the mistakes in their frame told."""
    found = place.load(APP + WATCH + '[[rule]]\nwhen = {sport = "cycling"}\nset = {commute = true}\n')
    assert found.rules == (Rule(Conditions(sport=("cycling",)), Changes(commute=True)),)

    assert {"rule[1].wen", "rule[1].set"} == set(
        place.problems(APP + WATCH + "[[rule]]\nwen = {}\nset = 5\n")
    )


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
