"""Who disconnects is forgotten here and revoked at Strava, now or later; who connects again is not."""

from __future__ import annotations

import threading
from pathlib import Path

import httpx
import pytest

from fakes import (
    NOW,
    Answers,
    account,
    an_athlete,
    come_back,
    grant,
    oauth,
    strava,
)
from fitferry.auth.access_tokens import AccessTokens
from fitferry.auth.key_rotation import rotate
from fitferry.auth.oauth import OAuth
from fitferry.auth.token_cipher import TokenCipher, load, new_key
from fitferry.core.errors import SignInFailed
from fitferry.core.strava import Grant
from fitferry.storage import accounts, backups, revocations

pytestmark = pytest.mark.usefixtures("ledger")


def test_a_grant_for_another_account_is_revoked_at_once(
    sign_in: OAuth, kept: AccessTokens, wire: Answers
) -> None:
    """Nobody would ever use it; it is stored before, so that it is revoked even if Strava is away."""
    come_back(sign_in)
    wire.to("POST /oauth/token", (200, account(2002)))
    wire.to("POST /oauth/revoke", httpx.ConnectError("no route"), (200, b""))
    with pytest.raises(SignInFailed):
        come_back(sign_in)
    assert len(revocations.pending_revocations()) == 1
    sign_in.revoke_pending()

    assert revocations.pending_revocations() == []
    assert wire.asked[-1].content == b"token=refresh-b"
    assert kept.get("me", NOW) == "access-1"


def test_a_revocation_that_somebody_else_has_carried_out_is_not_asked_for_again(
    sign_in: OAuth, kept: AccessTokens, wire: Answers
) -> None:
    """It was among those that were to be, a moment ago."""
    for number, name in ((2002, "kim"), (3003, "lee")):
        accounts.connect(name, number, name, [], kept.encrypt(name, Grant("a", f"refresh-{name}", NOW)))
        accounts.disconnect(name, revoke=True)
    first, second = revocations.pending_revocations()
    wire.while_asked = lambda: revocations.delete_revocation(second.id)
    sign_in.revoke_pending()

    assert [request.content for request in wire.asked] == [f"token=refresh-{first.athlete}".encode()]
    assert revocations.pending_revocations() == []


def test_a_revocation_does_not_wait_for_a_sign_in(sign_in: OAuth, kept: AccessTokens, wire: Answers) -> None:
    """The main thread asks for it every minute, and must not hang behind Strava."""
    an_athlete(kept, "sam")
    accounts.disconnect("sam", revoke=True)
    waited: list[bool] = []

    def meanwhile() -> None:
        asking = threading.Thread(target=sign_in.revoke_pending, daemon=True)
        asking.start()
        asking.join(10)
        waited.append(asking.is_alive())

    wire.while_asked = meanwhile
    come_back(sign_in)

    assert waited == [False]
    assert wire.count("POST /oauth/revoke") == 0


def test_who_disconnects_during_a_refresh_is_disconnected_and_the_new_pair_revoked(
    sign_in: OAuth, kept: AccessTokens, wire: Answers
) -> None:
    """Not while the refresh goes on: its answer would connect them again."""
    an_athlete(kept)
    wire.to("POST /oauth/token", (200, grant("access-2", "refresh-2")))
    disconnecting = threading.Thread(target=sign_in.disconnect, args=("me",), daemon=True)

    def meanwhile() -> None:
        wire.while_asked = lambda: None
        disconnecting.start()
        disconnecting.join(0.1)

    wire.while_asked = meanwhile
    assert kept.get("me", NOW, refused="access-1") == "access-2"
    disconnecting.join(60)

    assert not accounts.get("me").connected
    assert [request.content for request in wire.asked[1:]] == [b"token=refresh-2"]


def test_disconnecting_revokes_at_strava_and_forgets(
    sign_in: OAuth, kept: AccessTokens, wire: Answers
) -> None:
    """The refresh token is sent: it works whatever became of the access token."""
    an_athlete(kept)
    sign_in.disconnect("me")

    assert wire.asked[0].content == b"token=refresh-1"
    assert (
        accounts.get("me").connected,
        accounts.get("me").athlete_id,
        revocations.pending_revocations(),
    ) == (False, None, [])


