"""Claims are kept in memory; each row has a revision, which every decision on the job raises."""

from typing import Protocol

STATEMENTS = (
    "ALTER TABLE upload_job ADD COLUMN row_revision INTEGER NOT NULL DEFAULT 0",
    "DROP INDEX upload_job_claimed",
    "ALTER TABLE upload_job DROP COLUMN claimed_at",
    "ALTER TABLE upload_job DROP COLUMN claim",
    """
CREATE INDEX upload_job_accepted ON upload_job (accepted_at)
    WHERE status IN ('pending', 'processing') AND upload_id IS NOT NULL
""",
)


class Database(Protocol):
    """What a migration needs of the database; peewee is imported in `database` alone."""

    def execute_sql(self, sql: str) -> object: ...


def up(_migrator: object, db: Database) -> None:
    for statement in STATEMENTS:
        db.execute_sql(statement)
