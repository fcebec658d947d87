"""The table of DESIGN.md §4, row by row: which error in which state gives which result, and when the next try is."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import pytest

from fakes import JOB, NOW, UPLOADS
from fitferry.core import attempt_results, retry_policy, retry_results
from fitferry.core.breaker import BreakerCause, BreakerName, BreakerTrip
from fitferry.core.errors import RefreshError, StravaError
from fitferry.core.messages import Message, uploads, verbatim
from fitferry.core.retry_policy import Action
from fitferry.core.retry_results import DecisionContext
from fitferry.core.strava import RateLimit, StravaErrorKind, UploadReport, UploadState
from fitferry.core.upload import AttemptResult, AuthProblem, ErrorCode, Job, Outcome, Status, WaitingFor

FRESH = JOB
UNCERTAIN = replace(FRESH, uncertain=True, sent_at=NOW - 100)
ACCEPTED = replace(FRESH, upload_id=77, accepted_at=NOW - 4, looks=1, sent_at=NOW - 5)
TIRED = replace(FRESH, failures=4)
TIRED_UNCERTAIN = replace(UNCERTAIN, failures=4)
SETTINGS = replace(UPLOADS, uncertain_delay=90.0)
"""With no two delays alike, so that no wait can stand for another."""
CONTEXT = DecisionContext(
    now=NOW,
    settings=SETTINGS,
    rate_limit=RateLimit(),
    outstanding=0,
    others_succeed=False,
    others_fail=False,
    network_tries=0,
    not_strava_since=None,
    bulk=False,
)
LONGEST = 7200.0
QUARTER_END = (NOW // 900 + 1) * 900 + 3
DAY_END = (NOW // 86_400 + 1) * 86_400 + 3
Kind = StravaErrorKind


def error(
    kind: Kind, *, sent: bool = False, retry_after: float | None = None, refresh: bool = False
) -> StravaError:
    """A request that failed."""
    made = RefreshError if refresh else StravaError
    return made(kind, verbatim(f"Strava says {kind}"), sent=sent, retry_after=retry_after)


def network(until: float, code: str) -> BreakerTrip:
    """The network breaker, open until a time."""
    return BreakerTrip(BreakerName.NETWORK, until, Kind(code), verbatim(f"Strava says {code}"))


def opens_network(seconds: float, code: str, *, uncertain: bool = False, wait: float = 0.0) -> AttemptResult:
    """Nothing counts, all wait for the network; the job itself may wait longer."""
    return AttemptResult(
        Outcome.WAITING,
        Status.PENDING,
        own_wait=WaitingFor.CONFIRM if uncertain else None,
        next_attempt_at=NOW + wait,
        uncertain=uncertain,
        breaker=network(NOW + seconds, code),
    )


def counts(
    failures: int, wait: float, code: str, *, uncertain: bool = False, says: Message | None = None
) -> AttemptResult:
    """One failure more, and the next try by the schedule."""
    return AttemptResult(
        Outcome.RETRY,
        Status.PENDING,
        own_wait=WaitingFor.CONFIRM if uncertain else WaitingFor.RETRY,
        next_attempt_at=NOW + wait,
        failures=failures,
        uncertain=uncertain,
        error_code=ErrorCode(code) if code in set(ErrorCode) else StravaErrorKind(code),
        error_message=says or verbatim(f"Strava says {code}"),
    )


@dataclass(frozen=True)
class Row:
    """One row of the table."""

    what: str
    error: StravaError
    result: AttemptResult
    job: Job = FRESH
    action: Action = Action.SEND
    context: DecisionContext = CONTEXT


WAITS = AttemptResult(Outcome.WAITING, Status.PENDING)
LOOKS_ON = AttemptResult(Outcome.WAITING, Status.PROCESSING, upload_id=77, looks=1)
OTHERS_SUCCEED = replace(CONTEXT, others_succeed=True)
OTHERS_FAIL = replace(CONTEXT, others_fail=True)
AN_HOUR_OF_OTHERS = replace(CONTEXT, not_strava_since=NOW - 3600, network_tries=9)
LOST = uploads.UPLOAD_UNKNOWN()


def settings_trip(code: Kind, said: Kind | None = None) -> BreakerTrip:
    """The settings breaker, open for an hour, with what Strava said."""
    return BreakerTrip(BreakerName.SETTINGS, NOW + 3600, code, verbatim(f"Strava says {said or code}"))


TABLE = [
    Row("no route", error(Kind.UNREACHABLE), opens_network(60, "unreachable")),
    Row("no route, second probe", error(Kind.UNREACHABLE), opens_network(300, "unreachable"),
        context=replace(CONTEXT, network_tries=1)),
    Row("no route, ninth probe", error(Kind.UNREACHABLE), opens_network(300, "unreachable"),
        context=replace(CONTEXT, network_tries=9)),
    Row("no route, though others succeed", error(Kind.UNREACHABLE), opens_network(60, "unreachable"),
        context=OTHERS_SUCCEED),
    Row("503", error(Kind.UNAVAILABLE, sent=True), opens_network(60, "unavailable", uncertain=True, wait=90)),
    Row("503, second probe", error(Kind.UNAVAILABLE, sent=True),
        opens_network(300, "unavailable", uncertain=True, wait=300), context=replace(CONTEXT, network_tries=1)),
    Row("503 for this file alone", error(Kind.UNAVAILABLE, sent=True),
        counts(1, 90, "unavailable", uncertain=True), context=OTHERS_SUCCEED),
    Row("503 at a look", error(Kind.UNAVAILABLE),
        replace(LOOKS_ON, next_attempt_at=NOW, breaker=network(NOW + 60, "unavailable")), job=ACCEPTED,
        action=Action.LOOK),
    Row("a gateway's page", error(Kind.NOT_STRAVA, sent=True),
        opens_network(60, "not_strava", uncertain=True, wait=90)),
    Row("a gateway's page for this file alone", error(Kind.NOT_STRAVA, sent=True),
        counts(1, 90, "not_strava", uncertain=True), context=OTHERS_SUCCEED),
    Row("a gateway's page at a look", error(Kind.NOT_STRAVA),
        replace(LOOKS_ON, next_attempt_at=NOW, breaker=network(NOW + 60, "not_strava")), job=ACCEPTED,
        action=Action.LOOK, context=OTHERS_SUCCEED),
    Row("a gateway's page for 59 minutes", error(Kind.NOT_STRAVA),
        opens_network(300, "not_strava"),
        context=replace(AN_HOUR_OF_OTHERS, not_strava_since=NOW - 3599)),
    Row("a gateway's page for an hour", error(Kind.NOT_STRAVA),
        replace(WAITS, next_attempt_at=NOW, breaker=settings_trip(Kind.WRONG_ADDRESS, Kind.NOT_STRAVA)),
        context=AN_HOUR_OF_OTHERS),
    Row("a redirect", error(Kind.WRONG_ADDRESS),
        replace(opens_network(60, "not_strava"), breaker=BreakerTrip(
            BreakerName.NETWORK, NOW + 60, Kind.NOT_STRAVA, verbatim("Strava says wrong_address")))),
    Row("a redirect for an hour", error(Kind.WRONG_ADDRESS),
        replace(WAITS, next_attempt_at=NOW, breaker=settings_trip(Kind.WRONG_ADDRESS)),
        context=AN_HOUR_OF_OTHERS),
    Row("503 for an hour is no wrong address", error(Kind.UNAVAILABLE), opens_network(300, "unavailable"),
        context=AN_HOUR_OF_OTHERS),
    *(
        Row(f"{kind}, failure {failures + 1}", error(kind), counts(failures + 1, wait, kind),
            job=replace(FRESH, failures=failures))
        for kind in (Kind.SERVER_ERROR, Kind.REFUSED)
        for failures, wait in ((0, 60), (1, 300), (2, 1800), (3, 7200))
    ),
    Row("500, sent", error(Kind.SERVER_ERROR, sent=True), counts(1, 90, "server_error", uncertain=True)),
    Row("read timeout", error(Kind.BROKEN_OFF, sent=True), counts(1, 90, "broken_off", uncertain=True)),
    Row("read timeout, short schedule", error(Kind.BROKEN_OFF, sent=True),
        counts(1, 45, "broken_off", uncertain=True),
        context=replace(CONTEXT, settings=replace(UPLOADS, retry_delays=(1.0,), uncertain_delay=45.0))),
    Row("the last failure", error(Kind.REFUSED), AttemptResult(
        Outcome.FAILED, Status.FAILED, failures=5, error_code=Kind.REFUSED, error_message=verbatim("Strava says refused")),
        job=TIRED),
    Row("the last failure of what may have arrived: one more look", error(Kind.SERVER_ERROR, sent=True),
        counts(5, 90, "server_error", uncertain=True), job=TIRED),
    Row("500 for several uploads in a row", error(Kind.SERVER_ERROR, sent=True),
        replace(opens_network(60, "server_error", uncertain=True, wait=90), breaker=BreakerTrip(
            BreakerName.NETWORK, NOW + 60, BreakerCause.OUTAGE, verbatim("Strava says server_error"))), context=OTHERS_FAIL),
    Row("403 for several uploads in a row", error(Kind.REFUSED), replace(
        opens_network(60, "refused"), breaker=BreakerTrip(
            BreakerName.NETWORK, NOW + 60, BreakerCause.OUTAGE, verbatim("Strava says refused"))), context=OTHERS_FAIL),
    Row("500 at a look", error(Kind.SERVER_ERROR), replace(
        LOOKS_ON, read_failures=1, next_attempt_at=NOW + 60, error_code=Kind.SERVER_ERROR,
        error_message=verbatim("Strava says server_error")), job=ACCEPTED, action=Action.LOOK),
    Row("the third look in a row without an answer", error(Kind.BROKEN_OFF), replace(
        LOOKS_ON, read_failures=3, next_attempt_at=NOW + 1800, error_code=Kind.BROKEN_OFF,
        error_message=verbatim("Strava says broken_off"), looks=90), job=replace(ACCEPTED, read_failures=2, looks=90),
        action=Action.LOOK),
    Row("a search without an answer", error(Kind.REFUSED), AttemptResult(
        Outcome.WAITING, Status.PENDING, uncertain=True, read_failures=1, next_attempt_at=NOW + 60,
        error_code=Kind.REFUSED, error_message=verbatim("Strava says refused")), job=UNCERTAIN, action=Action.CONFIRM),
    Row("429", error(Kind.RATE_LIMITED), replace(WAITS, breaker=BreakerTrip(
        BreakerName.RATE_LIMIT, QUARTER_END, Kind.RATE_LIMITED, verbatim("Strava says rate_limited")))),
    Row("429, Retry-After beyond the window", error(Kind.RATE_LIMITED, retry_after=5000), replace(
        WAITS, breaker=BreakerTrip(
            BreakerName.RATE_LIMIT, NOW + 5000, Kind.RATE_LIMITED, verbatim("Strava says rate_limited")))),
    Row("429, Retry-After within the window", error(Kind.RATE_LIMITED, retry_after=1), replace(
        WAITS, breaker=BreakerTrip(
            BreakerName.RATE_LIMIT, QUARTER_END, Kind.RATE_LIMITED, verbatim("Strava says rate_limited")))),
    Row("429, Retry-After of a year", error(Kind.RATE_LIMITED, retry_after=3e7), replace(
        WAITS, breaker=BreakerTrip(
            BreakerName.RATE_LIMIT, NOW + 86_400, Kind.RATE_LIMITED, verbatim("Strava says rate_limited")))),
    Row("429, the day used up", error(Kind.RATE_LIMITED), replace(WAITS, breaker=BreakerTrip(
        BreakerName.RATE_LIMIT, DAY_END, Kind.RATE_LIMITED, verbatim("Strava says rate_limited"))),
        context=replace(CONTEXT, rate_limit=RateLimit(overall_usage=(10, 2000), heard_at=NOW))),
    Row("no room in the rate limit", error(Kind.USED_UP), WAITS),
    Row("no room, may have arrived", error(Kind.USED_UP), replace(WAITS, uncertain=True), job=UNCERTAIN,
        action=Action.CONFIRM),
    Row("a fresh token refused", error(Kind.TOKEN_REFUSED), opens_network(60, "token_refused")),
    Row("a fresh token refused to one athlete alone", error(Kind.TOKEN_REFUSED), replace(
        WAITS, read_failures=1, next_attempt_at=NOW + 60, error_code=Kind.TOKEN_REFUSED,
        error_message=verbatim("Strava says token_refused")), context=OTHERS_SUCCEED),
    Row("the grant refused", error(Kind.GRANT_REFUSED, refresh=True),
        replace(WAITS, auth_problem=AuthProblem.REVOKED)),
    Row("a permission missing", error(Kind.SCOPE_MISSING), replace(WAITS, auth_problem=AuthProblem.SCOPE)),
    Row("the application unknown", error(Kind.APP_REFUSED), replace(WAITS, breaker=settings_trip(Kind.APP_REFUSED))),
    Row("the application inactive", error(Kind.APP_INACTIVE),
        replace(WAITS, breaker=settings_trip(Kind.APP_INACTIVE))),
    Row("too many athletes", error(Kind.ATHLETE_LIMIT), replace(WAITS, breaker=settings_trip(Kind.ATHLETE_LIMIT))),
    Row("a bad file", error(Kind.BAD_FILE), AttemptResult(
        Outcome.FAILED, Status.FAILED, error_code=ErrorCode.REJECTED,
        error_message=uploads.REJECTED(answer=verbatim("Strava says bad_file")))),
    Row("404 for an upload id", error(Kind.NOT_FOUND), replace(
        LOOKS_ON, own_wait=WaitingFor.PROCESSING, next_attempt_at=NOW + 60, error_code=ErrorCode.UPLOAD_UNKNOWN,
        error_message=LOST), job=ACCEPTED, action=Action.LOOK),
    *(
        Row(f"the second 404 for an upload id, failure {failures + 1}", error(Kind.NOT_FOUND), replace(
            counts(failures + 1, wait, "upload_unknown", uncertain=True, says=LOST), looks=1),
            job=replace(ACCEPTED, error_code=ErrorCode.UPLOAD_UNKNOWN, failures=failures), action=Action.LOOK)
        for failures, wait in ((0, 90), (1, 300), (3, 7200), (4, 90))
    ),
    Row("404 for the list", error(Kind.NOT_FOUND), replace(
        opens_network(60, "not_found", uncertain=True), breaker=BreakerTrip(
            BreakerName.NETWORK, NOW + 60, Kind.NOT_STRAVA, verbatim("Strava says not_found"))), job=UNCERTAIN,
        action=Action.CONFIRM),
    *(
        Row(f"a refresh that meets {kind}", error(kind, refresh=True), opens_network(60, kind, wait=60))
        for kind in (Kind.UNREACHABLE, Kind.UNAVAILABLE, Kind.SERVER_ERROR, Kind.BROKEN_OFF, Kind.REFUSED)
    ),
    Row("a refresh that meets a gateway, though others succeed", error(Kind.NOT_STRAVA, refresh=True),
        opens_network(60, "not_strava", wait=60), context=OTHERS_SUCCEED),
]  # fmt: skip


@pytest.mark.parametrize("row", TABLE, ids=[row.what for row in TABLE])
def test_the_table(row: Row) -> None:
    """Each error gives exactly this result."""
    result = retry_policy.after_error(row.job, row.error, row.action, row.context)

    own_wait = row.job.own_wait if row.result.own_wait is None else row.result.own_wait
    assert result == replace(row.result, own_wait=own_wait)


def test_the_table_has_every_kind_of_error() -> None:
    """No kind is decided on without a row."""
    assert {row.error.kind for row in TABLE} == set(Kind)


def design() -> dict[Kind, tuple[str, str]]:
    """By kind: what DESIGN.md says of whether it counts, and of the breaker that it opens."""
    text = (Path(__file__).parents[3] / "DESIGN.md").read_text(encoding="utf-8")
    rows = [
        line.split(" | ")
        for line in text.split("| --- | --- | --- | --- | --- |\n")[1].split("\n\n")[0].splitlines()
    ]
    return {Kind(kind): (row[2], row[3]) for row in rows for kind in re.findall(r"`(\w+)`", row[0])}


COUNTS = {
    "no": (False, False, False),
    "no; yes if others succeed": (False, True, False),
    "yes; no if others fail": (True, True, False),
}
"""By what DESIGN.md says: whether a failure counts by itself, where others succeed, and where others fail."""


def test_design_has_every_kind_of_error_once() -> None:
    """In the first column of its table."""
    assert sorted(design()) == sorted(Kind)


@pytest.mark.parametrize("kind", Kind)
def test_what_design_says_of_an_upload_is_so(kind: Kind) -> None:
    """Whether the failure counts, in each context, and which breaker it opens."""
    says_counts, says_breaker = design()[kind]
    alone, others_succeed, others_fail = (
        retry_policy.after_error(FRESH, error(kind), Action.SEND, context)
        for context in (CONTEXT, OTHERS_SUCCEED, OTHERS_FAIL)
    )

    assert (
        tuple(bool(result.failures) for result in (alone, others_succeed, others_fail)) == COUNTS[says_counts]
    )
    assert breaker_of(alone) == (says_breaker.strip("`") if says_breaker[0] == "`" else "")
    assert breaker_of(others_fail) == next(iter(re.findall(r"`(\w+)`", says_breaker)), "")


def breaker_of(result: AttemptResult) -> str:
    """The name of the breaker that an attempt opens."""
    return result.breaker.name if result.breaker else ""


def test_what_may_have_arrived_is_sent_again_after_the_uncertain_delay_at_the_earliest() -> None:
    """However short the schedule is, and whatever left the doubt; what cannot have arrived goes by the schedule."""
    hasty = replace(SETTINGS, retry_delays=(0.5,))
    for kind, context in product(Kind, (CONTEXT, OTHERS_SUCCEED, OTHERS_FAIL)):
        failed = retry_policy.after_error(
            FRESH, error(kind, sent=True), Action.SEND, replace(context, settings=hasty)
        )
        assert not failed.uncertain or failed.next_attempt_at >= NOW + SETTINGS.uncertain_delay
    refused = retry_policy.after_error(
        FRESH, error(Kind.REFUSED), Action.SEND, replace(CONTEXT, settings=hasty)
    )
    assert refused.next_attempt_at == NOW + 0.5


STATES = {
    "fresh": (FRESH, Action.SEND),
    "uncertain": (UNCERTAIN, Action.CONFIRM),
    "uncertain and sent again": (UNCERTAIN, Action.SEND),
    "accepted": (ACCEPTED, Action.LOOK),
    "last try": (TIRED, Action.SEND),
    "last try of an uncertain one": (TIRED_UNCERTAIN, Action.SEND),
    "last look": (TIRED_UNCERTAIN, Action.CONFIRM),
}


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize(("job", "action"), STATES.values(), ids=STATES.keys())
def test_every_error_in_every_state_keeps_the_promises(job: Job, action: Action, kind: Kind) -> None:
    """No delay beyond the longest, no upload id forgotten but by a 404, no doubt dropped, one failure at most."""
    contexts = (CONTEXT, OTHERS_SUCCEED, OTHERS_FAIL, AN_HOUR_OF_OTHERS)
    for sent, refresh, context in product((False, True), (False, True), contexts):
        result = retry_policy.after_error(job, error(kind, sent=sent, refresh=refresh), action, context)

        assert result.next_attempt_at - NOW <= LONGEST
        assert result.upload_id == job.upload_id or kind is Kind.NOT_FOUND
        assert result.status in {Status.PENDING, Status.PROCESSING, Status.FAILED}
        assert result.uncertain or not job.uncertain or kind is Kind.BAD_FILE
        assert result.failures - job.failures in {0, 1}
        assert (result.status is Status.PROCESSING) == (
            result.upload_id is not None and result.status is not Status.FAILED
        )


def test_no_uncertain_job_fails_without_a_last_look() -> None:
    """The failure that uses the schedule up leaves an uncertain job open for one look, then fails it."""
    result = retry_policy.after_error(TIRED, error(Kind.SERVER_ERROR, sent=True), Action.SEND, CONTEXT)
    last = replace(TIRED, uncertain=result.uncertain, failures=result.failures)

    assert retry_policy.next_action(FRESH, UPLOADS, can_read=True) is Action.SEND
    assert retry_policy.next_action(last, UPLOADS, can_read=True) is Action.CONFIRM
    assert retry_policy.next_action(last, UPLOADS, can_read=False) is Action.GIVE_UP
    given_up = attempt_results.given_up(last)
    assert (given_up.status, given_up.uncertain, given_up.error_code) == (
        Status.FAILED,
        True,
        last.error_code,
    )


def test_a_job_that_failed_by_the_schedule_has_begun_four_retries() -> None:
    """A failure that waits for its retry is none yet."""
    failed = replace(TIRED, status=Status.FAILED, failures=5)

    assert failed.retry_count == 4
    assert replace(failed, status=Status.PENDING, failures=1).retry_count == 0
    assert replace(failed, status=Status.PROCESSING, failures=1).retry_count == 1


def report(state: UploadState, activity_id: int | None = None) -> UploadReport:
    """Strava's report on upload 77."""
    return UploadReport(77, state, activity_id, "words of Strava's")


