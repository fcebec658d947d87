"""What is said of uploads: reasons, and requests that cannot be done."""

from __future__ import annotations

from fitferry.core.messages.message import define

ALREADY_ON_STRAVA = define("already_on_strava", "already on Strava")
DELETED_ON_STRAVA = define(
    "deleted_on_strava", "the activity was deleted on Strava; retry sends it once more"
)
REJECTED = define("rejected", "Strava cannot use the file: {answer}")
UPLOAD_UNKNOWN = define("upload_unknown", "Strava does not know the upload that it had accepted")
UNEXPECTED_ERROR = define("unexpected_error", "something went wrong inside Fitferry; the log has the details")
FILE_CHANGED = define("file_changed", "the file was changed before it was sent")
FILE_CHANGED_AFTER = define(
    "file_changed_after",
    "the file was changed; what it held before was sent, and whether it arrived is not known",
)
FILE_GONE = define("upload_file_gone", "file is gone")
ARCHIVE_USELESS = define("archive_useless", "the archive cannot be unpacked")
FOLDER_AWAY = define("folder_away", "its folder is not there")
FILE_BEING_CHANGED = define("file_being_changed", "the file is being changed")
FILE_UNREADABLE = define("file_unreadable", "the file cannot be read ({reason})")
DATABASE_FAILED = define("database_failed", "the database cannot be written ({reason})")
