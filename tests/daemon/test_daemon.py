"""The daemon as people run it: a process of its own, against the sandbox."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import socket
import sqlite3
import stat
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from daemon_harness import PATIENCE, DaemonHarness, harness
from fitferry.sandbox.faults import InjectedFault
from samples import SAMPLES

Ride = Callable[..., bytes]


def test_a_file_that_is_dropped_becomes_an_activity(running: DaemonHarness) -> None:
    """The main path, with a real file: its id is in the history, and the sandbox knows it by our hash."""
    shutil.copy(SAMPLES / "edge_820_ride.fit", running.rides)
    (done,) = running.completed()
    (activity,) = running.sandbox.world.activities.values()

    assert (activity.id, activity.external_id) == (done["strava_activity_id"], f"{done['sha256']}.fit")
    assert f"https://www.strava.com/activities/{activity.id}" == done["strava_url"]
    assert (
        done["sport"],
        done["start_time"],
        done["file"],
    ) == ("cycling", "2017-06-12T16:10:15Z", "edge_820_ride.fit")


def test_files_come_in_every_common_way(running: DaemonHarness, ride: Ride, tmp_path: Path) -> None:
    """Copied, moved in from outside, renamed into place, written slowly, hard-linked: each once."""
    running.drop("copied.fit", ride(serial=1))
    outside = tmp_path / "outside.fit"
    outside.write_bytes(ride(serial=2))
    outside.rename(running.rides / "moved.fit")
    running.drop(".renamed.fit.XXXX", ride(serial=3)).rename(running.rides / "renamed.fit")
    slow = ride(serial=4)
    with (running.rides / "slow.fit").open("wb", buffering=0) as file:
        for start in range(0, len(slow), 300):
            file.write(slow[start : start + 300])
            time.sleep(0.01)
    outside.write_bytes(ride(serial=5))
    (running.rides / "linked.fit").hardlink_to(outside)
    running.completed(5)

    assert len(running.sandbox.world.uploads) == 5


def test_what_was_there_at_the_start_is_uploaded(home: DaemonHarness, ride: Ride) -> None:
    """Also what was dropped while the daemon was down."""
    home.drop("before.fit", ride(serial=1))
    home.start()
    home.connect()
    home.completed(1)
    assert home.stop() == 0
    home.drop("between.fit", ride(serial=2))
    home.start()

    assert len(home.completed(2)) == 2


def test_a_first_start_with_a_clock_that_is_behind_sends_no_history(home: DaemonHarness, ride: Ride) -> None:
    """A Raspberry Pi without a battery: what looks like last week's is a month old by Strava's clock."""
    home.sandbox.world.switches.date_offset = 20 * 86_400.0
    for number in range(25):
        start = datetime.now(UTC) - timedelta(days=2, minutes=number)
        home.drop(f"{number}.fit", ride(start=start, serial=number + 1))
    home.start()
    home.connect()
    home.wait(lambda: [one["code"] for one in home.status()["problems"]] == ["backlog"])

    assert {job["error_code"] for job in home.history()} == {"backlog"}
    assert home.sandbox.world.activities == {}


def test_a_kill_in_the_middle_of_an_upload_loses_and_doubles_nothing(
    running: DaemonHarness, ride: Ride
) -> None:
    """Strava has the file, the answer never came: the next start looks, and finds it."""
    running.ask("GET", "/healthz")
    running.sandbox.faults.add(InjectedFault("POST /uploads", "hang", seconds=30))
    running.drop("ride.fit", ride())
    running.wait(lambda: running.sandbox.world.uploads)
    running.stop(signal.SIGKILL)
    running.sandbox.faults.clear()
    running.start()
    (done,) = running.completed()

    assert len(running.sandbox.world.uploads) == 1
    assert list(running.sandbox.world.activities) == [done["strava_activity_id"]]


@pytest.mark.parametrize(
    "kind", ["drop_before", "drop_after", "drop_mid_answer", "error_500", "error_503", "html_200"]
)
def test_trouble_on_the_way_ends_in_one_activity(running: DaemonHarness, ride: Ride, kind: str) -> None:
    """Whatever happens to the first try."""
    running.sandbox.faults.add(InjectedFault("POST /uploads", kind))
    running.drop("ride.fit", ride())
    (done,) = running.completed()

    assert [done["strava_activity_id"]] == list(running.sandbox.world.activities)
    assert done["error_code"] in {None, "duplicate"}


def test_a_stop_finishes_the_upload_in_flight(running: DaemonHarness, ride: Ride) -> None:
    """SIGTERM in the middle of a POST: its answer is written down before the process ends."""
    running.sandbox.faults.add(InjectedFault("POST /uploads", "slow", seconds=1.0))
    running.drop("ride.fit", ride())
    running.wait(
        lambda: running.sandbox.world.requests and running.sandbox.world.requests[-1]["path"] == "/uploads"
    )

    assert running.stop() == 0
    with closing(sqlite3.connect(running.state / "state.db")) as raw:
        row = raw.execute("SELECT upload_id FROM upload_job").fetchone()
    assert (next(iter(running.sandbox.world.uploads)),) == row


def test_ctrl_c_stops_cleanly_too(running: DaemonHarness) -> None:
    """With exit code 0, and no traceback."""
    assert running.stop(signal.SIGINT) == 0
    assert "Traceback" not in running.words()


def test_a_second_daemon_is_refused(running: DaemonHarness) -> None:
    """With the exit code that lets systemd try again later."""
    second = running.run("run")

    assert second.returncode == 75
    assert "another Fitferry" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_port_that_is_taken_is_explained(home: DaemonHarness) -> None:
    """Which one, and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = home.run("run", FITFERRY_WEB_PORT=str(port))

    assert (ended.returncode, f"port {port}" in ended.stderr) == (1, True)
    assert "Traceback" not in ended.stderr


