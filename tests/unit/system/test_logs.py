"""How a line is written, and what is never written."""

from __future__ import annotations

import io
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from fitferry.system import logs


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
    log.info(text, a=text, access_token="SECRET", error=ValueError(text))
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
