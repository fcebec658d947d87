"""The summaries that a repair makes: only of what no summary covers yet, with the values of the records."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from typing import Any

import fitparse
import pytest

from fit_writer import ENUM, STRING, UINT16, UINT32, Field, data, definition, file_id, message, segment, stamp
from fitferry.core.activity import FileKind
from fitferry.formats.fit.crc import checksum
from fitferry.formats.fit.repair import NotRepairable, Repaired, repair

START = datetime(2026, 9, 21, 12, tzinfo=UTC)
BEGIN = stamp(START)
DAY = 86_400


def records(*times: int, first: bool = True) -> bytes:
    """Records at so many seconds after the start, a metre for each."""
    fields: list[Field] = [(253, UINT32, 0), (5, UINT32, 0)]
    lines = b"".join(data([(253, UINT32, BEGIN + at), (5, UINT32, at * 100)], local=2) for at in times)
    return (definition(20, fields, local=2) if first else b"") + lines


def event(at: int, kind: int, of: int = 0) -> bytes:
    """An event: of the timer, if nothing else is said."""
    return message(21, [(253, UINT32, BEGIN + at), (0, ENUM, of), (1, ENUM, kind)], local=1)


def covering(number: int, begin: int, end: int, *fields: Field) -> bytes:
    """A lap or a session."""
    times: list[Field] = [
        (253, UINT32, BEGIN + end + 500),
        (2, UINT32, BEGIN + begin),
        (7, UINT32, (end - begin) * 1000),
    ]
    return message(number, [*times, *fields], local=3)


LAP, SESSION = 19, 18
ACTIVITY = message(34, [(253, UINT32, BEGIN + 60)], local=4)
SPORT = message(12, [(0, ENUM, 1), (1, ENUM, 3)], local=5)


def repaired(*parts: bytes) -> Repaired:
    """The repair of an activity that lacks its last byte."""
    return repair(segment([file_id(4, BEGIN), *parts])[:-1])


def read(made: Repaired, name: str) -> list[dict[str, Any]]:
    """The messages of a kind, as fitparse reads them."""
    return [one.get_values() for one in fitparse.FitFile(made.data).get_messages(name)]


def at(seconds: int) -> datetime:
    """A moment as fitparse names it."""
    return (START + timedelta(seconds=seconds)).replace(tzinfo=None)


def test_all_that_is_missing_is_made_of_the_records() -> None:
    """Lap, session, activity, and the timer's end; the sport is the sport message's."""
    made = repaired(SPORT, event(0, 0), records(*range(61)))
    (lap,), (session,), (activity,) = (read(made, name) for name in ("lap", "session", "activity"))
    same = {
        "timestamp": at(60),
        "start_time": at(0),
        "total_elapsed_time": 60.0,
        "total_timer_time": 60.0,
        "total_distance": 60.0,
        "event_type": "stop",
        "sport": "running",
        "sub_sport": "trail",
    }

    assert lap == {**same, "message_index": 0, "event": "lap"}
    assert session == {
        **session,
        **same,
        "message_index": 0,
        "event": "session",
        "first_lap_index": 0,
        "num_laps": 1,
        "trigger": "activity_end",
    }
    assert activity == {
        **activity,
        "timestamp": at(60),
        "total_timer_time": 60.0,
        "num_sessions": 1,
        "type": "manual",
        "event": "activity",
        "event_type": "stop",
    }
    assert [(one["timestamp"], one["event"], one["event_type"]) for one in read(made, "event")] == [
        (at(0), "timer", "start"),
        (at(60), "timer", "stop_all"),
    ]
    assert (made.records, made.lost, made.result.kind) == (61, 1, FileKind.ACTIVITY)


@pytest.mark.parametrize("stop", [1, 4, 8, 9])
def test_a_timer_that_was_stopped_is_not_stopped_again(stop: int) -> None:
    """By any of its four kinds of stops; other events, and other kinds, say nothing of it."""
    made = repaired(event(0, 0), records(*range(61)), event(60, stop), event(60, 0, of=3), event(60, 3))

    assert [one["event_type"] for one in read(made, "event") if one["event"] == "timer"][-2:] != [
        "marker",
        "stop_all",
    ]
    assert len(read(made, "event")) == 4


def test_a_pause_is_taken_from_the_timers_time_of_what_it_lies_in() -> None:
    """Of lap, session and activity."""
    made = repaired(
        event(0, 0),
        records(*range(31)),
        covering(LAP, 0, 30),
        event(40, 4),
        event(50, 0),
        records(*range(31, 61)),
    )

    assert [one.get("total_timer_time") for one in read(made, "lap")] == [None, 29.0 - 10.0]
    assert [one["total_timer_time"] for one in read(made, "session")] == [50.0]
    assert [one["total_timer_time"] for one in read(made, "activity")] == [50.0]


def test_a_lap_is_made_of_the_records_behind_the_last_one() -> None:
    """Its distance begins where that one ended; the session counts both."""
    made = repaired(records(*range(31)), covering(LAP, 0, 30), records(*range(31, 61)))
    _, lap = read(made, "lap")
    (session,) = read(made, "session")

    assert (lap["message_index"], lap["start_time"], lap["total_elapsed_time"]) == (1, at(31), 29.0)
    assert lap["total_distance"] == 30.0
    assert (session["num_laps"], session["total_distance"], session["start_time"]) == (2, 60.0, at(0))


@pytest.mark.parametrize(("covered", "laps"), [(60, 1), (58, 1), (57, 2), (61, 0)])
def test_two_seconds_at_the_end_are_worth_no_lap_of_their_own(covered: int, laps: int) -> None:
    """Three are. A lap that speaks of records that are lost is made anew."""
    made = repaired(covering(LAP, 0, covered), records(*range(61)))

    assert len(read(made, "lap")) == max(laps, 1)
    assert [one["start_time"] for one in read(made, "lap")][-1] == at(58 if laps == 2 else 0)


def test_a_summary_that_was_written_first_and_speaks_of_lost_records_is_left_out() -> None:
    """Some devices overwrite it at the end; session, lap and activity, by the end that they name."""
    early = message(34, [(253, UINT32, BEGIN + 500)], local=4)
    made = repaired(covering(SESSION, 0, 100), covering(LAP, 0, 100), early, records(*range(61)))

    assert [one["total_elapsed_time"] for one in read(made, "session")] == [60.0]
    assert [one["total_elapsed_time"] for one in read(made, "lap")] == [60.0]
    assert [one["timestamp"] for one in read(made, "activity")] == [at(60)]
    assert made.records == 61


def test_what_is_whole_but_for_its_end_is_kept_as_it_is() -> None:
    """Where session and activity are there, nothing is made."""
    parts = [records(*range(61)), event(60, 4), covering(LAP, 0, 60), covering(SESSION, 0, 60), ACTIVITY]
    made = repaired(*parts)

    assert made.data == segment([file_id(4, BEGIN), *parts])
    assert made.lost == 1
    without = repaired(*parts[:-1])
    (activity,) = read(without, "activity")
    assert (activity["num_sessions"], activity["type"], activity["timestamp"]) == (1, "manual", at(60))
    assert len(read(without, "session")) == len(read(without, "lap")) == 1


def test_a_session_that_is_added_to_another_has_the_next_number() -> None:
    """And no count of laps that would be those of both."""
    first = covering(SESSION, 0, 30, (5, ENUM, 2), (6, ENUM, 8))
    made = repaired(records(*range(31)), first, SPORT, records(*range(31, 61)))
    _, second = read(made, "session")
    (activity,) = read(made, "activity")

    assert (second["message_index"], second["sport"], second["sub_sport"]) == (1, "running", "trail")
    assert (second["start_time"], second["total_distance"], second.get("num_laps")) == (at(31), 30.0, None)
    assert (activity["num_sessions"], activity["type"]) == (2, "auto_multi_sport")


def test_without_a_sport_none_is_made_up() -> None:
    """The last session's is taken where no message names another."""
    assert read(repaired(records(*range(61))), "session")[0].get("sport") is None
    first = covering(SESSION, 0, 30, (5, ENUM, 2), (6, ENUM, 8))
    _, second = read(repaired(records(*range(31)), first, records(*range(31, 61))), "session")
    assert (second["sport"], second["sub_sport"]) == ("cycling", "mountain")


