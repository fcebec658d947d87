"""Signing in, handing out fresh access tokens, forgetting."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from fakes import NOW, Answers, a_job, an_athlete, grant, oauth, refused, sending, strava, the, tokens
from fitferry.auth.access_tokens import AccessTokens
from fitferry.auth.key_rotation import rotate
from fitferry.auth.oauth import Callback, OAuth, digest
from fitferry.auth.token_cipher import TokenCipher, load, new_key, read_keys
from fitferry.core.errors import KeyFileError, NotConnected, SignInFailed, StravaError
from fitferry.core.messages import sign_in as said
from fitferry.core.strava import Grant
from fitferry.core.upload import AuthProblem
from fitferry.storage import accounts, backups, oauth_states, revocations
from fitferry.storage.database import DatabaseError
from fitferry.strava import Strava
from ledger_statements import full_disk

ALL = "read,activity:write,activity:read_all"

pytestmark = pytest.mark.usefixtures("ledger")


@pytest.fixture
def wire() -> Answers:
    """Strava's side of the wire, where everything goes well."""
    answers = Answers()
    answers.to("POST /oauth/token", (200, grant()))
    answers.to("POST /oauth/revoke", (200, b""))
    return answers


@pytest.fixture
def pauses() -> list[float]:
    """What would have been slept."""
    return []


@pytest.fixture
def kept(wire: Answers) -> AccessTokens:
    """The tokens under test."""
    return tokens(strava(wire))


@pytest.fixture
def sign_in(wire: Answers, kept: AccessTokens, pauses: list[float]) -> OAuth:
    """The sign-in under test, of the athletes me and sam."""
    return oauth(strava(wire), kept, pauses)


def come_back(
    sign_in: OAuth, *, scope: str = ALL, athlete: str = "me", now: float = NOW, **callback: str
) -> str:
    """Ask for consent and come back with it."""
    _, state = sign_in.consent_url(athlete, NOW)
    return sign_in.complete(Callback(**{"state": state, "code": "c", "scope": scope, **callback}), now)


def test_a_consent_leads_to_sealed_tokens(sign_in: OAuth, kept: AccessTokens, ledger: Path) -> None:
    """Who is connected is known, the access token works, and no token lies in the database in the clear."""
    assert come_back(sign_in) == "me"
    me = accounts.get("me")

    assert (me.connected, me.athlete_id, me.display_name, me.can_read) == (True, 1001, "Sam Sand", True)
    assert kept.get("me", NOW) == "access-1"
    assert b"refresh-1" not in ledger.read_bytes() + Path(f"{ledger}-wal").read_bytes()


def test_a_state_is_good_once_and_for_ten_minutes(sign_in: OAuth) -> None:
    """A second callback, a late one, and one with a made-up state are refused alike."""
    _, state = sign_in.consent_url("me", NOW)
    callback = Callback(state=state, code="c", scope=ALL)
    sign_in.complete(callback, NOW + 599)

    for late in (callback, Callback(state="made up", code="c", scope=ALL)):
        with pytest.raises(SignInFailed) as raised:
            sign_in.complete(late, NOW + 599)
        assert (raised.value.code, raised.value.status) == ("state", 400)
    with pytest.raises(SignInFailed):
        come_back(sign_in, now=NOW + 600)


def test_a_state_survives_a_restart(sign_in: OAuth, wire: Answers) -> None:
    """It is in the ledger, so another process can finish the sign-in."""
    _, state = sign_in.consent_url("me", NOW)
    restarted = oauth(strava(wire), tokens(strava(wire)))

    assert restarted.complete(Callback(state=state, code="c", scope=ALL), NOW + 1) == "me"


def test_an_unticked_box_is_noticed_before_the_code_is_spent(sign_in: OAuth, wire: Answers) -> None:
    """Without activity:write nothing can be uploaded; the other scopes may be missing."""
    with pytest.raises(SignInFailed) as raised:
        come_back(sign_in, scope="read,activity:read_all")
    come_back(sign_in, scope="read,activity:write")

    assert raised.value.code == "scope"
    assert wire.count("POST /oauth/token") == 1
    assert not accounts.get("me").can_read


def test_a_refusal_is_a_refusal(sign_in: OAuth) -> None:
    """Strava comes back with error=access_denied."""
    with pytest.raises(SignInFailed) as raised:
        come_back(sign_in, error="access_denied", code="", scope="")

    assert raised.value.code == "refused"
    assert raised.value.message == said.CONSENT_REFUSED(answer="access_denied")


