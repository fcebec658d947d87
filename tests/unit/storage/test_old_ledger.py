"""A ledger that commit e52d9b7 made, killed in the middle of its work, opens, migrates and loses nothing.

`tools/make_old_ledger.py` says how it was made.
"""

from __future__ import annotations

import contextlib
import json
import runpy
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fitferry.auth.token_cipher import TokenCipher
from fitferry.core.breaker import BreakerName
from fitferry.core.messages import TEMPLATES, Message, files, placeholders, strava, verbatim
from fitferry.core.messages import uploads as uploads_said
from fitferry.core.upload import AfterUpload, AuthProblem, ErrorCode, Job, Status, WaitingFor
from fitferry.storage import (
    accounts,
    attempts,
    breakers,
    database,
    oauth_states,
    open_jobs,
    queries,
    rate_limits,
    revocations,
    seen_files,
    sessions,
    uploads,
)
from make_old_ledger import KEY, NOW, sha

RENAMED_TABLES = {
    "gate": "breaker",
    "allowance": "rate_limit",
    "sketch": "thumbnail",
    "farewell": "revocation",
    "notice": "sent_notification",
}
RENAMED_COLUMNS = {
    ("upload_job", "waits_for"): "own_wait",
    ("upload_job", "after_done"): "after_upload_action",
}
SENTENCES = {("upload_job", "error_message"), ("gate", "message"), ("oauth_state", "message")}
"""Finished sentences, which are messages by now."""
CHANGED: set[tuple[str, str]] = {("upload_job", "claimed_at"), ("upload_job", "claim"), *SENTENCES}
"""Old columns whose values a later migration writes in another form, or drops: each with a test of its own."""
LONGEST, QUARANTINE = 7200.0, 60.0


@pytest.fixture
def migrated(old: Path) -> Iterator[Path]:
    """The same, opened by this version."""
    with database.opened(old):
        yield old


def _tables(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
    )
    return [name for (name,) in rows if name != "schema_migration"]


def _rows(connection: sqlite3.Connection, table: str) -> list[dict[str, Any]]:
    cursor = connection.execute(f'SELECT * FROM "{table}"')  # noqa: S608  # the name is from the file itself
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _named(job: Job) -> str:
    return job.file.rpartition("/")[2].removesuffix(".fit")


def _job(name: str) -> Job:
    ids = [job_id for job_id in range(1, 25) if (job := uploads.get(job_id)) and _named(job) == name]
    found = uploads.get(ids[0])
    assert found is not None
    return found


def test_every_old_value_is_in_the_migrated_ledger(old: Path) -> None:
    """Row by row and column by column, under the names of today."""
    with contextlib.closing(sqlite3.connect(old)) as before:
        rows = {table: _rows(before, table) for table in _tables(before)}
    assert all(rows.values()), "the old ledger has a row in every table"

    with database.opened(old):
        pass
    with contextlib.closing(sqlite3.connect(old)) as after:
        for table, old_rows in rows.items():
            new_rows = _rows(after, RENAMED_TABLES.get(table, table))
            names = {
                column: RENAMED_COLUMNS.get((table, column), column)
                for column in old_rows[0]
                if (table, column) not in CHANGED
            }
            expected = [{names[column]: row[column] for column in names} for row in old_rows]
            assert [{name: row[name] for name in names.values()} for row in new_rows] == expected, table


REWORDED = {"put aside by hand": "dismissed"}
"""Old sentences that read plainer by now."""


def test_every_old_sentence_reads_as_before(old: Path) -> None:
    """As a message that is known by its code, or as words that nobody translates."""
    with contextlib.closing(sqlite3.connect(old)) as before:
        sentences = {
            (table, column): [row[column] for row in _rows(before, table)] for table, column in SENTENCES
        }

    with database.opened(old):
        pass
    with contextlib.closing(sqlite3.connect(old)) as after:
        for (table, column), texts in sentences.items():
            stored = [row[column] for row in _rows(after, RENAMED_TABLES.get(table, table))]
            assert [text and str(Message.from_json(text)) for text in stored] == [
                REWORDED.get(text, text) for text in texts
            ]


MIGRATION = runpy.run_path(str(Path(database.__file__).parent / "migrations" / "0008_messages_as_data.py"))


@pytest.mark.parametrize(("sentence", "code"), MIGRATION["SENTENCES"])
def test_every_old_sentence_has_a_message_with_its_parameters(sentence: str, code: str) -> None:
    """The migration's codes and parameters are those of the templates."""
    assert placeholders(sentence) == placeholders(TEMPLATES[code].text)


@pytest.mark.parametrize(
    ("sentence", "message"),
    [
        ("already on Strava", uploads_said.ALREADY_ON_STRAVA()),
        ("1,234 of 5,678 bytes", files.BYTES_OF(have=1234, want=5678)),
        ("not an activity: a course", uploads_said.NO_ACTIVITY(reason=files.FIT_COURSE())),
        (
            "not an activity: an archive that holds a course (a.fit) and 2 more",
            uploads_said.NO_ACTIVITY(
                reason=files.ARCHIVE_HOLDS_MORE(reason=files.FIT_COURSE(), name="a.fit", more=2)
            ),
        ),
        ("Strava cannot use the file: Malformed", uploads_said.REJECTED(answer="Malformed")),
        (
            "Strava had a fault of its own (HTTP 500)",
            strava.SERVER_ERROR(answer=verbatim("HTTP 500")),
        ),
        ("what nobody knows {x}", verbatim("what nobody knows {x}")),
    ],
)
def test_old_sentences_become_messages(sentence: str, message: Message) -> None:
    """With messages inside messages, and numbers as numbers."""
    patterns = [
        (MIGRATION["_pattern"](text), MIGRATION["_kinds"](text), code)
        for text, code in MIGRATION["SENTENCES"]
    ]

    assert Message.from_json(json.dumps(MIGRATION["message"](sentence, patterns))) == message


