"""What a person is told: once when it begins, once when it is over, and never a storm."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fakes import NOW, a_job
from fitferry.core.problems import Problem, ProblemCode
from fitferry.core.problems import problem as new_problem
from fitferry.core.upload import AttemptResult, Outcome, Status
from fitferry.i18n.translator import words
from fitferry.notifications.policy import NotificationPolicy
from fitferry.storage import attempts

pytestmark = pytest.mark.usefixtures("ledger")


class Ear:
    """Somebody who is told."""

    def __init__(self, language: str = "en", *, uploads: bool = False) -> None:
        self.heard: list[tuple[str, str]] = []
        self.words, self.uploads = words(language), uploads
        self.again()

    def again(self) -> None:
        """As after a start."""
        self.notification_policy = NotificationPolicy(
            lambda title, body: self.heard.append((title, body)), self.words, uploads=self.uploads
        )

    def observe(self, *codes: str, now: float = NOW) -> list[str]:
        """What is heard of these problems."""
        before = len(self.heard)
        self.notification_policy.observe([problem(code) for code in codes], now)
        return [title for title, _ in self.heard[before:]]


def problem(code: str, athlete: str | None = "me", folder: str = "") -> Problem:
    """A problem as there may be one."""
    return new_problem(ProblemCode(code), NOW, athlete=athlete, subject=folder, folder=folder, reason="away")


def finish(path: Path, status: Status, at: float, words: str | None = None) -> None:
    """Let an upload end."""
    job = a_job(path, path.name.encode())
    attempts.claim(job.id, NOW)
    outcome = Outcome.FAILED if status is Status.FAILED else Outcome.COMPLETED
    attempts.record(job.id, AttemptResult(outcome, status, strava_activity_id=7, error_message=words), at)


def test_a_problem_is_told_once_and_its_end_once() -> None:
    """However often it is looked at in between."""
    ear = Ear()

    assert ear.observe("not_connected") == ["Fitferry: action needed"]
    assert "me is not connected to Strava yet" in ear.heard[0][1]
    assert ear.observe("not_connected") == []
    assert ear.observe() == ["Fitferry: resolved"]
    assert ear.observe() == []


def test_nothing_is_told_twice_after_a_restart() -> None:
    """What people know is in the ledger."""
    ear = Ear()
    ear.observe("not_connected")
    ear.again()

    assert ear.observe("not_connected") == []
    assert ear.observe(now=NOW + 1) == ["Fitferry: resolved"]


def test_the_same_problem_of_two_athletes_is_two() -> None:
    """Each has to do something."""
    ear = Ear()
    ear.notification_policy.observe([problem("not_connected", "me"), problem("not_connected", "kim")], NOW)

    assert len(ear.heard) == 2


def test_the_same_problem_of_two_folders_is_two_and_each_has_its_own_end() -> None:
    """Also where they belong to one athlete."""
    ear = Ear()
    usb, nas = (problem("folder_unavailable", folder=folder) for folder in ("/mnt/usb", "/mnt/nas"))
    ear.notification_policy.observe([usb, nas], NOW)
    assert len(ear.heard) == 2
    ear.notification_policy.observe([nas], NOW)

    assert ear.heard[2:] == [("Fitferry: resolved", "the folder /mnt/usb is back")]


@pytest.mark.parametrize(
    ("over", "words"),
    [
        (problem("not_connected", "a/b"), "a/b is connected"),
        (problem("unreadable", folder="/rides"), "everything in /rides can be read again"),
        (problem("app_inactive", None), "Strava accepts the API application again"),
    ],
)
def test_the_end_of_a_problem_is_told_in_words(over: Problem, words: str) -> None:
    """What is well again, not the name of a code."""
    ear = Ear()
    ear.notification_policy.observe([over], NOW)
    ear.observe()

    assert ear.heard[-1][1] == words


def test_people_are_told_in_their_language(tmp_path: Path) -> None:
    """Title, words, reason and summary; names stay as they are."""
    ear = Ear("ko", uploads=True)
    ear.observe()
    gone = problem("folder_unavailable", folder="/mnt/usb")
    ear.notification_policy.observe([gone], NOW)
    ear.observe()
    finish(tmp_path / "ride.fit", Status.FAILED, NOW + 5, "already on Strava")
    for number in range(10):
        finish(tmp_path / f"{number}.fit", Status.COMPLETED, NOW + 6)
    ear.observe(now=NOW + 10)
    ear.observe(now=NOW + 80)

    assert len(ear.heard) == 4
    assert "ride.fit: 이미 Strava에 존재하는 활동입니다" in [body for _, body in ear.heard]
    for title, body in ear.heard:
        assert re.search("[가-힣]", title), title
        assert re.search("[가-힣]", body), body


def test_an_upload_that_failed_for_good_is_told_with_its_reason(tmp_path: Path) -> None:
    """And only what failed since somebody listens."""
    finish(tmp_path / "old.fit", Status.FAILED, NOW - 10, "long ago")
    ear = Ear()
    assert ear.observe() == []
    finish(tmp_path / "new.fit", Status.FAILED, NOW + 5, "Strava cannot use the file")

    assert ear.observe(now=NOW + 6) == ["Fitferry: an upload failed"]
    assert ear.heard[-1][1] == "new.fit: Strava cannot use the file"
    assert ear.observe(now=NOW + 7) == []


@pytest.mark.parametrize("uploads", [True, False])
def test_completed_uploads_are_told_to_those_who_want_it(tmp_path: Path, uploads: bool) -> None:
    """With the way to them."""
    ear = Ear(uploads=uploads)
    ear.observe()
    finish(tmp_path / "ride.fit", Status.COMPLETED, NOW + 5)

    assert ear.observe(now=NOW + 6) == (["Fitferry: uploaded"] if uploads else [])
    assert not uploads or ear.heard[-1][1] == "ride.fit: https://www.strava.com/activities/7"


def test_more_than_three_messages_a_minute_become_one(tmp_path: Path) -> None:
    """Ten years of rides make no ten thousand messages."""
    ear = Ear(uploads=True)
    ear.observe()
    for number in range(10):
        finish(tmp_path / f"{number}.fit", Status.COMPLETED, NOW + 1 + number)
    assert len(ear.observe(now=NOW + 11)) == 3
    assert ear.observe(now=NOW + 30) == []

    assert ear.observe(now=NOW + 72) == ["Fitferry: 7 things happened"]
    assert "… and 2 more" in ear.heard[-1][1]


def test_what_is_kept_for_a_summary_is_told_at_a_stop(tmp_path: Path) -> None:
    """It counts as told, so the next start says nothing of it."""
    ear = Ear(uploads=True)
    ear.observe()
    for number in range(5):
        finish(tmp_path / f"{number}.fit", Status.COMPLETED, NOW + 1 + number)
    ear.observe(now=NOW + 6)
    ear.notification_policy.finish(NOW + 7)
    ear.notification_policy.finish(NOW + 8)

    assert [title for title, _ in ear.heard][3:] == ["Fitferry: 2 things happened"]