def test_a_fresh_code_is_tried_three_times(sign_in: OAuth, wire: Answers, pauses: list[float]) -> None:
    """Strava refuses some codes for about two seconds."""
    bad = (400, refused("AuthorizationCode", "code", "invalid"))
    wire.to("POST /oauth/token", bad, bad, (200, grant()))

    assert come_back(sign_in) == "me"
    assert pauses == [2.0, 2.0]


def test_a_code_that_stays_refused_is_no_longer_valid(sign_in: OAuth, wire: Answers) -> None:
    """After the third try the person is asked to sign in again."""
    wire.to("POST /oauth/token", (400, refused("AuthorizationCode", "code", "invalid")))
    with pytest.raises(SignInFailed) as raised:
        come_back(sign_in)

    assert (raised.value.code, raised.value.status, wire.count("POST /oauth/token")) == ("code", 400, 3)


def test_strava_out_of_reach_is_said_so(sign_in: OAuth, wire: Answers) -> None:
    """With the status of a gateway's failure; nothing is connected."""
    wire.to("POST /oauth/token", httpx.ConnectError("no route"))
    with pytest.raises(SignInFailed) as raised:
        come_back(sign_in)

    assert (raised.value.code, raised.value.status) == ("unreachable", 502)
    assert not accounts.get("me").connected


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        ((400, refused("Application", "client_id", "invalid")), "app", "Application client_id invalid"),
        ((418, refused("Tea", "pot", "short")), "strava", "Tea pot short"),
        ((403, {"message": "Limit of connected athletes exceeded"}), "app", "with Upgrade on strava.com"),
        (httpx.ConnectError("no route"), "unreachable", "no route"),
    ],
)
def test_a_consent_that_fails_at_strava_says_what_strava_said(
    sign_in: OAuth, wire: Answers, answer: object, code: str, words: str
) -> None:
    """The person who signs in sees it, and nobody else does."""
    wire.to("POST /oauth/token", answer)
    with pytest.raises(SignInFailed) as raised:
        come_back(sign_in)

    assert raised.value.code == code
    assert words in str(raised.value.message)


def test_another_account_than_before_is_refused_until_disconnected(sign_in: OAuth, wire: Answers) -> None:
    """Somebody else's browser must not take a name over."""
    come_back(sign_in)
    wire.to("POST /oauth/token", (200, {**grant(), "athlete": {"id": 2002, "firstname": "Rae"}}))
    with pytest.raises(SignInFailed) as raised:
        come_back(sign_in)
    sign_in.disconnect("me")
    come_back(sign_in)

    assert raised.value.code == "account"
    assert raised.value.message == said.OTHER_ACCOUNT(who="Rae", athlete="me")
    assert accounts.get("me").athlete_id == 2002


def test_what_the_account_before_may_have_is_not_sent_to_the_next(
    sign_in: OAuth, wire: Answers, tmp_path: Path
) -> None:
    """It fails, and a person decides."""
    come_back(sign_in)
    job = a_job(tmp_path / "a.fit")
    sending(job.id)
    sign_in.disconnect("me")
    wire.to("POST /oauth/token", (200, account(2002)))
    come_back(sign_in)

    assert the(job.id).error_code == "other_account"


def account(athlete_id: int, access: str = "access-b", refresh: str = "refresh-b") -> dict[str, Any]:
    """An answer of the token endpoint for another Strava account."""
    return {**grant(access, refresh), "athlete": {"id": athlete_id, "firstname": "Rae"}}


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


def test_one_account_cannot_be_connected_for_two_athletes(
    sign_in: OAuth, kept: AccessTokens, wire: Answers
) -> None:
    """The second one is refused; the new pair becomes the first one's, which its grant may have ended."""
    come_back(sign_in)
    wire.to("POST /oauth/token", (200, grant("access-2", "refresh-2")))
    with pytest.raises(SignInFailed) as raised:
        come_back(sign_in, athlete="sam")

    assert raised.value.code == "taken"
    assert raised.value.message == said.ACCOUNT_TAKEN(who="Sam Sand", other="me")
    assert not accounts.get("sam").connected
    assert kept.get("me", NOW) == "access-2"
    assert wire.count("POST /oauth/revoke") == 0


