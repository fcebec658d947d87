"""Questions about a job that got no answer are counted by themselves, not with the looks at its processing."""

from typing import Protocol

STATEMENTS = (
    "ALTER TABLE upload_job ADD COLUMN read_failures INTEGER NOT NULL DEFAULT 0",
    # Of a held activity, looks counted the lists that Strava did not give.
    "UPDATE upload_job SET read_failures = looks, looks = 0 WHERE status = 'held' AND looks > 0",
)


class Database(Protocol):
    """What a migration needs of the database; peewee is imported in `database` alone."""

    def execute_sql(self, sql: str) -> object: ...


def up(_migrator: object, db: Database) -> None:
    for statement in STATEMENTS:
        db.execute_sql(statement)
