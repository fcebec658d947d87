"""The planned failures: what each says, and which HTTP status goes with it."""

from __future__ import annotations

import errno
from itertools import groupby

import pytest

from fitferry.core.errors import (
    CannotRun,
    ClaimLost,
    FitferryError,
    PlannedOSError,
    RefreshError,
    RejectionCode,
    RequestRejected,
    SettingProblem,
    SettingsError,
    SignInFailed,
    SignInProblem,
    StravaError,
)
from fitferry.core.messages import verbatim
from fitferry.core.strava import StravaErrorKind

WHY = verbatim("that is why")


@pytest.mark.parametrize(
    "error",
    [
        FitferryError(WHY),
        CannotRun(WHY, 75),
        StravaError(StravaErrorKind.REFUSED, WHY),
        RefreshError(StravaErrorKind.REFUSED, WHY),
        SignInFailed(SignInProblem.STATE, WHY),
        RequestRejected(RejectionCode.EMPTY, WHY),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_planned_failure_says_what_happened(error: FitferryError) -> None:
    """As a message for people, and as text for whoever prints it."""
    assert (error.message, str(error)) == (WHY, "that is why")


def test_wrong_settings_are_all_said() -> None:
    """One in a line."""
    error = SettingsError([SettingProblem("a.b", WHY), SettingProblem("a.c", verbatim("and that"))])

    assert str(error) == "that is why\nand that"


def test_a_lost_claim_says_so() -> None:
    """For the log."""
    assert str(ClaimLost()) == "the job belongs to another attempt"


def test_a_planned_error_of_a_file_is_one_of_the_systems() -> None:
    """With its number and its path, and a message that can be translated."""
    error = PlannedOSError(errno.ELOOP, WHY, "/rides")

    assert (error.errno, error.strerror, error.filename, error.message) == (
        errno.ELOOP,
        "that is why",
        "/rides",
        WHY,
    )


def test_a_failed_request_left_nothing_at_strava_unless_it_says_so() -> None:
    """A consent that failed is a bad request unless it says more."""
    error = StravaError(StravaErrorKind.UNREACHABLE, WHY)

    assert (error.sent, error.retry_after) == (False, None)
    assert SignInFailed(SignInProblem.STATE, WHY).status == 400


def test_each_code_of_a_rejected_request_has_its_http_status() -> None:
    """Programs tell by it what to do: ask otherwise, sign in, leave it, or look again first."""
    by_status = {
        status: {code.value for code in codes}
        for status, codes in groupby(
            sorted(RejectionCode, key=lambda code: code.status), lambda code: code.status
        )
    }

    assert by_status == {
        400: {"bad_decision", "bad_json", "bad_value", "empty", "no_activity", "no_file"},
        401: {"unauthorized"},
        403: {"forbidden", "origin", "other_athlete"},
        404: {"unknown", "unknown_athlete"},
        409: {
            "completed",
            "exists",
            "in_flight",
            "name_taken",
            "not_failed",
            "not_repairable",
            "not_waiting",
            "unreadable",
        },
        411: {"length"},
        413: {"too_large"},
        421: {"host"},
    }
    assert RequestRejected(RejectionCode.HOST, WHY).status == 421