def test_a_host_that_nobody_knows_is_explained(home: DaemonHarness) -> None:
    """Exit 1, the setting named, no traceback."""
    home.edit("[web]\n", '[web]\nhost = "no.such.host.invalid"\n')
    ended = home.run("run")

    assert (ended.returncode, "[web]" in ended.stderr) == (1, True)
    assert "Traceback" not in ended.stderr


def test_a_quiet_log_holds_the_way_in(home: DaemonHarness) -> None:
    """Who has to sign in finds the link there, whatever the level but error."""
    home.configure(extra='level = "warning"')
    home.start()

    home.wait(lambda: "/login?token=" in home.words())


def test_wrong_settings_are_told_before_anything_is_written(home: DaemonHarness) -> None:
    """Every one of them, with exit code 78."""
    home.config.write_text('[strava]\nclient_id = "x"\n[web]\nport = -1\n', encoding="utf-8")
    ended = home.run("run")

    assert ended.returncode == 78
    assert sorted(line.split()[0].rstrip(":") for line in ended.stderr.splitlines()[1:]) == [
        "strava.client_id",
        "strava.client_secret",
        "watch",
        "web.port",
    ]
    assert not home.state.exists()


def test_a_state_folder_that_cannot_be_written_is_explained(home: DaemonHarness, tmp_path: Path) -> None:
    """A file stands in its place: also root cannot write there."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    home.configure(state=str(tmp_path / "file" / "state"))
    ended = home.run("run")

    assert (ended.returncode, "not writable" in ended.stderr) == (1, True)
    assert "Traceback" not in ended.stderr


def test_a_missing_folder_is_no_reason_to_stop(home: DaemonHarness, ride: Ride) -> None:
    """It shows as unavailable with a problem, and is picked up when it comes."""
    home.rides.rmdir()
    home.start()
    home.wait(lambda: "folder_unavailable" in {problem["code"] for problem in home.status()["problems"]})
    assert [watch["available"] for watch in home.status()["watch"]] == [False]
    home.rides.mkdir()
    home.connect()
    home.drop("ride.fit", ride())
    home.completed()
    home.wait(lambda: home.status()["state"] == "ok")

    assert home.status()["problems"] == []


def test_a_wrong_secret_is_one_problem_and_no_failure(home: DaemonHarness, ride: Ride) -> None:
    """The message names the settings that can be wrong."""
    home.start()
    home.connect()
    home.sandbox.world.expire(60)
    home.stop()
    home.edit("sandbox-secret", "wrong")
    home.start()
    home.sandbox.faults.add(InjectedFault("POST /uploads", "unauthorized", times=9))
    home.drop("ride.fit", ride())
    problem = home.wait(
        lambda: next((p for p in home.status()["problems"] if p["code"] == "app_refused"), None)
    )

    assert "client_secret" in problem["message"]
    (job,) = home.history()
    assert (job["status"], job["waiting_for"], job["retry_count"]) == ("pending", "settings", 0)


@pytest.mark.parametrize("content", ["", "no key at all\n"])
def test_a_broken_key_file_asks_for_a_new_sign_in(running: DaemonHarness, ride: Ride, content: str) -> None:
    """The daemon runs; what was there is renamed."""
    running.stop()
    (running.state / "key").write_text(content, encoding="utf-8")
    running.start()
    (problem,) = running.status()["problems"]
    assert (problem["code"], "key" in problem["message"]) == ("not_connected", True)
    running.connect()
    running.drop("ride.fit", ride())

    assert running.completed()
    assert list(running.state.glob("key.broken-*"))


def test_a_lost_key_asks_for_a_new_sign_in(running: DaemonHarness) -> None:
    """No crash loop."""
    running.stop()
    (running.state / "key").unlink()
    running.start()

    assert [problem["code"] for problem in running.status()["problems"]] == ["not_connected"]


def test_a_key_that_others_can_read_is_refused(running: DaemonHarness) -> None:
    """With what to do about it, and the exit code of settings."""
    running.stop()
    (running.state / "key").chmod(0o644)
    ended = running.run("run")

    assert (ended.returncode, "chmod 600" in ended.stderr) == (78, True)


def test_a_damaged_database_is_put_back_from_its_copy(running: DaemonHarness, ride: Ride) -> None:
    """And nothing is uploaded twice."""
    running.drop("ride.fit", ride())
    running.completed()
    (copy,) = running.wait(lambda: list(running.state.glob("state-*.db")))
    running.stop()
    (running.state / "state.db").write_bytes(b"damaged" * 5000)
    for suffix in ("-wal", "-shm"):
        Path(f"{running.state / 'state.db'}{suffix}").unlink(missing_ok=True)
    running.start()
    running.wait(lambda: running.status()["state"] == "ok" or running.status()["problems"])
    if running.status()["problems"]:
        running.connect()
    running.completed()

    assert copy.exists()
    assert len(running.sandbox.world.activities) == 1
    assert list(running.state.glob("state.db.damaged-*"))


def test_a_damaged_queue_is_thrown_away(running: DaemonHarness, ride: Ride) -> None:
    """It holds nothing that the ledger does not know."""
    running.stop()
    (running.state / "queue.db").write_bytes(b"damaged")
    running.start()
    running.drop("ride.fit", ride())

    assert running.completed()


def test_the_state_is_for_the_owner_alone(running: DaemonHarness, ride: Ride) -> None:
    """But the status file, which holds no secret."""
    running.drop("ride.fit", ride())
    running.completed()
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode) for path in running.state.iterdir() if path.is_file()
    }

    assert modes.pop("status.json") == 0o644
    assert {0o600} == set(modes.values())
    assert {"state.db", "state.db-wal", "state.db-shm", "queue.db", "key", "api-token", "lock"} <= set(modes)
    assert stat.S_IMODE(running.state.stat().st_mode) == 0o711


def test_a_stricter_state_folder_is_left_as_it_is(home: DaemonHarness) -> None:
    """Its owner knows why."""
    home.state.mkdir(mode=0o700)
    home.start()

    assert stat.S_IMODE(home.state.stat().st_mode) == 0o700


def test_the_status_file_says_how_things_are(running: DaemonHarness, ride: Ride) -> None:
    """With every field that programs were promised."""
    running.drop("ride.fit", ride())
    running.completed()
    running.wait(lambda: running.status()["last_upload"])
    found = running.status()

    assert {
        "version", "pid", "started_at", "updated_at", "web", "state", "problems", "athletes", "queue", "rate_limit",
        "last_upload", "watch",
    } == set(found)  # fmt: skip
    assert running.process is not None
    assert (running.process.pid, "ok", []) == (found["pid"], found["state"], found["problems"])
    assert found["queue"] == {
        "pending": 0,
        "processing": 0,
        "completed": 1,
        "failed": 0,
        "held": 0,
        "skipped": 0,
    }
    assert found["rate_limit"]["overall"] == {"limit": [200, 2000], "usage": [2, 2]}
    assert [{"folder": str(running.rides), "athlete": "me", "method": "events", "available": True}] == found[
        "watch"
    ]


def test_auto_upload_off_holds_what_comes(home: DaemonHarness, ride: Ride) -> None:
    """Until somebody uploads it."""
    home.edit("[strava]", "[strava]\nauto_upload = false")
    home.start()
    home.connect()
    home.drop("ride.fit", ride())
    held = home.wait(lambda: next(iter(home.history()), None))
    assert held["status"] == "held"
    home.ask("POST", f"/api/v1/strava/upload/{held['activity_id']}")

    assert home.completed()


def test_since_holds_what_is_older_and_frees_it_when_it_is_changed(home: DaemonHarness, ride: Ride) -> None:
    """The day begins at local midnight."""
    home.edit("[strava]", "[strava]\nsince = 2026-10-01")
    home.start()
    home.connect()
    home.drop("ride.fit", ride())
    assert home.wait(lambda: next(iter(home.history()), None))["status"] == "held"
    home.stop()
    home.edit("since = 2026-10-01", "")
    home.start()

    assert home.completed()


def test_systemd_hears_of_it(home: DaemonHarness, tmp_path: Path) -> None:
    """READY when all stands, STATUS in words, WATCHDOG while it lives, STOPPING at the end."""
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(address)
        heard.settimeout(60)
        home.more = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "400000"}
        home.start()
        words = ""
        while "WATCHDOG=1" not in words or "STATUS=" not in words:
            words += heard.recv(4096).decode() + "\n"
        home.stop()
        heard.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                words += heard.recv(4096).decode() + "\n"

    assert words.index("READY=1") < words.index("STOPPING=1")


def test_a_daemon_that_is_well_lets_its_heart_beat(home: DaemonHarness) -> None:
    """Once it is connected, and not before."""
    heard: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the library's name
            heard.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the same
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        home.configure(extra=f'[notify]\nheartbeat_url = "http://127.0.0.1:{server.server_port}/ping"')
        home.start()
        home.wait(lambda: home.status()["state"] == "attention")
        assert heard == []
        home.connect()
        home.wait(lambda: heard)
        home.stop()
        server.shutdown()

    assert heard == ["/ping"]
    assert "Traceback" not in home.words()


@pytest.mark.parametrize("level", ["info", "debug"])
def test_no_secret_is_written_anywhere(home: DaemonHarness, ride: Ride, level: str) -> None:
    """Log, page, status file, database, answers: none of them holds a token, the app's secret or a state."""
    running = home
    telltale = "json://127.0.0.1:1/path-of-a-secret?+X-Tok=header-of-a-secret"
    home.configure(extra=f'level = "{level}"\n[notify]\nurls = ["{telltale}"]')
    forks, home.server = home.server, None  # its command line and environment are to be its own
    home.start()
    home.server = forks
    home.connect()
    running.sandbox.faults.add(InjectedFault("POST /uploads", "unauthorized"))
    running.drop("ride.fit", ride())
    running.completed()
    asked = running.ask("GET", "/api/v1/strava/auth")["authorization_url"]
    state = asked.split("state=")[1].split("&")[0]
    shown = json.dumps([running.history(), running.status(), running.ask("GET", "/api/v1/strava/status")])
    for path in ("/", "/?status=failed", "/metrics", "/nowhere", f"/api/v1/strava/callback?state={'x' * 43}"):
        shown += running.text(path)
    commands = (
        ["status"],
        ["status", "--json"],
        ["uploads"],
        ["check"],
        ["check", "--json"],
        ["backlog"],
        ["retry", "99"],
    )
    for words in commands:
        ended = running.run(*words)
        shown += ended.stdout + ended.stderr
    assert running.process is not None
    for told in ("cmdline", "environ", "comm"):  # what `ps` shows, also of the environment
        shown += Path(f"/proc/{running.process.pid}/{told}").read_text(encoding="utf-8")
    running.stop()
    api_token = (running.state / "api-token").read_text(encoding="ascii").strip()
    key = (running.state / "key").read_text(encoding="ascii").strip()
    tokens = [token for held in running.sandbox.world.tokens for token in (held.access, held.refresh)]
    secrets = ["sandbox-secret", state, key, "path-of-a-secret", "header-of-a-secret", *tokens]
    files = [
        path for path in running.state.rglob("*") if path.is_file() and path.name not in {"key", "api-token"}
    ]
    written = {path.name: path.read_bytes() for path in files} | {
        "log": running.log.read_bytes(),
        "api": shown.encode(),
    }

    leaks = [
        (name, secret[:6]) for name, body in written.items() for secret in secrets if secret.encode() in body
    ]
    assert leaks == []
    assert api_token not in running.words() + shown
    assert running.sandbox.world.tokens


