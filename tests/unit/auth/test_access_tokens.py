"""When an access token is handed out, refreshed, cleared, or waited for."""

from __future__ import annotations

import threading

import pytest

from fakes import NOW, Answers, an_athlete, grant, refused, strava
from fitferry.auth.access_tokens import AccessTokens, by_our_clock
from fitferry.auth.token_cipher import TokenCipher, new_key
from fitferry.core.errors import KeyFileError, NotConnected, StravaError
from fitferry.core.messages import sign_in
from fitferry.core.strava import Grant, StravaErrorKind
from fitferry.core.upload import AuthProblem
from fitferry.storage import accounts
from fitferry.storage.database import DatabaseError
from ledger_statements import full_disk

END = NOW + 21_600
"""When the access token of `an_athlete` ends."""
LAST_MOMENT = END - 300
"""It is used until then."""

pytestmark = pytest.mark.usefixtures("ledger")


class CountingCipher(TokenCipher):
    """Counts what it decrypts."""

    decrypted = 0

    def decrypt(self, athlete: str, sealed: bytes) -> Grant:
        """As always."""
        self.decrypted += 1
        return super().decrypt(athlete, sealed)


@pytest.fixture
def wire() -> Answers:
    """Strava's side of the wire, where each refresh gives the second pair."""
    answers = Answers()
    answers.to("POST /oauth/token", (200, grant("access-2", "refresh-2", END + 21_600)))
    return answers


@pytest.fixture
def cipher() -> CountingCipher:
    """A fresh key."""
    return CountingCipher([new_key()])


@pytest.fixture
def kept(wire: Answers, cipher: CountingCipher) -> AccessTokens:
    """The tokens under test, with one athlete connected."""
    made = AccessTokens(strava(wire), cipher)
    an_athlete(made)
    return made


@pytest.mark.parametrize(("now", "token"), [(LAST_MOMENT, "access-1"), (LAST_MOMENT + 1, "access-2")])
def test_an_access_token_is_used_until_five_minutes_before_its_end(
    kept: AccessTokens, now: float, token: str
) -> None:
    """An upload may take that long."""
    assert kept.has_valid("me", now) is (token == "access-1")  # no secret
    assert kept.get("me", now) == token
    assert kept.has_valid("me", now)


def test_a_pair_is_decrypted_once_until_another_is_stored(kept: AccessTokens, cipher: CountingCipher) -> None:
    """Each look at a job asks for it."""
    for _ in range(3):
        kept.get("me", NOW)

    assert cipher.decrypted == 1


def test_who_is_not_connected_has_no_valid_token_and_is_named(kept: AccessTokens) -> None:
    """The upload says whose connection it waits for."""
    assert not kept.has_valid("sam", NOW)
    with pytest.raises(NotConnected) as raised:
        kept.get("sam", NOW)

    assert raised.value.message == sign_in.NOT_SIGNED_IN(athlete="sam")


def test_a_token_that_is_being_refreshed_is_not_waited_for(kept: AccessTokens) -> None:
    """A ride's admission asks, and must not hang behind Strava; afterwards it is valid again."""
    with kept.locked("me"):
        assert not kept.has_valid("me", NOW)

    assert kept.has_valid("me", NOW)


@pytest.mark.parametrize(("token", "connected"), [("access-1", False), ("access-0", True)])
def test_only_the_pair_whose_token_was_refused_is_cleared(
    kept: AccessTokens, token: str, *, connected: bool
) -> None:
    """Not one that was stored since; why is kept for the person who has to connect again."""
    kept.clear("me", AuthProblem.SCOPE, token, NOW)

    assert accounts.get("me").connected is connected
    assert accounts.get("me").trouble is (None if connected else AuthProblem.SCOPE)
    assert kept.has_valid("me", NOW) is connected


@pytest.fixture
def unwritten(kept: AccessTokens) -> AccessTokens:
    """Tokens with a refreshed pair that could not be written."""
    with full_disk(), pytest.raises(DatabaseError):
        kept.get("me", LAST_MOMENT + 1)
    return kept


