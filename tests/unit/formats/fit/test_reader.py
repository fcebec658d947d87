"""Is it a whole FIT file, is it an activity, and what is in it?"""

from __future__ import annotations

import hashlib
import random
import re
import struct
import time
import tracemalloc
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pytest

from fit_writer import (
    ENUM,
    SINT32,
    UINT8,
    UINT16,
    UINT32,
    UINT32Z,
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
from fitferry.core.activity import ActivityFacts, FileKind, ParseResult
from fitferry.core.messages import Message, files
from fitferry.formats import fit
from fitferry.formats.fit.crc import checksum
from samples import SAMPLES

START = datetime(2026, 9, 21, 12, tzinfo=UTC)
BEGIN = stamp(START)

# Read off by another parser than ours: kind, sport, sub_sport, start, timer, elapsed, distance, sessions.
KNOWN: dict[str, tuple[str | None, str | None, str | None, str | None, float | None, float | None, float | None, int]] = {
    "bad_checksum.fit": ("activity", "running", "generic", "2025-03-23T10:38:18Z", 1576.754, 1576.754, 4157.02, 1),
    "chained.fit": ("activity", None, None, "2023-03-07T13:36:17Z", None, None, None, 0),
    "coros_summary_first.fit": ("activity", "cycling", "gravel_cycling", "2026-04-24T12:58:09Z", 66.57, 66.57, 334.43, 1),
    "course.fit": ("course", None, None, None, None, None, None, 0),
    "cut_short.fit": ("activity", "cycling", "generic", "2026-06-01T09:00:00Z", 120.0, 120.0, 999.6, 1),
    "dive.fit": ("activity", "diving", "single_gas_diving", "2024-06-25T09:00:00Z", 2940.0, 2940.0, 0.0, 1),
    "edge_820_ride.fit": ("activity", "cycling", "commuting", "2017-06-12T16:10:15Z", 64.524, 64.524, 457.12, 1),
    "heart_rate_chain.fit": ("activity", "cycling", "indoor_cycling", "2019-01-06T16:42:03Z", 3976.428, 3976.428, 20034.33, 1),
    "indoor_ride.fit": ("activity", "cycling", "indoor_cycling", "2021-03-04T12:04:26Z", 720.318, 720.318, 7123.39, 1),
    "monitoring.fit": ("monitoring_b", None, None, None, None, None, None, 0),
    "no_definition.fit": (None, None, None, None, None, None, None, 0),
    "not_fit.fit": (None, None, None, None, None, None, None, 0),
    "pool_swim.fit": ("activity", "swimming", "lap_swimming", "2011-11-02T23:26:29Z", 1373.858, 1619.683, 1371.6, 1),
    "relative_times.fit": ("activity", "running", None, None, 3426.898, 3426.898, None, 1),
    "segment.fit": ("segment", None, None, None, None, None, None, 0),
    "settings.fit": ("settings", None, None, None, None, None, None, 0),
    "trailing_bytes.fit": ("activity", "running", "generic", "2026-06-01T09:00:00Z", 60.0, 60.0, 180.0, 1),
    "two_sessions.fit": ("activity", "running", "generic", "2015-05-23T10:52:35Z", 2131.953, 2291.538, 7856.45, 2),
    "workout.fit": ("workout", None, None, None, None, None, None, 0),
    "yoga.fit": ("activity", "training", "yoga", "2023-09-29T00:10:57Z", 9.676, 9.676, None, 1),
}  # fmt: skip
VERDICTS = {
    "bad_checksum.fit": FileKind.DAMAGED,
    "cut_short.fit": FileKind.UNFINISHED,
    "no_definition.fit": FileKind.DAMAGED,
    "not_fit.fit": FileKind.NO_ACTIVITY,
    **dict.fromkeys(
        ["chained.fit", "course.fit", "monitoring.fit", "segment.fit", "settings.fit", "workout.fit"],
        FileKind.NO_ACTIVITY,
    ),
}


def inspect(data: bytes) -> ParseResult:
    """What these bytes are."""
    return fit.inspect([data])


def test_every_sample_has_its_source_and_is_what_it_was() -> None:
    """Where each came from, and under which licence, stands beside it."""
    sources = (SAMPLES / "SOURCES.md").read_text(encoding="utf-8")
    listed = dict(
        re.findall(
            r"^\| (\S+\.fit) \|.* (?:MIT|BSD|Apache-2.0|Unlicense).* \| (\w{64}) \|$", sources, re.MULTILINE
        )
    )

    assert {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in SAMPLES.glob("*.fit")
    } == listed
    assert set(KNOWN) == set(listed)


@pytest.mark.parametrize("name", KNOWN)
def test_a_real_file_gives_what_is_known_of_it(name: str) -> None:
    """Times within a second, distances within a metre, names exactly."""
    found = inspect((SAMPLES / name).read_bytes())
    kind, sport, sub_sport, start, timer, elapsed, distance, sessions = KNOWN[name]
    facts = found.facts

    assert VERDICTS.get(name, FileKind.ACTIVITY) is found.kind
    assert (kind, sport, sub_sport, sessions) == (facts.kind, facts.sport, facts.sub_sport, facts.sessions)
    assert _iso(facts.start_time) == start
    assert facts.duration_s == pytest.approx(timer, abs=1)
    assert facts.elapsed_s == pytest.approx(elapsed, abs=1)
    assert facts.distance_m == pytest.approx(distance, abs=1)
    assert bool(found.reason) == (found.kind is not FileKind.ACTIVITY)


def _iso(moment: float | None) -> str | None:
    return None if moment is None else datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize("header_size", [12, 14, 16])
@pytest.mark.parametrize("header_crc", [True, False])
def test_a_whole_ride_is_an_activity(header_size: int, header_crc: bool) -> None:
    """With every length of header, and with a header checksum of zero."""
    found = inspect(ride(START, header_size=header_size, header_crc=header_crc))

    assert (found.kind, found.data_type, found.reason) == (FileKind.ACTIVITY, "fit", None)
    assert (
        ActivityFacts(
            "activity",
            "cycling",
            "generic",
            START.timestamp(),
            60,
            60,
            1000,
            "garmin",
            "edge_530",
            1,
            serials=("1",),
        )
        == found.facts
    )


def test_no_prefix_of_a_file_is_whole() -> None:
    """Wherever a copy stalls; and its progress is known."""
    whole = ride(START, seconds=20)
    for length in range(1, len(whole)):
        found = inspect(whole[:length])
        assert FileKind.UNFINISHED is found.kind
        assert found.reason is not None
        assert length == found.reason.values["have"]
    half = inspect(whole[:500])

    assert f"500 of {len(whole):,} bytes" == str(half.reason)


def test_no_prefix_that_is_filled_up_with_zeros_is_whole() -> None:
    """Some copiers set the length first. Over a header and zeros the checksum is even right."""
    whole = ride(START, seconds=20)
    for length in range(len(whole) - 16):
        filled = inspect(whole[:length] + bytes(len(whole) - length))
        assert FileKind.UNFINISHED is filled.kind, length


def test_a_file_that_is_still_recorded_is_unfinished() -> None:
    """Its header says that it has no data yet."""
    recording = segment([file_id(4, BEGIN), session(BEGIN, 60)], data_size=0)
    found = inspect(recording)

    assert (found.kind, found.reason) == (FileKind.UNFINISHED, files.STILL_RECORDED())


def test_one_wrong_bit_is_found() -> None:
    """By the checksum, or by the walk."""
    whole = ride(START, seconds=20)
    for at in range(14, len(whole)):
        broken = bytearray(whole)
        broken[at] ^= 0x10
        assert FileKind.ACTIVITY is not inspect(bytes(broken)).kind


def test_a_damaged_file_still_tells_what_it_is() -> None:
    """So that a person can decide to upload it."""
    found = inspect(ride(START)[:-2] + b"\1\2")

    assert (found.kind, str(found.reason)) == (FileKind.DAMAGED, "checksum does not match")
    assert (found.facts.kind, found.facts.sport) == ("activity", "cycling")


def test_a_broken_later_segment_is_noticed() -> None:
    """A chain is whole when all of its segments are."""
    more = segment([message(132, [(253, UINT32, BEGIN)])])

    assert FileKind.ACTIVITY is inspect(ride(START) + more).kind
    assert FileKind.UNFINISHED is inspect(ride(START) + more[:-1]).kind
    assert FileKind.DAMAGED is inspect(ride(START) + more[:-1] + b"\xff").kind


def test_sessions_are_added_up_and_the_first_one_names_the_sport() -> None:
    """A triathlon is as long as its legs together."""
    legs = [
        session(BEGIN, 600, sport=5, sub_sport=18, distance_m=400),
        session(BEGIN + 600, 1200, elapsed=1300),
    ]
    facts = inspect(segment([file_id(4, BEGIN), *legs])).facts

    assert (facts.sport, facts.sub_sport, facts.sessions) == ("swimming", "open_water", 2)
    assert (facts.duration_s, facts.elapsed_s, facts.distance_m) == (1800, 1900, 1400)


def test_without_a_session_the_records_tell() -> None:
    """Start and elapsed time, and the distance of the last one."""
    fields = [(253, UINT32, BEGIN), (5, UINT32, 0)]
    records = [data([(253, UINT32, BEGIN + at), (5, UINT32, at * 500)], local=2) for at in range(61)]
    sport = message(12, [(0, ENUM, 1), (1, ENUM, 0)])
    facts = inspect(
        segment([file_id(4, BEGIN - 999), sport, definition(20, fields, local=2), *records])
    ).facts

    assert ("running", START.timestamp(), 60.0, 300.0, 0) == (
        facts.sport,
        facts.start_time,
        facts.elapsed_s,
        facts.distance_m,
        facts.sessions,
    )


def test_without_records_the_creation_tells_the_start() -> None:
    """And nothing else is made up."""
    facts = inspect(segment([file_id(4, BEGIN)])).facts

    assert (START.timestamp(), None, None, None) == (
        facts.start_time,
        facts.duration_s,
        facts.elapsed_s,
        facts.distance_m,
    )


@pytest.mark.parametrize("made", [BEGIN + 500, None])
def test_without_records_and_sessions_the_first_lap_tells_the_start(made: int | None) -> None:
    """Not the creation, which may be that of the file."""
    laps = [message(19, [(2, UINT32, BEGIN + start), (7, UINT32, 60_000)]) for start in (0, 60)]
    found = inspect(segment([message(0, [(0, ENUM, 4), (4, UINT32, made)]), *laps]))

    assert (found.kind, found.facts.start_time) == (FileKind.ACTIVITY, START.timestamp())


def test_a_relative_time_is_no_time() -> None:
    """Seconds since the device was switched on say nothing of the day."""
    assert inspect(segment([file_id(4, 100), session(200, 60)])).facts.start_time is None


def test_the_first_segment_says_what_a_chain_is() -> None:
    """What a strap appends may be of another kind and of another maker."""
    found = inspect(ride(START) + segment([file_id(2, BEGIN, manufacturer=123, product=9)]))

    assert (found.kind, found.facts.manufacturer) == (FileKind.ACTIVITY, "garmin")


def test_an_activity_behind_a_segment_of_another_kind_is_one() -> None:
    """A chain that begins with settings holds a ride all the same."""
    found = inspect(segment([file_id(2, BEGIN, manufacturer=123, product=9)]) + ride(START))

    assert (found.kind, found.facts.manufacturer) == (FileKind.ACTIVITY, "garmin")


def test_what_does_not_say_what_it_is_is_an_activity_if_something_was_recorded() -> None:
    """Somebody may want it, and Strava says what it makes of it."""
    untyped = inspect(ride(START, kind=255))
    empty = inspect(segment([file_id(255, BEGIN)]))

    assert (untyped.kind, untyped.facts.sport) == (FileKind.ACTIVITY, "cycling")
    assert (empty.kind, str(empty.reason)) == (
        FileKind.NO_ACTIVITY,
        "a FIT file that does not say what it is",
    )


def test_sets_alone_are_something_recorded() -> None:
    """Strava takes strength training without any records (its page on uploads, seen 2026-05)."""
    sets = message(225, [(254, UINT32, BEGIN), (0, UINT32, 30_000), (3, UINT16, 10)])

    assert inspect(segment([file_id(4, BEGIN), sets])).kind is FileKind.ACTIVITY


def test_an_app_may_repeat_its_definitions() -> None:
    """Before each message: they are read once, and are as many as there are different ones."""
    fields: list[Field] = [(253, UINT32, BEGIN), (5, UINT32, 4200)]
    many = segment([file_id(4, BEGIN), message(20, fields) * 20_000, session(BEGIN, 60)])

    assert inspect(many).kind is FileKind.ACTIVITY


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\0", files.STILL_EMPTY()),
        (b"\0" * 5000, files.STILL_EMPTY()),
        (b"PK", files.ONLY_BYTES(have=2)),
        (b"\xef\xbb\xbf \r\n", files.ONLY_BYTES(have=6)),
        (b"\x0e\x10\0\0", files.ONLY_BYTES(have=4)),
        (b"\x0e" + bytes(4999), files.END_EMPTY()),
    ],
)
def test_what_may_become_a_file_is_unfinished(body: bytes, reason: Message) -> None:
    """Nothing but zeros, or less than a header."""
    found = inspect(body)

    assert (found.kind, found.reason) == (FileKind.UNFINISHED, reason)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>" * 10,
        b'{"error": "no"}',
        b"hello",
        b".FIT",
        b"hello" + bytes(5000),
        b"PK\3\4" * 20,
        b"\x0e" + b"x" * 50,
        struct.pack("<BBHI", 65, 0, 0, 100) + b"x" * 159,
    ],
)
def test_what_is_no_fit_is_said_so(body: bytes) -> None:
    """Content beats the name."""
    assert FileKind.NO_ACTIVITY is inspect(body).kind


