"""Encryption of the stored tokens, and the key file. Owns cryptography.

The key file holds Fernet keys, one a line, newest first: the first one encrypts, every one decrypts. A key
beside the database keeps a leaked copy of the database harmless; it does not help against somebody who can
read the whole state folder.
"""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from fitferry.core.errors import KeyFileError
from fitferry.core.messages import system
from fitferry.core.strava import Grant
from fitferry.system import durable_io

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class TokenCipher:
    """The keys of one key file, read once."""

    def __init__(self, keys: list[bytes]) -> None:
        self.keys = tuple(keys)
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    def encrypt(self, athlete: str, grant: Grant) -> bytes:
        """Encrypt a pair of tokens together with whose it is, which Fernet itself cannot tell."""
        values = {
            "purpose": athlete,
            "access_token": grant.access_token,
            "refresh_token": grant.refresh_token,
            "expires_at": grant.expires_at,
        }
        return self._fernet.encrypt(json.dumps(values).encode())

    def decrypt(self, athlete: str, sealed: bytes) -> Grant:
        """The pair that was encrypted for an athlete. Raises KeyFileError where no key decrypts it, or it is another's."""
        try:
            values = json.loads(self._fernet.decrypt(sealed))
        except InvalidToken as error:
            raise KeyFileError(system.KEY_IS_ANOTHER()) from error
        if values["purpose"] != athlete:
            raise KeyFileError(system.TOKENS_OF_ANOTHER())
        return Grant(values["access_token"], values["refresh_token"], values["expires_at"])

    def reencrypt(self, sealed: bytes) -> bytes:
        """The same, encrypted with the newest key. Raises KeyFileError."""
        try:
            return self._fernet.rotate(sealed)
        except InvalidToken as error:
            raise KeyFileError(system.KEY_IS_ANOTHER()) from error


def load(path: Path, stamp: str) -> TokenCipher:
    """The cipher of a key file, which is made if it is absent. Raises KeyFileError.

    A file that holds no keys is renamed to `….broken-STAMP`: what it encrypted cannot be read, and athletes
    can connect again with a new one.
    """
    keys = read_keys(path) if path.exists() else []
    if not keys:
        _set_aside(path, stamp)
        keys = [Fernet.generate_key()]
        write_keys(path, keys)
    return TokenCipher(keys)


def read_keys(path: Path) -> list[bytes]:
    """The keys of a file, newest first, none if something else is in it. Raises KeyFileError."""
    try:
        # systemd's credentials are for their unit alone, whatever their mode looks like from inside.
        if path.stat().st_mode & _OTHERS and not _is_credential(path):
            raise KeyFileError(system.KEY_OPEN(path=str(path)))
        keys = path.read_bytes().split()
    except OSError as error:
        raise KeyFileError(
            system.KEY_UNREADABLE(path=str(path), reason=system.from_os_error(error))
        ) from error
    return keys if all(map(_is_key, keys)) else []


def _is_credential(path: Path) -> bool:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    return folder is not None and path.parent == Path(folder)


def _is_key(key: bytes) -> bool:
    try:
        Fernet(key)
    except ValueError:
        return False
    return True


def _set_aside(path: Path, stamp: str) -> None:
    try:
        if path.exists():
            path.rename(path.with_name(f"{path.name}.broken-{stamp}"))
    except OSError as error:
        raise KeyFileError(
            system.KEY_NOT_REPLACED(path=str(path), reason=system.from_os_error(error))
        ) from error


def write_keys(path: Path, keys: list[bytes]) -> None:
    """Write a key file whole and down to the disk, for the owner alone. Raises KeyFileError."""
    scratch = path.with_name(f".{path.name}.part")
    try:
        scratch.unlink(missing_ok=True)
        durable_io.write_new(scratch, b"\n".join(keys) + b"\n")
        scratch.replace(path)
        durable_io.sync(path.parent)
    except OSError as error:
        raise KeyFileError(
            system.KEY_NOT_WRITTEN(path=str(path), reason=system.from_os_error(error))
        ) from error


def new_key() -> bytes:
    """A fresh key."""
    return Fernet.generate_key()
