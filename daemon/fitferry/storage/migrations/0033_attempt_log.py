"""The last attempts of each upload, with their outcomes: what the page shows of a ride's way."""

from typing import Protocol

STATEMENTS = (
    """
CREATE TABLE upload_attempt (
    job_id INTEGER NOT NULL REFERENCES upload_job (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,        -- of this job, from 1
    at REAL NOT NULL,               -- when its outcome was known
    outcome TEXT NOT NULL,
    message TEXT,                   -- why it did not succeed
    PRIMARY KEY (job_id, number)
) WITHOUT ROWID
""",
    """
CREATE TRIGGER upload_attempt_bounded AFTER INSERT ON upload_attempt WHEN NEW.number > 20
BEGIN
    DELETE FROM upload_attempt WHERE job_id = NEW.job_id AND number <= NEW.number - 20;
END
""",
)


class Database(Protocol):
    """What a migration needs of the database; peewee is imported in `database` alone."""

    def execute_sql(self, sql: str) -> object: ...


def up(_migrator: object, db: Database) -> None:
    for statement in STATEMENTS:
        db.execute_sql(statement)
