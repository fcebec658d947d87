"""The commands, as people type them."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlencode

import pytest
from click.testing import CliRunner, Result

from daemon_harness import PATIENCE, DaemonHarness, harness
from documents import zipped
from fitferry import __version__
from fitferry.auth import token_cipher
from fitferry.cli import checks, progress
from fitferry.cli import status as status_command
from fitferry.cli.main import all_commands, group
from fitferry.config.load import load
from fitferry.config.schema import StravaSettings
from fitferry.core.activity import FileKind
from fitferry.core.api_types import StatusJson
from fitferry.core.errors import StravaError
from fitferry.core.messages import verbatim
from fitferry.core.strava import MAX_FILE_BYTES, StravaErrorKind
from fitferry.core.upload import Status
from fitferry.formats import fit
from fitferry.sandbox.faults import InjectedFault
from fitferry.strava import Strava
from samples import SAMPLES

Ride = Callable[..., bytes]
COMMANDS = [
    "run", "init", "config", "login", "connect", "disconnect", "status", "uploads", "upload", "retry", "dismiss",
    "backlog", "inspect", "repair", "check", "health", "keys", "token", "sessions", "notify-test", "sandbox", "demo",
]  # fmt: skip


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaemonHarness]:
    """A daemon in a folder of its own that speaks Korean, whose daemon runs and is not connected."""
    with harness(tmp_path_factory.mktemp("stranger")) as one:
        one.configure(port='0\nlanguage = "ko"')
        one.start()
        yield one


def offline(*words: str, text: str | None = None) -> Result:
    """A command in this process, without a terminal."""
    return CliRunner().invoke(group, list(words), input=text)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    """With a sentence on what it does."""
    answer = offline(command, "--help")

    assert answer.exit_code == 0
    assert len(answer.output.splitlines()) > 3


def test_the_list_of_commands_is_whole() -> None:
    """None is missing, and none is made up."""
    assert set(COMMANDS) == set(all_commands())


def test_the_version_is_told(home: DaemonHarness) -> None:
    """By the quick way and by the long one."""
    assert f"fitferry {__version__}\n" == home.run("--version").stdout
    assert f"fitferry {__version__}\n" == offline("--version").output


def test_without_a_daemon_the_commands_that_need_one_say_so(home: DaemonHarness, ride: Ride) -> None:
    """Exit 1, one sentence, no traceback."""
    file = home.drop("a.fit", ride())
    for words in (["status"], ["login"], ["connect"], ["disconnect"], ["upload", str(file)], ["health"]):
        ended = home.run(*words)
        assert (ended.returncode, "no daemon runs" in ended.stderr) == (1, True), words
        assert "Traceback" not in ended.stderr


def test_status_tells_by_its_exit_code(home: DaemonHarness) -> None:
    """3 while a person is needed, 0 when all is well."""
    home.start()
    needed = home.run("status")
    home.connect()
    home.wait(lambda: home.status()["state"] == "ok")
    well = home.run("status")

    assert (needed.returncode, "not connected" in needed.stdout) == (3, True)
    assert (well.returncode, "connected as Sam Sand" in well.stdout) == (0, True)
    assert home.wait(lambda: home.status() == json.loads(home.run("status", "--json").stdout))


@pytest.mark.parametrize(
    ("held_until", "words"),
    [("2026-11-25T15:15:03Z", "Strava's limit is used up until"), (None, "Strava cannot be reached now")],
)
def test_status_says_what_is_waited_for(held_until: str | None, words: str) -> None:
    """And that nobody has to do anything."""
    nothing: dict[str, object] = {"problems": [], "athletes": [], "watch": [], "last_upload": None}
    found = {"state": "waiting", "web": {"url": "http://localhost:8480"}, **nothing}
    found |= {"queue": {"failed": 0, "completed": 0}, "rate_limit": {"held_until": held_until}}

    assert any(words in str(line) for line, _, _ in status_command.status_lines(cast("StatusJson", found)))


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ({"available": False, "looked_at": False}, "/rides is being looked at for the first time"),
        ({"available": False}, "/rides is not available"),
        ({"available": True}, "/rides is watched"),
    ],
)
def test_status_says_of_a_folder_only_what_is_known(known: dict[str, bool], words: str) -> None:
    """For a moment after the start nobody has looked."""
    watch = {"folder": "/rides", "athlete": "me", "method": "poll", **known}
    nothing: dict[str, object] = {"problems": [], "athletes": [], "watch": [watch], "last_upload": None}
    found = {"state": "ok", "web": {"url": "http://localhost:8480"}, **nothing}
    found |= {"queue": {"failed": 0, "completed": 0}, "rate_limit": {"held_until": None}}

    assert words in [str(line) for line, _, _ in status_command.status_lines(cast("StatusJson", found))]


def test_uploads_are_listed(running: DaemonHarness, ride: Ride) -> None:
    """As lines, and as the JSON of the API; with the daemon and without."""
    running.drop("a.fit", ride())
    (done,) = running.completed()
    line = running.run("uploads").stdout
    running.stop()
    (job,) = json.loads(running.run("uploads", "--json").stdout)["uploads"]

    assert "a.fit\tcompleted\thttps://www.strava.com/activities/" in line
    assert done == job
    assert running.run("uploads", "--status", "failed").stdout == ""
    assert running.run("uploads", "--status", "lost").returncode == 2


def test_a_file_is_uploaded_from_anywhere_and_waited_for(
    running: DaemonHarness, tmp_path: Path, ride: Ride
) -> None:
    """The daemon gets the bytes, not the path; what cannot be an activity fails at once."""
    elsewhere = tmp_path / "else where.fit"
    elsewhere.write_bytes(ride())
    good = running.run("upload", str(elsewhere), "--wait")
    bad = running.run("upload", str(SAMPLES / "course.fit"), str(tmp_path / "missing.fit"))

    assert (good.returncode, "completed https://www.strava.com/activities/" in good.stdout) == (0, True)
    assert bad.returncode == 1
    assert "a course" in bad.stderr
    assert "missing.fit" in bad.stderr


def test_each_job_is_tried_by_itself(running: DaemonHarness, ride: Ride) -> None:
    """One that cannot be retried keeps no other from it; with a daemon and without."""
    running.sandbox.faults.add(InjectedFault("POST /uploads", "upload_empty", times=9))
    for number in (1, 2):
        running.drop(f"{number}.fit", ride(serial=number))
    running.wait(lambda: running.status()["queue"]["failed"] == 2, 40)
    for ended in (running.run("retry", "99", "1", "2"), running.run("dismiss", "99", "98")):
        assert ended.returncode == 1
        assert "99" in ended.stderr
    running.wait(lambda: running.status()["queue"]["failed"] == 2, 40)
    running.stop()
    apart = running.run("retry", "1", "99", "2")

    assert (apart.returncode, "2 back in the queue" in apart.stdout) == (1, True)


def test_a_failed_upload_fails_the_waiting_command(
    running: DaemonHarness, ride: Ride, tmp_path: Path
) -> None:
    """With the reason; then it can be sent or dismissed."""
    running.sandbox.faults.add(InjectedFault("POST /uploads", "upload_empty", times=2))
    file = tmp_path / "a.fit"
    file.write_bytes(ride())
    failed = running.run("upload", str(file), "--wait")
    assert (failed.returncode, "failed" in failed.stdout) == (1, True)
    running.wait(lambda: running.status()["queue"]["failed"])  # written once a second at most
    assert "! failed uploads: 1;" in running.run("status").stdout
    assert running.run("status").returncode == 3
    assert "1 back in the queue" in running.run("retry", "--failed").stdout
    running.wait(lambda: running.history()[0]["status"] == "failed")
    assert running.run("dismiss", "1").returncode == 0

    running.wait(lambda: running.status()["state"] == "ok")
    assert (
        json.loads(running.run("uploads", "--status", "skipped", "--json").stdout)["uploads"][0]["status"]
        == "skipped"
    )


def test_what_was_deleted_on_strava_is_sent_again_when_asked(running: DaemonHarness, ride: Ride) -> None:
    """Under a fresh id, because Strava keeps the old one for ever; without a daemon it waits for the next one."""
    running.drop("a.fit", ride())
    (done,) = running.completed()
    assert running.run("retry", "1").returncode == 1
    running.sandbox.world.activities[done["strava_activity_id"]].deleted = True
    running.stop()
    assert running.run("retry", "1", "--again").returncode == 0
    running.start()
    (again,) = running.completed()

    assert again["strava_activity_id"] not in {None, done["strava_activity_id"]}


def test_connecting_waits_until_strava_has_answered(home: DaemonHarness) -> None:
    """It prints the address, and says as whom in the end."""
    home.start()
    process = subprocess.Popen(  # ourselves
        home.command("connect"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=home.environ(),
    )
    assert process.stdout is not None
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with browser.open(process.stdout.readline().strip(), timeout=PATIENCE) as consent:
        url = consent.url
    boxes = [("authorize", "1"), ("scope", "activity:write")]
    with browser.open(url, urlencode(boxes).encode(), timeout=PATIENCE):
        pass
    rest, _ = process.communicate(timeout=PATIENCE)

    assert (process.returncode, rest) == (0, "connected as Sam Sand\n")


BROWSER = r"""
import html, json, os, re, sys, urllib.parse, urllib.request
url = sys.argv[2]
path = urllib.parse.unquote(urllib.parse.urlsplit(url).path)
text = open(path, encoding="utf-8").read()
json.dump({"argv": sys.argv, "mode": os.stat(path).st_mode & 0o777, "path": path}, open(sys.argv[1], "w"))
link = html.unescape(re.search(r'content="0;url=([^"]+)"', text)[1])
urllib.request.build_opener(urllib.request.HTTPCookieProcessor()).open(link).close()
"""


def test_the_link_that_is_opened_on_a_desktop_stands_in_no_argument(
    home: DaemonHarness, tmp_path: Path
) -> None:
    """Every user of the machine sees a process's arguments, and could consent as somebody else before us."""
    home.start()
    home.sandbox.world.switches.consent = "approve"
    (tmp_path / "browser.py").write_text(BROWSER, encoding="utf-8")
    browser = f"{shlex.join([sys.executable, f'{tmp_path}/browser.py', f'{tmp_path}/seen'])} %s"
    ended = home.run("connect", DISPLAY=":0", BROWSER=browser, HOME=str(tmp_path))
    seen = json.loads((tmp_path / "seen").read_text(encoding="utf-8"))

    assert (ended.returncode, ended.stdout.splitlines()[-1]) == (0, "connected as Sam Sand")
    assert "token" not in " ".join(seen["argv"])
    assert seen["mode"] == 0o600
    assert not Path(seen["path"]).exists()


