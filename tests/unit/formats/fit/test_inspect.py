"""What a FIT file says of its activity, from sessions, records, or the file's own first message."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from fit_writer import (
    ENUM,
    STRING,
    UINT8,
    UINT16,
    UINT32,
    Field,
    data,
    definition,
    file_id,
    message,
    segment,
    stamp,
)
from fitferry.core.activity import ActivityFacts, FileKind
from fitferry.core.messages import files
from fitferry.formats import fit

START = datetime(2026, 9, 21, 12, tzinfo=UTC)
BEGIN = stamp(START)
FIRST_ABSOLUTE = 0x1000_0000
LAST_ABSOLUTE = 4_102_444_800 - 631_065_600
"""The beginning of 2100."""


def facts(*messages: bytes, created: int = BEGIN, kind: int = 4) -> ActivityFacts:
    """What a file of these messages says."""
    return fit.inspect([segment([file_id(kind, created), *messages])]).facts


def leg(*fields: Field) -> bytes:
    """A session with these fields alone."""
    return message(18, fields, local=3)


def records(times: Sequence[int], distance: int | None = None) -> bytes:
    """Records at these times, in hundredths of a metre after the first."""
    fields: list[Field] = [(253, UINT32, 0), (5, UINT32, 0)]
    return definition(20, fields, local=2) + b"".join(
        data([(253, UINT32, at), (5, UINT32, distance)], local=2) for at in times
    )


@pytest.mark.parametrize(
    ("moment", "absolute"), [(FIRST_ABSOLUTE - 1, False), (FIRST_ABSOLUTE, True), (BEGIN, True)]
)
def test_a_time_since_the_device_was_switched_on_is_no_start(moment: int, *, absolute: bool) -> None:
    """Of a session, of a record, or of the file; below the first absolute time (FIT profile, date_time)."""
    start = moment + 631_065_600.0 if absolute else None

    assert facts(leg((2, UINT32, moment))).start_time == start
    assert facts(records([moment] * 9)).start_time == start
    assert facts(created=moment).start_time == start


def test_a_ride_begins_with_its_first_record_of_an_absolute_time() -> None:
    """Those before it counted from when the device was switched on."""
    times = [FIRST_ABSOLUTE - 1, FIRST_ABSOLUTE, FIRST_ABSOLUTE + 10]

    assert facts(records(times)).start_time == FIRST_ABSOLUTE + 631_065_600.0


def test_a_file_with_a_relative_time_says_nothing_of_the_day() -> None:
    """Neither does what it says else: its moment of creation is another clock's."""
    assert facts(leg((2, UINT32, 100))).start_time is None
    assert facts(records([100, 101, 102])).start_time is None
    assert facts(leg((2, UINT32, 100)), records([100, 101, 102])).start_time is None


def test_the_first_session_that_says_when_it_began_tells_the_start() -> None:
    """Before records; a session without a start, or with 0 for one, says nothing."""
    started = leg((2, UINT32, BEGIN + 60))

    assert facts(leg((5, ENUM, 2)), leg((2, UINT32, 0)), started).start_time == START.timestamp() + 60
    assert facts(started, leg((2, UINT32, BEGIN)), records([BEGIN] * 9)).start_time == START.timestamp() + 60
    assert facts(leg((5, ENUM, 2)), records([BEGIN + 5] * 9)).start_time == START.timestamp() + 5


@pytest.mark.parametrize(
    ("start", "believed"),
    [(BEGIN - 86_400, True), (BEGIN - 86_401, False), (BEGIN + 86_400, True), (BEGIN + 86_401, False)],
)
def test_a_session_begins_a_day_away_from_its_records_at_most(start: int, *, believed: bool) -> None:
    """Else the records tell; without them it is believed."""
    alone, ridden = leg((2, UINT32, start)), records([BEGIN] * 9)

    assert facts(alone, ridden).start_time == (start if believed else BEGIN) + 631_065_600
    assert facts(alone).start_time == start + 631_065_600


@pytest.mark.parametrize(("moment", "day"), [(LAST_ABSOLUTE, True), (LAST_ABSOLUTE + 1, False)])
def test_no_session_begins_in_the_next_century(moment: int, *, day: bool) -> None:
    """A clock was never set; what says so does not make the moment of creation right."""
    assert facts(leg((2, UINT32, moment))).start_time == (4_102_444_800 if day else None)


