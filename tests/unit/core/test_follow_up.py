"""When what follows an upload is tried again."""

from __future__ import annotations

import pytest

from fakes import NOW
from fitferry.core.follow_up import retry_at


@pytest.mark.parametrize(("failures", "wait"), [(1, 60.0), (2, 300.0), (3, None)])
def test_what_follows_an_upload_is_tried_again_once_for_each_delay(failures: int, wait: float | None) -> None:
    """One failure more, and it is given up."""
    assert retry_at(failures, (60.0, 300.0), NOW) == (None if wait is None else NOW + wait)