def test_the_log_is_one_event_a_unit_of_work(running: DaemonHarness, ride: Ride) -> None:
    """With an outcome from a closed set, as JSON where nobody looks."""
    running.drop("ride.fit", ride())
    running.completed()
    running.stop()
    events = [json.loads(line) for line in running.words().splitlines()]
    outcomes = [event["outcome"] for event in events if event["event"] in {"file_admitted", "upload_attempt"}]

    assert outcomes[:2] == ["admitted", "accepted"]
    assert outcomes[-1] == "completed"
    assert {"admitted", "accepted", "processing", "completed"} >= set(outcomes)


def test_the_log_tells_how_the_first_hour_went(tmp_path: Path) -> None:
    """A folder that is missing, a consent that is refused, as whom it is connected, that it was disconnected; and why."""
    with harness(tmp_path) as home:
        home.configure(extra=f'[[watch]]\nfolder = "{tmp_path}/usb"\n')
        home.start()
        home.sandbox.world.switches.consent = "deny"
        consent = home.ask("GET", "/api/v1/strava/auth")["authorization_url"]
        with pytest.raises(urllib.error.HTTPError), urllib.request.urlopen(consent, timeout=PATIENCE):  # noqa: S310  # the sandbox
            pytest.fail("refused, and yet a good answer")
        home.sandbox.world.switches.consent = "ask"
        home.connect()
        home.ask("POST", "/api/v1/strava/disconnect", {"athlete": "me"})
        home.stop()
        events = [json.loads(line) for line in home.words().splitlines()]
    story = {
        (event["event"], str(event.get("outcome")), event.get("reason"))
        for event in events
        if event["event"] in {"watch_state", "connect", "disconnect", "state", "sign_in_needed"}
    }
    missing = "No such file or directory"

    assert ("watch_state", "away", missing) in story
    assert ("watch_state", "available", None) in story
    assert ("connect", "refused", "Strava says that consent was not given (access_denied)") in story
    assert ("connect", "connected", None) in story
    assert ("disconnect", "disconnected", None) in story
    assert any(event == "state" and outcome == "attention" and reason for event, outcome, reason in story)
    assert any(event.get("strava_name") == "Sam Sand" for event in events)