@pytest.mark.parametrize(("last", "elapsed"), [(0, None), (1, 1.0), (60, 60.0)])
def test_records_tell_how_long_it_took_where_no_session_does(last: int, elapsed: float | None) -> None:
    """From the first to the last; one moment is no time. A session that does not say it is not overruled."""
    ridden = records([BEGIN + at for at in range(last + 1)])

    assert facts(ridden).elapsed_s == elapsed
    assert facts(ridden, leg((5, ENUM, 2))).elapsed_s is None
    assert facts().elapsed_s is None


def test_sessions_are_added_up_as_far_as_they_say_something() -> None:
    """Milliseconds, hundredths, whole metres of climb."""
    first = leg((7, UINT32, 61_000), (8, UINT32, 60_000), (9, UINT32, 12_345), (22, UINT16, 30))
    second = leg((7, UINT32, 1_000), (8, UINT32, None), (9, UINT32, 5), (22, UINT16, 12))
    found = facts(first, second, leg((5, ENUM, 2)))

    assert (found.elapsed_s, found.duration_s, found.distance_m) == (62.0, 60.0, 123.5)
    assert (found.ascent_m, found.sessions) == (42.0, 3)


@pytest.mark.parametrize(
    ("timers", "mean"),
    [((1_000, 3_000), 125.0), ((None, None), 150.0), ((0, 0), 150.0), ((1_000_000, None), 200.0)],
)
def test_means_are_weighed_by_the_timer(timers: tuple[int | None, int | None], mean: float) -> None:
    """Where sessions do not say how long they took, they weigh the same, and next to nothing beside one that does."""
    legs = [
        leg((8, UINT32, timer), (16, UINT8, value), (20, UINT16, 2 * value))
        for timer, value in zip(timers, (200, 100), strict=True)
    ]
    found = facts(*legs)

    assert found.average_heart_rate == pytest.approx(mean, abs=0.001)
    assert found.average_power == pytest.approx(2 * mean, abs=0.001)
    assert facts(leg((5, ENUM, 2))).average_heart_rate is None


def app_distance(metres: int) -> tuple[bytes, bytes]:
    """The description of an app's distance, and a session with it beside 10 m of its own."""
    name: list[Field] = [
        (0, UINT8, 0),
        (1, UINT8, 0),
        (2, UINT8, UINT32),
        (3, STRING, "total_distance"),
        (8, STRING, "m"),
    ]
    fields: list[Field] = [(9, UINT32, 1_000)]
    head = definition(18, fields)
    own = bytes([head[0] | 0x20]) + head[1:] + bytes([1, 0, 4, 0]) + data(fields) + struct.pack("<I", metres)
    return message(206, name), own


@pytest.mark.parametrize(("stated", "metres"), [(0, 10.0), (1, 1.0), (77, 77.0)])
def test_what_an_app_says_of_the_distance_wins_where_it_is_more_than_nothing(
    stated: int, metres: float
) -> None:
    """Over the device's own, which is 10 m."""
    assert facts(*app_distance(stated)).distance_m == metres


def test_the_last_record_tells_the_distance_where_no_session_does() -> None:
    """Hundredths of a metre; a session's 0 is said."""
    ridden = records([BEGIN, BEGIN + 1], 12_345)

    assert facts(ridden).distance_m == 123.45
    assert facts(ridden, leg((9, UINT32, 0))).distance_m == 0.0
    assert facts(records([BEGIN, BEGIN + 1])).distance_m is None


def test_the_first_sport_message_with_a_sport_counts() -> None:
    """One with a sub-sport alone says nothing of it."""
    found = facts(message(12, [(1, ENUM, 6)]), message(12, [(0, ENUM, 2)]), message(12, [(0, ENUM, 1)]))

    assert found.sport == "cycling"


def test_the_sport_message_speaks_where_the_first_session_does_not() -> None:
    """Both of sport and kind; a second session is not asked."""
    sport = message(12, [(0, ENUM, 1), (1, ENUM, 3)])

    assert facts(sport, leg((5, ENUM, 2), (6, ENUM, 8))).sub_sport == "mountain"
    assert facts(sport, leg((5, ENUM, 2))).sub_sport is None
    said = facts(sport, leg((7, UINT32, 1_000)), leg((5, ENUM, 2), (6, ENUM, 8)))
    assert (said.sport, said.sub_sport) == ("running", "trail")
    assert facts(leg((7, UINT32, 1_000))).sport is None


@pytest.mark.parametrize(("kind", "name"), [(6, "course"), (99, "99")])
def test_what_is_no_activity_says_what_it_is_and_who_made_it(kind: int, name: str) -> None:
    """And nothing else."""
    assert facts(leg((2, UINT32, BEGIN)), kind=kind) == ActivityFacts(
        kind=name, manufacturer="garmin", product="edge_530"
    )


