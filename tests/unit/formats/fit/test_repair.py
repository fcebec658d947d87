"""What breaks off becomes a whole file, as two foreign decoders judge it."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import fitparse
import pytest

from decoders import by_fitdecode, by_fitparse, is_right
from fit_writer import (
    ENUM,
    UINT16,
    UINT32,
    Field,
    data,
    definition,
    file_id,
    message,
    ride,
    segment,
    session,
    stamp,
)
from fitferry.core.activity import FileKind
from fitferry.formats import fit
from fitferry.formats.fit.repair import NotRepairable, repair
from fitferry.formats.fit.verify import is_read_by_fitparse
from samples import SAMPLES

START = datetime(2026, 9, 21, 12, tzinfo=UTC)
BEGIN = stamp(START)
REAL = ("edge_820_ride.fit", "indoor_ride.fit", "coros_summary_first.fit", "two_sessions.fit")


@pytest.mark.slow
@pytest.mark.parametrize("name", REAL)
def test_a_real_file_that_breaks_off_is_read_whole_by_two_others(name: str) -> None:
    """Wherever it was cut behind some records; start, length and distance are those of its records."""
    whole = (SAMPLES / name).read_bytes()
    random_ = random.Random(name)  # noqa: S311  # no secret
    judged = 0
    for at in sorted(random_.randrange(len(whole) // 2, len(whole) - 1) for _ in range(4)):
        made = repair(whole[:at])
        assert made.result.kind is FileKind.ACTIVITY
        judged += is_right(by_fitparse(made.data)) and is_right(by_fitdecode(made.data))

    assert judged == 4


@pytest.mark.parametrize("cut", [-1, -2, -3])
def test_what_lacks_only_its_end_keeps_its_own_summaries(cut: int) -> None:
    """Nothing is made anew that is there."""
    whole = ride(START)
    made = repair(whole[:cut])

    assert made.result.facts == fit.inspect([whole]).facts
    assert made.records == 61


def test_nothing_is_invented() -> None:
    """The whole records and no others; the messages before them as they were."""
    whole = ride(START, seconds=300)
    made = repair(whole[:4_000])
    kept = len(whole[14:4_000]) - made.lost

    assert made.data[14 : 14 + kept] == whole[14 : 14 + kept]
    assert made.result.facts.elapsed_s == made.records - 1
    assert made.result.facts.start_time == START.timestamp()
    assert made.result.facts.distance_m == pytest.approx(1000 * (made.records - 1) / 300, abs=0.01)


def test_a_tail_of_zeros_is_not_read_as_messages() -> None:
    """A copier had set the length first."""
    whole = ride(START, seconds=300)
    made = repair(whole[:4_000] + bytes(len(whole) - 4_000))

    assert made.records == repair(whole[:4_000]).records


def test_pauses_are_not_timer_time() -> None:
    """The timer's events tell."""
    fields: list[Field] = [(253, UINT32, BEGIN), (5, UINT32, 0)]

    def events(moment: int, kind: int) -> bytes:
        return message(21, [(253, UINT32, moment), (0, ENUM, 0), (1, ENUM, kind)], local=1)

    def records(begin: int, end: int) -> bytes:
        return b"".join(
            data([(253, UINT32, BEGIN + at), (5, UINT32, at * 100)], local=2) for at in range(begin, end)
        )

    parts = [
        file_id(4, BEGIN),
        definition(20, fields, local=2),
        events(BEGIN, 0),
        records(0, 60),
        events(BEGIN + 60, 4),
    ]
    whole = segment([*parts, events(BEGIN + 160, 0), definition(20, fields, local=2), records(160, 200)])
    facts = repair(whole[:-1]).result.facts

    assert (facts.elapsed_s, facts.duration_s) == (199, 99)


