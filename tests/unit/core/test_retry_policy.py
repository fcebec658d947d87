"""The table of DESIGN.md §4: what next, and when."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fakes import NOW, UPLOADS
from fitferry.core import retry_policy
from fitferry.core.errors import StravaError
from fitferry.core.messages import verbatim
from fitferry.core.retry_policy import Action, DecisionContext
from fitferry.core.strava import RateLimit, StravaErrorKind, UploadReport, UploadState
from fitferry.core.upload import AuthProblem, BreakerName, Job, Outcome, Status, WaitingFor

FRESH = Job(
    claim=0,
    id=1, activity_id=1, athlete="me", sha256="ab", path="/rides/a.fit", size=4, data_type="fit", sport="cycling",
    start_time=NOW - 3600, duration_s=60, elapsed_s=60, distance_m=1000, status=Status.PROCESSING, own_wait=None,
    failures=0, next_attempt_at=0, claimed_at=NOW, tried_at=NOW, sent_at=None, accepted_at=None, uncertain=False,
    external_id="ab", upload_id=None, looks=0, strava_activity_id=None, error_code=None, error_message=None,
    created_at=NOW - 10, completed_at=None, file_sha256="ab", member="", sub_sport=None, manufacturer=None, product=None, after_upload_action=None, compared_at=None,
)  # fmt: skip
UNCERTAIN = replace(FRESH, uncertain=True, sent_at=NOW - 100)
ACCEPTED = replace(FRESH, upload_id=77, accepted_at=NOW - 4, looks=1, sent_at=NOW - 5)
TIRED = replace(FRESH, failures=4)
TIRED_UNCERTAIN = replace(UNCERTAIN, failures=4)
AROUND = DecisionContext(now=NOW, uploads=UPLOADS)
LONGEST = 7200.0

COUNTED = [StravaErrorKind.SERVER_ERROR, StravaErrorKind.BROKEN_OFF, StravaErrorKind.REFUSED]
NETWORK = [StravaErrorKind.UNREACHABLE, StravaErrorKind.UNAVAILABLE]
SETTINGS = [StravaErrorKind.APP_REFUSED, StravaErrorKind.APP_INACTIVE, StravaErrorKind.WRONG_ADDRESS]


def fault(kind: StravaErrorKind, *, sent: bool = False, retry_after: float | None = None) -> StravaError:
    """A request that came to nothing."""
    return StravaError(kind, f"Strava says {kind}", sent=sent, retry_after=retry_after)


STATES = {
    "fresh": (FRESH, Action.SEND),
    "uncertain": (UNCERTAIN, Action.CONFIRM),
    "uncertain and sent again": (UNCERTAIN, Action.SEND),
    "accepted": (ACCEPTED, Action.LOOK),
    "last try": (TIRED, Action.SEND),
    "last try of an uncertain one": (TIRED_UNCERTAIN, Action.SEND),
    "last look": (TIRED_UNCERTAIN, Action.CONFIRM),
    "without a token": (FRESH, Action.REFRESH),
}


@pytest.mark.parametrize("sent", [False, True])
@pytest.mark.parametrize("kind", list(StravaErrorKind))
@pytest.mark.parametrize(("job", "at"), STATES.values(), ids=STATES.keys())
def test_every_fault_in_every_state_keeps_the_promises(
    job: Job, at: Action, kind: StravaErrorKind, sent: bool
) -> None:
    """Whatever happens: no delay beyond the longest, no upload id forgotten but by a 404, no doubt dropped."""
    step = retry_policy.after_fault(job, fault(kind, sent=sent), at, AROUND)

    assert step.next_attempt_at - NOW <= LONGEST
    assert step.upload_id == job.upload_id or kind is StravaErrorKind.NOT_FOUND
    assert step.status in {Status.PENDING, Status.PROCESSING, Status.FAILED}
    assert step.uncertain or not job.uncertain or step.status is Status.FAILED
    assert step.failures - job.failures in {0, 1}
    assert (step.status is Status.PROCESSING) == (
        step.upload_id is not None and step.status is not Status.FAILED
    )


@pytest.mark.parametrize("kind", COUNTED)
@pytest.mark.parametrize(("failures", "delay"), [(0, 60), (1, 300), (2, 1800), (3, 7200)])
def test_a_counted_failure_waits_by_the_schedule(kind: StravaErrorKind, failures: int, delay: float) -> None:
    """The 1st, 2nd, 3rd and 4th failed attempt wait 1 min, 5 min, 30 min and 2 h."""
    step = retry_policy.after_fault(replace(FRESH, failures=failures), fault(kind), Action.SEND, AROUND)

    assert (Status.PENDING, failures + 1, NOW + delay) == (step.status, step.failures, step.next_attempt_at)
    assert step.own_wait == WaitingFor.RETRY
    assert step.outcome == Outcome.RETRY


@pytest.mark.parametrize("kind", COUNTED)
def test_one_counted_failure_more_than_delays_fails_the_job(kind: StravaErrorKind) -> None:
    """After the fifth failure the job is failed, with four retries begun."""
    step = retry_policy.after_fault(TIRED, fault(kind), Action.SEND, AROUND)

    assert (step.status, step.failures) == (Status.FAILED, 5)
    assert replace(TIRED, status=step.status, failures=step.failures, claimed_at=None).retry_count == 4


def test_no_uncertain_job_fails_without_a_last_look() -> None:
    """The failure that uses the schedule up leaves an uncertain job open for one look, then fails it."""
    step = retry_policy.after_fault(
        TIRED, fault(StravaErrorKind.SERVER_ERROR, sent=True), Action.SEND, AROUND
    )
    last = replace(TIRED, uncertain=step.uncertain, failures=step.failures)

    assert (
        step.status,
        step.own_wait,
        step.next_attempt_at,
    ) == (Status.PENDING, WaitingFor.CONFIRM, NOW + 60)
    assert retry_policy.move(last, UPLOADS, can_read=True) is Action.CONFIRM
    found_nothing = retry_policy.after_confirm(last, None, AROUND)
    assert found_nothing is not None
    assert found_nothing.status == Status.FAILED
    assert retry_policy.move(last, UPLOADS, can_read=False) is Action.GIVE_UP


@pytest.mark.parametrize("kind", NETWORK)
@pytest.mark.parametrize("job", [FRESH, TIRED])
def test_a_network_failure_counts_for_nothing_and_shuts_the_gate(job: Job, kind: StravaErrorKind) -> None:
    """What only shows that Strava cannot be reached makes everybody wait, and never fails a job."""
    step = retry_policy.after_fault(job, fault(kind), Action.SEND, AROUND)

    assert job.failures == step.failures
    assert step.shut is not None
    assert (step.shut.name, step.shut.until, step.shut.tries) == (BreakerName.NETWORK, NOW + 60, 1)


@pytest.mark.parametrize(("tries", "delay"), [(0, 60), (1, 300), (2, 300), (9, 300)])
def test_probes_come_at_the_retry_delays_capped_at_five_minutes(tries: int, delay: float) -> None:
    """However long the outage, somebody tries at least every 300 s."""
    step = retry_policy.after_fault(
        FRESH, fault(StravaErrorKind.UNREACHABLE), Action.SEND, replace(AROUND, breaker_tries=tries)
    )

    assert step.shut is not None
    assert NOW + delay == step.shut.until


def test_a_file_that_alone_draws_5xx_is_charged() -> None:
    """A 503 while other requests pass is the file's: it counts, and shuts nobody's gate."""
    around = replace(AROUND, others_succeed=True)
    step = retry_policy.after_fault(FRESH, fault(StravaErrorKind.UNAVAILABLE, sent=True), Action.SEND, around)

    assert (step.failures, step.uncertain, step.shut) == (1, True, None)


@pytest.mark.parametrize(
    "kind", [StravaErrorKind.UNAVAILABLE, StravaErrorKind.SERVER_ERROR, StravaErrorKind.BROKEN_OFF]
)
def test_what_left_without_a_certain_answer_is_uncertain_and_waits(kind: StravaErrorKind) -> None:
    """Once the body has left, every outcome but a parsed 3xx or 4xx may mean that it arrived."""
    step = retry_policy.after_fault(FRESH, fault(kind, sent=True), Action.SEND, AROUND)

    assert step.uncertain
    assert step.own_wait == WaitingFor.CONFIRM
    assert step.next_attempt_at >= NOW + 60


def test_no_answer_at_all_waits_at_least_the_uncertain_delay() -> None:
    """A short schedule does not send again what may still be arriving."""
    around = replace(AROUND, uploads=replace(UPLOADS, retry_delays=(1.0,), uncertain_delay=45.0))
    step = retry_policy.after_fault(FRESH, fault(StravaErrorKind.BROKEN_OFF, sent=True), Action.SEND, around)

    assert step.next_attempt_at == NOW + 45


@pytest.mark.parametrize("kind", SETTINGS)
def test_a_wrong_setting_shuts_the_gate_for_an_hour(kind: StravaErrorKind) -> None:
    """The app's number, secret, subscription and address are everybody's: nothing counts."""
    step = retry_policy.after_fault(FRESH, fault(kind), Action.SEND, AROUND)

    assert step.failures == 0
    assert step.shut is not None
    assert (step.shut.name, step.shut.until) == (BreakerName.SETTINGS, NOW + 3600)


def test_an_inactive_app_is_explained_by_the_subscription() -> None:
    """The message names what the owner has to do, not a status code."""
    step = retry_policy.after_fault(FRESH, fault(StravaErrorKind.APP_INACTIVE), Action.SEND, AROUND)

    assert step.shut is not None
    assert "subscription" in str(step.shut.message)


@pytest.mark.parametrize(
    ("kind", "trouble"),
    [
        (StravaErrorKind.TOKEN_REFUSED, AuthProblem.REVOKED),
        (StravaErrorKind.GRANT_REFUSED, AuthProblem.REVOKED),
        (StravaErrorKind.SCOPE_MISSING, AuthProblem.SCOPE),
    ],
)
def test_a_refused_token_disconnects_the_athlete_and_counts_for_nothing(
    kind: StravaErrorKind, trouble: AuthProblem
) -> None:
    """The uploads wait for the person, and go on where they were."""
    step = retry_policy.after_fault(FRESH, fault(kind), Action.SEND, AROUND)

    assert (trouble, 0, Status.PENDING) == (step.trouble, step.failures, step.status)


def test_429_waits_for_the_next_quarter_hour() -> None:
    """Strava names no time: its windows begin at :00, :15, :30 and :45."""
    step = retry_policy.after_fault(FRESH, fault(StravaErrorKind.RATE_LIMITED), Action.SEND, AROUND)

    assert step.shut is not None
    assert (step.shut.name, step.failures) == (BreakerName.RATE_LIMIT, 0)
    assert NOW < step.shut.until <= NOW + 903
    assert step.shut.until % 900 == 3


def test_429_with_the_day_used_up_waits_for_midnight() -> None:
    """The day's bucket begins anew at 00:00 UTC."""
    used = RateLimit(overall_usage=(10, 2000), heard_at=NOW)
    step = retry_policy.after_fault(
        FRESH, fault(StravaErrorKind.RATE_LIMITED), Action.SEND, replace(AROUND, allowance=used)
    )

    assert step.shut is not None
    assert step.shut.until == (NOW // 86_400 + 1) * 86_400 + 3


def test_what_strava_asks_for_only_lengthens_the_wait() -> None:
    """Retry-After beyond the quarter hour counts, a shorter one does not."""
    long = retry_policy.after_fault(
        FRESH, fault(StravaErrorKind.RATE_LIMITED, retry_after=5000), Action.SEND, AROUND
    )
    short = retry_policy.after_fault(
        FRESH, fault(StravaErrorKind.RATE_LIMITED, retry_after=1), Action.SEND, AROUND
    )

    assert long.shut is not None
    assert short.shut is not None
    assert long.shut.until == NOW + 5000
    assert short.shut.until > NOW + 1


def test_a_bad_file_fails_at_once_with_stravas_words() -> None:
    """Sending it again would change nothing."""
    step = retry_policy.after_fault(FRESH, fault(StravaErrorKind.BAD_FILE), Action.SEND, AROUND)

    assert (step.status, step.error_code) == (Status.FAILED, "rejected")
    assert "Strava says" in str(step.error_message)


def test_an_unknown_upload_id_is_asked_for_twice() -> None:
    """Once may be a lag; the second 404, a minute later, counts, and the upload is uncertain."""
    first = retry_policy.after_fault(ACCEPTED, fault(StravaErrorKind.NOT_FOUND), Action.LOOK, AROUND)
    then = replace(ACCEPTED, error_code=first.error_code)
    second = retry_policy.after_fault(then, fault(StravaErrorKind.NOT_FOUND), Action.LOOK, AROUND)

    assert (first.upload_id, first.uncertain, first.next_attempt_at) == (77, False, NOW + 60)
    assert (second.upload_id, second.uncertain, second.failures) == (None, True, 1)


@pytest.mark.parametrize(("failures", "wait"), [(0, 60), (1, 300), (3, 7200), (4, 60)])
def test_a_lost_upload_waits_by_the_schedule(failures: int, wait: float) -> None:
    """Else it would be sent every other minute; the last failure leaves one look, after the uncertain delay."""
    lost = replace(ACCEPTED, failures=failures, error_code="upload_unknown")
    step = retry_policy.after_fault(lost, fault(StravaErrorKind.NOT_FOUND), Action.LOOK, AROUND)

    assert (step.status, step.own_wait) == (Status.PENDING, WaitingFor.CONFIRM)
    assert (step.failures, step.next_attempt_at) == (failures + 1, NOW + wait)
    assert (step.uncertain, step.upload_id, step.error_code) == (True, None, "upload_unknown")


@pytest.mark.parametrize("kind", [*COUNTED, *NETWORK])
def test_a_refresh_without_an_answer_counts_for_nothing_and_shuts_the_gate(kind: StravaErrorKind) -> None:
    """A hundred jobs must not ask each for itself; the one that asked waits even where the gate opens before."""
    step = retry_policy.after_fault(FRESH, fault(kind), Action.REFRESH, AROUND)

    assert step.shut is not None
    assert (step.shut.name, step.shut.until) == (BreakerName.NETWORK, NOW + 60)
    assert (step.failures, step.uncertain, step.next_attempt_at) == (0, False, NOW + 60)


@pytest.mark.parametrize("at", [Action.LOOK, Action.CONFIRM])
@pytest.mark.parametrize("kind", COUNTED)
def test_a_question_without_an_answer_counts_for_nothing(at: Action, kind: StravaErrorKind) -> None:
    """Only sending can use the schedule up."""
    step = retry_policy.after_fault(ACCEPTED, fault(kind), at, AROUND)

    assert step.failures == 0
    assert step.next_attempt_at > NOW


def report(state: UploadState, activity_id: int | None = None) -> UploadReport:
    """Strava's word on upload 77."""
    return UploadReport(77, state, activity_id, "words of Strava's")


def test_a_ready_activity_completes_the_job() -> None:
    """Its id is kept, and whatever went wrong before is forgotten."""
    before = replace(ACCEPTED, error_code="server_error", error_message=verbatim("once"), failures=2)
    step = retry_policy.after_report(before, report(UploadState.READY, 4242), AROUND)

    assert (step.status, step.strava_activity_id, step.error_code) == (Status.COMPLETED, 4242, None)


@pytest.mark.parametrize("activity_id", [4242, None])
def test_a_duplicate_is_done(activity_id: int | None) -> None:
    """It is on Strava, with or without an id that Strava names."""
    step = retry_policy.after_report(ACCEPTED, report(UploadState.DUPLICATE, activity_id), AROUND)

    assert (Status.COMPLETED, activity_id) == (step.status, step.strava_activity_id)
    assert (step.error_code, str(step.error_message)) == ("duplicate", "already on Strava")


def test_a_deleted_activity_fails_and_says_how_to_send_it_again() -> None:
    """Strava binds an external id to its first upload for ever."""
    step = retry_policy.after_report(ACCEPTED, report(UploadState.DELETED), AROUND)

    assert (step.status, step.error_code) == (Status.FAILED, "deleted")
    assert "--again" in str(step.error_message)


def test_looks_follow_the_check_delays_and_the_last_one_repeats() -> None:
    """2, 2, 4, 8, 16, 30, 30 seconds."""
    waits = [
        retry_policy.after_report(
            replace(ACCEPTED, looks=looks), report(UploadState.PROCESSING), AROUND
        ).next_attempt_at
        - NOW
        for looks in range(7)
    ]

    assert waits == [2, 2, 4, 8, 16, 30, 30]


def test_after_the_check_timeout_looks_go_at_the_pace_of_retries() -> None:
    """The upload id is kept however long Strava takes."""
    old = replace(ACCEPTED, accepted_at=NOW - 1801, looks=60)
    step = retry_policy.after_report(old, report(UploadState.PROCESSING), AROUND)

    assert (step.upload_id, step.status, step.next_attempt_at) == (77, Status.PROCESSING, NOW + 7200)


@pytest.mark.parametrize(
    ("job", "can_read", "expected"),
    [
        (FRESH, True, Action.SEND),
        (UNCERTAIN, True, Action.CONFIRM),
        (UNCERTAIN, False, Action.SEND),
        (ACCEPTED, True, Action.LOOK),
        (replace(ACCEPTED, failures=9), False, Action.LOOK),
        (replace(FRESH, failures=5), True, Action.GIVE_UP),
    ],
)
def test_what_has_an_upload_id_is_looked_at_and_never_sent(
    job: Job, can_read: bool, expected: Action
) -> None:
    """What may have arrived is looked for before it is sent again, where that is allowed."""
    assert expected is retry_policy.move(job, UPLOADS, can_read=can_read)


def test_a_confirmed_upload_is_completed_and_an_absent_one_sent() -> None:
    """Found means done; not found means send it now."""
    found = retry_policy.after_confirm(UNCERTAIN, 4242, AROUND)

    assert found is not None
    assert (found.status, found.strava_activity_id) == (Status.COMPLETED, 4242)
    assert retry_policy.after_confirm(UNCERTAIN, None, AROUND) is None


@pytest.mark.parametrize("sent", [False, True])
def test_a_surprise_counts_so_that_it_cannot_spin(sent: bool) -> None:
    """An exception that nobody planned uses the schedule up like any failure."""
    step = retry_policy.after_unexpected_error(FRESH, AROUND, sent=sent)

    assert (1, "surprise", sent) == (step.failures, step.error_code, step.uncertain)


@pytest.mark.parametrize("sent", [False, True])
def test_a_full_disk_counts_for_nothing_and_drops_no_doubt(sent: bool) -> None:
    """What was sent before the ledger failed is looked for afterwards."""
    step = retry_policy.ledger_failed(FRESH, "disk full", UPLOADS, NOW, sent=sent)

    assert (0, sent, Status.PENDING) == (step.failures, step.uncertain, step.status)


def test_an_unreadable_file_waits_and_a_gone_one_is_held() -> None:
    """A folder that is away is no fault of the file's; a file that is gone waits for a person."""
    away = retry_policy.file_unreadable(FRESH, "its folder is not there", AROUND)
    gone = retry_policy.file_gone(FRESH)

    assert (away.status, away.own_wait, away.failures) == (Status.PENDING, WaitingFor.FILE, 0)
    assert (gone.status, str(gone.error_message)) == (Status.HELD, "file is gone")