@pytest.mark.parametrize(
    ("kind", "broken", "expected"),
    [
        (4, False, FileKind.ACTIVITY),
        (4, True, FileKind.DAMAGED),
        (6, False, FileKind.NO_ACTIVITY),
        (6, True, FileKind.NO_ACTIVITY),
        (99, False, FileKind.NO_ACTIVITY),
        (99, True, FileKind.DAMAGED),
    ],
)
def test_a_broken_file_is_missed_by_nobody_only_where_it_says_what_else_it_is(
    kind: int, broken: bool, expected: FileKind
) -> None:
    """Half a file of an unknown kind may be a ride."""
    whole = segment([file_id(kind, BEGIN), leg((2, UINT32, BEGIN))])
    found = fit.inspect([whole[:-2] + b"\1\2" if broken else whole])

    assert (found.kind, found.proven) == (expected, not broken)
    assert found.data_type == "fit"


def test_an_activity_in_which_nothing_was_recorded_is_none() -> None:
    """Somebody pressed start and stop."""
    found = fit.inspect([segment([file_id(4, BEGIN)])])

    assert (found.kind, str(found.reason), found.facts.kind) == (
        FileKind.NO_ACTIVITY,
        "nothing was recorded in it",
        "activity",
    )


def test_only_an_activity_has_samples() -> None:
    """A broken one is drawn when it is repaired."""
    whole = segment([file_id(4, BEGIN), leg((2, UINT32, BEGIN)), records(range(BEGIN, BEGIN + 9))])

    assert len(fit.inspect([whole]).samples) == 9
    assert fit.inspect([whole[:-2] + b"\1\2"]).samples == ()


@pytest.mark.parametrize(
    ("description", "metres"),
    [
        ([(2, UINT8, 0x86), (3, STRING, "total_distance")], 77.0),
        ([(2, UINT8, 0x06), (3, STRING, "total_distance"), (8, STRING, "meters")], 77.0),
        ([(2, UINT8, 0x86), (3, STRING, "mine"), (14, UINT16, 18), (15, UINT8, 9)], 77.0),
        ([(2, UINT8, 0x86), (14, UINT16, 18), (15, UINT8, 9), (8, STRING, "metres")], 77.0),
        ([(2, UINT8, 0x86), (14, UINT16, 18), (15, UINT8, 8)], 10.0),
        ([(2, UINT8, 0x86), (14, UINT16, 20), (15, UINT8, 9)], 10.0),
        ([(2, UINT8, 0x86), (3, STRING, "distance")], 10.0),
        ([(2, UINT8, 0x86), (3, STRING, "total_distance"), (8, STRING, "km")], 10.0),
        ([(2, UINT8, 0x86), (14, UINT16, 18), (15, UINT8, 9), (8, STRING, "mi")], 10.0),
        ([(3, STRING, "total_distance")], 10.0),
        ([(2, UINT8, 0x86), (3, STRING, "total_distance"), (0, UINT8, 1)], 10.0),
        ([(2, UINT8, 0x86), (3, STRING, "total_distance"), (1, UINT8, 1)], 10.0),
        ([(2, UINT8, 0x86), (3, STRING, "total_distance"), (0, UINT8, 0), (1, UINT8, 0)], 77.0),
    ],
)
def test_an_apps_field_is_the_distance_by_its_name_or_by_what_it_stands_for(
    description: list[Field], metres: float
) -> None:
    """In metres, of a known type, of that app and number; the first of each where the description does not say."""
    _, own = app_distance(77)

    assert facts(message(206, description), own).distance_m == metres
    assert facts(own).distance_m == 10.0


@pytest.mark.parametrize("body", [b"\x0e", bytes(40)])
def test_bytes_without_a_header_say_nothing_of_an_activity(body: bytes) -> None:
    """They may become one."""
    found = fit.inspect([body])

    assert (found.kind, found.facts) == (FileKind.UNFINISHED, ActivityFacts())


def test_what_is_no_fit_file_is_no_activity() -> None:
    """It says why."""
    found = fit.inspect([b"<html></html>"])

    assert (found.kind, found.proven) == (FileKind.NO_ACTIVITY, False)
    assert str(found.reason) == "not an activity file"


def test_a_file_that_breaks_off_says_how_long_it_will_be() -> None:
    """By its header."""
    whole = segment([file_id(4, BEGIN), leg((2, UINT32, BEGIN))])
    found = fit.inspect([whole[:-9]])

    assert found.reason == files.BYTES_OF(have=len(whole) - 9, want=len(whole))
