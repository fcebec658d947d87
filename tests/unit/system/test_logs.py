"""How a line is written, and what is never written."""

from __future__ import annotations

import io
import json
import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from fitferry.core.messages import verbatim
from fitferry.system import logs
from fitferry.system.log_handler import RepeatFilter


@pytest.fixture(autouse=True)
def _root() -> Iterator[None]:
    """Leave the standard library's logging as it was found."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before


def lines(form: str = "json", level: str = "info") -> io.StringIO:
    """Where lines go from here on."""
    out = io.StringIO()
    logs.configure(level, form, out)
    return out


def test_an_event_is_a_line_of_json() -> None:
    """With a UTC time, and what is bound to the unit of work."""
    out = lines()
    with structlog.contextvars.bound_contextvars(job=7):
        structlog.get_logger("fitferry.test").info("attempted", outcome="completed", path="/ride\n.fit")
    found = json.loads(out.getvalue())

    assert (
        found["event"],
        found["outcome"],
        found["job"],
        found["level"],
    ) == ("attempted", "completed", 7, "info")
    assert found["timestamp"].endswith("Z")
    assert out.getvalue().count("\n") == 1


def test_the_page_has_the_last_events_as_harmless_lines_without_links_and_secrets() -> None:
    """The newest first, whether their lines are made when they are read, or, with a traceback, at once."""
    lines()
    log = structlog.get_logger("fitferry.test")
    log.warning(
        "sign_in_needed", login_link="http://127.0.0.1/login?token=x", path="/a\nb", reason="code=abc"
    )
    try:
        int("token=abc")
    except ValueError:
        log.exception("unexpected_error")
    logging.getLogger("huey").warning("trouble with %s", "token=abc")
    library, traceback, event = (line.split(" ", 2)[2] for line in logs.recent()[:3])

    assert event == "warning sign_in_needed path=/a\\nb reason=code…"
    assert library == "warning trouble with token…"
    assert traceback.startswith("error unexpected_error exception=")
    assert "token…" in traceback


def test_libraries_speak_through_the_same_pipe() -> None:
    """And only when they have something to say."""
    out = lines()
    logging.getLogger("huey").info("chatter")
    logging.getLogger("huey").warning("trouble")

    assert [json.loads(line)["event"] for line in out.getvalue().splitlines()] == ["trouble"]


@pytest.mark.parametrize("name", ["urllib3.connectionpool", "httpx", "peewee", "nobody.has.heard.of"])
def test_libraries_say_nothing_in_passing(name: str) -> None:
    """Not even where everything is wanted: their lines hold addresses and statements."""
    out = lines(level="debug")
    logging.getLogger(name).info("GET /bot1234:SECRET/sendMessage")
    logging.getLogger("apprise").warning("cannot reach tgram://1234:SECRET")
    structlog.get_logger("fitferry.test").debug("ours")

    assert [json.loads(line)["event"] for line in out.getvalue().splitlines()] == ["ours"]


def test_people_get_lines_that_they_can_read() -> None:
    """On a terminal, or when they ask for it."""
    out = lines("console")
    structlog.get_logger("fitferry.test").info("started", url="http://localhost:8480")

    assert "started" in out.getvalue()
    assert not out.getvalue().startswith("{")


def test_the_journal_gets_priorities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Systemd reads them off the line's beginning; the time is its own."""
    with (tmp_path / "journal").open("w+", encoding="utf-8") as out:
        status = os.fstat(out.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
        logs.configure("info", "auto", out)
        structlog.get_logger("fitferry.test").info("a", x="b c")
        structlog.get_logger("fitferry.test").warning("b")
        structlog.get_logger("fitferry.test").error("c\nd")
        out.seek(0)
        found = out.read().splitlines()

    assert [line[:3] for line in found] == ["<6>", "<4>", "<3>"]
    assert 'x="b c"' in found[0]
    assert "timestamp" not in found[0]


@pytest.mark.parametrize(
    "text",
    [
        "https://x/oauth/token?refresh_token=SECRET&b=c",
        "GET /api/v1/strava/callback?state=SECRET&code=SECRET",
        "Authorization: Bearer SECRET",
        "client_secret=SECRET",
        "Basic SECRET==",
    ],
)
def test_what_looks_like_a_secret_is_not_written(text: str) -> None:
    """Wherever it stands: in the event, in a value, in an exception."""
    out = lines("json", "debug")
    log = structlog.get_logger("fitferry.test")
    log.info(
        text, a=text, several=[text], access_token="SECRET", error=ValueError(text), reason=verbatim(text)
    )
    try:
        raise ValueError(text)  # noqa: TRY301  # it has to have a traceback
    except ValueError:
        log.exception("surprise")
    logging.getLogger("other").warning("%s", text)

    assert "SECRET" not in out.getvalue()
    assert len(out.getvalue().splitlines()) == 3


def test_the_login_link_is_the_one_exception() -> None:
    """How else would somebody sign in."""
    out = lines()
    structlog.get_logger("fitferry.test").info("sign in", login_link="http://localhost/login?token=T")

    assert "token=T" in out.getvalue()


def test_names_that_are_no_text_can_be_written() -> None:
    """File names may hold any bytes."""
    out = lines()
    structlog.get_logger("fitferry.test").info("admitted", path=os.fsdecode(b"/rides/\xff.fit"))

    assert json.loads(out.getvalue())["path"] == "/rides/?.fit"


HARMFUL = "a\x1b[2Jb\x07\x9b31mc\u202ed\u2028e\u2067f\x85g\nh\ri\x7f"


@pytest.mark.parametrize("form", ["console", "json", "journal"])
def test_a_name_cannot_write_to_the_terminal_or_begin_a_line(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the format: in the event, in a value, in a list, in an exception, said by us or by a library."""
    with (tmp_path / "log").open("w+", encoding="utf-8") as out:
        status = os.fstat(out.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
        logs.configure("info", "auto" if form == "journal" else form, out)
        log = structlog.get_logger("fitferry.test")
        log.info(HARMFUL, path=HARMFUL, several=[HARMFUL], error=ValueError(HARMFUL))
        logging.getLogger("library").warning("%s", HARMFUL)
        out.seek(0)
        written = out.read()

    assert len(written.splitlines()) == 2
    assert written.isprintable() or set(written) - {"\n"} == {c for c in written if c.isprintable()}
    assert "\\u202e" in written


def test_a_traceback_is_harmless_too() -> None:
    """Its message may hold a name; it keeps its lines on a terminal."""
    out = lines("console")
    try:
        raise ValueError("\x1b[2J\u202e token=SECRET")  # noqa: TRY301  # it has to have a traceback
    except ValueError:
        structlog.get_logger("fitferry.test").exception("unexpected_error")

    assert "\x1b" not in out.getvalue()
    assert "SECRET" not in out.getvalue()
    assert "Traceback" in out.getvalue()
    assert len(out.getvalue().splitlines()) > 2


@pytest.mark.slow
def test_a_pipe_that_nobody_reads_stops_nobody_who_logs() -> None:
    """What is too much is dropped, and when somebody reads again the count of it is said."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", buffering=0) as reader, os.fdopen(writing, "w", encoding="utf-8") as out:
        logs.configure("info", "json", out)
        log = structlog.get_logger("fitferry.test")
        for number in range(4000):
            log.info("upload_attempt", number=number, padding="x" * 100)
        read = b""
        while b"log_lines_dropped" not in read:
            read += reader.read(65_536)
            log.info("later")
        count = int(read.partition(b"log_lines_dropped count=")[2].split()[0])
        rest: list[bytes] = []
        drain = threading.Thread(target=lambda: rest.extend(iter(lambda: reader.read(65_536), b"")))
        drain.start()
        logging.getLogger().handlers[0].flush()
        logging.getLogger().handlers[0].close()
        out.close()
        drain.join()

    assert b'"number": 0,' in read
    assert 0 < count < 4000
    assert b"".join(rest).endswith(b"\n")


def test_what_is_repeated_is_bounded() -> None:
    """Few descriptors made 7,519 tracebacks in 8 s; five a minute of a kind say as much."""
    out = lines()
    now = [0.0]
    handler = logging.getLogger().handlers[0]
    handler.filters[:] = [RepeatFilter(lambda: now[0])]
    log = structlog.get_logger("fitferry.test")

    def burst() -> None:
        for _ in range(100):
            log.error("unexpected_error", exc_info=OSError(24, "Too many open files"))
            logging.getLogger("waitress").warning("server accept() threw an exception")
        log.info("one_of_ours")

    burst()
    now[0] += 61
    burst()
    found = [json.loads(line) for line in out.getvalue().splitlines()]

    assert len(found) == 22
    assert [line["left_out"] for line in found if "left_out" in line] == [95, 95]


def test_every_line_of_our_own_without_a_traceback_is_written() -> None:
    """One for each of a thousand files is not noise."""
    out = lines()
    for number in range(1000):
        structlog.get_logger("fitferry.test").warning("file_refused", number=number)

    assert len(out.getvalue().splitlines()) == 1000