def test_connecting_tells_a_refusal(home: DaemonHarness) -> None:
    """Exit 1 with Strava's word."""
    home.start()
    home.sandbox.world.switches.consent = "deny"
    process = subprocess.Popen(  # ourselves
        home.command("connect"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=home.environ(),
    )
    assert process.stdout is not None
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with pytest.raises(urllib.error.HTTPError) as raised:
        browser.open(process.stdout.readline().strip(), timeout=PATIENCE)
    raised.value.close()
    rest, _ = process.communicate(timeout=PATIENCE)

    assert (process.returncode, "access_denied" in rest) == (1, True)


def test_an_address_can_be_pasted(home: DaemonHarness) -> None:
    """For a box whose page no browser reaches: localhost needs no registration."""
    home.start()
    home.sandbox.world.switches.consent = "approve"
    process = subprocess.Popen(  # ourselves
        home.command("connect", "--paste"),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=home.environ(),
    )  # fmt: skip
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    rest, _ = process.communicate(_ends_on(url) + "\n", timeout=PATIENCE)

    assert (process.returncode, "Sam Sand" in rest) == (0, True)


@pytest.mark.parametrize(
    "pasted",
    [
        b"http://localhost/nothing\n",
        b"http://[::1\n",
        b"",
        b"\xff\xfe\x00?state\n",
        b"?" + 20_000 * b"a&" + b"\n",
    ],
)
def test_what_is_no_address_is_a_sentence_where_one_is_pasted(running: DaemonHarness, pasted: bytes) -> None:
    """Half an address, another one, no text at all: what is wanted is said, and nothing else."""
    ended = subprocess.run(  # ourselves
        running.command("connect", "--paste"),
        input=pasted, capture_output=True, timeout=PATIENCE, check=False,
        env=running.environ() | {"PYTHONIOENCODING": "utf-8:strict"},
    )  # fmt: skip

    assert (ended.returncode, b"state=" in ended.stderr, b"Traceback" in ended.stderr) == (1, True, False)


def _ends_on(url: str) -> str:
    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_args: object) -> None:
            return None

    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.build_opener(Stay).open(url, timeout=PATIENCE)
    raised.value.close()
    return str(raised.value.headers["Location"])


