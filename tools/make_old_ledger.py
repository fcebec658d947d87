"""Make the ledger that `tests/unit/storage/test_old_ledger.py` opens, with the code of commit e52d9b7.

    git worktree add --detach /tmp/old e52d9b7
    PYTHONPATH=/tmp/old/daemon python tools/make_old_ledger.py > tests/samples/ledger_e52d9b7.sql

The names that it calls are that commit's own. A job in every state that a kill can leave behind is in it,
and a row in every table.
"""

from __future__ import annotations

import hashlib
import sqlite3
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

NOW = 1_789_999_220.0
KEY = b"ZmVycnktb2YtdGhlLW9sZC1sZWRnZXItMzItYnl0ZXM="
SIGNED_IN = {"access_token": "access-1", "refresh_token": "refresh-1", "expires_at": NOW + 20_000.0}
RIDES = "/rides"


def _old(name: str) -> Any:
    return import_module(f"fitferry.{name}")


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def add(name: str, *, athlete: str = "me", age_days: float = 0.1, **admission: Any) -> int:
    """Admit one activity; its job's id."""
    files, model, jobs = _old("ledger.files"), _old("model.files"), _old("model.jobs")
    digest = sha(f"{athlete}/{name}")
    facts = model.Facts(
        "activity",
        "cycling",
        "road",
        NOW - age_days * 86_400,
        3600.0,
        3700.0,
        30_000.0,
        "garmin",
        "edge_1040",
        1,
    )
    found = model.Inspection(
        model.Verdict.ACTIVITY, "fit", facts, sketch=model.Sketch("route", "M0 0L100 100")
    )
    decision = model.Admission(**{"status": jobs.Status.PENDING, **admission})
    seen = model.Signature(len(name), 1_789_000_000_000_000_001, 1_789_000_000_000_000_002)
    file = files.File(athlete, f"{RIDES}/{athlete}/{name}", digest, 1000 + len(name), seen)
    return int(files.admit(file, [model.Newcomer(digest, found, decision)], NOW - 5000)[0][0])


def fill_jobs() -> None:
    """A job in every state, also those that only a process in the middle of an attempt leaves behind."""
    claims, comparisons, jobs = _old("ledger.claims"), _old("ledger.comparisons"), _old("ledger.jobs")
    m = _old("model.jobs")
    status, waits, outcome, after = m.Status, m.WaitingFor, m.Outcome, m.AfterUpload

    def ended(job: int, number: int, **step: Any) -> None:
        claims.claim(job, NOW - 100, number)
        claims.about_to_send(job, NOW - 99, number)
        done = step.pop("after_done", None)
        claims.record(job, m.Step(**step), NOW - 90, number, after_done=done)

    add("pending.fit")
    claims.claim(add("claimed.fit"), NOW - 2, 11)
    sending = add("sending.fit")
    claims.claim(sending, NOW - 3, 12)
    claims.about_to_send(sending, NOW - 1, 12)
    for name, number, let_go in (("accepted.fit", 13, True), ("looking.fit", 14, False)):
        job = add(name)
        claims.claim(job, NOW - 40, number)
        claims.about_to_send(job, NOW - 39, number)
        claims.accepted(job, 70_000 + number, NOW - 38, number)
        if let_go:
            step = m.Step(
                outcome.PROCESSING, status.PROCESSING, waits.PROCESSING, NOW + 4, upload_id=70_013, looks=3
            )
            claims.record(job, step, NOW - 30, number)
    ended(
        add("uncertain.fit"),
        15,
        outcome=outcome.WAITING,
        status=status.PENDING,
        waits_for=waits.CONFIRM,
        next_attempt_at=NOW + 50,
        failures=1,
        uncertain=True,
        error_code="interrupted",
        error_message="the connection broke off",
    )
    ended(
        add("retry.fit"),
        16,
        outcome=outcome.RETRY,
        status=status.PENDING,
        waits_for=waits.RETRY,
        next_attempt_at=NOW + 60,
        failures=2,
        error_code="server_error",
        error_message="Strava has a problem (500)",
    )
    ended(
        add("failed.fit"),
        17,
        outcome=outcome.FAILED,
        status=status.FAILED,
        failures=5,
        error_code="processing_failed",
        error_message="Strava could not read the file",
    )
    ended(
        add("completed.fit", age_days=30),
        18,
        outcome=outcome.COMPLETED,
        status=status.COMPLETED,
        upload_id=70_018,
        strava_activity_id=5_000_000_018,
        after_done=after.KEEP,
    )
    ended(
        add("to_archive.fit"),
        19,
        outcome=outcome.COMPLETED,
        status=status.COMPLETED,
        upload_id=70_019,
        strava_activity_id=5_000_000_019,
        after_done=after.ARCHIVE,
    )
    ended(
        add("duplicate.fit"),
        20,
        outcome=outcome.DUPLICATE,
        status=status.COMPLETED,
        strava_activity_id=5_000_000_020,
        error_code="duplicate",
        error_message="already on Strava",
    )
    ended(
        add("missing.fit"),
        21,
        outcome=outcome.WAITING,
        status=status.PENDING,
        waits_for=waits.FILE,
        next_attempt_at=NOW + 60,
        error_code="file_unreadable",
        error_message="the file cannot be read",
    )
    for code in ("backlog", "since", "auto_upload", "unfinished"):
        add(
            f"held_{code}.fit",
            age_days=400,
            status=status.HELD,
            error_code=code,
            error_message=f"held: {code}",
        )
    add(
        "course.fit",
        status=status.SKIPPED,
        error_code="not_activity",
        error_message="not an activity: a course",
    )
    jobs.set_aside(add("dismissed.fit", status=status.HELD, error_code="too_large", error_message="26 MB"))
    compared = {
        add(f"compared_{n}.fit", age_days=500, status=status.HELD, error_code="backlog"): n for n in (0, 1)
    }
    comparisons.compared({job: 5_000_000_030 if n else None for job, n in compared.items()}, NOW - 10)
    comparing = add(
        "comparing.fit", age_days=600, status=status.HELD, error_code="backlog", error_message="held: backlog"
    )
    claims.claim_to_compare(comparing, NOW - 1, 22)
    add("hers.fit", athlete="her")
    archive = _old("ledger.files").File("me", f"{RIDES}/me/two.zip", sha("two.zip"), 5000, None)
    model = _old("model.files")
    parts = [
        model.Newcomer(
            sha(f"two.zip/{n}"),
            model.Inspection(model.Verdict.ACTIVITY, "gpx"),
            model.Admission(status.PENDING),
            f"{n}.gpx",
        )
        for n in ("first", "second")
    ]
    _old("ledger.files").admit(archive, parts, NOW - 4000)