@pytest.mark.parametrize(("gap", "count"), [(DAY, 4), (DAY + 1, 2), (-DAY, 4), (-DAY - 1, 2)])
def test_records_more_than_a_day_apart_are_no_records(gap: int, count: int) -> None:
    """Other bytes happen to look like some."""
    assert repaired(records(DAY, DAY + 1), records(DAY + 1 + gap, DAY + 1 + gap)).records == count


def test_records_without_a_distance_keep_the_one_before() -> None:
    """And those before the first have gone nowhere."""
    fields: list[Field] = [(253, UINT32, 0), (5, UINT32, None)]
    lines = [
        data([(253, UINT32, BEGIN + second), (5, UINT32, metres)], local=2)
        for second, metres in ((0, None), (1, 500), (9, None))
    ]
    made = repaired(definition(20, fields, local=2), *lines)

    assert [one["total_distance"] for one in read(made, "session")] == [5.0]


def test_the_five_bits_of_a_compressed_time_count_from_the_message_before() -> None:
    """Over the end of their 32 seconds."""
    head = definition(20, [(5, UINT32, 0)], local=1)
    first = BEGIN - BEGIN % 32 + 30
    lines = [
        bytes([0x80 | 1 << 5 | (first + later) % 32]) + struct.pack("<I", later * 100)
        for later in (1, 4, 9, 9 + 31)
    ]
    begin = message(21, [(253, UINT32, first), (0, ENUM, 0), (1, ENUM, 0)], local=2)
    (session,) = read(repaired(begin, head, *lines), "session")

    assert (session["total_elapsed_time"], session["total_distance"]) == (39.0, 40.0)