def test_disconnecting_revokes_at_strava(running: DaemonHarness) -> None:
    """And the status asks for a new connection."""
    assert running.run("disconnect").returncode == 0

    assert running.sandbox.world.tokens == []
    running.wait(lambda: running.status()["problems"])


def test_a_login_link_opens_the_page(running: DaemonHarness) -> None:
    """One line, to be opened in a browser."""
    link = running.run("login").stdout.strip()

    assert re.fullmatch(r"http://127.0.0.1:\d+/login\?token=[\w-]+", link)


def test_the_key_is_changed_with_and_without_a_daemon(running: DaemonHarness, ride: Ride) -> None:
    """Every connection survives it."""
    before = (running.state / "key").read_bytes()
    assert running.run("keys", "rotate").returncode == 0
    between = (running.state / "key").read_bytes()
    running.drop("a.fit", ride(serial=1))
    running.completed(1)
    running.stop()
    assert running.run("keys", "rotate").returncode == 0
    running.start()
    running.drop("b.fit", ride(serial=2))
    running.completed(2)

    assert len({before, between, (running.state / "key").read_bytes()}) == 3


def test_the_backlog_is_told(running: DaemonHarness) -> None:
    """Here nothing waits."""
    assert "nothing waits" in running.run("backlog").stdout
    assert json.loads(running.run("backlog", "all", "--json").stdout)["count"] == 0
    assert running.run("backlog", "since").returncode == 1


