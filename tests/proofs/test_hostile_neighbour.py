"""A neighbour who may write into the watched folder races the daemon. The long form is `python bench/neighbour.py`."""

from __future__ import annotations

import os

import pytest

from hostile_neighbour import WAYS, race


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become two other users")
@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_a_neighbour_who_races_the_daemon_reaches_nothing_outside_the_folder(way: str) -> None:
    """Names are exchanged while they are scanned, read, moved and deleted; nothing of others is read, written, deleted."""
    race(way, rounds=3)
