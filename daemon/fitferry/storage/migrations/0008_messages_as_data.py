"""Messages as data; notifications that wait until they are taken; the order in which uploads ended.

What was stored as an English sentence becomes a message: its code and parameters, as JSON.

The sentences are those of every version before. What none of them fits is kept as it is, as somebody's own words.
"""

import json
import re
import string
from typing import Any, Protocol

_NEXT_NUMBER = """
    UPDATE upload_job SET finish_number = (SELECT COALESCE(MAX(finish_number), 0) + 1 FROM upload_job)
    WHERE id = NEW.id
"""
STATEMENTS = (
    """
    CREATE TABLE notification (
        id INTEGER PRIMARY KEY, title TEXT NOT NULL, body TEXT NOT NULL, created_at REAL NOT NULL, addresses TEXT
    )
    """,
    "ALTER TABLE sent_notification ADD COLUMN latest INTEGER NOT NULL DEFAULT 0",
    # Clocks jump; the number tells which upload ended after which.
    "ALTER TABLE upload_job ADD COLUMN finish_number INTEGER",
    """
    UPDATE upload_job SET finish_number = ended.number FROM (
        SELECT id, ROW_NUMBER() OVER (ORDER BY completed_at, id) AS number
        FROM upload_job WHERE completed_at IS NOT NULL
    ) AS ended WHERE ended.id = upload_job.id
    """,
    "CREATE INDEX upload_job_finished ON upload_job (finish_number)",
    f"""
    CREATE TRIGGER upload_job_ends AFTER UPDATE OF status ON upload_job
    WHEN NEW.status IN ('completed', 'failed') AND OLD.status <> NEW.status BEGIN {_NEXT_NUMBER}; END
    """,
    f"""
    CREATE TRIGGER upload_job_begins_done AFTER INSERT ON upload_job
    WHEN NEW.status IN ('completed', 'failed') BEGIN {_NEXT_NUMBER}; END
    """,
    """
    UPDATE sent_notification SET latest = (
        SELECT COALESCE(MAX(finish_number), 0) FROM upload_job WHERE completed_at <= sent_notification.at
    ) WHERE key = 'outcomes'
    """,
)
COLUMNS = (("upload_job", "error_message"), ("breaker", "message"), ("oauth_state", "message"))
SENTENCES = (
    ("already on Strava", "already_on_strava"),
    (
        "Strava says that the activity was deleted there; `fitferry retry --again` sends it once more",
        "deleted_on_strava",
    ),
    ("Strava cannot use the file: {answer}", "rejected"),
    ("Strava does not know the upload that it had accepted", "upload_unknown"),
    ("something went wrong inside Fitferry; the log has the details", "unexpected_error"),
    ("the file was changed before it was sent", "file_changed"),
    ("file is gone", "upload_file_gone"),
    ("the archive cannot be unpacked", "archive_useless"),
    ("its folder is not there", "folder_away"),
    ("the file is being changed", "file_being_changed"),
    ("the file cannot be read ({reason:message})", "file_unreadable"),
    ("the database cannot be written ({reason})", "database_failed"),
    ("put aside by hand", "dismissed_by_hand"),
    (
        (
            "this was sent to the Strava account that was connected before: look for it there, or send it to the one "
            "that is connected now"
        ),
        "previous_account",
    ),
    ("not an activity: {reason:message}", "upload_no_activity"),
    ("skipped by rule {rule:number}", "skipped_by_rule"),
    ("started before {since}, see since in [strava]", "before_since"),
    ("waits for somebody to upload it (auto_upload is off)", "auto_upload_off"),
    ("was there before Fitferry: waits for your decision", "before_fitferry"),
    ("Strava had a fault of its own ({answer:message})", "server_error"),
    ("something that is not Strava answered", "not_readable"),
    ("Strava cannot be reached: {reason:message}", "unreachable"),
    ("the connection to Strava broke off: {reason:message}", "broken_off"),
    # Problems say what follows from these; what is left is what Strava answered.
    (
        (
            "Strava does not know this application: client_id or client_secret in [strava] is wrong; compare both with "
            "strava.com/settings/api ({text})"
        ),
        "verbatim",
    ),
    ("there is no Strava API at the address in [strava] api: it is wrong or has moved ({text})", "verbatim"),
    ("{have:number} of {want:number} bytes", "bytes_of"),
    ("only {have:number} bytes are there", "only_bytes"),
    ("checksum does not match", "checksum_wrong"),
    ("the messages cannot be read to the end", "messages_broken"),
    ("it is still being recorded", "still_recorded"),
    ("it is still empty", "still_empty"),
    ("its end is still empty", "end_empty"),
    ("not an activity file", "not_an_activity_file"),
    ("the document does not end", "document_cut"),
    ("the zip archive breaks off", "zip_cut"),
    ("the zip archive is damaged", "zip_damaged"),
    ("the gzip archive breaks off", "gzip_cut"),
    ("the gzip archive is damaged", "gzip_damaged"),
    ("an archive with no activity file in it", "archive_empty"),
    ("an archive that holds {reason:message} ({name}) and {more:number} more", "archive_holds_more"),
    ("an archive that holds {reason:message} ({name})", "archive_holds"),
    ("a FIT file that does not say what it is", "fit_untyped"),
    ("a FIT file of type {number}", "fit_of_type"),
    ("settings", "fit_settings"),
    ("sport settings", "fit_sport_settings"),
    ("a workout", "fit_workout"),
    ("a course", "fit_course"),
    ("a schedule", "fit_schedule"),
    ("weight measurements", "fit_weight"),
    ("totals", "fit_totals"),
    ("goals", "fit_goals"),
    ("blood pressure measurements", "fit_blood_pressure"),
    ("monitoring data", "fit_monitoring"),
    ("an activity summary", "fit_summary"),
    ("a segment", "fit_segment"),
    ("a segment list", "fit_segment_list"),
    ("a display configuration", "fit_display"),
    ("a track without times, so a planned one", "gpx_planned"),
    ("a GPX file without a track", "gpx_empty"),
    ("a TCX file without an activity", "tcx_empty"),
    ("No such file or directory", "os_not_found"),
    ("Permission denied", "os_permission_denied"),
    ("Input/output error", "os_io_error"),
    ("Stale file handle", "os_stale"),
)
"""Sentence, code. {name} takes any text, {name:number} digits with commas, {name:message} a sentence in the sentence."""
_TAKES = {"number": r"[\d,]+", "message": ".+?", "": ".+?", None: ".+?"}


