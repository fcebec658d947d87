"""The commands, as people type them."""

from __future__ import annotations

import json
import os
import socket
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from daemon_harness import DaemonHarness
from documents import zipped
from fitferry import __version__
from fitferry.cli import progress
from fitferry.cli import status as status_command
from fitferry.cli.main import all_commands
from fitferry.core.api_types import StatusJson
from fitferry.core.strava import MAX_FILE_BYTES
from fitferry.core.upload import Status
from fitferry.sandbox.faults import InjectedFault
from offline import COMMANDS, offline
from samples import SAMPLES

Ride = Callable[..., bytes]


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
    assert running.run("uploads", "--athlete", "me").stdout == line
    assert "no athlete you in the settings" in running.run("uploads", "--athlete", "you").stderr


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
    apart = running.run("retry", "1", "99", "2", "1")

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


def test_every_status_has_a_word_and_a_colour() -> None:
    """Also that of what was skipped, which has none."""
    assert set(progress.STATUSES) == set(Status)


@pytest.mark.parametrize(
    ("status", "failed"), [("completed", False), ("skipped", False), ("failed", True), ("held", True)]
)
def test_to_wait_for_an_upload_fails_if_it_is_not_going_to_be_one(status: str, failed: bool) -> None:
    """A script asks only for the exit code."""
    job = {"id": 1, "status": status, "waiting_for": None, "strava_url": None, "error_message": None}
    answer = {"uploads": [job], "next_before": None}
    daemon = SimpleNamespace(get=lambda *_path, **_query: answer)

    assert failed is progress.follow(daemon, {1: Path("a.fit")})  # type: ignore[arg-type]  # all that it asks


def test_inspect_knows_what_became_of_the_same_bytes(
    running: DaemonHarness, ride: Ride, tmp_path: Path
) -> None:
    """Nothing is done twice."""
    running.drop("a.fit", ride())
    running.completed(1)
    copy = tmp_path / "copy.fit"
    copy.write_bytes((running.rides / "a.fit").read_bytes())

    assert "do nothing: it is known as job 1 (completed)" in running.run("inspect", str(copy)).stdout


def test_commands_find_the_daemon_whatever_name_it_listens_under(home: DaemonHarness) -> None:
    """Also where that name is none of the page's own."""
    home.edit("[web]\n", f'[web]\nhost = "{socket.gethostname()}"\n')
    home.start()

    assert home.run("health").returncode == 0
    assert "/login?token=" in home.run("login").stdout


@pytest.mark.parametrize("command", ["retry", "dismiss"])
def test_a_job_of_an_impossible_number_is_refused_in_a_sentence(home: DaemonHarness, command: str) -> None:
    """The database holds none so large; nobody is asked for it."""
    ended = home.run(command, "9" * 20)

    assert (ended.returncode, "9" * 20 in ended.stderr) == (2, True)
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


def test_wrong_settings_are_told_by_every_command(home: DaemonHarness) -> None:
    """All at once, exit 78; a container asks for its health, and is told no more than 1."""
    home.config.write_text("[strava\n", encoding="utf-8")

    for words, code in (("uploads", 78), ("health", 1)):
        ended = home.run(words)
        assert (ended.returncode, "line 1" in ended.stderr) == (code, True)