DONE = AttemptResult(Outcome.COMPLETED, Status.COMPLETED, upload_id=77, looks=1, failures=2)


@pytest.mark.parametrize(
    ("report", "result"),
    [
        (report(UploadState.READY, 4242), replace(DONE, strava_activity_id=4242)),
        (report(UploadState.DUPLICATE, 4242), replace(
            DONE, outcome=Outcome.DUPLICATE, strava_activity_id=4242, error_code=ErrorCode.DUPLICATE,
            error_message=uploads.ALREADY_ON_STRAVA())),
        (report(UploadState.DUPLICATE), replace(
            DONE, outcome=Outcome.DUPLICATE, error_code=ErrorCode.DUPLICATE, error_message=uploads.ALREADY_ON_STRAVA())),
        (report(UploadState.DELETED), replace(
            DONE, outcome=Outcome.FAILED, status=Status.FAILED, error_code=ErrorCode.DELETED,
            error_message=uploads.DELETED_ON_STRAVA())),
        (report(UploadState.REJECTED), replace(
            DONE, outcome=Outcome.FAILED, status=Status.FAILED, error_code=ErrorCode.REJECTED,
            error_message=uploads.REJECTED(answer=verbatim("words of Strava's")))),
    ],
)  # fmt: skip
def test_the_end_of_an_upload(report: UploadReport, result: AttemptResult) -> None:
    """What went wrong on the way is cleared, and the count of failures stays to be seen."""
    before = replace(
        ACCEPTED,
        error_code=StravaErrorKind.SERVER_ERROR,
        error_message=verbatim("once"),
        failures=2,
        uncertain=True,
    )

    assert retry_policy.after_report(before, report, CONTEXT) == result


