"""Sign-in with Strava: consent, exchange of its code, disconnecting and revocation.

Lock: `_accounts` is held by a sign-in from before its code is exchanged until the pair is stored, and while each
pending revocation is carried out: one revoked token ends every other of its Strava account. It comes before the
athletes' locks and `sealing` of `AccessTokens`.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

import structlog

from fitferry.auth.access_tokens import AccessTokens, by_our_clock
from fitferry.core.errors import KeyFileError, SignInFailed, SignInProblem, StravaError
from fitferry.core.messages import problems, sign_in, verbatim
from fitferry.core.strava import WRITE_SCOPE, Grant, StravaErrorKind
from fitferry.core.upload import AuthProblem
from fitferry.storage import accounts, database, oauth_states, revocations, uploads
from fitferry.strava import Strava

CODE_TRIES = 3
CODE_PAUSE = 2.0
"""Seconds between two tries: Strava sometimes refuses a fresh code for about two seconds (seen 2026-09)."""
_PASSING = frozenset(
    {
        StravaErrorKind.UNREACHABLE,
        StravaErrorKind.UNAVAILABLE,
        StravaErrorKind.BROKEN_OFF,
        StravaErrorKind.SERVER_ERROR,
        StravaErrorKind.RATE_LIMITED,
        StravaErrorKind.NOT_STRAVA,
        StravaErrorKind.WRONG_ADDRESS,
    }
)
"""What a revocation is tried again after: all that Strava itself has not said."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Callback:
    """What the browser brought back from Strava's consent page."""

    state: str = ""
    code: str = ""
    scope: str = ""
    error: str = ""


