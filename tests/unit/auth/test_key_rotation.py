"""A change of the key, whatever else happens meanwhile."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path

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
    tokens,
)
from fitferry.auth.access_tokens import AccessTokens
from fitferry.auth.key_rotation import rotate
from fitferry.auth.token_cipher import TokenCipher, load, new_key, read_keys
from fitferry.core.errors import KeyFileError
from fitferry.core.strava import Grant
from fitferry.storage import accounts
from fitferry.strava import Strava
from ledger_statements import each_statement

pytestmark = pytest.mark.usefixtures("ledger")


def test_resealing_keeps_every_connection(kept: AccessTokens) -> None:
    """With the newest key alone the tokens open afterwards."""
    an_athlete(kept)
    newest = new_key()
    kept.use(TokenCipher([newest, *kept.keys()]))
    kept.reencrypt()
    kept.use(TokenCipher([newest]))

    assert kept.get("me", NOW) == "access-1"


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


def test_a_change_of_the_key_has_both_on_the_disk_until_no_pair_needs_the_old_one(
    wire: Answers, tmp_path: Path
) -> None:
    """Killed in between, every pair can still be decrypted; afterwards only the new key is used."""
    path = tmp_path / "key"
    kept = AccessTokens(strava(wire), load(path, "now"))
    an_athlete(kept)
    (old,) = read_keys(path)
    there: list[list[bytes]] = []

    def look(statement: str, _values: object) -> None:
        if statement.startswith('UPDATE "athlete"'):
            there.append(read_keys(path))

    with each_statement(look):
        rotate(path, kept)
    (new,) = read_keys(path)

    assert there == [[new, old]]
    assert kept.keys() == (new,)
