"""Messages and heartbeats arrive, and those that do not hold nothing up."""

from __future__ import annotations

import json
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from apprise import NotifyFormat
from apprise.conversion import convert_between

from daemon_harness import harness
from fitferry.core.errors import FitferryError
from fitferry.core.messages import ENGLISH, verbatim
from fitferry.notifications.messengers import Messengers, escaped
from fitferry.notifications.sender import Notifier
from fitferry.storage import sent_notifications
from fitferry.storage.sent_notifications import Notification
from patience import PATIENCE, wait_for

pytestmark = pytest.mark.usefixtures("ledger")


class Receiver:
    """A service on loopback that notes what it is sent."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, Any]] = []
        self.arrived = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            """Says yes to everything."""

            def do_GET(self) -> None:  # the library's name
                receiver.note(self.path, None)
                self._yes()

            def do_POST(self) -> None:  # the same
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                receiver.note(self.path, json.loads(body))
                self._yes()

            def _yes(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the same
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def note(self, path: str, body: Any) -> None:
        """Something came."""
        with self.arrived:
            self.heard.append((path, body))
            self.arrived.notify_all()

    def wait_for(self, count: int) -> bool:
        """Whether so much arrives before long."""
        with self.arrived:
            return self.arrived.wait_for(lambda: len(self.heard) >= count, PATIENCE)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A service that runs."""
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


def a_notifier(*urls: str, well: Callable[[], bool] = lambda: True, **options: Any) -> Notifier:
    """A notifier without a heartbeat, unless it is asked for."""
    given = {"heartbeat_url": None, "heartbeat_interval": 3600.0, "unwell_seconds": 0.02, **options}
    return Notifier(Messengers(urls), ENGLISH, well=well, **given)


def wait_in_line(title: str, body: str) -> None:
    """A notification that waits in the database."""
    notification = Notification(verbatim(title), verbatim(body))
    sent_notifications.problem_sent(f"{title}/{body}", 0, notification, time.time())


def test_a_message_reaches_every_address(receiver: Receiver) -> None:
    """Over Apprise, in a thread of its own, and leaves the database."""
    notifier = a_notifier(f"json://127.0.0.1:{receiver.port}/a", f"json://127.0.0.1:{receiver.port}/b")
    with notifier.running():
        wait_in_line("Fitferry: action needed", "connect again")
        notifier.wake()
        assert receiver.wait_for(2)

    assert {path for path, _ in receiver.heard} == {"/a", "/b"}
    assert {(body["title"], body["message"]) for _, body in receiver.heard} == {
        ("Fitferry: action needed", "connect again")
    }
    assert not sent_notifications.any_waiting()


def test_what_waits_from_the_last_run_is_sent_at_the_start(receiver: Receiver) -> None:
    """Nobody has to wake the thread for it."""
    wait_in_line("title", "body")
    with a_notifier(f"json://127.0.0.1:{receiver.port}/").running():
        assert receiver.wait_for(1)


def test_an_urgent_message_needs_no_database(receiver: Receiver) -> None:
    """On a full disk it goes out all the same."""
    notifier = a_notifier(f"json://127.0.0.1:{receiver.port}/")
    with notifier.running():
        notifier.send_now(Notification(verbatim("title"), verbatim("the disk is full")))
        assert receiver.wait_for(1)

    assert receiver.heard[0][1]["message"] == "the disk is full"


def test_an_address_that_fails_is_named_by_its_kind_alone() -> None:
    """The rest of it is a secret."""
    messengers = Messengers(["json://user:secret@127.0.0.1:1/", "no-such-service://x"])
    failed = messengers.send("title", "body")

    assert messengers.kinds(failed) == ["json", "no-such-service"]
    assert "secret" not in "".join(failed)


def test_what_apprise_keeps_lies_in_a_folder_for_the_owner_alone(tmp_path: Path, receiver: Receiver) -> None:
    """Some services hand out tokens that are renewed."""
    store = tmp_path / "apprise"
    store.mkdir(mode=0o755)
    Messengers([f"json://127.0.0.1:{receiver.port}/"], store).send("title", "body")

    assert stat.S_IMODE(store.stat().st_mode) == 0o700


def test_names_are_shown_as_they_are_where_markdown_is_read() -> None:
    """A file's name makes nothing bold, no link, and calls nobody."""
    assert escaped("*ride*_[b](c).fit: `x`\n@here") == (r"\*ride\*\_\[b\]\(c\).fit: \`x\`" + "\n" + r"\@here")


def test_apprise_escapes_text_where_html_is_read() -> None:
    """Which is why it is told that what it gets is text."""
    assert "&lt;b&gt;" in convert_between(NotifyFormat.TEXT, NotifyFormat.HTML, "<b>ride</b>.fit")  # type: ignore[no-untyped-call]  # the library has no types