def _different_definitions(count: int) -> bytes:
    """As `definition(n % 65536, [(n >> 16, ENUM, 0)])` makes each of them, and quickly."""
    return b"".join(struct.pack("<3sH4B", b"\x40\0\0", n & 0xFFFF, 1, n >> 16, 1, ENUM) for n in range(count))


HOSTILE: dict[str, Callable[[], bytes]] = {
    "a million messages without fields": lambda: segment(
        [file_id(4, BEGIN), definition(20, [], local=1), b"\1" * 1_000_000]
    ),
    "thousands of segments": lambda: segment([file_id(4, BEGIN)]) + segment([]) * 5000,
    "thousands of sessions": lambda: segment([file_id(4, BEGIN), session(BEGIN, 60) * 5000]),
    "a million different definitions": lambda: segment(
        [file_id(4, BEGIN), _different_definitions(1_000_000)]
    ),
    "a definition that is cut off": lambda: segment([file_id(4, BEGIN), b"\x41\0\0\x12\0\xff\2\4\x86"]),
    "developer fields that are cut off": lambda: segment([file_id(4, BEGIN), b"\x61\0\0\x12\0\0\xff"]),
    "a message without a definition": lambda: segment([file_id(4, BEGIN), b"\x05"]),
    "a header that is longer than the file": lambda: b"\xff" + ride(START)[1:],
    "a header that is shorter than any": lambda: b"\x01" + ride(START)[1:],
    "fields of odd sizes": lambda: segment(
        [file_id(4, BEGIN), b"\x41\0\0\x12\0\2\2\3\x86\5\7\0", b"\1" + b"x" * 10]
    ),
}
"""Made by the test that reads each, not by every process that collects tests."""


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_files_are_answered_soon_and_without_an_exception(make: Callable[[], bytes]) -> None:
    """Walks are bounded; whatever the library raises is nobody's problem."""
    body = make()
    began = time.process_time()
    inspect(body)

    assert time.process_time() - began < 2