def test_health_is_for_containers(running: DaemonHarness) -> None:
    """Exit 0 while the daemon and its database answer."""
    assert running.run("health").returncode == 0
    (running.state / "state.db").rename(running.state / "away.db")

    assert running.run("health").returncode == 1


def test_files_are_inspected_without_being_touched(tmp_path: Path) -> None:
    """What they are, and what would be done with them."""
    config = tmp_path / "config.toml"
    config.write_text("", encoding="utf-8")
    names = ["edge_820_ride.fit", "course.fit", "cut_short.fit", "not_fit.fit", "missing.fit"]
    answer = offline("-c", str(config), "inspect", *(str(SAMPLES / name) for name in names), "--json")
    found = json.loads(answer.output)

    assert answer.exit_code == 0
    assert [one["would"] for one in found[:2]] == ["upload it", "not upload it: not an activity: a course"]
    assert "3,512 of 3,525 bytes" in found[2]["would"]
    assert (
        found[0]["sport"],
        found[0]["start_time"],
        found[0]["duration_s"],
    ) == ("cycling", "2017-06-12T16:10:15Z", 64.524)
    assert found[4]["would"] == "not read it: No such file or directory"
    assert "sport     cycling" in offline("-c", str(config), "inspect", str(SAMPLES / names[0])).output


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


def test_every_status_has_a_word_and_a_colour() -> None:
    """Also that of what was skipped, which has none."""
    assert set(progress.STATUSES) == set(progress.COLOURS) == set(Status)


@pytest.mark.parametrize(
    ("status", "failed"), [("completed", False), ("skipped", False), ("failed", True), ("held", True)]
)
def test_to_wait_for_an_upload_fails_if_it_is_not_going_to_be_one(status: str, failed: bool) -> None:
    """A script asks only for the exit code."""
    job = {"id": 1, "status": status, "waiting_for": None, "strava_url": None, "error_message": None}
    answer = {"uploads": [job], "next_before": None}
    daemon = SimpleNamespace(get=lambda *_path, **_query: answer)

    assert failed is progress.follow(daemon, {1: Path("a.fit")})  # type: ignore[arg-type]  # all that it asks


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


def test_inspect_knows_what_became_of_the_same_bytes(
    running: DaemonHarness, ride: Ride, tmp_path: Path
) -> None:
    """Nothing is done twice."""
    running.drop("a.fit", ride())
    running.completed(1)
    copy = tmp_path / "copy.fit"
    copy.write_bytes((running.rides / "a.fit").read_bytes())

    assert "do nothing: it is known as job 1 (completed)" in running.run("inspect", str(copy)).stdout


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


def test_a_name_cannot_move_the_terminals_cursor(tmp_path: Path) -> None:
    """Names are other people's text."""
    evil = tmp_path / "a\x1b[2J\n\u202efit"
    evil.write_bytes(b"x" * 100)
    config = tmp_path / "config.toml"
    config.write_text("", encoding="utf-8")
    output = offline("-c", str(config), "inspect", str(evil)).output

    assert not {"\x1b", "\u202e"}.intersection(output)
    assert len(output.splitlines()) == 3


def test_init_writes_a_config_that_works(tmp_path: Path) -> None:
    """Without a terminal every answer comes by option."""
    secret, path = tmp_path / "secret", tmp_path / "new" / "config.toml"
    secret.write_text("s3cret\n", encoding="utf-8")
    words = ["init", "--folder", str(tmp_path / "my rides"), "--client-id", "12345"]
    words += ["--client-secret-file", str(secret), "--since", "2026-01-31", "--config", str(path)]
    answer = offline(*words)
    found = load(path, {})

    assert answer.exit_code == 0, answer.output
    assert (
        found.strava.client_id,
        found.strava.client_secret,
        str(found.strava.since),
    ) == ("12345", "s3cret", "2026-01-31")
    assert [tmp_path / "my rides"] == [watch.folder for watch in found.watch]
    again = offline(*words)
    assert again.exit_code != 0
    assert "--force" in str(again.exception)
    assert offline(*words, "--force").exit_code == 0


def test_init_without_a_terminal_says_what_is_missing(tmp_path: Path) -> None:
    """And writes nothing."""
    path = tmp_path / "config.toml"
    answer = offline("init", "--folder", "/srv/rides", "--config", str(path))

    assert "--client-id" in str(answer.exception)
    assert not path.exists()


