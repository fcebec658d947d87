"""Named tokens: kept by their digests, unique by their names, gone once they are revoked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fakes import NOW
from fitferry.core.api_tokens import ApiToken, Permission
from fitferry.storage import api_tokens
from fitferry.storage.api_tokens import NOTED_SECONDS

pytestmark = pytest.mark.usefixtures("ledger")
READER = ApiToken("monitor", Permission.READ, None, NOW, None)
BRINGER = ApiToken("bike", Permission.UPLOAD, "me", NOW, None)


def test_a_token_is_known_by_the_digest_of_its_secret_alone() -> None:
    """As it was made: with its permission, and the athlete whom it brings files for."""
    assert api_tokens.add(BRINGER, "digest")

    assert api_tokens.use("digest", NOW) == BRINGER
    assert api_tokens.use("another", NOW) is None


def test_a_name_is_given_once() -> None:
    """A second token of that name changes nothing about the first."""
    assert api_tokens.add(READER, "first")
    assert not api_tokens.add(replace(BRINGER, name=READER.name), "second")

    assert api_tokens.use("second", NOW) is None
    assert api_tokens.listed() == [READER]


@pytest.mark.parametrize(
    ("later", "noted"),
    [(NOTED_SECONDS - 1, NOW), (NOTED_SECONDS, NOW + NOTED_SECONDS), (-NOTED_SECONDS, NOW - NOTED_SECONDS)],
)
def test_the_last_use_is_noted_once_an_hour(later: float, noted: float) -> None:
    """A monitor that asks every second writes once an hour, and a clock set back does not stop that."""
    api_tokens.add(READER, "digest")
    api_tokens.use("digest", NOW)
    api_tokens.use("digest", NOW + later)

    assert [token.last_used_at for token in api_tokens.listed()] == [noted]


def test_a_revoked_token_is_good_for_nothing() -> None:
    """The others go on; they are listed by their names."""
    for token, digest in ((READER, "first"), (BRINGER, "second"), (replace(BRINGER, name="car"), "third")):
        api_tokens.add(token, digest)
    assert api_tokens.revoke("car")
    assert not api_tokens.revoke("car")

    assert api_tokens.use("third", NOW) is None
    assert [token.name for token in api_tokens.listed()] == ["bike", "monitor"]
