"""What does one attempt do? Claim (D2), ask Strava once, write down what came of it (D3, D4)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import structlog

from fitferry import allowance as allowances
from fitferry import folders, formats, policy
from fitferry.config import StravaSettings, UploadSettings
from fitferry.errors import KeyProblem, NotConnected, StravaFault
from fitferry.ledger import athletes, files, jobs, shared
from fitferry.ledger.tables import DatabaseError
from fitferry.model import (
    AfterUpload,
    Arrival,
    Fault,
    GateName,
    Job,
    ListedActivity,
    Outcome,
    Status,
    Step,
    Stillness,
    Trouble,
)
from fitferry.pipeline import admit, compare, confirm
from fitferry.pipeline.put_away import Archive, intention, put_away_all
from fitferry.policy import Around, Move
from fitferry.strava import Strava
from fitferry.strava.client import PAGE
from fitferry.tokens import Tokens

SEARCH_PAGES = 50
"""More pages of 200 are not looked through; nobody has so many activities in two days."""
SEARCH_SECONDS = 86_400.0
"""How far around an activity's start it is looked for among those on Strava: time zones may be off."""

_MENDABLE = frozenset({Fault.TOKEN_REFUSED, Fault.APP_REFUSED})
"""What a fresh access token may mend: Strava has named the application for a stale token, too."""
_REACHED = frozenset(Fault) - {Fault.UNREACHABLE, Fault.UNAVAILABLE, Fault.BROKEN_OFF}

_log = structlog.get_logger()
T = TypeVar("T")


@dataclass(slots=True)
class _Stage:
    """How far an attempt has come, for the judgement of what goes wrong in it."""

    at: Move
    tried_before: float | None
    sent: bool = False
    bulk: bool = False


