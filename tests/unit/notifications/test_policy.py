"""What a person is told: once when it begins, once when it is resolved, never a storm, and nothing is lost."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fakes import NOW, a_job, recorded
from fitferry.core.messages import Message, verbatim
from fitferry.core.problems import Problem, ProblemCode, problem
from fitferry.core.upload import AttemptResult, Outcome, Status
from fitferry.notifications.policy import AGAIN_SECONDS, NotificationPolicy
from fitferry.notifications.sender import KEEP_SECONDS, RETRY_SECONDS
from fitferry.storage import sent_notifications, uploads
from messenger import Messenger, Recipient

pytestmark = pytest.mark.usefixtures("ledger")
ACTION, RESOLVED = "Fitferry: action needed", "Fitferry: resolved"


def a_problem(
    code: ProblemCode = ProblemCode.NOT_CONNECTED, athlete: str | None = "me", folder: str = ""
) -> Problem:
    """A problem as there may be one."""
    return problem(code, NOW, athlete=athlete, subject=folder, folder=folder, reason="away")


def damaged(latest: int, count: int = 1) -> Problem:
    """Files that are held."""
    return problem(ProblemCode.DAMAGED, NOW, athlete="me", latest=latest, count=count, file="a.fit")


def finish(path: Path, status: Status, at: float, reason: Message | None = None) -> int:
    """Let an upload end; its job."""
    job = a_job(path, path.name.encode())
    outcome = Outcome.FAILED if status is Status.FAILED else Outcome.COMPLETED
    recorded(job.id, AttemptResult(outcome, status, strava_activity_id=7, error_message=reason), at)
    return job.id


def test_a_problem_is_told_once_and_its_end_once() -> None:
    """However often it is looked at in between."""
    recipient = Recipient(NOW)

    assert recipient.update(a_problem()) == [ACTION]
    assert recipient.heard[0][1].startswith("me is not connected to Strava yet: connect on the page")
    assert recipient.update(a_problem()) == []
    assert recipient.update() == [RESOLVED]
    assert recipient.update() == []


def test_nothing_is_told_twice_after_a_restart() -> None:
    """What people know is in the database."""
    recipient = Recipient(NOW)
    recipient.update(a_problem())
    recipient.restart()

    assert recipient.update(a_problem()) == []
    assert recipient.update(now=NOW + 1) == [RESOLVED]


def test_the_same_problem_of_two_athletes_is_two() -> None:
    """Each has to do something."""
    recipient = Recipient(NOW)

    assert recipient.update(a_problem(), a_problem(athlete="kim")) == [ACTION, ACTION]


def test_the_same_problem_of_two_folders_is_two_and_each_has_its_own_end() -> None:
    """Also where they belong to one athlete."""
    recipient = Recipient(NOW)
    usb, nas = (
        a_problem(ProblemCode.FOLDER_UNAVAILABLE, folder=folder) for folder in ("/mnt/usb", "/mnt/nas")
    )
    assert len(recipient.update(usb, nas)) == 2
    recipient.update(nas)

    assert recipient.heard[2:] == [(RESOLVED, "the folder /mnt/usb is back")]


def test_a_further_file_that_is_held_is_told_and_one_that_was_dismissed_is_not() -> None:
    """The problem is one; what is new about it is told."""
    recipient = Recipient(NOW)
    assert recipient.update(damaged(latest=3)) == [ACTION]
    assert recipient.update(damaged(latest=5, count=2)) == []
    assert recipient.update(damaged(latest=5, count=2), now=NOW + AGAIN_SECONDS) == [ACTION]
    assert "2 files are damaged" in recipient.heard[-1][1]
    assert recipient.update(damaged(latest=3), now=NOW + 2 * AGAIN_SECONDS) == []

    assert recipient.update() == [RESOLVED]


@pytest.mark.parametrize(
    ("over", "expected"),
    [
        (a_problem(athlete="a/b"), "a/b is connected"),
        (a_problem(ProblemCode.UNREADABLE, folder="/rides"), "everything in /rides can be read again"),
        (a_problem(ProblemCode.APP_INACTIVE, None), "Strava accepts the API application again"),
    ],
)
def test_the_end_of_a_problem_is_told_in_words(over: Problem, expected: str) -> None:
    """What works again, not the name of a code."""
    recipient = Recipient(NOW)
    recipient.update(over)
    recipient.update()

    assert recipient.heard[-1][1] == expected


def test_a_problem_that_an_older_version_told_of_is_resolved_in_words() -> None:
    """Its code may be unknown by now."""
    sent_notifications.problem_sent("not_put_away/", 0, None, NOW)
    recipient = Recipient(NOW)

    assert recipient.update() == [RESOLVED]
    assert recipient.heard == [(RESOLVED, "a problem is resolved")]


def test_people_are_told_in_their_language(tmp_path: Path) -> None:
    """Title, words, reason and summary; names stay as they are."""
    recipient = Recipient(NOW, "ko", uploads=True)
    recipient.update()
    recipient.update(a_problem(ProblemCode.FOLDER_UNAVAILABLE, folder="/mnt/usb"))
    recipient.update()
    finish(tmp_path / "ride.fit", Status.FAILED, NOW + 5)
    recipient.update(now=NOW + 6)
    for number in range(10):
        finish(tmp_path / f"{number}.fit", Status.COMPLETED, NOW + 7)
    recipient.update(now=NOW + 90)

    assert [body for _, body in recipient.heard if body.startswith("ride.fit: ")]
    assert len(recipient.heard) == 4
    for title, body in recipient.heard:
        assert re.search("[가-힣]", title), title
        assert re.search("[가-힣]", body), body


def test_an_upload_that_failed_for_good_is_told_with_its_reason(tmp_path: Path) -> None:
    """And only what failed since somebody listens."""
    finish(tmp_path / "old.fit", Status.FAILED, NOW - 10)
    recipient = Recipient(NOW)
    assert recipient.update() == []
    finish(tmp_path / "new.fit", Status.FAILED, NOW + 5, verbatim("Strava cannot use the file"))

    assert recipient.update(now=NOW + 6) == ["Fitferry: an upload failed"]
    assert recipient.heard[-1][1] == "new.fit: Strava cannot use the file"
    assert recipient.update(now=NOW + 7) == []


def test_what_failed_is_told_after_the_clock_ran_ahead(tmp_path: Path) -> None:
    """Uploads are numbered as they end: a time of 2099 hides none of today."""
    recipient = Recipient(NOW)
    recipient.update()
    ahead = NOW + 73 * 365 * 86_400
    finish(tmp_path / "ahead.fit", Status.FAILED, ahead)
    assert len(recipient.update(now=ahead)) == 1
    finish(tmp_path / "today.fit", Status.FAILED, NOW + 5)

    assert recipient.update(now=ahead + 100) == ["Fitferry: an upload failed"]
    assert recipient.heard[-1][1].startswith("today.fit")


def test_the_last_upload_is_the_one_that_ended_last(tmp_path: Path) -> None:
    """Not the one with the latest time: the clock may have been wrong."""
    finish(tmp_path / "ahead.fit", Status.COMPLETED, NOW + 73 * 365 * 86_400)
    job = finish(tmp_path / "today.fit", Status.COMPLETED, NOW)
    last = uploads.last_completed()

    assert last is not None
    assert last.id == job


@pytest.mark.parametrize("wanted", [True, False])
def test_completed_uploads_are_told_to_those_who_want_it(tmp_path: Path, wanted: bool) -> None:
    """With the way to them."""
    recipient = Recipient(NOW, uploads=wanted)
    recipient.update()
    finish(tmp_path / "ride.fit", Status.COMPLETED, NOW + 5)

    assert recipient.update(now=NOW + 6) == (["Fitferry: uploaded"] if wanted else [])
    assert not wanted or recipient.heard[-1][1] == "ride.fit: https://www.strava.com/activities/7"


def test_more_than_three_messages_a_minute_become_one(tmp_path: Path) -> None:
    """Ten years of rides make no ten thousand messages."""
    recipient = Recipient(NOW, uploads=True)
    recipient.update()
    for number in range(3):
        finish(tmp_path / f"{number}.fit", Status.COMPLETED, NOW + 1 + number)
    assert len(recipient.update(now=NOW + 11)) == 3
    for number in range(3, 10):
        finish(tmp_path / f"{number}.fit", Status.COMPLETED, NOW + 1 + number)
    assert recipient.update(now=NOW + 30) == []

    assert recipient.update(now=NOW + 72) == ["Fitferry: 7 messages"]
    assert "… and 2 more" in recipient.heard[-1][1]


def test_a_message_that_was_not_taken_is_sent_again(tmp_path: Path) -> None:
    """After a while, also after a restart, and to the addresses alone that have not taken it."""
    recipient = Recipient(NOW)
    recipient.update()
    recipient.messenger.refusing = set(recipient.messenger.addresses)
    finish(tmp_path / "ride.fit", Status.FAILED, NOW)
    assert recipient.update(now=NOW + 1) == []
    recipient.messenger.refusing = set()
    assert recipient.update(now=NOW + 1 + RETRY_SECONDS[0] - 1) == []

    assert recipient.update(now=NOW + 1 + RETRY_SECONDS[0]) == ["Fitferry: an upload failed"]
    recipient.restart()
    assert recipient.update(now=NOW + 9000) == []


def test_what_was_not_taken_before_a_stop_is_sent_at_the_next_start(tmp_path: Path) -> None:
    """It waits in the database."""
    recipient = Recipient(NOW)
    recipient.update()
    recipient.messenger.refusing = set(recipient.messenger.addresses)
    finish(tmp_path / "ride.fit", Status.FAILED, NOW)
    recipient.update(now=NOW + 1)
    recipient.messenger.refusing = set()
    recipient.restart()

    assert recipient.update(now=NOW + 2) == ["Fitferry: an upload failed"]


def test_one_address_that_fails_does_not_have_the_others_told_twice() -> None:
    """Each is sent it until it takes it."""
    recipient = Recipient(NOW)
    recipient.messenger = Messenger("json://one", "json://two")
    recipient.restart()
    recipient.messenger.refusing = {recipient.messenger.addresses[0]}
    assert recipient.update(a_problem()) == [ACTION]
    recipient.messenger.refusing = set()

    assert recipient.update(a_problem(), now=NOW + 60) == [ACTION]
    assert recipient.update(a_problem(), now=NOW + 9000) == []


def test_a_message_that_nobody_takes_for_a_week_is_given_up() -> None:
    """It would not be news any more."""
    recipient = Recipient(NOW)
    recipient.messenger.refusing = set(recipient.messenger.addresses)
    recipient.update(a_problem())
    recipient.update(a_problem(), now=NOW + KEEP_SECONDS + 1)

    assert not sent_notifications.any_waiting()


def test_a_problem_of_the_database_is_told_without_it() -> None:
    """It could not remember it."""
    urgent: list[str] = []
    policy = NotificationPolicy(
        lambda: None, lambda notification: urgent.append(str(notification.body)), uploads=False
    )
    ill = problem(ProblemCode.INTERNAL, NOW, reason="the disk is full")
    for problems in ([ill], [ill], []):
        policy.update(problems, NOW)

    assert urgent == [str(ill.message), "Fitferry works again"]
    assert sent_notifications.sent_problems() == {}