def test_a_refreshed_pair_that_strava_refuses_is_cleared_although_it_was_never_written(
    unwritten: AccessTokens,
) -> None:
    """It is not handed out again."""
    unwritten.clear("me", AuthProblem.SCOPE, "access-2", NOW)

    with pytest.raises(NotConnected):
        unwritten.get("me", NOW)


def test_what_is_written_later_keeps_nobody_out(unwritten: AccessTokens) -> None:
    """Neither is a refresh under way waited for, nor is the athlete's lock kept."""
    with unwritten.locked("me"):
        writer = threading.Thread(target=unwritten.write_unwritten, daemon=True)
        writer.start()
        writer.join(10)
        assert not writer.is_alive()
    unwritten.write_unwritten()

    assert unwritten.has_valid("me", END)


def test_no_pair_outlives_the_key_that_decrypts_it(kept: AccessTokens) -> None:
    """Also one that was decrypted before."""
    kept.get("me", NOW)
    kept.use(TokenCipher([new_key()]))

    with pytest.raises(KeyFileError):
        kept.get("me", NOW)


@pytest.mark.parametrize(("expires_in", "end"), [(None, 5.0), (60.0, NOW + 60)])
def test_a_pair_ends_by_our_clock_where_strava_says_in_how_many_seconds(
    expires_in: float | None, end: float
) -> None:
    """Else by Strava's."""
    assert by_our_clock(Grant("a", "r", 5.0, expires_in=expires_in), NOW).expires_at == end


def test_a_refused_grant_ends_the_connection_and_another_refusal_does_not(
    kept: AccessTokens, wire: Answers
) -> None:
    """A gateway in between may refuse anything."""
    wire.to("POST /oauth/token", (403, b"no"), (400, refused("RefreshToken", "refresh_token", "invalid")))
    with pytest.raises(StravaError):
        kept.get("me", END)
    assert accounts.get("me").connected
    with pytest.raises(StravaError):
        kept.get("me", END)

    assert accounts.get("me").trouble is AuthProblem.REVOKED


@pytest.mark.parametrize(
    "answer",
    [
        *((status, b"<html>blocked</html>") for status in (200, 302, 400, 401, 403, 407, 413, 451, 500)),
        *((status, b"") for status in (200, 302, 400, 401, 403, 407, 413, 451, 500)),
        *((status, {"message": "no"}) for status in (200, 302, 400, 401, 403, 407, 413, 451, 500)),
        (400, {"error": "invalid_grant"}),
        (401, {"status": "invalid"}),
        (400, refused("RefreshToken", "refresh_token", "missing")),
        (400, refused("Application", "client_id", "missing")),
        (401, refused("Athlete", "activity:write_permission", "missing")),
        (200, {"access_token": "portal"}),
        (200, {"access_token": 1, "refresh_token": 2, "expires_at": 3}),
    ],
)
def test_only_strava_itself_ends_a_sign_in(kept: AccessTokens, wire: Answers, answer: object) -> None:
    """Whatever else answers in its place: the pair stays, and the next refresh goes on with it."""
    wire.to("POST /oauth/token", answer, (200, grant("access-2", "refresh-2", END + 21_600)))
    with pytest.raises(StravaError) as raised:
        kept.get("me", END)

    assert raised.value.kind not in {StravaErrorKind.SCOPE_MISSING, StravaErrorKind.BAD_FILE}
    assert accounts.get("me").connected
    assert kept.get("me", END) == "access-2"


def test_a_pair_that_does_not_say_when_it_ends_is_kept_and_refreshed_before_its_next_use(
    kept: AccessTokens, wire: Answers
) -> None:
    """The old pair is dead by then."""
    odd = {**grant("access-2", "refresh-2", END), "expires_at": "soon", "expires_in": None, "athlete": "me"}
    wire.to("POST /oauth/token", (200, odd), (200, grant("access-3", "refresh-3", END + 21_600)))
    assert kept.get("me", END) == "access-2"
    assert kept.get("me", END) == "access-3"

    assert b"refresh-2" in wire.asked[1].content
