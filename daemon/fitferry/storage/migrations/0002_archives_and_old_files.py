"""A file may hold several activities; old activities are compared with what is on Strava already."""

from typing import Protocol

STATEMENTS = (
    # The file in the folder: its bytes are not the activity's own where it is an archive of several.
    "ALTER TABLE activity ADD COLUMN file_sha256 TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE activity ADD COLUMN member TEXT NOT NULL DEFAULT ''",
    "UPDATE activity SET file_sha256 = sha256",
    "CREATE INDEX activity_file ON activity (file_sha256)",
    "CREATE INDEX activity_path ON activity (path)",
    # When the activity was looked for among those on Strava, before it was sent.
    "ALTER TABLE upload_job ADD COLUMN compared_at REAL",
    "CREATE INDEX upload_job_completed ON upload_job (completed_at)",
    "CREATE INDEX upload_job_put_away ON upload_job (after_done) WHERE after_done IS NOT NULL",
)


class Database(Protocol):
    """What a migration needs of the database; peewee is imported in `tables` alone."""

    def execute_sql(self, sql: str) -> object: ...


def up(_migrator: object, db: Database) -> None:
    for statement in STATEMENTS:
        db.execute_sql(statement)