def test_init_leaves_nothing_behind_that_does_not_work(tmp_path: Path) -> None:
    """A wrong number is told, and no file is kept."""
    path = tmp_path / "config.toml"
    words = [
        "init",
        "--folder",
        "/srv/rides",
        "--client-id",
        "me@example.com",
        "--client-secret-file",
        "/nowhere",
    ]
    answer = offline(*words, "--config", str(path))

    assert "--client-id: needed is the number" in str(answer.exception)
    assert not path.exists()


def test_init_with_a_wrong_answer_leaves_the_old_file_as_it_was(tmp_path: Path) -> None:
    """Even where it was told to replace it."""
    path = tmp_path / "config.toml"
    path.write_text("kept", encoding="utf-8")
    words = ["init", "--folder", "/srv/rides", "--client-id", "abc", "--client-secret-file", str(path)]
    answer = offline(*words, "--config", str(path), "--force")

    assert "--client-id: needed is the number" in str(answer.exception)
    assert path.read_text(encoding="utf-8") == "kept"
    assert [path] == list(tmp_path.iterdir())


def test_init_writes_where_it_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the folder that the environment names for settings; a folder's name may hold anything."""
    secret, folder = tmp_path / "secret", tmp_path / 'a "b" \\ [ , ] c'
    secret.write_text("s", encoding="utf-8")
    words = ["init", "--folder", str(folder), "--client-id", "1", "--client-secret-file", str(secret)]
    for name, path in (
        ("XDG_CONFIG_HOME", tmp_path / "xdg" / "fitferry" / "config.toml"),
        ("FITFERRY_CONFIG", tmp_path / "named.toml"),
    ):
        monkeypatch.setenv(name, str(tmp_path / "xdg" if name.startswith("XDG") else path))
        answer = offline(*words)
        assert answer.exit_code == 0, answer.exception
        assert [folder] == [watch.folder for watch in load(path, {}).watch]


def test_commands_find_the_daemon_whatever_name_it_listens_under(home: DaemonHarness) -> None:
    """Also where that name is none of the page's own."""
    config = home.config.read_text(encoding="utf-8")
    own = f'[web]\nhost = "{socket.gethostname()}"\n'
    home.config.write_text(config.replace("[web]\n", own), encoding="utf-8")
    home.start()

    assert home.run("health").returncode == 0
    assert "/login?token=" in home.run("login").stdout


@pytest.mark.parametrize("command", ["retry", "dismiss"])
def test_a_job_of_an_impossible_number_is_refused_in_a_sentence(home: DaemonHarness, command: str) -> None:
    """With the daemon and without."""
    ended = home.run(command, "9" * 20)

    assert ended.returncode != 0
    assert "Traceback" not in ended.stderr


def test_retrying_all_that_failed_and_some_is_refused(home: DaemonHarness) -> None:
    """It would leave the reader guessing which."""
    for words in (["retry", "--failed", "3"], ["retry", "--failed", "--again"], ["retry"]):
        assert "--failed alone" in home.run(*words).stderr


def test_a_broken_key_is_replaced_without_a_daemon_too(running: DaemonHarness) -> None:
    """As a start does it; the athlete connects again."""
    running.stop()
    (running.state / "key").write_text("no key", encoding="ascii")
    rotated = running.run("keys", "rotate")

    assert "Traceback" not in rotated.stderr
    assert list(running.state.glob("key.broken-*"))


@pytest.mark.parametrize("command", ["upload", "inspect", "repair"])
def test_a_file_that_has_no_end_is_told_of(running: DaemonHarness, tmp_path: Path, command: str) -> None:
    """Somebody else may have put it where a person says `*.fit`."""
    os.mkfifo(tmp_path / "fifo.fit")
    for name, target in {"zero": "/dev/zero", "loop": "loop.fit", "map": "/proc/self/pagemap"}.items():
        (tmp_path / f"{name}.fit").symlink_to(target)
    ended = running.run(command, *map(str, sorted(tmp_path.glob("*.fit"))))

    assert "Traceback" not in ended.stderr
    assert len((ended.stdout + ended.stderr).splitlines()) == 4


def test_a_file_that_is_too_large_is_not_even_sent(running: DaemonHarness, tmp_path: Path) -> None:
    """The command knows."""
    large = tmp_path / "large.fit"
    with large.open("wb") as file:
        file.truncate(100_000_000)
    ended = running.run("upload", str(large))

    assert (ended.returncode, "25 MB" in ended.stderr) == (1, True)


