"""State of the look-alike: one application, two athletes, their tokens, uploads and activities, the rate limits."""

from __future__ import annotations

import gzip
import hashlib
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from fitferry.sandbox import fit_facts
from fitferry.sandbox.fit_facts import MALFORMED, FitFacts, Unusable
from fitferry.sandbox.records import Activity, Switches, Token, Upload

ACCESS_SECONDS = 21_600
CODE_SECONDS = 300
REFRESH_WINDOW = 3600
PROCESSING = "Your activity is still being processed."
READY = "Your activity is ready."
FAILED = "There was an error processing your activity."
DELETED = "The created activity has been deleted."


class FakeStrava:
    """Everything behind the addresses; one lock around it."""

    def __init__(self, clock: Callable[[], float] = time.time, **switches: Any) -> None:
        self.clock = clock
        self.switches = Switches(**switches)
        self.lock = threading.RLock()
        self.athletes = {1001: ("Sam", "Sand"), 1002: ("Rae", "Reef")}
        self.codes: dict[str, tuple[int, tuple[str, ...], float]] = {}
        self.tokens: list[Token] = []
        self.former: dict[str, Token] = {}
        """Access tokens that were replaced: they work until their own end."""
        self.grants: dict[int, tuple[str, ...]] = {}
        self.uploads: dict[int, Upload] = {}
        self.activities: dict[int, Activity] = {}
        self.requests: list[dict[str, Any]] = []
        self._used = Counter[tuple[str, int]]()
        self._ids = iter(range(10_000_000_001, 99_999_999_999))

    # Sign-in

    def grant(self, scopes: tuple[str, ...]) -> str | None:
        """The code for who sits at the browser; None where the app has its athletes already."""
        with self.lock:
            athlete = self.switches.athlete
            if athlete not in self.grants and len(self.grants) >= self.switches.capacity:
                return None
            self.grants[athlete] = scopes
            code = secrets.token_hex(20)
            self.codes[code] = (athlete, scopes, self.clock() + CODE_SECONDS)
            return code

    def exchange(self, code: str) -> Token | None:
        """A token for a code, once."""
        with self.lock:
            if self.switches.fresh_codes_refused > 0:
                self.switches.fresh_codes_refused -= 1
                return None
            athlete, scopes, until = self.codes.pop(code, (0, (), 0.0))
            if until < self.clock():
                return None
            return self._new_token(athlete, scopes)

    def refresh(self, refresh_token: str) -> Token | None:
        """The same token while it lasts for more than an hour, else a new pair; the old refresh token dies."""
        with self.lock:
            held = next((token for token in self.tokens if token.refresh == refresh_token), None)
            if held is None or held.expires_at - self.clock() > REFRESH_WINDOW:
                return held
            self.former[held.access] = held
            self.tokens.remove(held)
            return self._new_token(
                held.athlete, held.scopes, held.refresh if self.switches.keep_refresh_token else None
            )

    def revoke(self, token: str) -> None:
        """Either token kills both."""
        with self.lock:
            held = next((held for held in self.tokens if token in {held.access, held.refresh}), None)
            if held is not None:
                self.remove_app(held.athlete)

    def remove_app(self, athlete: int) -> None:
        """The athlete removes the app on Strava's page."""
        with self.lock:
            self.tokens = [held for held in self.tokens if held.athlete != athlete]
            self.former = {access: held for access, held in self.former.items() if held.athlete != athlete}
            self.grants.pop(athlete, None)

    def bearer(self, access: str) -> Token | None:
        """The token that an access token stands for, while it lasts."""
        with self.lock:
            candidates = [*self.tokens, *self.former.values()]
            return next((t for t in candidates if t.access == access and t.expires_at > self.clock()), None)

    def expire(self, seconds_left: float = 0) -> None:
        """Let every access token end in so many seconds."""
        with self.lock:
            for token in self.tokens:
                token.expires_at = self.clock() + seconds_left

    def _new_token(self, athlete: int, scopes: tuple[str, ...], refresh: str | None = None) -> Token:
        token = Token(
            athlete,
            scopes,
            secrets.token_hex(20),
            refresh or secrets.token_hex(20),
            self.clock() + ACCESS_SECONDS,
        )
        self.tokens.append(token)
        return token

    # Uploads

    def receive(
        self, athlete: int, body: bytes, fields: dict[str, str], name: str, began_at: float
    ) -> Upload:
        """Take an upload in; processing begins."""
        with self.lock:
            now = self.clock()
            upload = Upload(
                id=next(self._ids),
                athlete=athlete,
                external_id=_with_extension(fields.get("external_id") or name, fields["data_type"]),
                data_type=fields["data_type"],
                sha256=hashlib.sha256(body).hexdigest(),
                size=len(body),
                name=name,
                fields=fields,
                began_at=began_at,
                ready_at=now + self.switches.processing_seconds,
            )
            self.uploads[upload.id] = upload
            self._process(upload, body)
            return upload

    def upload(self, upload_id: int, athlete: int) -> dict[str, Any] | None:
        """The six fields of an upload, None if it is not this athlete's."""
        with self.lock:
            upload = self.uploads.get(upload_id)
            if upload is None or upload.athlete != athlete:
                return None
            return self.upload_fields(upload)

    def upload_fields(self, upload: Upload) -> dict[str, Any]:
        """What is said of an upload now."""
        ready = self.clock() >= upload.ready_at
        upload.done = upload.done or ready
        made = self.activities.get(upload.activity_id or 0)
        if not ready:
            status, error, activity_id = PROCESSING, None, None
        elif upload.gone or (made is not None and made.deleted):
            status, error, activity_id = DELETED, None, None
        elif upload.error:
            status, error, activity_id = FAILED, upload.error, None
        else:
            status, error, activity_id = READY, None, upload.activity_id
        named = self.switches.echo_external_id or (ready and not error)
        return {
            "id": upload.id,
            "id_str": str(upload.id),
            "external_id": upload.external_id if named else None,
            "error": error,
            "status": status,
            "activity_id": activity_id,
        }

    def add_activity(self, athlete: int, **values: Any) -> Activity:
        """An activity that came by another road."""
        with self.lock:
            activity = Activity(id=next(self._ids), athlete=athlete, **values)
            self.activities[activity.id] = activity
            return activity

    def listed(self, athlete: int, after: float, before: float) -> list[Activity]:
        """An athlete's activities, newest first."""
        with self.lock:
            mine = [
                activity
                for activity in self.activities.values()
                if activity.athlete == athlete
                and not activity.deleted
                and after < activity.start < before
                and self._visible(activity)
            ]
            return sorted(mine, key=lambda activity: -activity.start)

    def _visible(self, activity: Activity) -> bool:
        upload = self.uploads.get(activity.upload_id or 0)
        return upload is None or self.clock() >= upload.ready_at

    def _process(self, upload: Upload, body: bytes) -> None:
        """What processing will come to; it shows when its time is over."""
        before = [activity for activity in self.activities.values() if activity.athlete == upload.athlete]
        bound = [
            o for o in before if o.external_id == upload.external_id and upload.fields.get("external_id")
        ]
        if bound and all(activity.deleted for activity in bound):
            upload.gone = True
            return
        try:
            facts = self._facts(upload, body)
        except Unusable as error:
            upload.error = str(error)
            return
        same = self._duplicate(upload, facts, [activity for activity in before if not activity.deleted])
        if same is not None:
            upload.error = self._duplicate_words(upload, same)
            return
        activity = self.add_activity(
            upload.athlete,
            name=upload.fields.get("name") or "Morning Ride",
            sport_type=upload.fields.get("sport_type") or facts.sport,
            start=facts.start,
            elapsed=facts.elapsed,
            distance=facts.distance,
            external_id=upload.external_id,
            upload_id=upload.id,
            sha256=upload.sha256,
            trainer=upload.fields.get("trainer") in {"1", "true"},
            commute=upload.fields.get("commute") in {"1", "true"},
            description=upload.fields.get("description", ""),
        )
        upload.activity_id = activity.id

    def _facts(self, upload: Upload, body: bytes) -> FitFacts:
        kind = upload.data_type
        if kind.endswith(".gz"):
            try:
                body, kind = gzip.decompress(body), kind[:-3]
            except (OSError, EOFError) as error:
                raise Unusable(MALFORMED) from error
        if kind == "fit":
            return fit_facts.read(body)
        if not body.lstrip().startswith(b"<"):
            raise Unusable(MALFORMED)
        return FitFacts(self.clock(), 0, 0, "Workout")

    def _duplicate(self, upload: Upload, facts: FitFacts, live: list[Activity]) -> Activity | None:
        end = facts.start + facts.elapsed
        for other in live:
            is_same = {
                "bytes": other.sha256 == upload.sha256,
                "external_id": other.external_id == upload.external_id,
                "overlap": other.start < end and facts.start < other.start + other.elapsed,
            }
            if any(is_same[rule] for rule in self.switches.duplicates_by):
                return other
        return None

    def _duplicate_words(self, upload: Upload, same: Activity) -> str:
        if self.switches.duplicate_html:
            link = f"<a href='/activities/{same.id}' target='_blank'>{same.name}</a>"
            return f"{upload.external_id} duplicate of {link}"
        return f"{upload.external_id} duplicate of activity {same.id}"

    # Allowance

    def count(self, *, read: bool) -> str | None:
        """Count one request; the bucket that it is over, None if it may pass."""
        with self.lock:
            over = None
            limits = {"overall": self.switches.overall_limit, "read": self.switches.read_limit}
            for bucket in ("overall", "read") if read else ("overall",):
                for window, seconds in enumerate((900, 86_400)):
                    key = (f"{bucket}{window}", int(self.clock() // seconds))
                    self._used[key] += 1
                    if self._used[key] > limits[bucket][window]:
                        over = bucket
            return over

    def usage(self, bucket: str) -> list[int]:
        """What was used of a bucket in this quarter hour and on this day."""
        now = self.clock()
        return [self._used[f"{bucket}{w}", int(now // s)] for w, s in enumerate((900, 86_400))]

    # For looking at

    def arrived(self) -> list[dict[str, Any]]:
        with self.lock:
            return [
                asdict(upload) | {"state": self.upload_fields(upload)} for upload in self.uploads.values()
            ]


def _with_extension(name: str, data_type: str) -> str:
    extension = "." + data_type.removesuffix(".gz")
    return name if name.lower().endswith(extension) else name + extension
