"""What tests put in the place of the world: a clock, Strava's answers, settings, jobs in the ledger."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import httpx

from fitferry.auth.access_tokens import AccessTokens
from fitferry.auth.oauth import Callback, OAuth
from fitferry.auth.token_cipher import TokenCipher, new_key
from fitferry.config.schema import StravaSettings, UploadSettings
from fitferry.config.values import Scope
from fitferry.core.activity import (
    ActivityFacts,
    AdmissionDecision,
    AdmissionResult,
    FileKind,
    NewActivity,
    ParseResult,
    Stability,
    StatFingerprint,
)
from fitferry.core.admission_rules import AdmissionRules
from fitferry.core.messages import verbatim
from fitferry.core.strava import Grant
from fitferry.core.upload import AfterUpload, AttemptResult, Job, Outcome, Status, WaitingFor
from fitferry.inbox import admission, file_intake, folder_receiver
from fitferry.inbox.file_reader import FileLook
from fitferry.inbox.first_scan import FirstScan
from fitferry.inbox.folder_access import FolderAccess
from fitferry.inbox.folder_receiver import FolderReceiver
from fitferry.inbox.folder_tasks import FolderAway
from fitferry.storage import accounts, activities, attempts, uploads
from fitferry.storage.seen_files import File
from fitferry.strava import Strava
from fitferry.system import safe_files
from fitferry.uploads.after_upload import Archive
from fitferry.uploads.file_tidier import FileTidier

T = TypeVar("T")

NOW = 1_789_999_220.0
"""A quiet moment in September 2026, twenty seconds into a quarter hour and far from midnight."""
COMPLETED = AttemptResult(Outcome.COMPLETED, Status.COMPLETED, upload_id=77, strava_activity_id=4242)
"""An attempt that ended well."""
JOB = Job(
    row_revision=0,
    id=1, activity_id=1, athlete="me", sha256="ab", path="/rides/a.fit", size=4, data_type="fit", sport="cycling",
    start_time=NOW - 3600, duration_s=60, elapsed_s=60, distance_m=1000, status=Status.PROCESSING, own_wait=None,
    failures=0, next_attempt_at=0, tried_at=NOW, sent_at=None, accepted_at=None, uncertain=False,
    external_id="ab", upload_id=None, looks=0, read_failures=0, strava_activity_id=None, error_code=None,
    error_message=None, created_at=NOW - 10, completed_at=None, file_sha256="ab", member="", sub_sport=None,
    manufacturer=None, product=None, after_upload_action=None, compared_at=None,
    ascent_m=None, average_heart_rate=None, average_power=None, serials=(), age_unproven=False,
)  # fmt: skip
"""A ride of an hour ago that was not sent yet."""
RETRY = AttemptResult(Outcome.RETRY, Status.PENDING, WaitingFor.RETRY, NOW + 60, failures=1)
"""An attempt that is made again in a minute."""
APP = StravaSettings(
    client_id="12345",
    client_secret="app-secret",
    auto_upload=True,
    since=None,
    website="https://www.strava.example",
    api="https://www.strava.example/api/v3",
    scopes=(Scope.READ, Scope.ACTIVITY_WRITE, Scope.ACTIVITY_READ_ALL),
)
UPLOADS = UploadSettings(
    max_concurrent=3,
    retry_delays=(60.0, 300.0, 1800.0, 7200.0),
    uncertain_delay=60.0,
    check_delays=(2.0, 2.0, 4.0, 8.0, 16.0, 30.0),
    check_timeout=1800.0,
    after_upload=AfterUpload.KEEP,
    archive_folder="uploaded",
)
PROCESSING = {
    "id": 77,
    "error": None,
    "status": "Your activity is still being processed.",
    "activity_id": None,
}
ALL_SCOPES = "read,activity:write,activity:read_all"
READY = {"id": 77, "error": None, "status": "Your activity is ready.", "activity_id": 4242}


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def forward(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


ADMISSION = AdmissionRules()


def a_receiver(
    folder: Path,
    settings: AdmissionRules = ADMISSION,
    *,
    wake: Callable[[], None] = lambda: None,
    clock: Callable[[], float] = lambda: NOW,
    tidy: Callable[[], None] = lambda: None,
) -> FolderReceiver:
    """What a scanner of a folder is given."""
    first_scan = FirstScan(str(folder), "me", settings, wake=wake, clock=clock)
    return FolderReceiver(first_scan, tidy=tidy)


def admit_file(
    path: str | Path,
    athlete: str,
    settings: AdmissionRules,
    now: float,
    stability: Stability = Stability.SETTLED,
    **options: Any,
) -> AdmissionResult:
    """What a folder's thread does with a file that is stable enough. `options`: those of `admission.admit`."""
    look = read_file(path, options.get("folder", ""))
    if isinstance(look, AdmissionResult):
        return look
    return admission.admit(str(path), look, athlete, settings, now, stability, **options)


