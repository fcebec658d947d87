"""How tokens are sealed and opened."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from fitferry.auth import token_cipher
from fitferry.core.errors import KeyFileError
from fitferry.core.strava import Grant

GRANT = Grant("access", "secret", 1.5)


def test_what_is_sealed_opens_for_its_purpose_alone() -> None:
    """The tokens of one athlete can never be taken for another's."""
    box = token_cipher.TokenCipher([token_cipher.new_key()])
    sealed = box.encrypt("me", GRANT)

    assert box.decrypt("me", sealed) == GRANT
    assert b"secret" not in sealed
    with pytest.raises(KeyFileError):
        box.decrypt("you", sealed)


def test_an_older_key_still_opens_and_the_newest_one_seals() -> None:
    """So that keys can be changed without losing a connection."""
    old, new = token_cipher.new_key(), token_cipher.new_key()
    sealed = token_cipher.TokenCipher([old]).encrypt("me", GRANT)
    both = token_cipher.TokenCipher([new, old])

    assert both.decrypt("me", sealed) == GRANT
    assert token_cipher.TokenCipher([new]).decrypt("me", both.reencrypt(sealed)) == GRANT
    with pytest.raises(KeyFileError):
        token_cipher.TokenCipher([new]).decrypt("me", sealed)


def test_a_missing_key_file_is_made_for_the_owner_alone(tmp_path: Path) -> None:
    """And read again at the next start."""
    path = tmp_path / "key"
    sealed = token_cipher.load(path, "now").encrypt("me", GRANT)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert token_cipher.load(path, "now").decrypt("me", sealed) == GRANT
    assert [entry.name for entry in tmp_path.iterdir()] == ["key"]


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """The message says how to mend it."""
    path = tmp_path / "key"
    token_cipher.load(path, "now")
    path.chmod(0o640)

    with pytest.raises(KeyFileError, match="chmod 600"):
        token_cipher.load(path, "now")


@pytest.mark.parametrize("content", [b"", b"not a key\n", b"AAAA\nBBBB\n"])
def test_a_broken_key_file_is_set_aside_not_lost(tmp_path: Path, content: bytes) -> None:
    """The daemon runs with a new key, and what was there can still be looked at."""
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(0o600)
    token_cipher.load(path, "now")

    assert content == (tmp_path / "key.broken-now").read_bytes()
    assert len(token_cipher.read_keys(path)) == 1


def test_a_key_file_in_a_folder_that_is_not_there_is_explained(tmp_path: Path) -> None:
    """No traceback, and the path in the message."""
    with pytest.raises(KeyFileError, match="missing"):
        token_cipher.load(tmp_path / "missing" / "key", "now")


def test_what_a_killed_change_of_the_key_left_is_in_nobodys_way(tmp_path: Path) -> None:
    """A half written file that never became the key."""
    (tmp_path / ".key.part").write_bytes(b"half")
    token_cipher.write_keys(tmp_path / "key", [key := token_cipher.new_key()])

    assert token_cipher.read_keys(tmp_path / "key") == [key]
    assert [entry.name for entry in tmp_path.iterdir()] == ["key"]


@pytest.mark.parametrize("is_credential", [True, False])
def test_a_key_that_systemd_hands_to_the_unit_may_look_open_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_credential: bool
) -> None:
    """Its mode inside the unit says nothing; a file elsewhere is judged as always."""
    token_cipher.load(tmp_path / "key", "now")
    (tmp_path / "key").chmod(0o440)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path if is_credential else tmp_path / "elsewhere"))

    if is_credential:
        assert len(token_cipher.read_keys(tmp_path / "key")) == 1
    else:
        with pytest.raises(KeyFileError):
            token_cipher.read_keys(tmp_path / "key")
