"""How much of an unfinished file is there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from documents import gpx
from fitferry.inbox.progress import measure

Ride = Callable[..., bytes]


@pytest.mark.parametrize("share", [0.1, 0.48, 0.99])
def test_a_fit_file_says_how_long_it_will_be(tmp_path: Path, ride: Ride, share: float) -> None:
    """In its first twelve bytes."""
    whole, path = ride(), tmp_path / "a.fit"
    path.write_bytes(whole[: int(len(whole) * share)])

    assert measure(str(path), str(tmp_path), path.stat().st_size)[1] == len(whole)
    assert measure(str(path), str(tmp_path), path.stat().st_size)[0] == pytest.approx(
        len(whole) * share, abs=3
    )


@pytest.mark.slow
def test_zeros_at_the_end_are_not_there_yet(tmp_path: Path, ride: Ride) -> None:
    """Copiers that set the length first."""
    whole, path = ride(seconds=30_000), tmp_path / "a.fit"
    path.write_bytes(whole[:100_001].rstrip(b"\0") + bytes(len(whole) - len(whole[:100_001].rstrip(b"\0"))))

    assert measure(str(path), str(tmp_path), len(whole)) == (len(whole[:100_001].rstrip(b"\0")), len(whole))


@pytest.mark.parametrize("body", [b"", b"\0" * 100, gpx(), b"x" * 11])
def test_other_files_do_not_say(tmp_path: Path, body: bytes) -> None:
    """Then only their size is known."""
    path = tmp_path / "a.fit"
    path.write_bytes(body)

    assert measure(str(path), str(tmp_path), len(body)) == (len(body), None)


def test_a_file_that_is_gone_is_no_error(tmp_path: Path) -> None:
    """Files come and go."""
    assert measure(str(tmp_path / "missing"), str(tmp_path), 7) == (7, None)
