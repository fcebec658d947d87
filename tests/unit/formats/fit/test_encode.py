"""Messages that a repair makes, and how long the timer stood still."""

from __future__ import annotations

import pytest

from fitferry.formats.fit.encode import ENUM, UINT16, UINT32, TimerEvents, encode


@pytest.mark.parametrize(
    ("value", "raw"),
    [
        (0, b"\0\0"),
        (1, b"\1\0"),
        (0x1234, b"\x34\x12"),
        (-5, b"\0\0"),
        (70_000, b"\xff\xff"),
        (None, b"\xff\xff"),
    ],
)
def test_a_value_is_written_as_it_is_or_at_the_bound_of_its_type(value: int | None, raw: bytes) -> None:
    """What is too big says that there is none; nothing raises."""
    assert encode(20, [(7, UINT16, value)]) == b"\x40\0\0\x14\0\x01\x07\x02\x84" + b"\0" + raw


def test_each_type_has_its_own_value_for_none() -> None:
    """Its largest number."""
    nothing = encode(18, [(5, ENUM, None), (2, UINT32, None), (7, UINT16, None)])

    assert nothing.endswith(b"\0" + b"\xff" * 7)


def test_fields_stand_in_their_order() -> None:
    """Each with its number, its bytes and its base type."""
    made = encode(18, [(5, ENUM, 2), (2, UINT32, 7)])

    assert made == b"\x40\0\0\x12\0\x02" + b"\x05\x01\x00" + b"\x02\x04\x86" + b"\0" + b"\x02" + b"\7\0\0\0"


@pytest.mark.parametrize(
    ("changes", "paused", "runs"),
    [
        ([], 0, True),
        ([(0, True)], 0, True),
        ([(0, True), (60, False)], 0, False),
        ([(0, True), (60, False), (90, True)], 30, True),
        ([(60, False), (70, False), (90, True), (95, True)], 30, True),
        ([(90, True), (60, False)], 30, True),
        ([(-20, False), (10, True)], 10, True),
        ([(80, False), (140, True)], 20, True),
        ([(120, False), (140, True)], 0, True),
        ([(10, False), (20, True), (30, False), (35, True)], 15, True),
    ],
)
def test_pauses_count_between_a_stop_and_the_next_start(
    changes: list[tuple[int, bool]], paused: float, *, runs: bool
) -> None:
    """Within the hundred seconds asked about, in whatever order they were written; the last change tells whether it runs."""
    events = TimerEvents()
    events.changes.extend(changes)

    assert (events.paused(0, 100), events.runs) == (paused, runs)