def receive(
    first_scan: FirstScan, path: Path, stability: Stability, *, announced: bool = False
) -> AdmissionResult:
    """What the thread of a folder that is new does with such a file."""
    look = read_file(path)
    if isinstance(look, AdmissionResult):
        return look
    return first_scan.admit(str(path), look, stability, announced=announced)


def read_file(path: str | Path, folder: str = "") -> FileLook | AdmissionResult:
    """What a folder's thread reads of a file. `folder`: the watched one; without it the file's own."""
    place = folder or str(Path(path).parent)
    access = FolderAccess(place, recursive=True, without=frozenset(), is_others=lambda _: False)
    return file_intake.read(str(path), access)


def recheck_held(folder: Path) -> int:
    """What a folder's thread does with its held files after each scan."""
    with safe_files.open_folder(str(folder)) as opened:
        return folder_receiver.recheck_held("me", opened)


class InlineFolders:
    """Watched folders whose files are read, moved and deleted at once, by whoever asks."""

    def __init__(self, archives: Sequence[Archive] = ()) -> None:
        self.tidy = FileTidier(archives)
        self._folders = [where.folder for where in archives]

    def run(self, path: str, work: Callable[[], T], seconds: float) -> T:
        """What a folder's own thread would do."""
        assert seconds
        holders = [folder for folder in self._folders if Path(path).is_relative_to(folder)]
        folder = max([Path(path).parent, *holders], key=lambda holder: holder in holders)
        if not folder.is_dir():
            raise FolderAway(str(folder), verbatim("it is not there"))
        return work()