@pytest.mark.parametrize("accepted_at", [NOW - 4, None])
def test_what_strava_processes_has_arrived(accepted_at: float | None) -> None:
    """No doubt is left, and no error; an upload whose acceptance was not timed is looked at as a new one."""
    doubtful = replace(
        ACCEPTED, accepted_at=accepted_at, uncertain=True, failures=2, error_message=verbatim("once")
    )

    assert retry_policy.after_report(doubtful, report(UploadState.PROCESSING), CONTEXT) == AttemptResult(
        Outcome.PROCESSING,
        Status.PROCESSING,
        own_wait=WaitingFor.PROCESSING,
        next_attempt_at=NOW + 2,
        failures=2,
        upload_id=77,
        looks=2,
    )


def test_looks_follow_the_check_delays_and_the_last_one_repeats() -> None:
    """2, 2, 4, 8, 16, 30, 30 seconds, whatever questions failed between."""
    waits = []
    for looks in range(7):
        job = replace(ACCEPTED, looks=looks, read_failures=3, error_code=StravaErrorKind.BROKEN_OFF)
        result = retry_policy.after_report(job, report(UploadState.PROCESSING), CONTEXT)
        waits.append(result.next_attempt_at - NOW)
        assert (result.looks, result.read_failures, result.error_code) == (looks + 1, 0, None)
        assert result.outcome is (Outcome.PROCESSING if looks else Outcome.ACCEPTED)

    assert waits == [2, 2, 4, 8, 16, 30, 30]


