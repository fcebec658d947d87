"""The history in the order of the activities' own days: an index that the page reads from."""

from typing import Protocol

STATEMENTS = (
    """
CREATE INDEX upload_job_by_day ON upload_job (coalesce(start_time, created_at) DESC, id DESC)
    WHERE status <> 'skipped'
""",
)


class Database(Protocol):
    """What a migration needs of the database; peewee is imported in `database` alone."""

    def execute_sql(self, sql: str) -> object: ...


def up(_migrator: object, db: Database) -> None:
    for statement in STATEMENTS:
        db.execute_sql(statement)