def test_mutations_of_real_files_raise_nothing() -> None:
    """Seeded, with and without a repaired checksum."""
    random_ = random.Random(20261124)  # noqa: S311  # no secret
    originals = [path.read_bytes() for path in sorted(SAMPLES.glob("*.fit"))] + [ride(START)]
    for number in range(300):
        inspect(_mutated(random_, random_.choice(originals), repaired=number % 2 == 1))
        inspect(random_.randbytes(random_.randint(0, 300)))


def test_inspecting_keeps_little_in_memory() -> None:
    """A ride of two megabytes costs no multiple of its size."""
    body = ride(START, padding=2_000_000)
    tracemalloc.start()
    inspect(body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 2_000_000


def _mutated(random_: random.Random, original: bytes, *, repaired: bool) -> bytes:
    body = bytearray(original)
    for _ in range(random_.randint(1, 8)):
        body[random_.randrange(len(body))] = random_.randrange(256)
    if repaired and len(body) > 16:
        body[-2:] = checksum(memoryview(bytes(body[:-2]))).to_bytes(2, "little")
    return bytes(body)


@pytest.mark.parametrize("size", [1, 13, 500, 4096])
def test_a_file_is_the_same_in_pieces_of_any_size(size: int) -> None:
    """As a gzip gives them: whole, cut, damaged, chained."""
    whole = ride(START, seconds=200)
    strap = segment([message(132, [(253, UINT32, BEGIN)])])
    damaged = whole[:700] + bytes([whole[700] ^ 0x55]) + whole[701:]
    for body in (
        whole,
        whole[:-1],
        whole[:900],
        damaged,
        whole + strap,
        whole + strap[:5],
        whole + b"junk" * 9,
        whole + bytes(40),
    ):
        pieces = [body[at : at + size] for at in range(0, len(body), size)]
        assert fit.inspect(pieces) == inspect(body)


@pytest.mark.parametrize("rest", range(1, 12))
def test_the_first_bytes_of_another_segment_make_a_chain_unfinished(rest: int) -> None:
    """Cut within its header, or its header full of zeros."""
    strap = segment([message(132, [(253, UINT32, BEGIN)])])

    assert inspect(ride(START) + strap[:rest]).kind is FileKind.UNFINISHED
    assert inspect(ride(START) + strap[:rest] + bytes(100)).kind is FileKind.UNFINISHED
    assert inspect(ride(START) + bytes(rest)).kind is FileKind.UNFINISHED


def test_bytes_of_no_meaning_behind_the_end_are_ignored() -> None:
    """Some firmware writes them."""
    assert inspect(ride(START) + b"\xa5" * 57).kind is FileKind.ACTIVITY
    assert inspect(ride(START) + b"\x0e\x99").kind is FileKind.ACTIVITY


def test_a_broken_file_that_says_it_is_no_activity_is_missed_by_nobody() -> None:
    """Half of settings, a course with a wrong checksum; of what does not say it somebody may miss it."""
    assert inspect(ride(START, kind=6)[:-1]).kind is FileKind.NO_ACTIVITY
    assert inspect(ride(START, kind=2)[:-2] + b"xx").kind is FileKind.NO_ACTIVITY
    assert inspect(ride(START)[:20]).kind is FileKind.UNFINISHED
    assert inspect(ride(START, kind=44)[:-1]).kind is FileKind.UNFINISHED


def test_a_lost_beginning_is_damage() -> None:
    """A block of zeros, or a header that is no header any more."""
    whole = ride(START, seconds=200)

    assert inspect(bytes(512) + whole[512:]).kind is FileKind.DAMAGED
    assert inspect(whole[:8] + b"XXXX" + whole[12:]).kind is FileKind.DAMAGED


def test_climb_heart_rate_power_and_serials_are_told() -> None:
    """Of the session, by its timer time where there are several; of the device first, then of its sensors."""
    fields: list[Field] = [
        (2, UINT32, BEGIN),
        (8, UINT32, 60_000),
        (22, UINT16, 250),
        (16, UINT8, 120),
        (20, UINT16, 200),
    ]
    longer: list[Field] = [
        (2, UINT32, BEGIN),
        (8, UINT32, 180_000),
        (22, UINT16, 50),
        (16, UINT8, 160),
        (20, UINT16, None),
    ]
    sensors = b"".join(message(23, [(3, UINT32Z, serial)], local=1) for serial in (77, 0, 5, 77))
    facts = inspect(
        segment([file_id(4, BEGIN, serial=5), sensors, message(18, fields), message(18, longer)])
    ).facts

    assert (facts.ascent_m, facts.average_heart_rate, facts.average_power) == (300, 150, 200)
    assert facts.serials == ("5", "77")


@pytest.mark.parametrize(("stray", "start"), [(100, 0), (BEGIN - 40 * 86_400, 0), (BEGIN - 3600, -3600)])
def test_a_stray_first_record_is_not_the_start(stray: int, start: int) -> None:
    """A stale one of days ago; an hour ago is a pause."""
    first = data([(253, UINT32, stray)], local=2)
    records = [data([(253, UINT32, BEGIN + at)], local=2) for at in range(61)]
    facts = inspect(
        segment([file_id(4, BEGIN), definition(20, [(253, UINT32, 0)], local=2), first, *records])
    ).facts

    assert facts.start_time == START.timestamp() + start
    assert facts.elapsed_s == 60 - start


@pytest.mark.parametrize("stray", [0, 100, BEGIN - 20 * 365 * 86_400, BEGIN + 60 * 365 * 86_400])
@pytest.mark.parametrize("places", [range(25), [0, 1], [60], [59, 60], [30]])
def test_records_of_a_clock_that_was_wrong_are_not_of_the_ride(stray: int, places: Sequence[int]) -> None:
    """A device writes the first ones before it has found the time, however many they are."""
    moments = [stray if at in places else BEGIN + at for at in range(61)]
    records = [data([(253, UINT32, moment)], local=2) for moment in moments]
    right = [at for at in range(61) if at not in places]
    facts = inspect(segment([file_id(4, 5), definition(20, [(253, UINT32, 0)], local=2), *records])).facts

    assert facts.start_time == START.timestamp() + right[0]
    assert facts.elapsed_s == right[-1] - right[0]


@pytest.mark.parametrize(
    "wrong", [0, 1, fit.FIRST_ABSOLUTE, BEGIN - 2 * 86_400, BEGIN + 2 * 86_400, 0xFFFF_0000]
)
def test_a_session_that_begins_days_away_from_its_records_begins_with_them(wrong: int) -> None:
    """The device had not found the time yet."""
    records = [data([(253, UINT32, BEGIN + at)], local=2) for at in range(61)]
    messages = [file_id(4, 5), definition(20, [(253, UINT32, 0)], local=2), *records, session(wrong, 60)]

    assert inspect(segment(messages)).facts.start_time == START.timestamp()


def test_a_session_of_no_day_of_a_ride_says_nothing_of_it() -> None:
    """A clock that counts from its end."""
    assert inspect(segment([file_id(4, BEGIN), session(0xFFFF_0000, 60)])).facts.start_time is None


def test_definitions_are_bounded_by_number_and_by_bytes() -> None:
    """Different ones; the same may stand there as often as it likes."""
    many = [definition(0xFF00, [(0, UINT8, 0)] * (at % 250), local=at % 8) for at in range(250)]

    assert inspect(segment([file_id(4, BEGIN), session(BEGIN, 60), *many * 30])).kind is FileKind.ACTIVITY
    numbers = [definition(number, [(0, UINT32, 0)]) for number in range(0x100, 0x100 + 5_000)]
    assert inspect(segment([file_id(4, BEGIN), session(BEGIN, 60), *numbers])).kind is FileKind.DAMAGED
    wide = [definition(number, [(0, UINT8, 0)] * 255) for number in range(0x100, 0x100 + 1_400)]
    assert inspect(segment([file_id(4, BEGIN), session(BEGIN, 60), *wide])).kind is FileKind.DAMAGED


@pytest.mark.parametrize("header_size", [12, 14, 20])
def test_the_head_announces_how_long_the_file_will_be(header_size: int) -> None:
    """Header, messages and checksum; zero is a length that is not known yet."""
    whole = ride(START, header_size=header_size)

    assert fit.announced_length(whole[: fit.HEAD]) == len(whole)
    assert fit.announced_length(whole[:4] + bytes(4) + whole[8 : fit.HEAD]) is None
    assert fit.announced_length(b"<gpx version") is None


def test_only_what_is_whole_is_proven() -> None:
    """A whole course is proven to be none; half a ride proves nothing."""
    assert inspect(ride(START)).proven
    assert inspect(ride(START, kind=6)).proven
    assert not inspect(ride(START)[:-1]).proven
    assert not inspect(ride(START, kind=6)[:-1]).proven
    assert not inspect(b"<gpx>").proven


def test_messages_of_the_same_size_are_told_apart_by_their_heads() -> None:
    """A session, something else, a session: two sessions."""
    fields: list[Field] = [(2, UINT32, BEGIN), (8, UINT32, 60_000)]
    layouts = [definition(18, fields, local=1), definition(0xFF00, fields, local=4)]
    ours, other = data(fields, local=1), data(fields, local=4)

    facts = inspect(segment([file_id(4, BEGIN), *layouts, ours, other, ours])).facts
    assert (facts.sessions, facts.duration_s) == (2, 120)
    facts = inspect(segment([file_id(4, BEGIN), *layouts, ours, ours, other, ours])).facts
    assert (facts.sessions, facts.duration_s) == (3, 180)


def test_a_definition_of_no_fields_may_be_the_last_message() -> None:
    """Its six bytes are all of it."""
    body = [file_id(4, BEGIN), session(BEGIN, 60), definition(0xFF00, [], local=4)]

    assert inspect(segment(body)).kind is FileKind.ACTIVITY


def test_a_record_that_does_not_know_a_value_has_none_in_its_sample() -> None:
    """No place at 180 degrees, no 255 beats, no 65,535 watts; the others stay."""
    known: list[Field] = [(0, SINT32, 2**29), (1, SINT32, -(2**30)), (3, UINT8, 120), (7, UINT16, 200)]
    unknown: list[Field] = [(number, kind, None) for number, kind, _ in known]
    moments: list[Field] = [(253, UINT32, BEGIN)]
    records = [data([*moments, *fields], local=2) for fields in (known, unknown, known)]
    found = inspect(segment([file_id(4, BEGIN), definition(20, [*moments, *known], local=2), *records]))

    assert found.samples[:2] == ((45.0, -90.0, 120, 200), (None, None, None, None))