def test_a_zip_may_be_larger_than_an_activity(running: DaemonHarness, tmp_path: Path, ride: Ride) -> None:
    """As large as a request; what is larger goes another way, which is said."""
    filler = bytes(MAX_FILE_BYTES - 1_000)
    for size, name in ((0, "export.zip"), (2_000_000, "larger.zip")):
        members = {"a.fit": ride(serial=1), "b.fit": ride(serial=2), "photo.jpg": filler + bytes(size)}
        (tmp_path / name).write_bytes(zipped(members, zipfile.ZIP_STORED))
    taken, refused = (running.run("upload", str(tmp_path / name)) for name in ("export.zip", "larger.zip"))

    assert (tmp_path / "export.zip").stat().st_size > MAX_FILE_BYTES
    assert (taken.returncode, "as job 1, 2" in taken.stdout) == (0, True), taken
    assert (refused.returncode, "unpack a larger zip" in refused.stderr) == (1, True), refused


def test_the_status_is_followed_until_the_daemon_ends(running: DaemonHarness, ride: Ride) -> None:
    """Printed again whenever something changes; on a terminal in place."""
    for terminal in (False, True):
        words = running.command("status", "--follow")
        mine, theirs = pty.openpty() if terminal else os.pipe()
        environ = {**running.environ(), "TERM": "xterm", "COLUMNS": "100"}
        with subprocess.Popen(words, stdout=theirs, env=environ) as follower:  # ourselves
            os.close(theirs)
            seen = read_until(mine, "is connected as")
            running.drop(f"{terminal}.fit", ride(serial=int(terminal)))
            seen += read_until(mine, f"{terminal}.fit http")
            if terminal:
                running.stop()
            else:
                follower.terminate()
        os.close(mine)

        assert f"{1 + terminal} completed" in seen
        assert ("\x1b[" in seen) is terminal
    assert follower.returncode == 0


def test_whoever_follows_the_status_into_a_file_may_end_it(stranger: DaemonHarness) -> None:
    """By Ctrl-C, as on a terminal: the exit code is that of the last status."""
    words = stranger.command("status", "--follow", "--json")
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=stranger.environ()
    ) as follower:
        assert follower.stdout is not None
        assert follower.stderr is not None
        while follower.stdout.readline().strip() != b"}":
            pass  # until all of the first one is there
        follower.send_signal(signal.SIGINT)
        said = follower.stderr.read()

    assert (follower.returncode, said) == (3, b"")


def test_outcomes_stand_in_lines_of_their_own_above_the_bar(
    running: DaemonHarness, ride: Ride, tmp_path: Path
) -> None:
    """On a terminal, where several files are waited for."""
    names = ["one.fit", "two.fit"]
    for number, name in enumerate(names):
        (tmp_path / name).write_bytes(ride(serial=number))
    mine, theirs = pty.openpty()
    words = running.command("upload", *(str(tmp_path / name) for name in names), "--wait")
    environ = {**running.environ(), "TERM": "xterm", "COLUMNS": "60"}
    with subprocess.Popen(words, stdout=theirs, env=environ) as waiting:  # ourselves
        os.close(theirs)
        seen = ""
        for name in names:
            seen += "" if f"{name}: completed" in seen else read_until(mine, f"{name}: completed")
    os.close(mine)
    lines = re.split(r"[\r\n]+", re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", seen))

    assert waiting.returncode == 0
    assert [line for line in lines if ".fit:" in line and not line.startswith(tuple(names))] == []


def read_until(handle: int, words: str) -> str:
    """What comes until these words have come."""
    seen, deadline = "", time.monotonic() + PATIENCE
    while words not in seen and time.monotonic() < deadline:
        if select.select([handle], [], [], 0.2)[0]:
            seen += os.read(handle, 65_536).decode("utf-8", "replace")
    assert words in seen
    return seen


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("fitferry sta", {"status"}),
        ("fitferry uploads --status f", {"failed"}),
        ("fitferry backlog s", {"since"}),
        ("fitferry connect ", {"me"}),
    ],
)
def test_the_shell_completes_commands_and_what_they_take(
    typed: str, offered: set[str], home: DaemonHarness
) -> None:
    """By click's own way, which the README names."""
    environ = {
        **home.environ(),
        "_FITFERRY_COMPLETE": "bash_complete",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(typed.split()) - (0 if typed.endswith(" ") else 1)),
        "FITFERRY_CONFIG": str(home.config),
    }
    code = "import sys; sys.argv[0] = 'fitferry'; from fitferry.__main__ import main; main()"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environ
    )  # ourselves

    assert {line.split(",")[1] for line in ended.stdout.split()} == offered


