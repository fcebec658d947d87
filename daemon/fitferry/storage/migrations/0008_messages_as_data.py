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
SENTENCES: tuple[tuple[str, str], ...] = ()
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
