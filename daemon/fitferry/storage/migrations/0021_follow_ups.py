"""What is owed after an upload is completed: an edit of the activity, and the command of the settings."""

from typing import Protocol

STATEMENTS = (
    """
CREATE TABLE follow_up_wanted (     -- what the settings ask for; the triggers below owe nothing else
    kind TEXT PRIMARY KEY           -- edit, hook
) WITHOUT ROWID
""",
    """
CREATE TABLE follow_up (
    id INTEGER PRIMARY KEY AUTOINCREMENT,   -- in the order of completion
    kind TEXT NOT NULL,
    job_id INTEGER NOT NULL REFERENCES upload_job (id),
    state TEXT NOT NULL,            -- owed, begun, done, given_up
    failures INTEGER NOT NULL,
    next_attempt_at REAL NOT NULL,
    finished_at REAL,               -- null until done or given up
    message TEXT                    -- why it failed last
)
""",
    "CREATE INDEX follow_up_owed ON follow_up (kind, id) WHERE finished_at IS NULL",
    "CREATE INDEX follow_up_finished ON follow_up (kind, finished_at) WHERE finished_at IS NOT NULL",
    "CREATE INDEX follow_up_of_job ON follow_up (job_id)",
    """
CREATE TRIGGER upload_job_owes_edit AFTER UPDATE OF status ON upload_job
WHEN NEW.status = 'completed' AND OLD.status <> 'completed' AND NEW.error_code IS NULL
    AND EXISTS (SELECT 1 FROM follow_up_wanted WHERE kind = 'edit')
BEGIN
    INSERT INTO follow_up (kind, job_id, state, failures, next_attempt_at) VALUES ('edit', NEW.id, 'owed', 0, 0);
END
""",
    """
CREATE TRIGGER upload_job_owes_hook AFTER UPDATE OF status ON upload_job
WHEN NEW.status = 'completed' AND OLD.status <> 'completed'
    AND EXISTS (SELECT 1 FROM follow_up_wanted WHERE kind = 'hook')
BEGIN
    INSERT INTO follow_up (kind, job_id, state, failures, next_attempt_at) VALUES ('hook', NEW.id, 'owed', 0, 0);
END
""",
)


class Database(Protocol):
    """What a migration needs of the database; peewee is imported in `database` alone."""

    def execute_sql(self, sql: str) -> object: ...


def up(_migrator: object, db: Database) -> None:
    for statement in STATEMENTS:
        db.execute_sql(statement)
