"""Tokens that are yet to be revoked, each in a row of its own: an athlete may have had several accounts."""

from typing import Protocol

STATEMENTS = (
    """
CREATE TABLE farewell (
    id INTEGER PRIMARY KEY,
    athlete TEXT NOT NULL,      -- the name that the tokens are sealed with
    athlete_id INTEGER,         -- the account at Strava
    sealed BLOB NOT NULL
)
""",
    """
INSERT INTO farewell (athlete, sealed)
    SELECT name, sealed_farewell FROM athlete WHERE sealed_farewell IS NOT NULL
""",
    "ALTER TABLE athlete DROP COLUMN sealed_farewell",
)


class Database(Protocol):
    """What a migration needs of the database; peewee is imported in `tables` alone."""

    def execute_sql(self, sql: str) -> object: ...


def up(_migrator: object, db: Database) -> None:
    for statement in STATEMENTS:
        db.execute_sql(statement)
