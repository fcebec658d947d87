"""An athlete's pair of tokens is refreshed once for all who need it, and stored before it is used."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from fakes import (
    NOW,
    Answers,
    an_athlete,
    come_back,
    grant,
    refused,
    strava,
)
from fitferry.auth.access_tokens import AccessTokens
from fitferry.auth.oauth import OAuth
from fitferry.auth.token_cipher import TokenCipher, new_key
from fitferry.core.errors import KeyFileError, NotConnected, SignInFailed, StravaError
from fitferry.core.upload import AuthProblem
from fitferry.storage import accounts
from fitferry.storage.database import DatabaseError
from ledger_statements import full_disk

pytestmark = pytest.mark.usefixtures("ledger")


def refresh_on_a_full_disk(kept: AccessTokens, wire: Answers, *later: dict[str, Any]) -> None:
    """Strava gives an athlete's second pair, which cannot be written down; `later`: the grants after it."""
    an_athlete(kept, expires_in=10)
    wire.to("POST /oauth/token", *((200, pair) for pair in (grant("access-2", "refresh-2"), *later)))
    with full_disk(), pytest.raises(DatabaseError):
        kept.get("me", NOW)


def test_a_pair_that_another_sign_in_gave_outdoes_one_that_was_not_written_yet(
    sign_in: OAuth, kept: AccessTokens, wire: Answers
) -> None:
    """The newest grant is the one that is alive."""
    refresh_on_a_full_disk(kept, wire, grant("access-3", "refresh-3"))
    with pytest.raises(SignInFailed):
        come_back(sign_in, athlete="sam")

    assert kept.get("me", NOW) == "access-3"


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


def test_a_refused_refresh_raises_the_fault(kept: AccessTokens, wire: Answers) -> None:
    """These tokens are gone; what it means for the upload, the policy decides."""
    an_athlete(kept, expires_in=10)
    wire.to("POST /oauth/token", (400, refused("RefreshToken", "refresh_token", "invalid")))
    with pytest.raises(StravaError):
        kept.get("me", NOW)

    assert (accounts.get("me").connected, accounts.get("me").trouble) == (False, AuthProblem.REVOKED)


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


@pytest.mark.parametrize("later", ["another request", "the supervisor", "the end"])
def test_a_pair_that_cannot_be_written_is_kept_until_it_can(
    kept: AccessTokens, wire: Answers, later: str
) -> None:
    """The old refresh token is dead by then: without the new one the connection would be lost."""
    refresh_on_a_full_disk(kept, wire)
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
    refresh_on_a_full_disk(kept, wire)
    sign_in.disconnect("me")

    assert wire.asked[-1].content == b"token=refresh-2"


def test_a_new_sign_in_outdoes_a_pair_that_was_not_written_yet(
    sign_in: OAuth, kept: AccessTokens, wire: Answers
) -> None:
    """It belongs to the connection before."""
    refresh_on_a_full_disk(kept, wire, grant("access-3", "refresh-3"))
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
