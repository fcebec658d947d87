"""A first scan's activities are queued before Strava's clock is heard, and judged by it before they are sent."""

from typing import Protocol

STATEMENTS = (
    "ALTER TABLE upload_job ADD COLUMN age_unproven INTEGER NOT NULL DEFAULT 0",
    """
UPDATE upload_job SET status = 'pending', age_unproven = 1, error_code = NULL, error_message = NULL
WHERE status = 'held' AND error_code = 'clock'
""",
)


class Database(Protocol):
    """What a migration needs of the database; peewee is imported in `database` alone."""

    def execute_sql(self, sql: str) -> object: ...


def up(_migrator: object, db: Database) -> None:
    for statement in STATEMENTS:
        db.execute_sql(statement)