@pytest.mark.parametrize(("age", "wait"), [(1799.9, 30), (1800, 7200), (3e6, 7200), (-86_400, 30)])
def test_after_the_check_timeout_looks_go_at_the_pace_of_retries(age: float, wait: float) -> None:
    """The upload id is kept however long Strava takes; a clock that was set back is no age."""
    job = replace(ACCEPTED, accepted_at=NOW - age, looks=60)
    result = retry_policy.after_report(job, report(UploadState.PROCESSING), CONTEXT)

    assert (result.upload_id, result.status, result.next_attempt_at) == (77, Status.PROCESSING, NOW + wait)


def test_delays_of_nothing_make_no_busy_loop() -> None:
    """Somebody may set all delays to 0."""
    nothing = replace(UPLOADS, retry_delays=(0.0,), check_delays=(0.0,), uncertain_delay=0.0)
    context = replace(CONTEXT, settings=nothing)
    look = retry_policy.after_report(ACCEPTED, report(UploadState.PROCESSING), context)
    again = retry_policy.after_error(ACCEPTED, error(Kind.REFUSED), Action.LOOK, context)
    down = retry_policy.after_error(FRESH, error(Kind.UNREACHABLE), Action.SEND, context)
    failed = retry_policy.after_error(FRESH, error(Kind.REFUSED), Action.SEND, context)

    assert look.next_attempt_at == again.next_attempt_at == NOW + 0.05
    assert (failed.next_attempt_at, failed.failures) == (NOW, 1)  # it ends by the count
    assert down.breaker is not None
    assert down.breaker.until == NOW + 0.05


