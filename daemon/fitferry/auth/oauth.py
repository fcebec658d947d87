"""Who may act for an athlete? Signing in, handing out a fresh access token, forgetting.

A refreshed pair is stored before it is used: Strava kills the old refresh token at once, so a pair that is
lost is a connection lost.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from fitferry.auth.token_cipher import TokenCipher
from fitferry.core.errors import KeyFileError, NotConnected, SignInFailed, StravaError
from fitferry.core.strava import WRITE_SCOPE, Grant, StravaErrorKind
from fitferry.core.upload import AuthProblem
from fitferry.storage import accounts, oauth_states, revocations, uploads
from fitferry.storage.database import DatabaseError
from fitferry.strava import Strava
from fitferry.strava.client import REQUEST_DEADLINE

REFRESH_AHEAD = 300.0
"""Seconds before its end from which an access token is not used any more."""
CODE_TRIES = 3
CODE_PAUSE = 2.0
"""Strava sometimes refuses a fresh code for about two seconds; the same code works then."""
_PASSING = frozenset(
    {
        StravaErrorKind.UNREACHABLE,
        StravaErrorKind.UNAVAILABLE,
        StravaErrorKind.BROKEN_OFF,
        StravaErrorKind.SERVER_ERROR,
        StravaErrorKind.RATE_LIMITED,
    }
)
"""What a revocation is tried again after."""
LAST_SECONDS = REQUEST_DEADLINE + 2.0
"""How long the end waits for refreshes under way: none takes longer."""


@dataclass(frozen=True, slots=True)
class Callback:
    """What the browser brought back from Strava's consent page."""

    state: str = ""
    code: str = ""
    scope: str = ""
    error: str = ""