def test_of_several_athletes_of_an_account_the_first_by_name_gets_the_new_pair(
    kept: AccessTokens, wire: Answers
) -> None:
    """They share it from before; whoever asks twice is told the same."""
    sign_in = OAuth(strava(wire), kept, athletes=("sam", "kim", "me"), redirect_uri=lambda: "http://x/")
    for name in ("sam", "me"):
        an_athlete(kept, name)
    wire.to("POST /oauth/token", (200, grant("access-2", "refresh-2")))
    with pytest.raises(SignInFailed) as raised:
        come_back(sign_in, athlete="kim")

    assert raised.value.message == said.ACCOUNT_TAKEN(who="Sam Sand", other="me")
    assert (kept.get("me", NOW), kept.get("sam", NOW)) == ("access-2", "access-1")


def test_a_pair_that_another_sign_in_gave_outdoes_one_that_was_not_written_yet(
    sign_in: OAuth, kept: AccessTokens, wire: Answers
) -> None:
    """The newest grant is the one that is alive."""
    an_athlete(kept, expires_in=10)
    wire.to("POST /oauth/token", (200, grant("access-2", "refresh-2")), (200, grant("access-3", "refresh-3")))
    with full_disk(), pytest.raises(DatabaseError):
        kept.get("me", NOW)
    with pytest.raises(SignInFailed):
        come_back(sign_in, athlete="sam")

    assert kept.get("me", NOW) == "access-3"


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


def test_a_narrower_grant_does_not_replace_the_other_athletes(
    sign_in: OAuth, kept: AccessTokens, wire: Answers
) -> None:
    """What it does not permit would be missing afterwards."""
    come_back(sign_in)
    wire.to("POST /oauth/token", (200, grant("access-2", "refresh-2")))
    with pytest.raises(SignInFailed):
        come_back(sign_in, athlete="sam", scope="read,activity:write")

    assert kept.get("me", NOW) == "access-1"
    assert wire.count("POST /oauth/revoke") == 0


def test_an_account_moves_to_the_new_name_when_the_settings_name_the_old_one_no_more(
    sign_in: OAuth, kept: AccessTokens
) -> None:
    """Nobody could disconnect the old name any more."""
    an_athlete(kept, "renamed")

    assert come_back(sign_in) == "me"
    assert not accounts.get("renamed").connected


def test_athletes_who_share_an_account_from_before_go_on(
    sign_in: OAuth, kept: AccessTokens, wire: Answers
) -> None:
    """Each can connect again; disconnecting one does not end the other's connection."""
    an_athlete(kept, "me")
    an_athlete(kept, "sam")
    assert accounts.sharing_an_account(["me", "sam"]) == [("me", "sam")]
    come_back(sign_in)
    sign_in.disconnect("sam")

    assert wire.count("POST /oauth/revoke") == 0
    assert revocations.pending_revocations() == []
    assert kept.get("me", NOW) == "access-1"
    assert accounts.sharing_an_account(["me", "sam"]) == []


def test_what_came_of_a_consent_can_be_asked_for(sign_in: OAuth) -> None:
    """The command that waits for it learns of success and of failure."""
    _, state = sign_in.consent_url("me", NOW)
    with pytest.raises(SignInFailed):
        sign_in.complete(Callback(state=state, error="access_denied"), NOW)
    consent = oauth_states.consent(digest(state))

    assert consent is not None
    assert consent.outcome == "refused"


@pytest.mark.parametrize(
    ("athlete", "shown"),
    [({"id": 1001, "firstname": "Sam", "lastname": "Sand"}, "Sam Sand"), (None, "me")],
)
def test_a_consent_that_led_to_a_connection_says_whose_account_it_is(
    sign_in: OAuth, wire: Answers, athlete: dict[str, Any] | None, shown: str
) -> None:
    """By the name on Strava, or else by the one in the settings."""
    wire.to("POST /oauth/token", (200, {**grant(), "athlete": athlete}))
    _, state = sign_in.consent_url("me", NOW)
    sign_in.complete(Callback(state=state, code="c", scope=ALL), NOW)
    consent = oauth_states.consent(digest(state))

    assert consent is not None
    assert (consent.outcome, str(consent.message)) == ("connected", shown)


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


def test_a_token_is_refreshed_five_minutes_before_its_end(kept: AccessTokens, wire: Answers) -> None:
    """Not earlier, so that Strava is asked as seldom as possible; the new pair is stored."""
    an_athlete(kept)
    wire.to("POST /oauth/token", (200, grant("access-2", "refresh-2", NOW + 50_000)))

    assert kept.get("me", NOW + 21_600 - 301) == "access-1"
    assert kept.get("me", NOW + 21_600 - 299) == "access-2"
    assert kept.get("me", NOW + 21_600) == "access-2"
    assert wire.count("POST /oauth/token") == 1