def test_it_is_whole_and_can_be_opened_again(migrated: Path) -> None:
    """Migrations run once, and leave no dangling references."""
    database.database.close_all()
    with database.opened(migrated):
        pass
    with contextlib.closing(sqlite3.connect(migrated)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert raw.execute("PRAGMA foreign_key_check").fetchall() == []


@pytest.mark.usefixtures("migrated")
def test_what_was_in_flight_is_neither_lost_nor_sent_again_unlooked_for() -> None:
    """An attempt that had begun to send is looked for; an accepted upload keeps Strava's id; the rest is free."""
    attempts.release_interrupted(LONGEST, QUARANTINE, NOW)

    sending, uncertain = _job("sending"), _job("uncertain")
    assert (sending.status, sending.own_wait, sending.uncertain) == (Status.PENDING, WaitingFor.CONFIRM, True)
    assert sending.next_attempt_at == NOW - 1 + QUARANTINE
    assert (uncertain.status, uncertain.own_wait, uncertain.uncertain) == (
        Status.PENDING,
        WaitingFor.CONFIRM,
        True,
    )
    for name, upload_id in (("accepted", 70_013), ("looking", 70_014)):
        job = _job(name)
        assert (job.status, job.upload_id, job.uncertain) == (Status.PROCESSING, upload_id, False)
    assert _job("claimed").status is Status.PENDING
    assert _job("claimed").uncertain is False
    assert _job("comparing").status is Status.HELD
    due = open_jobs.due(
        NOW + 100, 99, look=True, fresh_since=None, connected=["me"], readers=["me"], probe=False
    )
    assert {_named(found) for job_id in due if (found := uploads.get(job_id))} == {
        *("pending", "claimed", "sending", "accepted", "looking", "uncertain", "retry", "missing"),
        *("first.gpx", "second.gpx"),
    }


@pytest.mark.usefixtures("migrated")
def test_what_was_decided_stays_decided() -> None:
    """Completed, failed, held and dismissed: with their codes, ids and what is still to be done with the file."""
    assert uploads.counts() == {
        Status.PENDING: 7,
        Status.PROCESSING: 4,
        Status.COMPLETED: 4,
        Status.FAILED: 1,
        Status.HELD: 6,
        Status.SKIPPED: 2,
    }
    assert {
        _named(job) for job in uploads.with_status(Status.HELD) if job.error_code is ErrorCode.BACKLOG
    } == {
        "held_backlog",
        "compared_0",
        "comparing",
    }
    assert (_job("failed").failures, _job("failed").error_code) == (5, "processing_failed")
    assert _job("completed").strava_activity_id == 5_000_000_018
    assert _job("duplicate").error_code == "duplicate"
    assert _job("dismissed").error_code == "dismissed"
    assert [_named(job) for job in uploads.awaiting_after_upload()] == ["to_archive"]
    assert _job("to_archive").after_upload_action is AfterUpload.ARCHIVE
    assert len(queries.thumbnails(range(1, 23))) == 22
    assert uploads.dismiss(_job("failed").id)
    assert uploads.requeue(_job("held_since").id, [Status.HELD])


@pytest.mark.usefixtures("migrated")
def test_known_bytes_stay_known() -> None:
    """The folder is not a new one, and what lies in it is not admitted a second time."""
    assert seen_files.folder_is_known("me", "/rides/me")
    assert seen_files.seen("me", "/rides/me/pending.fit") is not None
    assert len(seen_files.seen_at("me", ["/rides/me/pending.fit", "/rides/me/x"])) == 1
    assert len(uploads.of_file("me", sha("two.zip"))) == 2


@pytest.mark.usefixtures("migrated")
def test_accounts_and_tokens_are_kept() -> None:
    """The key still opens every token; what is to be revoked is revoked; consents and browsers go on."""
    cipher = TokenCipher([KEY])
    for name, number in (("me", 1), ("her", 2)):
        athlete, sealed = accounts.get(name), accounts.sealed_tokens(name)
        assert (athlete.connected, athlete.athlete_id, athlete.can_read) == (True, 1000 + number, True)
        assert sealed is not None
        assert cipher.decrypt(name, sealed).refresh_token == f"refresh-{number}"
    assert (accounts.get("lost").connected, accounts.get("lost").trouble) == (False, AuthProblem.REVOKED)
    (pending,) = revocations.pending_revocations()
    assert cipher.decrypt("gone", pending.sealed).refresh_token == "refresh-3"
    used = oauth_states.consent(sha("used state"))
    assert used is not None
    assert used.outcome == "connected"
    assert sessions.link_is_good(sha("link"), NOW)
    assert sessions.session_is_good(sha("session"), NOW)


@pytest.mark.usefixtures("migrated")
def test_what_all_jobs_share_is_kept() -> None:
    """The open breakers, and the rate limit as last heard."""
    found = breakers.open_breakers()
    assert set(found) == set(BreakerName)
    assert found[BreakerName.NETWORK].until == NOW + 300
    assert rate_limits.current().overall_usage == (17, 170)