def test_a_second_session_is_added_to_the_first() -> None:
    """A triathlon that breaks off while somebody runs."""
    fields: list[Field] = [(253, UINT32, BEGIN), (5, UINT32, 0)]

    def records(begin: int, end: int) -> bytes:
        each = (data([(253, UINT32, BEGIN + at), (5, UINT32, at * 100)], local=2) for at in range(begin, end))
        return definition(20, fields, local=2) + b"".join(each)

    first = session(BEGIN, 60, sport=5, sub_sport=18, distance_m=60)
    run = message(12, [(0, ENUM, 1), (1, ENUM, 0)])
    whole = segment([file_id(4, BEGIN), records(0, 61), first, run, records(61, 121)])
    facts = repair(whole[:-1]).result.facts

    (activity,) = _messages(repair(whole[:-1]).data, "activity")

    assert (activity["num_sessions"], activity["type"]) == (2, "auto_multi_sport")
    assert (facts.sessions, facts.sport) == (2, "swimming")
    assert facts.distance_m == pytest.approx(120, abs=1)


def test_a_strap_that_breaks_off_does_not_spoil_the_ride_before_it() -> None:
    """Of a chain the whole segments stay, and what is there of the last one."""
    strap = segment([message(132, [(253, UINT32, BEGIN), (0, UINT16, 1)]) for _ in range(9)])
    made = repair(ride(START) + strap[:-20])

    assert made.data.startswith(ride(START))
    assert made.result.facts == fit.inspect([ride(START)]).facts


def test_what_follows_a_broken_place_is_not_kept() -> None:
    """A block of other bytes in the middle may look like messages for a while."""
    whole = bytearray(ride(START, seconds=600))
    whole[6_000:6_400] = random.Random(7).randbytes(400)  # noqa: S311  # no secret
    made = repair(bytes(whole))

    assert (made.result.facts.elapsed_s or 0) < 600
    assert is_read_by_fitparse(made.data)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (ride(START), "whole"),
        (ride(START, kind=6)[:-9], "only FIT activities"),
        (ride(START)[:60], "no whole record"),
        (b"<gpx>", "only FIT activities"),
        (b"", "only FIT activities"),
    ],
)
def test_what_cannot_be_repaired_says_why(body: bytes, words: str) -> None:
    """A whole file, another format, a course, too little."""
    with pytest.raises(NotRepairable, match=words):
        repair(body)


def test_no_broken_bytes_raise_anything_else() -> None:
    """Seeded mutations of cut files."""
    random_ = random.Random(5)  # noqa: S311  # no secret
    originals = [(SAMPLES / name).read_bytes() for name in REAL] + [ride(START)]
    for _ in range(150):
        body = bytearray(random_.choice(originals))
        for _ in range(random_.randint(1, 6)):
            body[random_.randrange(len(body))] = random_.randrange(256)
        try:
            made = repair(bytes(body[: random_.randrange(len(body))]))
        except NotRepairable:
            continue
        assert fit.inspect([made.data]).kind is FileKind.ACTIVITY


def _messages(body: bytes, name: str) -> list[dict[str, object]]:
    """The messages of a kind, as fitparse reads them."""
    return [message.get_values() for message in fitparse.FitFile(body).get_messages(name)]


def test_the_summaries_that_are_made_say_what_the_profile_asks_for() -> None:
    """Timer, lap, session and activity end with the last record, each with its event."""
    made = repair(ride(START, seconds=300)[:4_000])
    (timer, lap), (session_, activity) = (
        (_messages(made.data, "event")[-1], _messages(made.data, "lap")[0]),
        (_messages(made.data, "session")[0], _messages(made.data, "activity")[0]),
    )

    assert (timer["event"], timer["event_type"]) == ("timer", "stop_all")
    assert (lap["event"], lap["event_type"]) == ("lap", "stop")
    assert (session_["event"], session_["event_type"], session_["trigger"]) == (
        "session",
        "stop",
        "activity_end",
    )
    assert (session_["first_lap_index"], session_["num_laps"]) == (0, 1)
    assert (activity["event"], activity["event_type"]) == ("activity", "stop")
    assert (activity["num_sessions"], activity["type"]) == (1, "manual")
    assert timer["timestamp"] == lap["timestamp"] == session_["timestamp"] == activity["timestamp"]
    assert activity["total_timer_time"] == session_["total_timer_time"] == made.records - 1


def test_sixteen_zeros_at_the_end_are_no_messages() -> None:
    """Though they would make a whole one: the bytes before them are all that was written."""
    cut = ride(START, seconds=300)[:4_000].rstrip(b"\0")

    assert repair(cut + bytes(16)).data == repair(cut).data
