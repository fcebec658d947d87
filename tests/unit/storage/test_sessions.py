"""Login links and sessions end when they should."""

from __future__ import annotations

import pytest

from fakes import NOW
from fitferry.storage import sessions


@pytest.mark.usefixtures("ledger")
def test_a_login_link_is_good_for_ten_minutes_and_once() -> None:
    """Looking at it uses nothing up."""
    sessions.add_link("d", NOW)

    assert sessions.link_is_good("d", NOW + 599)
    assert not sessions.use_link("d", NOW + 600)
    sessions.add_link("e", NOW)
    assert sessions.use_link("e", NOW + 599)
    assert not sessions.use_link("e", NOW + 599)


@pytest.mark.usefixtures("ledger")
def test_a_session_is_renewed_by_use() -> None:
    """Ninety days after the last visit, not after the first."""
    day = 86_400
    sessions.add_session("d", NOW, api_token="t")

    assert sessions.session_is_good("d", NOW + 89 * day)
    assert sessions.session_is_good("d", NOW + 150 * day)
    assert not sessions.session_is_good("d", NOW + 250 * day)
