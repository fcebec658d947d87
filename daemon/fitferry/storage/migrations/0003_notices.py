"""What people were told, so that nothing is told twice, also over a restart."""

from typing import Protocol


class Database(Protocol):
    """What a migration needs of the database; peewee is imported in `tables` alone."""

    def execute_sql(self, sql: str) -> object: ...


def up(_migrator: object, db: Database) -> None:
    db.execute_sql("CREATE TABLE notice (key TEXT PRIMARY KEY, at REAL NOT NULL)")