class Attempts:
    """One attempt a call, on whichever worker was rung."""

    def __init__(
        self,
        strava: Strava,
        tokens: Tokens,
        *,
        app: StravaSettings,
        uploads: UploadSettings,
        archives: Iterable[Archive],
        clock: Callable[[], float],
    ) -> None:
        self._strava = strava
        self._tokens = tokens
        self._app = app
        self._uploads = uploads
        self._archives = tuple(archives)
        self._unmoved: str | None = None
        self._one_at_a_time = threading.Lock()
        self._pages = confirm.Pages()
        self._clock = clock
        self._last_sent = 0.0
        self._unwritten: dict[int, tuple[Job, Step]] = {}

    def __call__(self, job_id: int) -> None:
        """Try one job, if it is due and nothing is in the way."""
        before = jobs.get(job_id)
        if before is not None and before.status is Status.HELD:
            self._compare_held(job_id)
            return
        probed = self._pass_gates(self._clock())
        job = jobs.claim(job_id, self._clock()) if before is not None and probed is not None else None
        if before is not None and job is not None:
            with structlog.contextvars.bound_contextvars(job=job.id, file=job.file, athlete=job.athlete):
                self._write_down(job, self._judged(job, before.tried_at))
        # Gates that this attempt could neither open nor keep shut are the next job's to try.
        shared.hurry(probed or [], self._clock())

    def _pass_gates(self, now: float) -> list[GateName] | None:
        """The shut gates whose one probe this attempt is; None if one of them lets nobody through now."""
        gates = shared.gates()
        if any(gate.until > now for gate in gates.values()):
            return None
        shared.reopen(GateName.RATE_LIMIT)
        probed: list[GateName] = [name for name in gates if name is not GateName.RATE_LIMIT]
        if all(shared.take_probe(name, now, policy.PROBE_CAP) for name in probed):
            return probed
        return None

    def _judged(self, job: Job, tried_before: float | None) -> Step:
        """What the attempt came to; the one place where an exception that nobody planned is caught."""
        can_read = athletes.get(job.athlete).can_read
        old = can_read and compare.is_worth_it(job, self._clock())
        move = policy.move(job, self._uploads, can_read=can_read, old=old)
        stage = _Stage(move, tried_before, bulk=confirm.is_bulk(job, self._clock()))
        try:
            return self._run(job, stage)
        except StravaFault as fault:
            around = self._around(stage)
            if fault.fault in _REACHED:
                shared.reopen(GateName.NETWORK)
            return policy.after_fault(job, fault, stage.at, around)
        except KeyProblem:
            return policy.lost_connection(job, Trouble.KEY)
        except NotConnected:
            return policy.lost_connection(job, None)
        except DatabaseError as error:
            return policy.ledger_failed(job, str(error), self._uploads, self._clock(), sent=stage.sent)
        except Exception:  # noqa: BLE001  # the only place: whatever it is, the worker lives on and it counts
            _log.exception("surprise")
            return policy.after_surprise(job, self._around(stage), sent=stage.sent)

    def _run(self, job: Job, stage: _Stage) -> Step:
        match stage.at:
            case Move.GIVE_UP:
                return policy.given_up(job)
            case Move.LOOK:
                return self._look(job, stage)
            case Move.CONFIRM:
                found = self._find(job, stage)
                step = policy.after_confirm(job, found, self._around(stage))
                if step is not None:
                    return step
            case Move.COMPARE:
                step = policy.after_compare(job, self._compare(job, stage))
                if step is not None:
                    return step
        stage.at = Move.SEND
        return self._send(job, stage)

    def _look(self, job: Job, stage: _Stage) -> Step:
        upload_id = job.upload_id or 0
        if stage.bulk and job.looks <= confirm.LOOKS and athletes.get(job.athlete).can_read:
            try:
                return self._look_at_all(job, stage)
            except StravaFault as fault:
                if not policy.can_do_without(fault):
                    raise
                _log.warning("cannot list", athlete=job.athlete, reason=str(fault))
        report = self._with_token(
            job, lambda token: self._strava.upload_status(upload_id, token=token), stage
        )
        return policy.after_report(job, report, self._around(stage))

    def _look_at_all(self, job: Job, stage: _Stage) -> Step:
        """One page of the athlete's activities instead of a look at each upload."""
        now = self._clock()
        activity_id, others = self._pages.find(job, now, lambda before: self._list(job, stage, before))
        wanted = AfterUpload(self._uploads.after_upload)
        after = {
            one.id: (others[one.id], intention(one, wanted, ours=True, archives=self._archives))
            for one in jobs.outstanding_of(job.athlete)
            if one.id in others
        }
        done = jobs.confirmed(after, now)
        if done:
            _log.info("confirmed", outcome=Outcome.COMPLETED, athlete=job.athlete, uploads=len(done))
        if activity_id is not None:
            return policy.seen_on_strava(job, activity_id)
        return policy.not_seen_yet(job, self._around(stage))

    def _list(
        self, job: Job, stage: _Stage, before: float, after: float | None = None
    ) -> list[ListedActivity]:
        """A page of the athlete's activities, newest first."""
        return self._with_token(
            job, lambda token: self._strava.activities(token=token, after=after, before=before), stage
        )

    def _find(self, job: Job, stage: _Stage) -> int | None:
        """The activity that came of an earlier attempt, found by the id that it was sent with."""
        middle = job.start_time if job.start_time is not None else (job.sent_at or self._clock())
        after, before = middle - SEARCH_SECONDS, middle + SEARCH_SECONDS
        for _ in range(SEARCH_PAGES):
            listed = self._list(job, stage, before, after)
            # Strava appends the data type: abc becomes abc.fit.
            ours = [a.id for a in listed if (a.external_id or "").split(".", 1)[0] == job.external_id]
            # Others may have begun in the same second.
            oldest = min((a.start_time for a in listed), default=before) + 1
            if ours or len(listed) < PAGE or oldest >= before:
                return next(iter(ours), None)
            before = oldest
        return None

    def _compare(self, job: Job, stage: _Stage) -> int | None:
        """The activity on Strava that an old one is already; one page of the list serves many others, too."""
        before = (job.start_time or 0.0) + compare.AROUND
        try:
            page = self._list(job, stage, before)
        except StravaFault as fault:
            if not policy.can_do_without(fault):
                raise
            _log.warning("cannot compare", athlete=job.athlete, reason=str(fault))
            compare.give_up(job, self._clock())
            return None
        return compare.settle(job, page, self._clock())

    def _compare_held(self, job_id: int) -> None:
        """Look which of the held old activities need no decision, because they are on Strava already."""
        now = self._clock()
        if any(gate.until > now for gate in shared.gates().values()):
            return
        job = jobs.claim_to_compare(job_id, now)
        if job is None:
            return
        stage = _Stage(Move.COMPARE, None)
        try:
            self._compare(job, stage)
        except StravaFault as fault:
            step = policy.after_fault(job, fault, stage.at, self._around(stage))
            self._share(job, step)
        except (KeyProblem, NotConnected):
            _log.info("cannot compare", athlete=job.athlete, reason="not connected")
        finally:
            jobs.release(job_id)

    def _send(self, job: Job, stage: _Stage) -> Step:
        body = self._body(job, stage)
        if isinstance(body, Step):
            return body

        def send(token: str) -> Step:
            jobs.about_to_send(job.id, self._clock())
            stage.sent = True
            report = self._strava.upload(
                body, token=token, external_id=job.external_id, data_type=job.data_type
            )
            now = self._last_sent = self._clock()
            if report.upload_id:
                jobs.accepted(job.id, report.upload_id, now)
            known = replace(
                job, upload_id=report.upload_id or None, accepted_at=now, looks=0, uncertain=False
            )
            return policy.after_report(known, report, self._around(stage))

        return self._with_token(job, send, stage)

    def _body(self, job: Job, stage: _Stage) -> bytes | Step:
        """The bytes that were hashed, wherever they are now; or what it means that they are not there."""
        for path in dict.fromkeys([job.path, *files.other_paths(job.athlete, job.file_sha256)]):
            try:
                reading = admit.read(path)
            except FileNotFoundError:
                continue
            except OSError as error:
                return policy.file_unreadable(
                    job, f"the file cannot be read ({error.strerror})", self._around(stage)
                )
            if reading is None:
                return policy.file_unreadable(job, "the file is being changed", self._around(stage))
            if reading.sha256 == job.file_sha256:
                if path != job.path:
                    files.moved(job.activity_id, path)
                body = formats.body_of(reading.body, reading.sha256, job.sha256)
                return policy.file_useless(job) if body is None else body
            if path == job.path:
                return self._changed(job, path, stage)
        if not self._folder_is_there(job.path):
            return policy.file_unreadable(job, "its folder is not there", self._around(stage))
        return policy.file_gone(job)

    def _changed(self, job: Job, path: str, stage: _Stage) -> Step:
        """Other bytes are at the path now. Half of a new copy may become these again: then they are waited for."""
        arrival = admit.admit(path, job.athlete, self._app, self._clock(), Stillness.CLOSED)
        if arrival in {Arrival.UNFINISHED, Arrival.UNSETTLED, Arrival.CHANGED, Arrival.UNREADABLE}:
            return policy.file_unreadable(job, "the file is being changed", self._around(stage))
        return policy.file_changed(job)

    def _folder_is_there(self, path: str) -> bool:
        own = [one.folder for one in self._archives if Path(path).is_relative_to(one.folder)]
        return all(folder.is_dir() for folder in own) if own else Path(path).parent.is_dir()

    def _with_token(self, job: Job, call: Callable[[str], T], stage: _Stage) -> T:
        """One request with a fresh token; a second one where Strava refuses the token."""
        token = self._token(job, stage, force=False)
        try:
            answer = call(token)
        except StravaFault as fault:
            if fault.fault not in _MENDABLE:
                raise
            answer = call(self._token(job, stage, force=True))
        shared.reopen(GateName.NETWORK, GateName.SETTINGS)
        return answer

    def _token(self, job: Job, stage: _Stage, *, force: bool) -> str:
        try:
            return self._tokens.fresh(job.athlete, self._clock(), force=force)
        except StravaFault as fault:
            stage.at = Move.CONFIRM  # no byte of the file is concerned: nothing counts, nothing is uncertain
            raise StravaFault(fault.fault, str(fault), retry_after=fault.retry_after) from fault

    def _around(self, stage: _Stage) -> Around:
        now = self._clock()
        gates = shared.gates()
        network = gates.get(GateName.NETWORK)
        return Around(
            now=now,
            uploads=self._uploads,
            allowance=allowances.rolled(shared.allowance(), now),
            outstanding=jobs.outstanding(),
            others_succeed=stage.tried_before is not None and self._last_sent > stage.tried_before,
            gate_tries=network.tries if network else 0,
            bulk=stage.bulk,
        )

    def write_what_is_left(self) -> None:
        """Write down what could not be written when it was known: the disk was full, or away."""
        for job, step in list(self._unwritten.values()):
            self._write_down(job, step)

    def _write_down(self, job: Job, step: Step) -> None:
        self._unwritten[job.id] = (job, step)
        self._record(job, step)
        self._unwritten.pop(job.id, None)

    def _record(self, job: Job, step: Step) -> None:
        now = self._clock()
        self._share(job, step)
        jobs.record(job.id, step, now, after_done=self._intended(job, step))
        log = _log.warning if step.outcome in {Outcome.FAILED, Outcome.RETRY} else _log.info
        log(
            "attempted",
            outcome=step.outcome,
            waiting_for=step.shut.name if step.shut else step.waits_for,
            next_in=round(max(0.0, step.next_attempt_at - now), 1) or None,
            strava_activity_id=step.strava_activity_id,
            reason=step.shut.message if step.shut else step.error_message,
        )
        if step.status is Status.COMPLETED:
            self.put_away()

    def _share(self, job: Job, step: Step) -> None:
        """Write down what an attempt means for all other jobs."""
        if step.shut is not None:
            shared.shut(step.shut)
        if step.trouble is not None:
            athletes.lose(job.athlete, step.trouble, self._clock())

    def _intended(self, job: Job, step: Step) -> AfterUpload | None:
        """What is to become of the file; None while the job is not completed."""
        if step.status is not Status.COMPLETED:
            return None
        ours = step.outcome is Outcome.COMPLETED
        wanted = AfterUpload(self._uploads.after_upload)
        return intention(job, wanted, ours=ours, archives=self._archives)

    def put_away(self) -> None:
        """Archive or delete what is to be, also what was left undone before."""
        try:
            with self._one_at_a_time:
                put_away_all(self._archives)
        except OSError as error:
            if self._unmoved is None:
                _log.warning("cannot put away", path=error.filename, reason=error.strerror)
            self._unmoved = f"{error.strerror or error}: {folders.shown(error.filename or '')}"
        else:
            self._unmoved = None

    @property
    def unmoved(self) -> str | None:
        """Why an uploaded file could not be archived or deleted; None if all could."""
        return self._unmoved