def test_the_shell_completes_the_numbers_of_jobs(running: DaemonHarness, ride: Ride) -> None:
    """Those that a command takes, with their files; without a history there are none."""
    running.drop("a.fit", ride())
    running.completed()
    environ = {
        **running.environ(),
        "_FITFERRY_COMPLETE": "zsh_complete",
        "FITFERRY_CONFIG": str(running.config),
    }
    code = "import sys; sys.argv[0] = 'fitferry'; from fitferry.__main__ import main; main()"

    def completed(words: str) -> list[str]:
        given = {**environ, "COMP_WORDS": words, "COMP_CWORD": str(len(words.split()))}
        ended = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=given
        )  # ourselves
        return ended.stdout.split()

    assert completed("fitferry retry ") == ["plain", "1", "a.fit"]
    assert completed("fitferry dismiss ") == []


def test_no_sentence_of_a_wrong_word_is_half_in_english(stranger: DaemonHarness) -> None:
    """What click says itself is translated, too."""
    ended = stranger.run("token", "new", "phone", LANG="ko_KR.UTF-8")

    assert "다음 중에서 고르세요:\n\tupload,\n\tread" in ended.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["status"],
        ["uploads"],
        ["check"],
        ["backlog"],
        ["inspect", str(SAMPLES / "course.fit")],
        ["--help"],
        ["retry"],
    ],
)
def test_the_commands_speak_the_locales_language(running: DaemonHarness, words: list[str]) -> None:
    """Or the one that the settings name; JSON stays as it is."""
    running.wait(lambda: running.status()["state"] == "ok")
    english = running.run(*words, LANG="en_GB.UTF-8")
    korean = running.run(*words, LANG="ko_KR.UTF-8")
    by_setting = running.run(*words, LANG="ko_KR.UTF-8", FITFERRY_WEB_LANGUAGE="en")

    assert korean.returncode == english.returncode
    assert words == ["uploads"] or re.search("[가-힣]", korean.stdout + korean.stderr)
    assert not re.search("[가-힣]", english.stdout + english.stderr)
    assert not re.search("[가-힣]", by_setting.stdout + by_setting.stderr)


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        *([command, "--help"] for command in COMMANDS),
        ["status"],
        ["check"],
        ["backlog"],
        ["inspect", str(SAMPLES / "course.fit"), str(SAMPLES / "edge_820_ride.fit")],
        ["upload", str(SAMPLES / "course.fit"), "/dev/null"],
        ["retry"],
        ["retry", "99"],
        ["uploads", "--limit", "x"],
        ["uploads", "--limit", "0"],
        ["uploads", "--status", "x"],
        ["uploads", "--limit"],
        ["uploads", "--limt"],
        ["uploads", "x"],
        ["upload"],
        ["uplods"],
        ["keys"],
    ],
)
def test_no_english_is_left_in_korean(stranger: DaemonHarness, words: list[str]) -> None:
    """By the settings, whatever the locale is: help, click's own words, and what the daemon says."""
    ended = stranger.run(*words, LANG="C.UTF-8", COLUMNS="200")

    assert re.search("[가-힣]", ended.stdout + ended.stderr)
    assert remnants(ended.stdout + ended.stderr) == []


@pytest.mark.parametrize("text", ['[web]\nlanguage = "ko"\nport = "x"', '[web]\nlanguage = "ko"\nprot = 1'])
def test_wrong_settings_are_told_in_their_own_language(home: DaemonHarness, text: str) -> None:
    """As long as it can be read what that is."""
    home.config.write_text(text, encoding="utf-8")
    ended = home.run("check", LANG="C.UTF-8")

    assert remnants(ended.stdout + ended.stderr) == []


def remnants(text: str) -> list[str]:
    """The English words in what was printed, without names, paths, keys, options and what is to be typed."""
    names = r"`[^`]*`|'[^']*'|\[[^]]*\]|\S*[/.:_=\d-]\S*|\b[A-Z]\w*"
    kept = {
        "fitferry",
        "fit",
        "cycling",
        "commuting",
        "garmin",
        "course",
        "overlay",
        "tmpfs",
    }  # a name, a format, what files say
    kept |= {
        "urls",
        "external",
        "all",
        "since",
        "folder",
        "rotate",
        "new",
        "list",
        "revoke",
        "end",
        "watch",
        "chmod",
        *COMMANDS,
    }  # what is to be typed, or stands so
    return [word for word in re.findall("[a-z]{3,}", re.sub(names, " ", text)) if word not in kept]


