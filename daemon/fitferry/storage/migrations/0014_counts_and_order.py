"""What is asked for often gets an index that holds open jobs only, and counts that are kept as jobs change.

Each job holds whose it is and when its activity started, copied from the activity, so that one index orders what is due.
"""

from typing import Protocol

_OPEN = "status IN ('pending', 'processing')"
STATEMENTS = (
    "ALTER TABLE upload_job ADD COLUMN athlete TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE upload_job ADD COLUMN start_time REAL",
    """
UPDATE upload_job SET (athlete, start_time) =
    (SELECT athlete, start_time FROM activity WHERE activity.id = upload_job.activity_id)
""",
    """
CREATE TRIGGER upload_job_copies_activity AFTER INSERT ON upload_job BEGIN
    UPDATE upload_job SET (athlete, start_time) =
        (SELECT athlete, start_time FROM activity WHERE activity.id = NEW.activity_id)
    WHERE id = NEW.id;
END
""",
    """
CREATE TRIGGER activity_changes_job AFTER UPDATE OF athlete, start_time ON activity BEGIN
    UPDATE upload_job SET athlete = NEW.athlete, start_time = NEW.start_time WHERE activity_id = NEW.id;
END
""",
    "DROP INDEX upload_job_open",
    f"CREATE INDEX upload_job_due ON upload_job (athlete, start_time DESC, id) WHERE {_OPEN}",
    f"CREATE INDEX upload_job_start ON upload_job (start_time DESC, id, created_at) WHERE {_OPEN}",
    f"CREATE INDEX upload_job_next ON upload_job (next_attempt_at, athlete) WHERE {_OPEN}",
    f"CREATE INDEX upload_job_tried ON upload_job (tried_at, start_time DESC, id) WHERE {_OPEN}",
    f"CREATE INDEX upload_job_sent ON upload_job (athlete) WHERE {_OPEN} AND upload_id IS NOT NULL",
    "CREATE INDEX upload_job_listed ON upload_job (id) WHERE status <> 'skipped'",
    "CREATE INDEX upload_job_of ON upload_job (athlete, id)",
    "CREATE INDEX upload_job_held ON upload_job (error_code, start_time, created_at) WHERE status = 'held'",
    "CREATE INDEX upload_job_skipped ON upload_job (athlete, error_code) WHERE status = 'skipped'",
    """
CREATE INDEX upload_job_uncompared ON upload_job (athlete, start_time)
    WHERE compared_at IS NULL AND status IN ('held', 'pending')
""",
    "CREATE INDEX upload_job_created ON upload_job (created_at, status, start_time)",
    # The name of a status, and how many jobs have it.
    "CREATE TABLE job_count (status TEXT PRIMARY KEY, jobs INTEGER NOT NULL) WITHOUT ROWID",
    "INSERT INTO job_count SELECT status, count(*) FROM upload_job GROUP BY status",
    """
CREATE TRIGGER upload_job_counted AFTER INSERT ON upload_job BEGIN
    INSERT INTO job_count VALUES (NEW.status, 1) ON CONFLICT DO UPDATE SET jobs = jobs + 1;
END
""",
    """
CREATE TRIGGER upload_job_uncounted AFTER DELETE ON upload_job BEGIN
    UPDATE job_count SET jobs = jobs - 1 WHERE status = OLD.status;
END
""",
    """
CREATE TRIGGER upload_job_recounted AFTER UPDATE OF status ON upload_job WHEN OLD.status <> NEW.status BEGIN
    UPDATE job_count SET jobs = jobs - 1 WHERE status = OLD.status;
    INSERT INTO job_count VALUES (NEW.status, 1) ON CONFLICT DO UPDATE SET jobs = jobs + 1;
END
""",
)


class Database(Protocol):
    """What a migration needs of the database; peewee is imported in `database` alone."""

    def execute_sql(self, sql: str) -> object: ...


def up(_migrator: object, db: Database) -> None:
    for statement in STATEMENTS:
        db.execute_sql(statement)