class Tokens:
    """The tokens of every athlete, one refresher each."""

    def __init__(
        self,
        strava: Strava,
        cipher: TokenCipher,
        *,
        pause: Callable[[float], None] = time.sleep,
        redirect_uri: Callable[[], str],
    ) -> None:
        self._strava = strava
        self._cipher = cipher
        self._pause = pause
        self._redirect_uri = redirect_uri
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._accounts = threading.Lock()
        """Held by a sign-in, and by each farewell: one revoked token ends every other of its account."""
        self.sealing = threading.RLock()
        """Held from the sealing of tokens until they are written, and for the whole change of a key."""
        self._unwritten: dict[str, Grant] = {}
        self._ended = False

    def consent_url(self, athlete: str, now: float, *, redirect_uri: str | None = None) -> tuple[str, str]:
        """Strava's consent page for an athlete, good for ten minutes and once; and the state in it."""
        state = secrets.token_urlsafe(24)
        oauth_states.ask(digest(state), athlete, now)
        force = accounts.get(athlete).trouble is AuthProblem.SCOPE
        return self._strava.consent_url(state, redirect_uri or self._redirect_uri(), force=force), state

    def complete(self, callback: Callback, now: float) -> str:
        """Take a consent from the callback to stored tokens; whose it was. Raises SignInFailed."""
        name = oauth_states.take(digest(callback.state), now)
        if name is None:
            raise SignInFailed(
                "state", "this sign-in is unknown, was used already, or is older than ten minutes"
            )
        try:
            # A refresh of the old tokens meanwhile would overwrite the new ones.
            with self._locks[name], self._accounts:
                self._connect(name, callback, now)
        except SignInFailed as failed:
            oauth_states.conclude(digest(callback.state), failed.code, str(failed))
            raise
        oauth_states.conclude(digest(callback.state), "connected", accounts.get(name).display_name or name)
        return name

    def fresh(self, athlete: str, now: float, *, refused: str = "") -> str:
        """An access token that will work for the next minutes, another one than Strava has `refused`.

        Raises NotConnected, KeyProblem, or the StravaFault of the refresh. Tokens that turn out to be dead are
        forgotten.
        """
        with self._locks[athlete]:
            grant = self._stored(athlete, now)
            if grant.access_token == refused or grant.expires_at - now < REFRESH_AHEAD:
                grant = self._unwritten[athlete] = self._refreshed(athlete, grant, now)
            self._write(athlete)
            return grant.access_token

    def lose(self, athlete: str, trouble: AuthProblem, refused: str, now: float) -> None:
        """Forget the connection whose access token Strava has refused, and not one that was made since."""
        with self._locks[athlete], self.sealing, contextlib.suppress(KeyFileError, NotConnected):
            if self._stored(athlete, now).access_token == refused:
                self._forget(athlete, trouble, accounts.sealed_tokens(athlete), now)

    def write_unwritten(self) -> None:
        """Write refreshed pairs that could not be written: the disk was full, or the database locked."""
        for name in list(self._unwritten):
            if self._locks[name].acquire(blocking=False):  # else somebody is at it
                try:
                    with contextlib.suppress(DatabaseError):  # the ledger says so to everybody
                        self._write(name)
                finally:
                    self._locks[name].release()

    def close(self) -> None:
        """Let no refresh begin any more, and wait for those under way: an answer that nobody takes costs the connection."""
        self._ended = True
        end = time.monotonic() + LAST_SECONDS
        for lock in list(self._locks.values()):
            if lock.acquire(timeout=max(0.0, end - time.monotonic())):
                lock.release()
        self.write_unwritten()

    def disconnect(self, athlete: str) -> None:
        """Forget an athlete's tokens, and revoke them at Strava now or as soon as it can be reached."""
        with self._locks[athlete]:
            self._write(athlete)
            accounts.disconnect(athlete)
        self.revoke_pending()

    def revoke_pending(self) -> None:
        """Revoke what was disconnected while Strava could not be reached."""
        for one in revocations.pending_revocations():
            if not self._accounts.acquire(blocking=False):
                return  # somebody signs in, or says them already: the next minute will do
            try:
                if not self._say_farewell(one.id):
                    return
            finally:
                self._accounts.release()

    def check(self, names: Iterable[str], now: float) -> list[str]:
        """Let go of tokens that the key does not open (any more); whose they were."""
        return [name for name in names if not self._opens(name, now)]

    def keys(self) -> tuple[bytes, ...]:
        """The keys that seal and open now, the newest first."""
        return self._cipher.keys

    def use(self, cipher: TokenCipher) -> None:
        """Seal and open with these keys from now on."""
        self._cipher = cipher

    def reencrypt(self) -> None:
        """Seal every stored token anew with the newest key; what no key opens stays as it is."""
        with self.sealing:
            for name in accounts.with_tokens():
                sealed = accounts.sealed_tokens(name)
                if sealed is not None:
                    with contextlib.suppress(KeyFileError):
                        accounts.renew(name, self._cipher.reencrypt(sealed))
            for one in revocations.pending_revocations():  # last: who disconnects meanwhile comes here
                with contextlib.suppress(KeyFileError):
                    revocations.update_revocation(one.id, self._cipher.reencrypt(one.sealed))

    def _connect(self, name: str, callback: Callback, now: float) -> None:
        if callback.error:
            raise SignInFailed("refused", f"Strava says that consent was not given ({callback.error})")
        granted = tuple(scope for scope in callback.scope.replace(" ", ",").split(",") if scope)
        if WRITE_SCOPE not in granted:
            raise SignInFailed(
                "scope",
                "without the permission to upload (activity:write) nothing can be sent: please tick its box",
            )
        grant = _by_our_clock(self._exchange(callback.code), now)
        known = accounts.get(name).athlete_id
        if known is not None and grant.athlete_id is not None and known != grant.athlete_id:
            raise SignInFailed(
                "account",
                f"this is another Strava account ({grant.display_name}) than the one that {name} had; "
                "disconnect first if that is meant",
            )
        with self.sealing:
            if accounts.is_another(name, grant.athlete_id):
                uploads.fail_previous_account(name, now)
            accounts.connect(name, grant.athlete_id, grant.display_name, granted, self._seal(name, grant))
        self._unwritten.pop(name, None)

    def _exchange(self, code: str) -> Grant:
        for tries_left in reversed(range(CODE_TRIES)):
            try:
                return self._strava.exchange(code)
            except StravaError as fault:
                if fault.fault is StravaErrorKind.GRANT_REFUSED and tries_left:
                    self._pause(CODE_PAUSE)
                    continue
                raise _sign_in_failed(fault) from fault
        raise AssertionError("the last try returns or raises")

    def _say_farewell(self, number: int) -> bool:
        """Revoke a token, if it still is to be; False while Strava is out of reach."""
        try:
            with self.sealing:
                one = revocations.pending_revocation(number)
                opened = self._cipher.decrypt(one.athlete, one.sealed) if one else None
            if opened is not None:
                self._strava.revoke(str(opened["refresh_token"]))
        except KeyFileError:
            pass  # nobody can open it any more: there is nothing left to revoke with
        except StravaError as fault:
            if fault.fault in _PASSING:
                return False
        revocations.delete_revocation(number)
        return True

    def _opens(self, athlete: str, now: float) -> bool:
        try:
            self._stored(athlete, now)
        except KeyFileError:
            return False
        except NotConnected:
            pass  # nothing to open
        return True

    def _refreshed(self, athlete: str, grant: Grant, now: float) -> Grant:
        if self._ended:
            raise NotConnected("Fitferry is stopping")
        sealed = accounts.sealed_tokens(athlete)
        try:
            return _by_our_clock(self._strava.refresh(grant.refresh_token), now)
        except StravaError as fault:
            if fault.fault is StravaErrorKind.GRANT_REFUSED:
                self._forget(athlete, AuthProblem.REVOKED, sealed, now)
            raise

    def _forget(self, athlete: str, trouble: AuthProblem, sealed: bytes | None, now: float) -> None:
        accounts.lose(athlete, trouble, now, sealed)
        self._unwritten.pop(athlete, None)

    def _write(self, athlete: str) -> None:
        """Store a refreshed pair; until that works it is kept here, because the old one is dead."""
        grant = self._unwritten.get(athlete)
        if grant is not None:
            with self.sealing:
                accounts.renew(athlete, self._seal(athlete, grant))
            del self._unwritten[athlete]

    def _stored(self, athlete: str, now: float) -> Grant:
        if athlete in self._unwritten:
            return self._unwritten[athlete]
        with self.sealing:
            sealed = accounts.sealed_tokens(athlete)
            if sealed is None:
                raise NotConnected(f"{athlete} is not connected to Strava")
            try:
                values = self._cipher.decrypt(athlete, sealed)
            except KeyFileError:
                accounts.lose(athlete, AuthProblem.KEY, now, sealed)
                raise
        return Grant(str(values["access_token"]), str(values["refresh_token"]), float(values["expires_at"]))

    def _seal(self, athlete: str, grant: Grant) -> bytes:
        return self._cipher.seal(
            athlete,
            {
                "access_token": grant.access_token,
                "refresh_token": grant.refresh_token,
                "expires_at": grant.expires_at,
            },
        )


def _by_our_clock(grant: Grant, now: float) -> Grant:
    """With the end by our own clock: a Pi has none that is to be believed, but it counts seconds well."""
    return grant if grant.expires_in is None else replace(grant, expires_at=now + grant.expires_in)


def digest(secret: str) -> str:
    """What is kept of a secret that somebody else holds."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _sign_in_failed(fault: StravaError) -> SignInFailed:
    match fault.fault:
        case StravaErrorKind.GRANT_REFUSED:
            return SignInFailed("code", "the sign-in is no longer valid; please try again")
        case StravaErrorKind.APP_REFUSED:
            return SignInFailed(
                "app", f"Strava does not know this application: check client_id and client_secret ({fault})"
            )
        case StravaErrorKind.REFUSED:
            return SignInFailed("strava", f"Strava refused the sign-in ({fault})")
        case _:
            return SignInFailed("unreachable", f"Strava cannot be reached; please try again ({fault})", 502)