@pytest.mark.parametrize("answering", [None, *checks.NEW_APIS])
def test_check_asks_stravas_new_host_by_both_names(tmp_path: Path, answering: str | None) -> None:
    """It names the setting for the one that answers; a clock that is wrong is told by Strava's."""

    class OnlyThere(Strava):
        def __init__(self, settings: StravaSettings) -> None:
            super().__init__(settings)
            self.api = settings.api

        def server_time(self) -> float:
            if self.api not in {checks.OLD_API, answering}:
                raise StravaError(StravaErrorKind.UNREACHABLE, verbatim("no such host"))
            return time.time() - 3600

    config = tmp_path / "config.toml"
    config.write_text(
        '[strava]\nclient_id = 1\nclient_secret = "s"\n[[watch]]\nfolder = "/a"\n', encoding="utf-8"
    )
    found = list(checks.strava_checks(load(config, {}), OnlyThere))

    assert [str(one.message) for one in found if one.result == "warn"] == (
        [f'Strava\'s API answers at its new host: set api = "{answering}" in [strava] before June 2027']
        if answering
        else []
    )
    assert next(str(one.message) for one in found if str(one.what) == "clock").startswith(
        "it is 3,600 seconds off Strava's"
    )


def test_check_has_a_line_for_each_thing(running: DaemonHarness) -> None:
    """And exit 1 where one is bad."""
    running.wait(lambda: running.status()["state"] == "ok")
    good = running.run("check")
    assert good.returncode == 0, good.stdout
    assert {"settings", "database", "clock", "daemon"} <= {
        line[5:].split(":")[0] for line in good.stdout.splitlines()
    }
    (running.state / "key").chmod(0o644)
    bad = running.run("check")

    assert (bad.returncode, "chmod 600" in bad.stdout) == (1, True)
    found = json.loads(running.run("check", "--json").stdout)
    assert [one["what"] for one in found if one["result"] == "bad"] == ["key"]


@pytest.mark.parametrize(
    ("folder", "result", "words"),
    [
        ("/proc/nope/state", "bad", "it cannot be made (No such file or directory)"),
        ("{rides}/a.fit/state", "bad", "it cannot be made (Not a directory)"),
        ("{rides}/new/state", "ok", "it is made at the first start"),
    ],
)
def test_check_proves_that_the_state_folder_can_be_made(
    home: DaemonHarness, ride: Ride, folder: str, result: str, words: str
) -> None:
    """And leaves nothing behind."""
    home.drop("a.fit", ride())
    home.state = Path(folder.format(rides=home.rides))
    home.configure()
    found = json.loads(home.run("check", "--json").stdout)
    (told,) = [one for one in found if one["what"] == f"state folder {home.state}"]

    assert (told["result"], told["words"].startswith(words)) == (result, True)
    assert [home.rides / "a.fit"] == list(home.rides.iterdir())


def test_check_looks_into_the_key(home: DaemonHarness) -> None:
    """A file with something else in it opens no token."""
    home.state.mkdir(mode=0o711)
    key = home.state / "key"
    for text, mode, result in (("garbage", 0o600, "bad"), (token_cipher.new_key().decode(), 0o600, "ok")):
        key.write_text(text, encoding="ascii")
        key.chmod(mode)
        (told,) = [one for one in json.loads(home.run("check", "--json").stdout) if one["what"] == "key"]

        assert told["result"] == result


def test_check_says_once_what_is_missing_and_what_to_do(home: DaemonHarness) -> None:
    """A folder has one line, also where the daemon misses it, and the subscription has its own."""
    home.configure(f'[[watch]]\nfolder = "{home.rides}/away"')
    home.start()
    home.wait(lambda: any(one["code"] == "folder_unavailable" for one in home.status()["problems"]))
    lines = home.run("check").stdout.splitlines()
    (missing,) = [line for line in lines if "/away" in line]

    assert "mount it or create it, or correct its path under [[watch]]" in missing
    assert "warn subscription: not known before the first upload" in lines


@pytest.mark.parametrize(
    ("status", "result", "words"),
    [
        ({"problems": [], "last_upload": None}, "warn", "not known"),
        (
            {"problems": [], "last_upload": {"completed_at": "2026-09-21T12:00:00Z"}},
            "ok",
            "taken on 2026-09-2",
        ),
        (
            {"problems": [{"code": "app_inactive", "message": "subscribe"}], "last_upload": {}},
            "bad",
            "subscribe",
        ),
    ],
)
def test_stravas_answers_tell_of_the_subscription(status: dict[str, Any], result: str, words: str) -> None:
    """It cannot be asked for."""
    found = checks.subscription(cast("StatusJson", status))

    assert (found.result, words in str(found.message)) == (result, True)


def test_wrong_settings_are_told_by_every_command(home: DaemonHarness) -> None:
    """All at once, exit 78."""
    home.config.write_text("[strava\n", encoding="utf-8")
    ended = home.run("uploads")

    assert (ended.returncode, "line 1" in ended.stderr) == (78, True)