def test_one_of_many_old_uploads_is_looked_at_when_the_others_are_done_too() -> None:
    """Four times the longest check delay: one page answers for all."""
    result = retry_policy.after_report(ACCEPTED, report(UploadState.PROCESSING), replace(CONTEXT, bulk=True))

    assert result.next_attempt_at == NOW + 120


def test_looks_at_the_backlog_are_spaced_so_that_the_reads_last() -> None:
    """500 uploads out and 100 reads a quarter hour; a fresh ride is looked at all the same."""
    context = replace(CONTEXT, outstanding=500)
    old = replace(ACCEPTED, start_time=NOW - 400 * 86_400)
    fresh = retry_policy.after_report(ACCEPTED, report(UploadState.PROCESSING), context)
    spaced = retry_policy.after_report(old, report(UploadState.PROCESSING), context)

    assert fresh.next_attempt_at == NOW + 2
    assert spaced.next_attempt_at == NOW + 500 * (900 - NOW % 900) / 100


@pytest.mark.parametrize(
    ("job", "can_read", "compare", "expected"),
    [
        (FRESH, True, False, Action.SEND),
        (FRESH, True, True, Action.COMPARE),
        (FRESH, False, True, Action.SEND),
        (UNCERTAIN, True, True, Action.CONFIRM),
        (UNCERTAIN, False, False, Action.SEND),
        (ACCEPTED, True, False, Action.LOOK),
        (replace(ACCEPTED, failures=9, uncertain=True), False, False, Action.LOOK),
        (TIRED, True, False, Action.SEND),
        (replace(FRESH, failures=5), True, False, Action.GIVE_UP),
        (replace(UNCERTAIN, failures=5), True, False, Action.CONFIRM),
        (replace(UNCERTAIN, failures=5), False, False, Action.GIVE_UP),
    ],
)
def test_the_next_action(job: Job, can_read: bool, compare: bool, expected: Action) -> None:
    """What has an upload id is looked at and never sent; what may have arrived is looked for first."""
    assert expected is retry_policy.next_action(job, UPLOADS, can_read=can_read, compare=compare)


