"""What the tests of sign-in and tokens share."""

from __future__ import annotations

import pytest

from fakes import Answers, grant, oauth, strava, tokens
from fitferry.auth.access_tokens import AccessTokens
from fitferry.auth.oauth import OAuth


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
