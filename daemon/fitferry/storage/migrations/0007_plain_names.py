"""Tables and columns get the field's own names: breaker, rate limit, thumbnail, revocation, own wait."""

from typing import Protocol

STATEMENTS = (
    "ALTER TABLE gate RENAME TO breaker",
    "ALTER TABLE allowance RENAME TO rate_limit",
    "ALTER TABLE sketch RENAME TO thumbnail",
    "ALTER TABLE farewell RENAME TO revocation",
    "ALTER TABLE notice RENAME TO sent_notification",
    "ALTER TABLE upload_job RENAME COLUMN waits_for TO own_wait",
    "ALTER TABLE upload_job RENAME COLUMN after_done TO after_upload_action",
)


class Database(Protocol):
    """What a migration needs of the database; peewee is imported in `database` alone."""

    def execute_sql(self, sql: str) -> object: ...


def up(_migrator: object, db: Database) -> None:
    for statement in STATEMENTS:
        db.execute_sql(statement)
