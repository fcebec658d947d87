"""The commands' way to the daemon."""

from __future__ import annotations

import json

import pytest

from fitferry.cli.client import REQUEST_SECONDS, DaemonRefused, message_of, read_answer
from fitferry.core.api_types import BacklogJson, UploadsJson, WatchJson
from fitferry.core.messages import Json, uploads, verbatim
from fitferry.strava.client import REQUEST_DEADLINE


def test_a_command_waits_longer_than_what_the_daemon_may_ask_strava_for_it() -> None:
    """A code is tried three times: who gives up before would call a sign-in failed that has succeeded."""
    assert REQUEST_SECONDS > 3 * REQUEST_DEADLINE


def test_an_answer_is_read_as_what_was_asked_for() -> None:
    """What may be missing in it is not missed."""
    backlog = {"count": 0, "oldest": None, "newest": None, "days": 0}

    assert read_answer(json.dumps(backlog).encode(), BacklogJson) == backlog
    assert read_answer(b'{"uploads": []}', UploadsJson) == {"uploads": []}
    assert read_answer(b"", object) == {}


@pytest.mark.parametrize(
    ("content", "answer", "reason"),
    [
        (b"[]", object, "no object"),
        (b"<html>", object, "Expecting value"),
        (b'{"count": 1, "oldest": null, "newest": null}', BacklogJson, "no days"),
        (b'{"folder": "/x", "method": "poll", "available": true}', WatchJson, "no athlete"),
    ],
)
def test_what_another_version_answers_is_no_answer(content: bytes, answer: type, reason: str) -> None:
    """After an update the daemon may still be the one of before: that is said, without a traceback."""
    with pytest.raises(ValueError, match=reason):
        read_answer(content, answer)


def test_a_refusal_is_said_as_it_came() -> None:
    """As data, to be translated; in English where it came as a sentence alone."""
    said = uploads.IN_FLIGHT()
    for error, told in (
        ({"code": "in_flight", "message": "x", "text": said.to_values()}, str(said)),
        ({"code": "in_flight", "message": "it is on its way"}, "it is on its way"),
    ):
        with pytest.raises(DaemonRefused, match=told):
            read_answer(json.dumps({"error": error}).encode(), object)


def test_what_is_no_message_as_data_is_said_in_english() -> None:
    """Of another version, or a snapshot without it."""
    said = uploads.IN_FLIGHT()

    assert message_of(said.to_values(), "x") == said
    others: list[Json] = [None, {"code": 1}, "text", [], {}]
    assert {message_of(data, "x") for data in others} == {verbatim("x")}
    assert message_of(None, None) == verbatim("")
