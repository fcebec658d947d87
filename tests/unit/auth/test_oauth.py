"""Signing in, handing out fresh access tokens, forgetting."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import httpx
import pytest

from fakes import (
    ALL_SCOPES,
    NOW,
    Answers,
    a_job,
    account,
    an_athlete,
    come_back,
    grant,
    oauth,
    refused,
    sending,
    strava,
    the,
    tokens,
)
from fitferry.auth.access_tokens import AccessTokens
from fitferry.auth.oauth import Callback, OAuth, digest
from fitferry.core.errors import SignInFailed
from fitferry.core.messages import sign_in as said
from fitferry.core.upload import AuthProblem
from fitferry.storage import accounts, oauth_states, revocations

pytestmark = pytest.mark.usefixtures("ledger")


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
    callback = Callback(state=state, code="c", scope=ALL_SCOPES)
    sign_in.complete(callback, NOW + 599)

    for late in (callback, Callback(state="made up", code="c", scope=ALL_SCOPES)):
        with pytest.raises(SignInFailed) as raised:
            sign_in.complete(late, NOW + 599)
        assert (raised.value.code, raised.value.status) == ("state", 400)
    with pytest.raises(SignInFailed):
        come_back(sign_in, now=NOW + 600)


def test_a_state_survives_a_restart(sign_in: OAuth, wire: Answers) -> None:
    """It is in the ledger, so another process can finish the sign-in."""
    _, state = sign_in.consent_url("me", NOW)
    restarted = oauth(strava(wire), tokens(strava(wire)))

    assert restarted.complete(Callback(state=state, code="c", scope=ALL_SCOPES), NOW + 1) == "me"


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
        (
            (403, {"message": "Limit of connected athletes exceeded"}),
            "app",
            "Limit of connected athletes exceeded",
        ),
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


def test_no_token_is_handed_out_while_a_sign_in_replaces_the_pair(
    sign_in: OAuth, kept: AccessTokens, wire: Answers
) -> None:
    """A refresh of the old pair meanwhile would overwrite the new one."""
    an_athlete(kept)
    handed_out = [kept.has_valid("me", NOW)]
    wire.while_asked = lambda: handed_out.append(kept.has_valid("me", NOW))
    come_back(sign_in)

    assert handed_out == [True, False]


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
    sign_in.complete(Callback(state=state, code="c", scope=ALL_SCOPES), NOW)
    consent = oauth_states.consent(digest(state))

    assert consent is not None
    assert (consent.outcome, str(consent.message)) == ("connected", shown)


def test_strava_sends_the_browser_back_to_where_it_was_asked_from(sign_in: OAuth) -> None:
    """To the page's address, unless it was reached by another one."""
    usual, _ = sign_in.consent_url("me", NOW)
    other, _ = sign_in.consent_url("me", NOW, redirect_uri="http://nas.home/back")

    assert "redirect_uri=http%3A%2F%2F127.0.0.1%3A8480%2Fapi%2Fv1%2Fstrava%2Fcallback" in usual
    assert "redirect_uri=http%3A%2F%2Fnas.home%2Fback" in other


def test_a_consent_ends_in_the_browser_in_which_it_began(sign_in: OAuth) -> None:
    """Whoever saw the state cannot connect an account of their own; the try is not spent by it."""
    _, state = sign_in.consent_url("me", NOW, browser="mine")
    callback = Callback(state=state, code="c", scope=ALL_SCOPES)
    for browser in ("theirs", None):
        with pytest.raises(SignInFailed) as raised:
            sign_in.complete(callback, NOW, browser=browser)
        assert raised.value.code == "other_browser"

    assert sign_in.complete(callback, NOW, browser="mine") == "me"


def test_a_one_time_link_is_used_up_by_the_connection_it_led_to(sign_in: OAuth) -> None:
    """And not by a consent that failed."""
    oauth_states.create_link(digest("link"), "me", NOW)
    for callback, left in (({"error": "access_denied"}, "me"), ({"code": "c", "scope": ALL_SCOPES}, None)):
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