@pytest.mark.parametrize("size", [12, 14, 16])
def test_lengths_and_checksums_are_made_right(size: int) -> None:
    """Of the file, and of a header that has one."""
    whole = segment([file_id(4, BEGIN), records(*range(61))], header_size=size, header_crc=False)
    made = repair(whole[:-40]).data

    assert int.from_bytes(made[4:8], "little") == len(made) - size - 2
    assert checksum(memoryview(made)) == 0
    if size > 12:
        assert int.from_bytes(made[12:14], "little") == checksum(memoryview(made[:12]))


@pytest.mark.parametrize("zeros", [15, 16, 400])
def test_zeros_at_the_end_are_a_copiers_from_sixteen_on(zeros: int) -> None:
    """Whatever length the header names, as far as there is one; fewer may be the last values of a message."""
    body = file_id(4, BEGIN) + records(*range(61)) + event(60, 4)
    for length in (len(body) + zeros, len(body) + zeros + 99, 0):
        cut = segment([body], data_size=length)[:-2] + bytes(zeros)
        assert repair(cut).records == 61


def test_the_bytes_behind_the_length_of_the_header_are_no_messages() -> None:
    """They are another segment's, or a checksum."""
    body = file_id(4, BEGIN) + records(*range(30))
    more = records(*range(30, 61), first=False)

    assert repair(segment([body + more], data_size=len(body))).records == 30


def test_what_no_device_would_write_ends_the_messages() -> None:
    """A definition with another reserved byte, a message without a definition, and one that is not whole."""
    for stray in (b"\x40\1\0\x14\0\0", b"\x0f", records(61, first=False)[:-1]):
        made = repaired(records(*range(61)), stray)
        assert (made.records, made.lost) == (61, len(stray) + 1)


