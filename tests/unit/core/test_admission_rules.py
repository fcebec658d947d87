"""What a file is admitted as."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from fakes import NOW
from fitferry.core import admission_rules
from fitferry.core.activity import ActivityFacts, AdmissionDecision, FileKind, ParseResult
from fitferry.core.admission_rules import AdmissionRules, decide, skipped_by_rule
from fitferry.core.messages import uploads, verbatim
from fitferry.core.rules import Changes, Conditions, Rule
from fitferry.core.upload import ErrorCode, Status

DAY = 86_400.0
SINCE = date(2026, 9, 20)
MIDNIGHT = admission_rules.midnight(SINCE)
RIDE = ParseResult(FileKind.ACTIVITY, "fit", ActivityFacts(sport="cycling", start_time=MIDNIGHT))
BEFORE = replace(RIDE, facts=ActivityFacts(sport="cycling", start_time=MIDNIGHT - 1))
QUEUED = AdmissionDecision(Status.PENDING)
OLD = AdmissionDecision(Status.HELD, ErrorCode.BACKLOG, uploads.BEFORE_FITFERRY(), age_unproven=True)
OFF = AdmissionDecision(Status.HELD, ErrorCode.AUTO_UPLOAD, uploads.AUTO_UPLOAD_OFF())
TOO_EARLY = AdmissionDecision(Status.HELD, ErrorCode.SINCE, uploads.BEFORE_SINCE(since="2026-09-20"))


@pytest.mark.parametrize(
    ("found", "settings", "old", "clock_unknown", "decision"),
    [
        (RIDE, AdmissionRules(), False, False, QUEUED),
        (RIDE, AdmissionRules(), True, False, OLD),
        (RIDE, AdmissionRules(), False, True, replace(QUEUED, age_unproven=True)),
        (RIDE, AdmissionRules(), True, True, OLD),
        (RIDE, AdmissionRules(auto_upload=False), True, True, OFF),
        (RIDE, AdmissionRules(since=SINCE), True, True, QUEUED),
        (BEFORE, AdmissionRules(since=SINCE), False, False, TOO_EARLY),
        (BEFORE, AdmissionRules(since=SINCE, auto_upload=False), True, True, TOO_EARLY),
    ],
)
def test_an_activity_is_queued_unless_a_setting_or_its_age_holds_it(
    found: ParseResult,
    settings: AdmissionRules,
    old: bool,
    clock_unknown: bool,
    decision: AdmissionDecision,
) -> None:
    """`since` is a decision on old activities; without one they wait for a person's."""
    assert decide(found, settings, old=old, clock_unknown=clock_unknown) == decision


def test_an_activity_whose_age_nobody_asks_about_is_queued_for_good() -> None:
    """One that is handed over, for example, waits for no decision, and is not judged again."""
    decision = decide(RIDE, AdmissionRules())

    assert (decision.status, decision.age_unproven) == (Status.PENDING, False)


@pytest.mark.parametrize("kind", [kind for kind in FileKind if kind is not FileKind.ACTIVITY])
def test_what_is_no_activity_is_skipped_and_what_may_be_one_is_held(kind: FileKind) -> None:
    """With the reason, and a code of the same name."""
    why = verbatim("that is why")
    no_activity = AdmissionDecision(Status.SKIPPED, ErrorCode.NO_ACTIVITY, uploads.NO_ACTIVITY(reason=why))
    held = AdmissionDecision(Status.HELD, ErrorCode(kind), why)

    decision = decide(ParseResult(kind, reason=why), AdmissionRules())

    assert decision == (no_activity if kind is FileKind.NO_ACTIVITY else held)


@pytest.mark.parametrize(
    ("start_time", "modified_at", "old"),
    [
        (NOW, None, False),
        (NOW - 7 * DAY, None, False),
        (NOW - 7 * DAY - 1, None, True),
        (NOW + DAY, None, False),
        (NOW + DAY + 1, None, True),
        (NOW - 8 * DAY, NOW, True),
        (NOW, NOW - 8 * DAY, False),
        (None, NOW - 8 * DAY, True),
        (None, NOW, False),
        (None, None, False),
    ],
)
def test_an_activity_of_more_than_a_week_ago_or_a_day_ahead_is_old(
    start_time: float | None, modified_at: float | None, old: bool
) -> None:
    """Where it does not say when it started, its file's time stands in; a ride of tomorrow shows a wrong clock."""
    assert admission_rules.is_old(start_time, modified_at, NOW) is old


@pytest.mark.parametrize(
    ("start_time", "may_be"), [(None, True), (NOW, False), (NOW - 8 * DAY, True), (NOW + 2 * DAY, True)]
)
def test_what_does_not_say_when_it_started_may_be_old(start_time: float | None, may_be: bool) -> None:
    """By a clock that is right."""
    assert admission_rules.may_be_old(start_time, NOW) is may_be


@pytest.mark.parametrize(
    ("start_time", "since", "before"),
    [
        (MIDNIGHT - 1, SINCE, True),
        (MIDNIGHT, SINCE, False),
        (None, SINCE, False),
        (MIDNIGHT - 1, None, False),
        (None, None, False),
    ],
)
def test_a_day_begins_at_its_local_midnight(
    start_time: float | None, since: date | None, before: bool
) -> None:
    """What does not say when it started is not before any day."""
    assert admission_rules.starts_before(start_time, since) is before


SKIP = Rule(Conditions(sport=("cycling",)), Changes(skip=True))
SPARE = Rule(Conditions(file=("race*",)), Changes(skip=False))
OTHER = Rule(Conditions(athlete=("partner",)), Changes(skip=True))


@pytest.mark.parametrize(
    ("found", "rules", "number"),
    [
        (RIDE, [SKIP], 1),
        (RIDE, [OTHER, SKIP], 2),
        (RIDE, [SPARE, SKIP], None),
        (RIDE, [], None),
        (ParseResult(FileKind.DAMAGED, facts=RIDE.facts), [SKIP], None),
    ],
)
def test_a_rule_skips_an_activity_and_says_which_it_is(
    found: ParseResult, rules: list[Rule], number: int | None
) -> None:
    """What is no whole activity is not judged by it: it is held with its own reason."""
    skipped = AdmissionDecision(Status.SKIPPED, ErrorCode.RULE, uploads.SKIPPED_BY_RULE(rule=number))

    assert skipped_by_rule(found, "me", "race.fit", rules) == (None if number is None else skipped)
