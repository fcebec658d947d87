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


@pytest.mark.usefixtures("ledger")
def test_a_new_api_token_ends_the_sessions_of_the_one_before() -> None:
    """Whoever signed in with the present one stays signed in."""
    sessions.add_session("old", NOW, api_token="t1")
    sessions.add_session("new", NOW, api_token="t2")

    assert sessions.end_of_other_tokens("t2") == 1
    assert sessions.session_is_good("new", NOW)
    assert not sessions.session_is_good("old", NOW)


@pytest.mark.usefixtures("ledger")
def test_signing_every_browser_out_takes_the_links_with_it() -> None:
    """Otherwise a link that somebody has seen would let them in again."""
    sessions.add_session("a", NOW, api_token="t")
    sessions.add_session("b", NOW, api_token="t")
    sessions.add_link("link", NOW)

    assert sessions.end_all() == 2
    assert not sessions.session_is_good("a", NOW)
    assert not sessions.use_link("link", NOW)


@pytest.mark.usefixtures("ledger")
def test_signing_out_ends_one_session() -> None:
    """The other browsers stay signed in."""
    sessions.add_session("a", NOW, api_token="t")
    sessions.add_session("b", NOW, api_token="t")
    sessions.end_session("a")

    assert not sessions.session_is_good("a", NOW)
    assert sessions.session_is_good("b", NOW)