def test_a_messenger_that_reads_neither_gets_the_text_as_it_is(receiver: Receiver) -> None:
    """Without backslashes in it."""
    Messengers([f"json://127.0.0.1:{receiver.port}/"]).send("title", "*ride*_<b>.fit")

    assert receiver.heard[0][1]["message"] == "*ride*_<b>.fit"


def test_a_heart_beats_only_while_all_is_well(receiver: Receiver) -> None:
    """Who waits for it then knows without being told."""
    well, looks = [True], list[bool]()

    def is_well() -> bool:
        looks.append(well[0])
        return looks[-1]

    url = f"http://127.0.0.1:{receiver.port}/ping"
    notifier = a_notifier(heartbeat_url=url, heartbeat_interval=0.05, well=is_well)
    with notifier.running():
        assert receiver.wait_for(2)
        well[0] = False
        wait_for(lambda: looks.count(False) == 1)
        count = len(receiver.heard)
        wait_for(lambda: looks.count(False) == 3)

    assert [path for path, _ in receiver.heard] == ["/ping"] * count


def test_a_heart_beats_as_soon_as_all_is_well(receiver: Receiver) -> None:
    """Not an interval later: at a start nothing is well yet."""
    well = [False]
    url = f"http://127.0.0.1:{receiver.port}/ping"
    notifier = a_notifier(heartbeat_url=url, well=lambda: well[0])
    with notifier.running():
        assert receiver.heard == []
        well[0] = True
        assert receiver.wait_for(1)


def test_a_look_that_fails_ends_neither_heart_nor_messages(receiver: Receiver) -> None:
    """Whatever went wrong: the next message has to go out."""
    looked = threading.Event()

    def fails() -> bool:
        looked.set()
        raise AttributeError("not there yet")

    notifier = a_notifier(
        f"json://127.0.0.1:{receiver.port}/", heartbeat_url=f"http://127.0.0.1:{receiver.port}/b", well=fails
    )
    with notifier.running():
        assert looked.wait(PATIENCE)
        wait_in_line("title", "words")
        notifier.wake()
        assert receiver.wait_for(1)

    assert [path for path, _ in receiver.heard] == ["/"]


def test_a_heartbeat_that_is_not_heard_ends_nothing() -> None:
    """The next one may be."""
    looks: list[float] = []

    def is_well() -> bool:
        looks.append(time.monotonic())
        return True

    with a_notifier(heartbeat_url="http://127.0.0.1:1/", heartbeat_interval=0.01, well=is_well).running():
        wait_for(lambda: len(looks) > 2)


def test_nothing_runs_where_nobody_is_to_be_told() -> None:
    """No thread, no library."""
    notifier = a_notifier()
    with notifier.running():
        assert "notifier" not in {thread.name for thread in threading.enumerate()}


def test_without_apprise_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an extra."""
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(FitferryError, match=r"fitferry\[notify\]"):
        Messengers(["json://127.0.0.1/"]).send("title", "body")


@pytest.mark.slow
def test_the_daemon_tells_in_the_language_of_the_settings(receiver: Receiver, tmp_path: Path) -> None:
    """Not in that of its own locale alone."""
    with harness(tmp_path) as home:
        home.configure(f'[notify]\nurls = ["json://127.0.0.1:{receiver.port}/"]')
        home.more = {"FITFERRY_WEB_LANGUAGE": "ko"}
        home.start()
        assert receiver.wait_for(1)

    assert receiver.heard[0][1]["title"] == "Fitferry: 조치가 필요합니다"
    assert "연결" in receiver.heard[0][1]["message"]


@pytest.mark.slow
def test_a_held_file_that_may_be_a_ride_is_told_of(receiver: Receiver, tmp_path: Path) -> None:
    """What happened, and what to do: one message, and the state is attention."""
    track = "".join(
        f'<trkpt lat="47.{number}" lon="9.0"><time>the {number}th</time></trkpt>' for number in range(9)
    )
    gpx = f'<?xml version="1.0"?><gpx version="1.1"><trk><trkseg>{track}</trkseg></trk></gpx>'
    with harness(tmp_path) as home:
        home.configure(f'[notify]\nurls = ["json://127.0.0.1:{receiver.port}/"]')
        home.start()
        assert receiver.wait_for(1)
        (home.rides / "odd.gpx").write_text(gpx, encoding="utf-8")
        assert receiver.wait_for(2)
        problems = {problem["code"]: problem for problem in home.status()["problems"]}

    assert (
        "the times in odd.gpx cannot be read: export it again, if possible as FIT or TCX"
        in receiver.heard[1][1]["message"]
    )
    assert problems["unreadable_times"]["athlete"] == "me"
