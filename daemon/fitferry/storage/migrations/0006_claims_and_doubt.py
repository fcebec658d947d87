"""Each claim has a number, so that only its owner writes; and since when newcomers may have been sent before."""

from typing import Protocol

STATEMENTS = (
    "ALTER TABLE upload_job ADD COLUMN claim INTEGER",
    # One row at most: files that are older than this may be on Strava already, in uploads that nobody remembers.
    "CREATE TABLE doubt (id INTEGER PRIMARY KEY CHECK (id = 1), until REAL NOT NULL)",
)


class Database(Protocol):
    """What a migration needs of the database; peewee is imported in `tables` alone."""

    def execute_sql(self, sql: str) -> object: ...


def up(_migrator: object, db: Database) -> None:
    for statement in STATEMENTS:
        db.execute_sql(statement)
