"""A one-time link is one event in a log, and a block on a terminal."""

from __future__ import annotations

import io

from structlog.testing import capture_logs

from fitferry.core.messages import setup
from fitferry.system import link_notice

LINK = f"http://127.0.0.1:8480/login?token={'x' * 60}"


class Terminal(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        """It is one."""
        return True


def test_a_terminal_shows_a_block_that_holds_the_whole_link() -> None:
    """In one line, so that it can be copied; every line is as wide as the frame."""
    out = Terminal()
    with capture_logs() as events:
        link_notice.show("sign_in_needed", setup.SIGN_IN_NEEDED(), "login_link", LINK, stream=out)
    lines = [line for line in out.getvalue().splitlines() if line]

    assert events == []
    assert [line for line in lines if LINK in line]
    assert len({len(line) for line in lines}) == 1
    assert (lines[0][0], lines[-1][0]) == ("┌", "└")


def test_a_log_gets_an_event() -> None:
    """With the link as a field of its own."""
    with capture_logs() as events:
        link_notice.show("sign_in_needed", setup.SIGN_IN_NEEDED(), "login_link", LINK, stream=io.StringIO())

    assert [(event["event"], event["log_level"], event["login_link"]) for event in events] == [
        ("sign_in_needed", "warning", LINK)
    ]