class Cursor(Protocol):
    """What a query answers."""

    def fetchall(self) -> list[tuple[Any, ...]]: ...


class Database(Protocol):
    """What a migration needs of the database; peewee is imported in `database` alone."""

    def execute_sql(self, sql: str, params: tuple[object, ...] = ()) -> Cursor: ...


def up(_migrator: object, db: Database) -> None:
    for statement in STATEMENTS:
        db.execute_sql(statement)
    patterns = [(_pattern(sentence), _kinds(sentence), code) for sentence, code in SENTENCES]
    for table, column in COLUMNS:
        rows = db.execute_sql(f"SELECT rowid, {column} FROM {table} WHERE {column} IS NOT NULL").fetchall()  # noqa: S608  # names of ours
        for row, text in rows:
            stored = json.dumps(message(text, patterns), ensure_ascii=False)
            db.execute_sql(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (stored, row))  # noqa: S608  # as above


def message(text: str, patterns: list[tuple[re.Pattern[str], dict[str, str], str]]) -> dict[str, object]:
    """The message that a sentence is, the first that fits."""
    for pattern, kinds, code in patterns:
        match = pattern.fullmatch(text)
        if match:
            params = {name: _value(kinds[name], part, patterns) for name, part in match.groupdict().items()}
            return {"code": code, "params": params}
    return {"code": "verbatim", "params": {"text": text}}


def _value(kind: str, part: str, patterns: list[tuple[re.Pattern[str], dict[str, str], str]]) -> object:
    if kind == "number":
        return int(part.replace(",", ""))
    return message(part, patterns) if kind == "message" else part


def _kinds(sentence: str) -> dict[str, str]:
    return {name: kind or "" for _, name, kind, _ in string.Formatter().parse(sentence) if name}


def _pattern(sentence: str) -> re.Pattern[str]:
    parts = []
    for literal, name, kind, _ in string.Formatter().parse(sentence):
        parts.append(re.escape(literal) + (f"(?P<{name}>{_TAKES[kind]})" if name else ""))
    return re.compile("".join(parts), re.DOTALL)