class OAuth:
    """Sign-in and disconnecting of the athletes in the settings."""

    def __init__(
        self,
        strava: Strava,
        tokens: AccessTokens,
        *,
        athletes: Collection[str],
        redirect_uri: Callable[[], str],
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._strava = strava
        self._tokens = tokens
        self._athletes = athletes
        self._redirect_uri = redirect_uri
        self._pause = pause
        self._accounts = threading.Lock()
        self._log_holds_tokens = False
        """Whether the database's write-ahead log may still hold a pair that was revoked."""

    def consent_url(
        self,
        athlete: str,
        now: float,
        *,
        redirect_uri: str | None = None,
        browser: str | None = None,
        link: str | None = None,
    ) -> tuple[str, str]:
        """Strava's consent page for an athlete, good for ten minutes and once; and the state in it.

        `browser`: the secret in the cookie of the one browser in which it may end; None: in any. `link`: the secret
        of the one-time link that led here.
        """
        state = secrets.token_urlsafe(24)
        oauth_states.create_oauth_state(
            digest(state),
            athlete,
            now,
            browser=digest(browser) if browser else None,
            link=digest(link) if link else None,
        )
        force = accounts.get(athlete).trouble is AuthProblem.SCOPE
        return self._strava.consent_url(state, redirect_uri or self._redirect_uri(), force=force), state

    def complete(self, callback: Callback, now: float, *, browser: str | None = None) -> str:
        """Take a consent from the callback to stored tokens; whose it was. Raises SignInFailed.

        `browser`: the secret in the cookie that belongs to this state. A consent that began in a browser ends only
        there (RFC 9700 section 2.1): else whoever saw the state could connect an account of their own.
        """
        state = oauth_states.consent(digest(callback.state))
        if state is not None and state.browser not in {None, digest(browser or "")}:
            raise SignInFailed(SignInProblem.OTHER_BROWSER, sign_in.OTHER_BROWSER())
        name = oauth_states.consume_oauth_state(digest(callback.state), now)
        if name is None:
            raise SignInFailed(SignInProblem.STATE, sign_in.STATE_UNKNOWN())
        try:
            with self._accounts:
                self._connect(name, callback, now)
        except SignInFailed as failed:
            oauth_states.finish_oauth_state(digest(callback.state), failed.code, failed.message, now)
            _log.warning("connect", athlete=name, outcome=failed.code, reason=failed.message)
            if failed.code is SignInProblem.ACCOUNT:
                self.revoke_pending()
            raise
        account = accounts.get(name)
        display_name = account.display_name or name
        oauth_states.finish_oauth_state(digest(callback.state), "connected", verbatim(display_name), now)
        _log.info(
            "connect",
            athlete=name,
            outcome="connected",
            strava_name=display_name,
            strava_athlete_id=account.athlete_id,
            scopes=account.scopes,
        )
        return name

    def disconnect(self, athlete: str) -> None:
        """Forget an athlete's tokens, and revoke them at Strava now or as soon as it can be reached.

        They are not revoked where another athlete uses the same Strava account: that would disconnect both.
        """
        with self._tokens.locked(athlete):
            self._tokens.write(athlete)
            holders = accounts.connected_to(accounts.get(athlete).athlete_id)
            shared = holders.intersection(self._athletes) - {athlete}
            accounts.disconnect(athlete, revoke=not shared)
        _log.info("disconnect", athlete=athlete, outcome="disconnected")
        self.revoke_pending()

    def revoke_pending(self) -> None:
        """Revoke what was disconnected while Strava could not be reached."""
        for pending in revocations.pending_revocations():
            if not self._accounts.acquire(blocking=False):
                return  # a sign-in or another revocation is under way: the next minute will do
            try:
                if not self._revoke(pending.id):
                    break
            finally:
                self._accounts.release()
        if self._log_holds_tokens and database.truncate_log():
            self._log_holds_tokens = False

    def _connect(self, name: str, callback: Callback, now: float) -> None:
        """Check the consent, exchange its code, and store the pair. Raises SignInFailed."""
        if callback.error:
            raise SignInFailed(SignInProblem.REFUSED, sign_in.CONSENT_REFUSED(answer=callback.error))
        granted = tuple(scope for scope in callback.scope.replace(" ", ",").split(",") if scope)
        if WRITE_SCOPE not in granted:
            raise SignInFailed(SignInProblem.SCOPE, sign_in.SCOPE_MISSING())
        # A refresh of the old pair meanwhile would overwrite the new one.
        with self._tokens.locked(name):
            grant = by_our_clock(self._exchange(callback.code), now)
            holders = accounts.connected_to(grant.athlete_id)
            others = holders.intersection(self._athletes) - {name}
            if others and name not in holders:
                self._refuse_taken(min(others), grant, granted)
            known = accounts.get(name).athlete_id
            if known is not None and grant.athlete_id is not None and known != grant.athlete_id:
                self._refuse_other_account(name, grant)
            self._store(name, grant, granted, now)

    def _store(self, name: str, grant: Grant, granted: tuple[str, ...], now: float) -> None:
        """Store a new pair; names that are no longer in the settings give the account up to this one."""
        with self._tokens.sealing:
            if accounts.is_another(name, grant.athlete_id):
                uploads.fail_previous_account(name, now)
            retired = accounts.connected_to(grant.athlete_id) - {name, *self._athletes}
            sealed = self._tokens.encrypt(name, grant)
            accounts.connect(name, grant.athlete_id, grant.display_name, granted, sealed, retired=retired)
        self._tokens.drop_unwritten(name)

    def _refuse_taken(self, other: str, grant: Grant, granted: tuple[str, ...]) -> None:
        """Refuse an account that another athlete has here. Raises SignInFailed.

        The new grant may have ended that athlete's refresh token: the new pair takes its place where it permits as
        much. It is never revoked, which would end theirs.
        """
        if set(accounts.get(other).scopes) <= set(granted):
            with self._tokens.locked(other), self._tokens.sealing:
                accounts.update_tokens(other, self._tokens.encrypt(other, grant), granted)
                self._tokens.drop_unwritten(other)
        raise SignInFailed(SignInProblem.TAKEN, sign_in.ACCOUNT_TAKEN(who=grant.display_name, other=other))

    def _refuse_other_account(self, name: str, grant: Grant) -> None:
        """Refuse another account than the athlete's, and have its grant revoked. Raises SignInFailed."""
        with self._tokens.sealing:
            revocations.add_revocation(name, grant.athlete_id, self._tokens.encrypt(name, grant))
        raise SignInFailed(SignInProblem.ACCOUNT, sign_in.OTHER_ACCOUNT(who=grant.display_name, athlete=name))

    def _exchange(self, code: str) -> Grant:
        for tries_left in reversed(range(CODE_TRIES)):
            try:
                return self._strava.exchange(code)
            except StravaError as fault:
                if fault.kind is StravaErrorKind.GRANT_REFUSED and tries_left:
                    self._pause(CODE_PAUSE)
                    continue
                raise _sign_in_failed(fault) from fault
        raise AssertionError("the last try returns or raises")

    def _revoke(self, number: int) -> bool:
        """Revoke one pair, if it still is to be; False while Strava is out of reach."""
        try:
            with self._tokens.sealing:
                pending = revocations.pending_revocation(number)
                token = self._tokens.refresh_token(pending.athlete, pending.sealed) if pending else None
            if token is not None:
                self._strava.revoke(token)
        except KeyFileError:
            pass  # no key decrypts it any more: there is nothing left to revoke with
        except StravaError as fault:
            if fault.kind in _PASSING:
                return False
        revocations.delete_revocation(number)
        self._log_holds_tokens = True
        return True


def digest(secret: str) -> str:
    """What is kept of a secret that somebody else holds."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _sign_in_failed(fault: StravaError) -> SignInFailed:
    match fault.kind:
        case StravaErrorKind.GRANT_REFUSED:
            return SignInFailed(SignInProblem.CODE, sign_in.CODE_INVALID())
        case StravaErrorKind.APP_REFUSED:
            return SignInFailed(SignInProblem.APP, sign_in.APP_UNKNOWN(answer=fault.message))
        case StravaErrorKind.ATHLETE_LIMIT:
            full = problems.ATHLETE_LIMIT
            message = problems.WITH_ADVICE(what=full.what(answer=fault.message), advice=full.advice())
            return SignInFailed(SignInProblem.APP, message)
        case StravaErrorKind.REFUSED:
            return SignInFailed(SignInProblem.STRAVA, sign_in.STRAVA_REFUSED(answer=fault.message))
        case _:
            return SignInFailed(
                SignInProblem.UNREACHABLE, sign_in.STRAVA_UNREACHABLE(answer=fault.message), 502
            )