def test_the_new_pair_is_stored_before_it_is_handed_out(kept: AccessTokens, wire: Answers) -> None:
    """Strava kills the old refresh token at once: the next refresh uses the new one."""
    an_athlete(kept)
    wire.to("POST /oauth/token", (200, grant("access-2", "refresh-2")), (200, grant("access-3", "refresh-3")))
    kept.get("me", NOW, refused="access-1")
    kept.get("me", NOW, refused="access-2")

    assert b"refresh_token=refresh-1" in wire.asked[0].content
    assert b"refresh_token=refresh-2" in wire.asked[1].content


def test_three_workers_make_one_refresh(kept: AccessTokens, wire: Answers) -> None:
    """A second refresh with the same token would orphan the first one's answer."""
    an_athlete(kept, expires_in=10)
    got: list[str] = []
    wire.to("POST /oauth/token", (200, grant("access-2", "refresh-2")))
    workers = [threading.Thread(target=lambda: got.append(kept.get("me", NOW))) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert got == ["access-2"] * 3
    assert wire.count("POST /oauth/token") == 1


def test_three_workers_whose_token_was_refused_make_one_refresh(kept: AccessTokens, wire: Answers) -> None:
    """Whoever comes second has the new one already."""
    an_athlete(kept)
    wire.to("POST /oauth/token", (200, grant("access-2", "refresh-2")))

    assert [kept.get("me", NOW, refused="access-1") for _ in range(3)] == ["access-2"] * 3
    assert wire.count("POST /oauth/token") == 1


def test_nobody_connected_is_no_token(kept: AccessTokens) -> None:
    """The upload waits for the connection."""
    with pytest.raises(NotConnected):
        kept.get("me", NOW)


def test_a_key_that_opens_nothing_lets_the_tokens_go(kept: AccessTokens, wire: Answers) -> None:
    """At the start the athlete is asked to connect again; nothing crashes."""
    an_athlete(kept)
    other = AccessTokens(strava(wire), TokenCipher([new_key()]))

    assert other.check(["me", "you"], NOW) == ["me"]
    assert (accounts.get("me").connected, accounts.get("me").trouble) == (False, AuthProblem.KEY)
    assert other.check(["me", "you"], NOW) == []


def test_a_key_that_opens_nothing_any_more_lets_the_tokens_go(kept: AccessTokens) -> None:
    """Also while the daemon runs: no look at them would ever end otherwise."""
    an_athlete(kept)
    kept.use(TokenCipher([new_key()]))
    with pytest.raises(KeyFileError):
        kept.get("me", NOW)

    assert (accounts.get("me").connected, accounts.get("me").trouble) == (False, AuthProblem.KEY)


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


def test_strava_sends_the_browser_back_to_where_it_was_asked_from(sign_in: OAuth) -> None:
    """To the page's address, unless it was reached by another one."""
    usual, _ = sign_in.consent_url("me", NOW)
    other, _ = sign_in.consent_url("me", NOW, redirect_uri="http://nas.home/back")

    assert "redirect_uri=http%3A%2F%2F127.0.0.1%3A8480%2Fapi%2Fv1%2Fstrava%2Fcallback" in usual
    assert "redirect_uri=http%3A%2F%2Fnas.home%2Fback" in other


def test_a_consent_ends_in_the_browser_in_which_it_began(sign_in: OAuth) -> None:
    """Whoever saw the state cannot connect an account of their own; the try is not spent by it."""
    _, state = sign_in.consent_url("me", NOW, browser="mine")
    callback = Callback(state=state, code="c", scope=ALL)
    for browser in ("theirs", None):
        with pytest.raises(SignInFailed) as raised:
            sign_in.complete(callback, NOW, browser=browser)
        assert raised.value.code == "other_browser"

    assert sign_in.complete(callback, NOW, browser="mine") == "me"


def test_a_one_time_link_is_used_up_by_the_connection_it_led_to(sign_in: OAuth) -> None:
    """And not by a consent that failed."""
    oauth_states.create_link(digest("link"), "me", NOW)
    for callback, left in (({"error": "access_denied"}, "me"), ({"code": "c", "scope": ALL}, None)):
        _, state = sign_in.consent_url("me", NOW, link="link")
        with contextlib.suppress(SignInFailed):
            sign_in.complete(Callback(state=state, **callback), NOW)
        assert oauth_states.link_athlete(digest("link"), NOW) == left


def test_a_missing_permission_is_asked_for_again_by_force(sign_in: OAuth, kept: AccessTokens) -> None:
    """Strava skips its page for what was granted before, unless it is told not to."""
    an_athlete(kept)
    accounts.clear_tokens("me", AuthProblem.SCOPE, NOW)
    url, _ = sign_in.consent_url("me", NOW)

    assert "approval_prompt=force" in url


def test_a_refused_refresh_raises_the_fault(kept: AccessTokens, wire: Answers) -> None:
    """These tokens are gone; what it means for the upload, the policy decides."""
    an_athlete(kept, expires_in=10)
    wire.to("POST /oauth/token", (400, refused("RefreshToken", "refresh_token", "invalid")))
    with pytest.raises(StravaError):
        kept.get("me", NOW)

    assert (accounts.get("me").connected, accounts.get("me").trouble) == (False, AuthProblem.REVOKED)


def test_resealing_keeps_every_connection(kept: AccessTokens) -> None:
    """With the newest key alone the tokens open afterwards."""
    an_athlete(kept)
    kept.reencrypt()

    assert kept.get("me", NOW) == "access-1"


@pytest.mark.parametrize("hours", [-8766, -25, -7, -1, 1, 5.9, 6, 7, 9, 12, 20, 25, 8766])
def test_a_clock_that_is_wrong_makes_one_refresh_not_one_for_every_upload(
    kept: AccessTokens, wire: Answers, hours: float
) -> None:
    """A Pi without a clock of its own starts somewhere; what Strava says in seconds holds wherever."""
    here = NOW + hours * 3600
    an_athlete(kept, expires_in=here - NOW + 10)
    wire.to("POST /oauth/token", (200, grant("access-2", "refresh-2", NOW + 21_600)))
    for seconds in (0, 60, 3600, 21_000):
        assert kept.get("me", here + seconds) == "access-2"

    assert wire.count("POST /oauth/token") == 1


def test_two_athletes_never_share_a_token(kept: AccessTokens) -> None:
    """Each has a seal of its own: a row that was swapped opens nothing."""
    an_athlete(kept, "me")
    accounts.connect("kim", 1002, "Kim", ["activity:write"], accounts.sealed_tokens("me") or b"")

    assert kept.get("me", NOW) == "access-1"
    with pytest.raises(KeyFileError):
        kept.get("kim", NOW)


def opens(path: Path, athlete: str = "me") -> bool:
    """Whether what the key file holds opens an athlete's tokens, as after a restart."""
    sealed = accounts.sealed_tokens(athlete)
    assert sealed is not None
    with contextlib.suppress(KeyFileError):
        return bool(load(path, "later").decrypt(athlete, sealed))
    return False


class Interrupted(AccessTokens):
    """Tokens that are interrupted before a pair that was sealed is written, and after the keys were looked at."""

    def __init__(self, strava: Strava, cipher: TokenCipher) -> None:
        super().__init__(strava, cipher)
        self.meanwhile: Callable[[], None] = lambda: None

    def encrypt(self, athlete: str, grant: Grant) -> bytes:
        sealed = super().encrypt(athlete, grant)
        self.meanwhile()
        return sealed

    def keys(self) -> tuple[bytes, ...]:
        found = super().keys()
        self.meanwhile()
        return found


@pytest.mark.parametrize("other", ["rotation", "refresh", "sign-in"])
def test_a_rotation_and_whatever_else_seals_meanwhile_lose_no_token(
    wire: Answers, tmp_path: Path, other: str
) -> None:
    """An old key goes only when nothing is sealed with it, and nothing is about to be."""
    path = tmp_path / "key"
    kept = Interrupted(strava(wire), load(path, "now"))
    sign_in = oauth(strava(wire), kept)
    an_athlete(kept, expires_in=10)
    rotation = threading.Thread(target=lambda: rotate(path, kept))

    def meanwhile() -> None:
        if rotation.ident is None:
            rotation.start()
            rotation.join(0.3)  # it may have to wait for whoever is interrupted

    kept.meanwhile = meanwhile
    match other:
        case "rotation":
            rotate(path, kept)
        case "refresh":
            wire.to("POST /oauth/token", (200, grant("access-2", "refresh-2")))
            assert kept.get("me", NOW) == "access-2"
        case "sign-in":
            wire.to("POST /oauth/token", (200, account(2002)))
            come_back(sign_in, athlete="kim")
    rotation.join()

    assert opens(path)
    assert len(read_keys(path)) == 1
    assert other != "sign-in" or opens(path, "kim")


def test_a_rotation_keeps_what_the_running_daemon_can_open(wire: Answers, tmp_path: Path) -> None:
    """Whatever became of the key file in the meantime."""
    path = tmp_path / "key"
    kept = AccessTokens(strava(wire), load(path, "now"))
    an_athlete(kept)
    path.write_bytes(b"not a key\n")
    rotate(path, kept)

    assert opens(path)


def test_tokens_that_nobody_can_open_do_not_stop_a_rotation(wire: Answers, tmp_path: Path) -> None:
    """They may be of an athlete who is in the settings no more."""
    path = tmp_path / "key"
    kept = AccessTokens(strava(wire), load(path, "now"))
    an_athlete(tokens(strava(wire)), "gone")
    an_athlete(kept)
    rotate(path, kept)

    assert opens(path)
    assert not opens(path, "gone")


@pytest.mark.parametrize("later", ["another request", "the supervisor", "the end"])
def test_a_pair_that_cannot_be_written_is_kept_until_it_can(
    kept: AccessTokens, wire: Answers, later: str
) -> None:
    """The old refresh token is dead by then: without the new one the connection would be lost."""
    an_athlete(kept, expires_in=10)
    wire.to("POST /oauth/token", (200, grant("access-2", "refresh-2")))
    with full_disk(), pytest.raises(DatabaseError):
        kept.get("me", NOW)
    match later:
        case "another request":
            assert kept.get("me", NOW) == "access-2"
        case "the supervisor":
            kept.write_unwritten()
        case "the end":
            kept.close()
    restarted = AccessTokens(strava(wire), TokenCipher(list(kept.keys())))

    assert restarted.get("me", NOW) == "access-2"
    assert wire.count("POST /oauth/token") == 1


def test_a_pair_that_was_not_written_yet_is_the_one_that_is_revoked(
    sign_in: OAuth, kept: AccessTokens, wire: Answers
) -> None:
    """The old one is nothing to Strava any more."""
    an_athlete(kept, expires_in=10)
    wire.to("POST /oauth/token", (200, grant("access-2", "refresh-2")))
    with full_disk(), pytest.raises(DatabaseError):
        kept.get("me", NOW)
    sign_in.disconnect("me")

    assert wire.asked[-1].content == b"token=refresh-2"


def test_a_new_sign_in_outdoes_a_pair_that_was_not_written_yet(
    sign_in: OAuth, kept: AccessTokens, wire: Answers
) -> None:
    """It belongs to the connection before."""
    an_athlete(kept, expires_in=10)
    wire.to("POST /oauth/token", (200, grant("access-2", "refresh-2")), (200, grant("access-3", "refresh-3")))
    with full_disk(), pytest.raises(DatabaseError):
        kept.get("me", NOW)
    come_back(sign_in)
    kept.write_unwritten()

    assert kept.get("me", NOW) == "access-3"


def test_the_end_waits_for_a_refresh_that_is_under_way(kept: AccessTokens, wire: Answers) -> None:
    """An answer that nobody takes costs the connection."""
    an_athlete(kept, expires_in=10)
    wire.to("POST /oauth/token", (200, grant("access-2", "refresh-2")))
    asked, answered = threading.Event(), threading.Event()

    def answer_late() -> None:
        asked.set()
        answered.wait(60)

    wire.while_asked = answer_late
    worker = threading.Thread(target=lambda: kept.get("me", NOW))
    end = threading.Thread(target=kept.close)
    worker.start()
    assert asked.wait(60)
    end.start()
    end.join(0.2)
    assert end.is_alive()
    answered.set()
    end.join(60)

    restarted = AccessTokens(strava(wire), TokenCipher(list(kept.keys())))
    assert restarted.get("me", NOW) == "access-2"
    worker.join()


def test_no_refresh_begins_after_the_end(kept: AccessTokens, wire: Answers) -> None:
    """The upload waits for the next start; a token that is good stays good."""
    an_athlete(kept)
    kept.close()

    assert kept.get("me", NOW) == "access-1"
    with pytest.raises(NotConnected):
        kept.get("me", NOW + 21_600)
    assert wire.asked == []
