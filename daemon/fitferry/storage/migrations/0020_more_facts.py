"""An activity also has its climb, its mean heart rate and power, and the serial numbers of what recorded it."""

from typing import Protocol

COLUMNS = (
    "ascent_m REAL",
    "average_heart_rate REAL",
    "average_power REAL",
    "serials TEXT NOT NULL DEFAULT ''",
)


class Database(Protocol):
    """What a migration needs of the database; peewee is imported in `database` alone."""

    def execute_sql(self, sql: str) -> object: ...


def up(_migrator: object, db: Database) -> None:
    for column in COLUMNS:
        db.execute_sql(f"ALTER TABLE activity ADD COLUMN {column}")
