"""Accounts that are connected and disconnected."""

from __future__ import annotations

import pytest

from fitferry.storage import accounts, revocations


@pytest.mark.usefixtures("ledger")
def test_forgetting_an_athlete_keeps_the_token_until_it_is_revoked() -> None:
    """And the name stands for nobody in particular afterwards."""
    accounts.connect("me", 7, "Sam", ["read"], b"sealed")
    accounts.disconnect("me")
    accounts.disconnect("me")

    assert (accounts.get("me").connected, accounts.get("me").athlete_id) == (False, None)
    (pending_revocation,) = revocations.pending_revocations()
    assert (pending_revocation.athlete, pending_revocation.sealed) == ("me", b"sealed")
    revocations.delete_revocation(pending_revocation.id)
    assert revocations.pending_revocations() == []


@pytest.mark.usefixtures("ledger")
def test_who_shares_an_account_is_told_of_those_that_are_asked_about() -> None:
    """A name that the settings no longer have is nobody's trouble."""
    for name, athlete_id in (("a", 7), ("b", 7), ("c", 8), ("d", 7)):
        accounts.connect(name, athlete_id, "Sam", ["read"], b"sealed")

    assert accounts.sharing_an_account(["a", "c", "d"]) == [("a", "d")]
