"""Each activity drawn small, for the page."""

from typing import Protocol

SKETCHES = """
CREATE TABLE sketch (
    activity_id INTEGER PRIMARY KEY REFERENCES activity (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,         -- route, heart_rate, power
    path TEXT NOT NULL          -- an SVG path in a square of 100
)
"""


class Database(Protocol):
    """What a migration needs of the database; peewee is imported in `tables` alone."""

    def execute_sql(self, sql: str) -> object: ...


def up(_migrator: object, db: Database) -> None:
    db.execute_sql(SKETCHES)