class Answers:
    """Strava's side of the wire: what it is asked, and the next answer to each kind of request.

    An answer is a status and a body (bytes, or something to be JSON), or an exception to raise.
    """

    def __init__(self) -> None:
        self.asked: list[httpx.Request] = []
        self._next: dict[str, list[Any]] = {}
        self.while_asked: Callable[[], None] = lambda: None

    def to(self, request: str, *answers: Any) -> None:
        """Answer the next requests of a kind such as `POST /uploads`; the last answer repeats."""
        self._next[request] = list(answers)

    def count(self, request: str) -> int:
        """How often a kind of request was made."""
        return sum(_kind(one) == request for one in self.asked)

    def transport(self) -> httpx.MockTransport:
        """The transport that a client is given."""
        return httpx.MockTransport(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.asked.append(request)
        self.while_asked()
        waiting = self._next[_kind(request)]
        answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(answer, Exception):
            raise answer
        status, body, *headers = answer
        return httpx.Response(status, content=body_of(body), headers=headers[0] if headers else None)


def body_of(answer: object) -> bytes:
    """An answer's bytes."""
    return answer if isinstance(answer, bytes) else json.dumps(answer).encode()


def strava(answers: Answers) -> Strava:
    """The real client with Strava's side played by a test."""
    return Strava(APP, transport=answers.transport())


def tokens(client: Strava) -> AccessTokens:
    """The real tokens with a fresh key."""
    return AccessTokens(client, TokenCipher([new_key()]))


def oauth(client: Strava, kept: AccessTokens, pauses: list[float] | None = None) -> OAuth:
    """The real sign-in for two athletes; `pauses` collects what would have been slept."""
    noted = pauses if pauses is not None else []
    return OAuth(
        client,
        kept,
        athletes=("me", "sam"),
        pause=noted.append,
        redirect_uri=lambda: "http://127.0.0.1:8480/api/v1/strava/callback",
    )


def come_back(
    sign_in: OAuth, *, scope: str = ALL_SCOPES, athlete: str = "me", now: float = NOW, **callback: str
) -> str:
    """Ask for consent and come back with it; who is connected by it."""
    _, state = sign_in.consent_url(athlete, NOW)
    return sign_in.complete(Callback(**{"state": state, "code": "c", "scope": scope, **callback}), now)


def grant(
    access: str = "access-1", refresh: str = "refresh-1", expires_at: float = NOW + 21_600
) -> dict[str, Any]:
    """An answer of the token endpoint."""
    return {
        "token_type": "Bearer",
        "access_token": access,
        "refresh_token": refresh,
        "expires_at": int(expires_at),
        "expires_in": 21_600,
        "athlete": {"id": 1001, "firstname": "Sam", "lastname": "Sand"},
    }


def account(athlete_id: int, access: str = "access-b", refresh: str = "refresh-b") -> dict[str, Any]:
    """An answer of the token endpoint for another Strava account."""
    return {**grant(access, refresh), "athlete": {"id": athlete_id, "firstname": "Rae"}}


def refused(resource: str, field: str, code: str, message: str = "Bad Request") -> dict[str, Any]:
    """An error body of Strava's."""
    return {"message": message, "errors": [{"resource": resource, "field": field, "code": code}]}


def an_athlete(
    kept: AccessTokens,
    name: str = "me",
    *,
    scopes: str = ALL_SCOPES,
    expires_in: float = 21_600,
) -> None:
    """Connect an athlete without asking Strava."""
    sealed = kept.encrypt(name, Grant("access-1", "refresh-1", NOW + expires_in))
    accounts.connect(name, 1001, "Sam Sand", scopes.split(","), sealed)


def a_job(
    path: Path,
    body: bytes = b"ride",
    *,
    athlete: str = "me",
    start: float | None = NOW - 3600,
    now: float = NOW,
    age_unproven: bool = False,
) -> Job:
    """A file on disk, admitted as an activity that is to be uploaded."""
    import hashlib  # noqa: PLC0415  # nobody else here needs it

    path.write_bytes(body)
    found = ParseResult(
        FileKind.ACTIVITY, "fit", ActivityFacts(kind="activity", sport="cycling", start_time=start)
    )
    digest = hashlib.sha256(body).hexdigest()
    file = File(athlete, str(path), digest, len(body), StatFingerprint.of(path.stat()))
    ((job_id, _),) = activities.admit(
        file, [NewActivity(digest, found, AdmissionDecision(Status.PENDING, age_unproven=age_unproven))], now
    )
    return the(job_id)


def the(job_id: int) -> Job:
    """A job as the ledger knows it now."""
    job = uploads.get(job_id)
    assert job is not None
    return job


def recorded(job_id: int, result: AttemptResult, now: float = NOW, **options: Any) -> bool:
    """Record the result of an attempt, as its worker does."""
    return attempts.record(job_id, result, now, the(job_id).row_revision, **options)


def sending(job_id: int, now: float = NOW) -> int | None:
    """Mark a job as being sent from now on, as its worker does."""
    return attempts.mark_sending(job_id, now, the(job_id).row_revision)


def accepted(job_id: int, upload_id: int, now: float = NOW) -> bool:
    """Record that Strava has accepted the file of a job, as its worker does."""
    result = AttemptResult(Outcome.ACCEPTED, Status.PROCESSING, upload_id=upload_id)
    return recorded(job_id, result, now, accepted_at=now)


def _kind(request: httpx.Request) -> str:
    path = request.url.path.removeprefix("/api/v3")
    if path.startswith("/uploads/"):
        path = "/uploads/N"
    if path.startswith("/activities/"):
        path = "/activities/N"
    return f"{request.method} {path}"