def fill_accounts() -> None:
    """Athletes: connected, disconnected with a token to revoke, one whose tokens are gone; consents, links, sessions."""
    athletes, doors, m = _old("ledger.athletes"), _old("ledger.doors"), _old("model.jobs")
    vault = _old("vault").Vault([KEY])
    scopes = ("read", "activity:write", "activity:read_all")
    for number, name in enumerate(("me", "her", "gone", "lost"), 1):
        sealed = vault.seal(name, {**SIGNED_IN, "refresh_token": f"refresh-{number}"})
        athletes.connect(name, 1000 + number, f"Rider {number}", scopes, sealed)
    athletes.disconnect("gone")
    athletes.lose("lost", m.Trouble.REVOKED, NOW - 500)
    athletes.ask(sha("open state"), "lost", NOW - 60)
    athletes.ask(sha("used state"), "her", NOW - 120)
    athletes.take(sha("used state"), NOW - 110)
    athletes.conclude(sha("used state"), "connected", "Rider 2")
    doors.add_link(sha("link"), NOW - 60)
    doors.add_session(sha("session"), NOW - 3600)


def fill_shared() -> None:
    """What all jobs share, what people were told, which folders are known, and doubt."""
    shared, notices = _old("ledger.shared"), _old("ledger.notices")
    files, m, strava = _old("ledger.files"), _old("model.jobs"), _old("model.strava")
    shared.hear(
        strava.Heard(
            overall_limit=(200, 2000), overall_usage=(17, 170), read_limit=(100, 1000), read_usage=(9, 90)
        ),
        NOW - 30,
    )
    words = {
        "network": "Strava cannot be reached",
        "rate_limit": "Strava's limit is reached",
        "settings": "Strava does not know this application",
    }
    for name, text in words.items():
        shared.shut(m.Gate(m.GateName(name), NOW + 300, NOW - 60, 2, f"{name}_code", text))
    shared.take_probe(m.GateName.SETTINGS, NOW + 301, 120)
    notices.tell("disconnected:lost", NOW - 400)
    notices.outcomes_were_told(NOW - 200)
    files.folder_scanned("me", f"{RIDES}/me", NOW - 90_000)
    _old("ledger.tables").DoubtRow.insert(id=1, until=NOW - 100_000).execute()


def main() -> None:
    """Print the ledger as SQL."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state.db"
        with _old("ledger.tables").opened(path):
            fill_jobs()
            fill_accounts()
            fill_shared()
        with sqlite3.connect(path) as database:
            sys.stdout.write("\n".join(database.iterdump()) + "\n")


if __name__ == "__main__":
    main()