def test_a_chain_keeps_its_whole_segments_and_what_is_there_of_the_next() -> None:
    """Its first one is not made anew; a strap's messages get no summaries, and half a definition is nothing."""
    ride = segment([file_id(4, BEGIN), records(*range(61)), covering(SESSION, 0, 60)])
    pulse = [message(132, [(253, UINT32, BEGIN + second), (0, UINT16, 1)]) for second in range(9)]
    made = repair(ride + ride + segment(pulse)[:-20])
    assert made.data == ride + ride + segment(pulse[:8])
    assert made.lost == 1
    assert repair(ride + segment(pulse)[:-5]).data == ride + segment([*pulse[:8], pulse[8][:-7]])
    assert repair(ride + segment(pulse)[:18]).data == ride
    assert repair(ride + segment(pulse)[:18]).lost == 18
    assert repair(ride + segment(pulse)[:5]).data == ride
    with pytest.raises(NotRepairable, match="whole"):
        repair(ride + ride)


def test_a_segment_with_a_wrong_checksum_is_made_anew() -> None:
    """Its messages are there."""
    ride = segment([file_id(4, BEGIN), records(*range(61)), event(60, 4), covering(SESSION, 0, 60), ACTIVITY])
    made = repair(ride[:-2] + b"\1\2")

    assert made.records == 61
    assert made.data != ride
    assert len(read(made, "lap")) == 1


def test_a_summary_that_ends_with_the_last_record_is_kept() -> None:
    """Wherever it stands; its own time of writing says nothing."""
    made = repaired(covering(LAP, 0, 60), covering(SESSION, 0, 60), records(*range(61)))

    assert [one["timestamp"] for one in read(made, "lap")] == [at(560)]
    assert [one["timestamp"] for one in read(made, "session")] == [at(560)]


def test_the_lap_that_ended_last_tells_how_far_the_laps_reach() -> None:
    """In whatever order they stand."""
    laps = covering(LAP, 11, 30) + covering(LAP, 0, 10)
    made = repaired(records(*range(31)), laps, records(*range(31, 61)))

    assert [one["start_time"] for one in read(made, "lap")] == [at(11), at(0), at(31)]
    assert read(made, "lap")[-1]["message_index"] == 2


@pytest.mark.parametrize("number", [2, 7])
def test_a_lap_that_does_not_say_how_long_it_took_ends_when_it_was_written(number: int) -> None:
    """With a start alone, or a length alone."""
    half = message(LAP, [(253, UINT32, BEGIN + 30), (number, UINT32, BEGIN)], local=3)
    made = repaired(records(*range(31)), half, records(*range(31, 61)))

    assert read(made, "lap")[-1]["start_time"] == at(31)


def test_without_any_distance_none_is_made_up() -> None:
    """Nothing was gone."""
    fields: list[Field] = [(253, UINT32, 0), (5, UINT32, None)]
    lines = [data([(253, UINT32, BEGIN + second), (5, UINT32, None)], local=2) for second in range(9)]
    made = repaired(definition(20, fields, local=2), *lines)

    assert [one["total_distance"] for one in read(made, "session")] == [0.0]


@pytest.mark.parametrize("local", [4, 5])
def test_a_message_without_a_time_has_that_of_the_one_before(local: int) -> None:
    """A record, too; before the first time there is none, and it is none that counts."""
    timeless = message(20, [(5, UINT32, 99_900)], local=local)
    made = repaired(timeless, records(*range(61)), timeless)
    (session,) = read(made, "session")

    assert made.records == 62
    assert (session["total_elapsed_time"], session["total_distance"]) == (60.0, 999.0)


def test_a_day_is_counted_from_the_record_before_and_from_nothing_else() -> None:
    """An event in between is no bridge."""
    assert repaired(records(0, 1), event(DAY, 4), records(2 * DAY)).records == 2


def test_a_definition_that_is_the_last_whole_message_is_kept() -> None:
    """Only what is not whole is lost."""
    made = repaired(records(*range(61)), definition(19, [(2, UINT32, 0)], local=6))

    assert made.lost == 1


def test_a_sport_that_is_a_text_is_none() -> None:
    """A file may say anything."""
    odd = covering(SESSION, 0, 30, (5, STRING, "cycling"))
    _, second = read(repaired(records(*range(31)), odd, records(*range(31, 61))), "session")

    assert second.get("sport") is None
