"""The first tables. A migration that was released is never edited: later changes get a file of their own."""

from typing import Protocol

TABLES = """
CREATE TABLE activity (
    id INTEGER PRIMARY KEY,
    athlete TEXT NOT NULL,
    sha256 TEXT NOT NULL,       -- of the bytes in the folder: the activity's identity
    path BLOB NOT NULL,         -- where those bytes were last seen
    size INTEGER NOT NULL,
    data_type TEXT NOT NULL,
    kind TEXT,
    sport TEXT,
    sub_sport TEXT,
    start_time REAL,            -- null: the file has only relative times, or none
    duration_s REAL,
    elapsed_s REAL,
    distance_m REAL,
    manufacturer TEXT,
    product TEXT,
    sessions INTEGER NOT NULL,
    created_at REAL NOT NULL,
    UNIQUE (athlete, sha256)
);
CREATE INDEX activity_start ON activity (start_time);
CREATE TABLE upload_job (
    id INTEGER PRIMARY KEY,
    activity_id INTEGER NOT NULL UNIQUE REFERENCES activity (id) ON DELETE CASCADE,
    status TEXT NOT NULL,
    waits_for TEXT,             -- the job's own wait; waits that all share are in gate
    failures INTEGER NOT NULL,  -- attempts that counted
    next_attempt_at REAL NOT NULL,
    claimed_at REAL,            -- null: nobody works on it
    tried_at REAL,              -- the last claim
    sent_at REAL,               -- just before the body last went out
    accepted_at REAL,           -- when upload_id was heard
    uncertain INTEGER NOT NULL, -- something went out and nobody knows whether it arrived
    external_id TEXT NOT NULL,
    upload_id INTEGER,          -- Strava's; once it is known the file is never sent again
    looks INTEGER NOT NULL,     -- times that Strava was asked about upload_id
    strava_activity_id INTEGER,
    error_code TEXT,
    error_message TEXT,
    after_done TEXT,            -- what after_upload did with the file
    created_at REAL NOT NULL,
    completed_at REAL
);
CREATE INDEX upload_job_open ON upload_job (next_attempt_at) WHERE status IN ('pending', 'processing');
CREATE INDEX upload_job_claimed ON upload_job (id) WHERE claimed_at IS NOT NULL;
CREATE INDEX upload_job_status ON upload_job (status, id);
CREATE TABLE seen_path (
    path BLOB PRIMARY KEY,      -- any bytes that Linux allows
    athlete TEXT NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL,
    sha256 TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX seen_path_sha256 ON seen_path (sha256);
CREATE TABLE seen_folder (
    path BLOB NOT NULL,
    athlete TEXT NOT NULL,
    scanned_at REAL NOT NULL,   -- when its first scan ended
    PRIMARY KEY (path, athlete)
);
CREATE TABLE athlete (
    name TEXT PRIMARY KEY,
    athlete_id INTEGER,
    display_name TEXT,
    scopes TEXT NOT NULL,
    sealed_tokens BLOB,         -- null: not connected
    sealed_farewell BLOB,       -- a token that still has to be revoked at Strava
    trouble TEXT,
    trouble_since REAL
);
CREATE TABLE oauth_state (
    digest TEXT PRIMARY KEY,    -- of the state: the state itself is a secret for ten minutes
    athlete TEXT NOT NULL,
    created_at REAL NOT NULL,
    used_at REAL,
    outcome TEXT,
    message TEXT
);
CREATE TABLE login_link (
    digest TEXT PRIMARY KEY,
    expires_at REAL NOT NULL
);
CREATE TABLE session (
    digest TEXT PRIMARY KEY,
    expires_at REAL NOT NULL
);
CREATE TABLE allowance (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    overall_limit_quarter INTEGER NOT NULL,
    overall_limit_day INTEGER NOT NULL,
    overall_usage_quarter INTEGER NOT NULL,
    overall_usage_day INTEGER NOT NULL,
    read_limit_quarter INTEGER NOT NULL,
    read_limit_day INTEGER NOT NULL,
    read_usage_quarter INTEGER NOT NULL,
    read_usage_day INTEGER NOT NULL,
    heard_at REAL NOT NULL
);
CREATE TABLE gate (
    name TEXT PRIMARY KEY,
    until REAL NOT NULL,        -- then one job may try
    since REAL NOT NULL,
    tries INTEGER NOT NULL,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    probing INTEGER NOT NULL    -- until is the lease of the one job that tries
);
"""


class Database(Protocol):
    """What a migration needs of the database; peewee is imported in `tables` alone."""

    def execute_sql(self, sql: str) -> object: ...


def up(_migrator: object, db: Database) -> None:
    for statement in TABLES.split(";\n"):
        if statement.strip():
            db.execute_sql(statement)
