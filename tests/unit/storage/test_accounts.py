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