def test_nothing_of_a_revoked_token_stays_in_the_database(
    sign_in: OAuth, kept: AccessTokens, ledger: Path
) -> None:
    """Neither in the file's unused bytes, nor in its log, nor in a copy that is made afterwards."""
    sealed = []
    for expires_in in (10.0, 20_000.0):
        an_athlete(kept, expires_in=expires_in)
        sealed.append(accounts.sealed_tokens("me") or b"")
        kept.reencrypt()
        sealed.append(accounts.sealed_tokens("me") or b"")
    an_athlete(kept, "sam")
    accounts.connect("sam", 2002, "Rae", ["activity:write"], accounts.sealed_tokens("sam") or b"")
    others = accounts.sealed_tokens("sam") or b""
    log = Path(f"{ledger}-wal")
    assert all(pair in ledger.read_bytes() + log.read_bytes() for pair in sealed[-1:])
    sign_in.disconnect("me")
    copy = backups.make_daily_copy(ledger, "2026-09-21")

    for file in (ledger, log, copy):
        assert not any(pair in file.read_bytes() for pair in sealed)
    assert others in ledger.read_bytes()


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ConnectError("no route"),
        *((503, b""), (429, b""), (403, b"<html>blocked"), (200, b"<html>sign in"), (302, b""), (404, b"")),
    ],
)
def test_disconnecting_without_strava_revokes_later(
    sign_in: OAuth, kept: AccessTokens, wire: Answers, answer: object
) -> None:
    """Nobody stays connected because Strava was out of reach; the token is kept sealed until then."""
    an_athlete(kept)
    wire.to("POST /oauth/revoke", answer, (200, b""))
    sign_in.disconnect("me")

    assert not accounts.get("me").connected
    assert len(revocations.pending_revocations()) == 1
    sign_in.revoke_pending()
    assert revocations.pending_revocations() == []


def test_a_revocation_that_no_key_opens_any_more_is_let_go(
    sign_in: OAuth, kept: AccessTokens, wire: Answers
) -> None:
    """There is nothing left to revoke with, and no later try would be better."""
    an_athlete(kept)
    wire.to("POST /oauth/revoke", httpx.ConnectError("no route"), (200, b""))
    sign_in.disconnect("me")
    kept.use(TokenCipher([new_key()]))
    sign_in.revoke_pending()

    assert revocations.pending_revocations() == []
    assert wire.count("POST /oauth/revoke") == 1


def test_every_account_that_was_disconnected_is_revoked_in_the_end(wire: Answers, tmp_path: Path) -> None:
    """Disconnecting twice, another account under the same name, a new key: none of it forgets a token."""
    kept = AccessTokens(strava(wire), load(tmp_path / "key", "now"))
    sign_in = oauth(strava(wire), kept)
    an_athlete(kept)
    wire.to("POST /oauth/revoke", *[httpx.ConnectError("no route")] * 3, (200, b""), (200, b""))
    sign_in.disconnect("me")
    sign_in.disconnect("me")
    accounts.connect("me", 4004, "Kim", ["activity:write"], kept.encrypt("me", Grant("a", "refresh-b", NOW)))
    sign_in.disconnect("me")
    rotate(tmp_path / "key", kept)
    sign_in.revoke_pending()

    assert revocations.pending_revocations() == []
    assert [asked.content for asked in wire.asked[-2:]] == [b"token=refresh-1", b"token=refresh-b"]


def test_who_connects_again_is_not_revoked_afterwards(
    sign_in: OAuth, kept: AccessTokens, wire: Answers
) -> None:
    """Strava ends every token of an account with one."""
    an_athlete(kept)
    wire.to("POST /oauth/revoke", httpx.ConnectError("no route"))
    sign_in.disconnect("me")
    an_athlete(kept)
    sign_in.revoke_pending()

    assert revocations.pending_revocations() == []
    assert wire.count("POST /oauth/revoke") == 1


@pytest.mark.parametrize("name", ["me", "sam"])
def test_who_connects_again_during_a_revocation_is_not_revoked_afterwards(
    sign_in: OAuth, kept: AccessTokens, wire: Answers, name: str
) -> None:
    """Nor under another name: Strava ends every token of an account with one."""
    accounts.connect(
        "kim", 2002, "Kim", ["activity:write"], kept.encrypt("kim", Grant("a", "refresh-k", NOW))
    )
    an_athlete(kept)
    wire.to("POST /oauth/revoke", httpx.ConnectError("no route"))
    sign_in.disconnect("kim")
    sign_in.disconnect("me")
    wire.to("POST /oauth/revoke", (200, b""))
    wire.asked.clear()
    browser = threading.Thread(target=lambda: come_back(sign_in, athlete=name))

    def meanwhile() -> None:
        if browser.ident is None:
            browser.start()
            browser.join(0.3)  # it may have to wait

    wire.while_asked = meanwhile
    sign_in.revoke_pending()
    browser.join()
    sign_in.revoke_pending()

    assert wire.asked[-1].url.path == "/oauth/token"
    assert revocations.pending_revocations() == []
    assert accounts.get(name).connected
