"""Named tokens; consents bound to the browser in which they began; sessions bound to the API token of their time."""

from typing import Protocol

STATEMENTS = (
    """
CREATE TABLE api_token (
    name TEXT NOT NULL PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    permission TEXT NOT NULL,   -- upload, read
    athlete TEXT,               -- whom an upload token brings files for
    created_at REAL NOT NULL,
    last_used_at REAL
) WITHOUT ROWID
""",
    # digest of the cookie of the browser in which the consent may end; NULL: in any
    "ALTER TABLE oauth_state ADD COLUMN browser TEXT",
    # of a state: the digest of the one-time link that it began from
    "ALTER TABLE oauth_state ADD COLUMN link TEXT",
    # 1: the row is such a link itself, and no state
    "ALTER TABLE oauth_state ADD COLUMN is_link INTEGER NOT NULL DEFAULT 0",
    # digest of the API token under which the session began; NULL: before this was kept
    "ALTER TABLE session ADD COLUMN api_token TEXT",
)


class Database(Protocol):
    """What a migration needs of the database; peewee is imported in `database` alone."""

    def execute_sql(self, sql: str) -> object: ...


def up(_migrator: object, db: Database) -> None:
    for statement in STATEMENTS:
        db.execute_sql(statement)
