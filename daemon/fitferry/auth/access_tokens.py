"""Access tokens that work, one refresh for all who need one.

Locks: each athlete has one, held from the look at the stored pair until a refreshed one is written, through the
request to Strava: whoever comes second finds the new pair. `sealing` is held from the encryption of a pair until it
is written, and for the whole change of a key. Order: an athlete's lock, then `sealing`; a thread that holds two
athletes' locks holds `OAuth`'s account lock first. A refreshed pair is stored before it is used: Strava ends the old
refresh token at once, so a pair that is lost is a connection lost.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from fitferry.auth.token_cipher import TokenCipher
from fitferry.core.errors import KeyFileError, NotConnected, StravaError
from fitferry.core.messages import sign_in
from fitferry.core.strava import Grant, StravaErrorKind
from fitferry.core.upload import AuthProblem
from fitferry.storage import accounts, revocations
from fitferry.storage.database import DatabaseError
from fitferry.strava import Strava
from fitferry.strava.client import REQUEST_DEADLINE

REFRESH_AHEAD = 300.0
"""Seconds before its end from which an access token is not used any more."""
CLOSE_SECONDS = REQUEST_DEADLINE + 2.0
"""Seconds that a stop waits for refreshes under way: none takes longer."""


class AccessTokens:
    """The token pairs of every athlete: handed out, refreshed, stored encrypted."""

    def __init__(self, strava: Strava, cipher: TokenCipher) -> None:
        self.sealing = threading.RLock()
        self._strava = strava
        self._cipher = cipher
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._unwritten: dict[str, Grant] = {}
        self._opened: dict[str, tuple[bytes, Grant]] = {}
        """The last pair decrypted for each athlete, and the stored bytes that it was in."""
        self._closed = False

    def get(self, athlete: str, now: float, *, refused: str = "") -> str:
        """An access token that will work for the next minutes, another one than Strava has `refused`.

        Raises NotConnected, KeyFileError, or the StravaError of the refresh. A pair whose refresh token Strava
        refuses is cleared.
        """
        with self._locks[athlete]:
            grant = self._stored(athlete, now)
            if grant.access_token == refused or grant.expires_at - now < REFRESH_AHEAD:
                grant = self._unwritten[athlete] = self._refreshed(athlete, grant, now)
            self.write(athlete)
            return grant.access_token

    def has_valid(self, athlete: str, now: float) -> bool:
        """Whether there is an access token that needs no refresh; waits for nobody."""
        lock = self._locks[athlete]
        if not lock.acquire(blocking=False):
            return False  # it is being refreshed
        try:
            return self._stored(athlete, now).expires_at - now >= REFRESH_AHEAD
        except (NotConnected, KeyFileError):
            return False
        finally:
            lock.release()

    def clear(self, athlete: str, trouble: AuthProblem, refused: str, now: float) -> None:
        """Clear the pair whose access token Strava has refused, and not one that was stored since."""
        with self._locks[athlete], self.sealing, contextlib.suppress(KeyFileError, NotConnected):
            if self._stored(athlete, now).access_token == refused:
                self._clear(athlete, trouble, accounts.sealed_tokens(athlete), now)

    def locked(self, athlete: str) -> contextlib.AbstractContextManager[bool]:
        """Keep refreshes of an athlete out; see the order of locks above."""
        return self._locks[athlete]

    def encrypt(self, athlete: str, grant: Grant) -> bytes:
        """A pair as it is stored; `sealing` has to be held until it is."""
        return self._cipher.encrypt(athlete, grant)

    def refresh_token(self, athlete: str, sealed: bytes) -> str:
        """The refresh token in stored bytes. Raises KeyFileError."""
        with self.sealing:
            return self._cipher.decrypt(athlete, sealed).refresh_token

    def drop_unwritten(self, athlete: str) -> None:
        """Forget a refreshed pair that is not written: a new connection has replaced it. Needs the athlete's lock."""
        self._unwritten.pop(athlete, None)

    def write_unwritten(self) -> None:
        """Write refreshed pairs that could not be written: the disk was full, or the database locked."""
        for name in list(self._unwritten):
            if self._locks[name].acquire(blocking=False):  # else another thread is writing it
                try:
                    with contextlib.suppress(DatabaseError):  # the database's health says so to everybody
                        self.write(name)
                finally:
                    self._locks[name].release()

    def write(self, athlete: str) -> None:
        """Store an athlete's refreshed pair if it is not stored yet. Needs the athlete's lock.

        Until that works it is kept here, because the old one is dead.
        """
        grant = self._unwritten.get(athlete)
        if grant is not None:
            with self.sealing:
                accounts.update_tokens(athlete, self.encrypt(athlete, grant))
            del self._unwritten[athlete]

    def close(self) -> None:
        """Let no refresh begin any more, and wait for those under way: an answer that nobody takes costs the connection."""
        self._closed = True
        end = time.monotonic() + CLOSE_SECONDS
        for lock in list(self._locks.values()):
            if lock.acquire(timeout=max(0.0, end - time.monotonic())):
                lock.release()
        self.write_unwritten()

    def check(self, names: Iterable[str], now: float) -> list[str]:
        """Clear the pairs that the key does not decrypt (any more); whose they were."""
        return [name for name in names if not self._opens(name, now)]

    def keys(self) -> tuple[bytes, ...]:
        """The keys in use, the newest first."""
        return self._cipher.keys

    def use(self, cipher: TokenCipher) -> None:
        """Encrypt and decrypt with these keys from now on."""
        self._cipher = cipher
        self._opened.clear()

    def reencrypt(self) -> None:
        """Encrypt every stored pair anew with the newest key; what no key decrypts stays as it is."""
        with self.sealing:
            for name in accounts.with_tokens():
                sealed = accounts.sealed_tokens(name)
                if sealed is not None:
                    with contextlib.suppress(KeyFileError):
                        accounts.update_tokens(name, self._cipher.reencrypt(sealed))
            for pending in revocations.pending_revocations():  # last: who disconnects meanwhile comes here
                with contextlib.suppress(KeyFileError):
                    revocations.update_revocation(pending.id, self._cipher.reencrypt(pending.sealed))

    def _opens(self, athlete: str, now: float) -> bool:
        try:
            self._stored(athlete, now)
        except KeyFileError:
            return False
        except NotConnected:
            pass  # nothing to decrypt
        return True

    def _refreshed(self, athlete: str, grant: Grant, now: float) -> Grant:
        if self._closed:
            raise NotConnected(sign_in.STOPPING())
        sealed = accounts.sealed_tokens(athlete)
        try:
            return by_our_clock(self._strava.refresh(grant.refresh_token), now)
        except StravaError as fault:
            if fault.kind is StravaErrorKind.GRANT_REFUSED:
                self._clear(athlete, AuthProblem.REVOKED, sealed, now)
            raise

    def _clear(self, athlete: str, trouble: AuthProblem, sealed: bytes | None, now: float) -> None:
        accounts.clear_tokens(athlete, trouble, now, sealed)
        self._unwritten.pop(athlete, None)

    def _stored(self, athlete: str, now: float) -> Grant:
        if athlete in self._unwritten:
            return self._unwritten[athlete]
        with self.sealing:
            sealed = accounts.sealed_tokens(athlete)
            if sealed is None:
                raise NotConnected(sign_in.NOT_SIGNED_IN(athlete=athlete))
            known = self._opened.get(athlete)
            if known is not None and known[0] == sealed:
                return known[1]
            try:
                grant = self._cipher.decrypt(athlete, sealed)
            except KeyFileError:
                accounts.clear_tokens(athlete, AuthProblem.KEY, now, sealed)
                raise
            self._opened[athlete] = sealed, grant
        return grant


def by_our_clock(grant: Grant, now: float) -> Grant:
    """With the end by our own clock: a Raspberry Pi's may be wrong, but it counts seconds well."""
    return grant if grant.expires_in is None else replace(grant, expires_at=now + grant.expires_in)