@pytest.mark.parametrize("job", [FRESH, UNCERTAIN])
def test_an_unexpected_error_counts_so_that_it_cannot_loop(job: Job) -> None:
    """It uses the schedule up like any failure, and keeps the doubt."""
    result = retry_policy.after_unexpected_error(job, CONTEXT)

    assert (result.failures, result.error_code, result.uncertain) == (1, "surprise", job.uncertain)
    assert result.next_attempt_at == NOW + (90 if job.uncertain else 60)


@pytest.mark.parametrize(
    ("job", "wait", "own_wait"), [(FRESH, 1, WaitingFor.RETRY), (UNCERTAIN, 60, WaitingFor.CONFIRM)]
)
def test_a_database_that_fails_counts_for_nothing_and_drops_no_doubt(
    job: Job, wait: float, own_wait: WaitingFor
) -> None:
    """What was not sent goes on as soon as the database can be written; what may have arrived waits."""
    result = attempt_results.database_failed(job, "disk full", 60.0, NOW)

    assert (result.failures, result.uncertain, result.status) == (0, job.uncertain, Status.PENDING)
    assert (result.next_attempt_at, result.own_wait, result.error_code) == (NOW + wait, own_wait, "database")


def test_files_that_cannot_be_sent() -> None:
    """Unreadable and away wait; gone is held; changed is skipped, and says where it may have arrived."""
    unreadable = attempt_results.file_unreadable(FRESH, verbatim("locked"), NOW)
    away = attempt_results.folder_away(FRESH, NOW)
    gone = attempt_results.file_gone(FRESH)
    changed = attempt_results.file_changed(FRESH)
    changed_after = attempt_results.file_changed(UNCERTAIN)
    useless = attempt_results.archive_unreadable(UNCERTAIN)

    assert (unreadable.status, unreadable.own_wait, unreadable.next_attempt_at) == (
        Status.PENDING, WaitingFor.FILE, NOW + 60)  # fmt: skip
    assert (away.own_wait, away.next_attempt_at, away.failures) == (WaitingFor.FILE, NOW + 300, 0)
    assert (gone.status, gone.own_wait, gone.error_code) == (Status.HELD, None, "file_gone")
    assert (changed.status, changed.error_code) == (Status.SKIPPED, "replaced")
    assert "before it was sent" in str(changed.error_message)
    assert "was sent" in str(changed_after.error_message)
    assert (changed_after.uncertain, "before it was sent" in str(changed_after.error_message)) == (
        True,
        False,
    )
    assert (useless.status, useless.error_code, useless.uncertain) == (Status.FAILED, "unpack", True)


