"""The tables of the ledger, as peewee sees them."""

from __future__ import annotations

import re

import peewee
from peewee import AutoField, BlobField, BooleanField, FloatField, IntegerField, TextField

from fitferry.core.messages import Message, as_message, verbatim
from fitferry.storage.database import database as ledger


class MessageField(TextField):  # type: ignore[explicit-any]  # peewee's own base has it
    """A message, kept as JSON; words that are stored in another way are shown as they are."""

    def db_value(self, value: Message | str | None) -> str | None:
        return None if value is None else as_message(value).to_json()

    def python_value(self, value: str | None) -> Message | None:
        if value is None:
            return None
        try:
            return Message.from_json(value)
        except ValueError:
            return verbatim(value)


def _table_name(model: type[peewee.Model]) -> str:
    """`SeenPathRow` is a row of the table `seen_path`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", model.__name__.removesuffix("Row")).lower()


class _Table(peewee.Model):
    class Meta:
        database = ledger
        table_function = _table_name


class ActivityRow(_Table):
    id = AutoField()
    athlete = TextField()
    sha256 = TextField()
    path = BlobField()
    size = IntegerField()
    data_type = TextField()
    kind = TextField(null=True)
    sport = TextField(null=True)
    sub_sport = TextField(null=True)
    start_time = FloatField(null=True)
    duration_s = FloatField(null=True)
    elapsed_s = FloatField(null=True)
    distance_m = FloatField(null=True)
    manufacturer = TextField(null=True)
    product = TextField(null=True)
    sessions = IntegerField()
    ascent_m = FloatField(null=True)
    average_heart_rate = FloatField(null=True)
    average_power = FloatField(null=True)
    serials = TextField(default="")
    file_sha256 = TextField()
    member = TextField()
    created_at = FloatField()


class JobRow(_Table):
    id = AutoField()
    activity = peewee.ForeignKeyField(ActivityRow, column_name="activity_id", unique=True)
    athlete = TextField(default="")  # the activity's own, as its start_time: copied by triggers
    start_time = FloatField(null=True)
    status = TextField()
    own_wait = TextField(null=True)
    failures = IntegerField()
    next_attempt_at = FloatField()
    row_revision = IntegerField(default=0)
    tried_at = FloatField(null=True)
    sent_at = FloatField(null=True)
    accepted_at = FloatField(null=True)
    uncertain = BooleanField()
    external_id = TextField()
    upload_id = IntegerField(null=True)
    looks = IntegerField()
    read_failures = IntegerField()
    strava_activity_id = IntegerField(null=True)
    error_code = TextField(null=True)
    error_message = MessageField(null=True)
    after_upload_action = TextField(null=True)
    compared_at = FloatField(null=True)
    created_at = FloatField()
    completed_at = FloatField(null=True)
    finish_number = IntegerField(null=True)  # written by a trigger
    age_unproven = BooleanField(default=False)

    class Meta:
        table_name = "upload_job"


class SeenPathRow(_Table):
    path = BlobField(primary_key=True)
    athlete = TextField()
    size = IntegerField()
    mtime_ns = IntegerField()
    ctime_ns = IntegerField()
    sha256 = TextField()


class SeenFolderRow(_Table):
    path = BlobField()
    athlete = TextField()
    scanned_at = FloatField()

    class Meta:
        primary_key = peewee.CompositeKey("path", "athlete")


class AthleteRow(_Table):
    name = TextField(primary_key=True)
    athlete_id = IntegerField(null=True)
    display_name = TextField(null=True)
    scopes = TextField()
    sealed_tokens = BlobField(null=True)
    trouble = TextField(null=True)
    trouble_since = FloatField(null=True)


class OauthStateRow(_Table):
    digest = TextField(primary_key=True)
    athlete = TextField()
    created_at = FloatField()
    used_at = FloatField(null=True)
    outcome = TextField(null=True)
    message = MessageField(null=True)
    browser = TextField(null=True)
    link = TextField(null=True)
    is_link = BooleanField(default=False)


class LoginLinkRow(_Table):
    digest = TextField(primary_key=True)
    expires_at = FloatField()


class SessionRow(_Table):
    digest = TextField(primary_key=True)
    expires_at = FloatField()
    api_token = TextField(null=True)


class ApiTokenRow(_Table):
    name = TextField(primary_key=True)
    digest = TextField(unique=True)
    permission = TextField()
    athlete = TextField(null=True)
    created_at = FloatField()
    last_used_at = FloatField(null=True)


class RateLimitRow(_Table):
    id = IntegerField(primary_key=True)
    overall_limit_quarter = IntegerField()
    overall_limit_day = IntegerField()
    overall_usage_quarter = IntegerField()
    overall_usage_day = IntegerField()
    read_limit_quarter = IntegerField()
    read_limit_day = IntegerField()
    read_usage_quarter = IntegerField()
    read_usage_day = IntegerField()
    heard_at = FloatField()


class BreakerRow(_Table):
    name = TextField(primary_key=True)
    until = FloatField()
    since = FloatField()
    tries = IntegerField()
    code = TextField()
    message = MessageField()
    probing = BooleanField()


class ThumbnailRow(_Table):
    activity = peewee.ForeignKeyField(ActivityRow, column_name="activity_id", primary_key=True)
    kind = TextField()
    path = TextField()


class RevocationRow(_Table):
    id = AutoField()
    athlete = TextField()
    athlete_id = IntegerField(null=True)
    sealed = BlobField()


class DoubtRow(_Table):
    id = IntegerField(primary_key=True)
    until = FloatField()


class SentNotificationRow(_Table):
    key = TextField(primary_key=True)
    at = FloatField()
    latest = IntegerField(default=0)


class NotificationRow(_Table):
    id = AutoField()
    title = MessageField()
    body = MessageField()
    created_at = FloatField()
    addresses = TextField(null=True)


class FollowUpRow(_Table):
    id = AutoField()
    kind = TextField()
    job_id = IntegerField()
    state = TextField()
    failures = IntegerField()
    next_attempt_at = FloatField()
    finished_at = FloatField(null=True)
    message = MessageField(null=True)


TABLES: tuple[type[peewee.Model], ...] = tuple(_Table.__subclasses__())
