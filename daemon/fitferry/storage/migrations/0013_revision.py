"""Number of the last change, to see that an older ledger was put back; no tokens of before in unused bytes."""

from typing import Protocol

STATEMENTS = (
    "CREATE TABLE ledger (id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER NOT NULL)",
    "INSERT INTO ledger VALUES (1, 1)",
    # Written anew: what versions without secure_delete overwrote lies in the unused bytes of the old pages.
    "ALTER TABLE athlete RENAME TO old_athlete",
    """
CREATE TABLE athlete (
    name TEXT PRIMARY KEY,
    athlete_id INTEGER,
    display_name TEXT,
    scopes TEXT NOT NULL,
    sealed_tokens BLOB,         -- null: not connected
    trouble TEXT,
    trouble_since REAL
)
""",
    """
INSERT INTO athlete
    SELECT name, athlete_id, display_name, scopes, sealed_tokens, trouble, trouble_since FROM old_athlete
""",
    "DROP TABLE old_athlete",
    "ALTER TABLE revocation RENAME TO old_revocation",
    """
CREATE TABLE revocation (
    id INTEGER PRIMARY KEY,
    athlete TEXT NOT NULL,      -- the name that the tokens are sealed with
    athlete_id INTEGER,         -- the account at Strava
    sealed BLOB NOT NULL
)
""",
    "INSERT INTO revocation SELECT id, athlete, athlete_id, sealed FROM old_revocation",
    "DROP TABLE old_revocation",
)


class Database(Protocol):
    """What a migration needs of the database; peewee is imported in `database` alone."""

    def execute_sql(self, sql: str) -> object: ...


def up(_migrator: object, db: Database) -> None:
    for statement in STATEMENTS:
        db.execute_sql(statement)