@pytest.mark.parametrize("kind", list(Kind))
def test_uploads_go_on_without_the_list_where_only_the_list_is_refused(kind: Kind) -> None:
    """A permission to list may be missing while that to upload is there; what fails for all, fails for all."""
    of_the_list = kind in {
        Kind.SERVER_ERROR,
        Kind.BROKEN_OFF,
        Kind.REFUSED,
        Kind.NOT_FOUND,
        Kind.WRONG_ADDRESS,
        Kind.SCOPE_MISSING,
        Kind.BAD_FILE,
    }

    assert retry_policy.can_do_without_list(error(kind)) is of_the_list
    assert not retry_policy.can_do_without_list(error(kind, refresh=True))


def test_no_breaker_is_open_for_longer_than_its_longest_wait() -> None:
    """Five minutes, an hour, and a day with the few seconds by which Strava's clock may be behind."""
    assert retry_results.MAX_BREAKER_SECONDS == {
        BreakerName.NETWORK: 300,
        BreakerName.SETTINGS: 3600,
        BreakerName.RATE_LIMIT: 86_403,
    }


def test_the_longest_wait() -> None:
    """No delay of a job is longer than the longest setting, and never shorter than a network probe's."""
    short = replace(UPLOADS, retry_delays=(1.0,), check_delays=(1.0,), uncertain_delay=1.0)

    assert retry_results.longest_wait(UPLOADS) == 7200
    assert retry_results.longest_wait(short) == 300
    assert retry_results.longest_wait(replace(short, uncertain_delay=900.0)) == 900
