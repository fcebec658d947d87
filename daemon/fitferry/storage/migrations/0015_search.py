"""The names of activities can be searched by an index, which is filled in the background.

Where SQLite was built without FTS5 there is none, and names are compared one by one.
"""

from typing import Protocol

STATEMENTS = (
    # Up to which activity the index goes; back, when the newest of them is deleted and its number given anew.
    "CREATE TABLE search_state (id INTEGER PRIMARY KEY CHECK (id = 1), indexed_to INTEGER NOT NULL)",
    "INSERT INTO search_state VALUES (1, 0)",
    "CREATE INDEX activity_sport ON activity (sport, id)",
    """
CREATE TRIGGER activity_leaves_search AFTER DELETE ON activity
WHEN OLD.id > (SELECT coalesce(max(id), 0) FROM activity) BEGIN
    UPDATE search_state SET indexed_to = min(indexed_to, (SELECT coalesce(max(id), 0) FROM activity));
END
""",
)
INDEX = "CREATE VIRTUAL TABLE activity_search USING fts5(grams, content='', tokenize='ascii', detail='none')"


class Cursor(Protocol):
    """What a query answers."""

    def fetchall(self) -> list[tuple[str]]: ...


class Database(Protocol):
    """What a migration needs of the database; peewee is imported in `database` alone."""

    def execute_sql(self, sql: str) -> Cursor: ...


def up(_migrator: object, db: Database) -> None:
    for statement in STATEMENTS:
        db.execute_sql(statement)
    if ("ENABLE_FTS5",) in db.execute_sql("PRAGMA compile_options").fetchall():
        db.execute_sql(INDEX)
