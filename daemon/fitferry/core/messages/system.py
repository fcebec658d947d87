"""What is said of the machine: database, key, lock, disk, and the system's own errors."""

from __future__ import annotations

from fitferry.core.messages.message import define

NO_APPRISE = define(
    "no_apprise", "notifications need Apprise: install Fitferry with `pip install 'fitferry[notify]'`"
)
NO_ROOM_FOR_COPY = define(
    "no_room_for_copy",
    "the disk has no room for a copy of the database ({free:bytes} free, {needed:bytes} needed): free some space",
)
CANNOT_OPEN = define("database_cannot_open", "the database {path} cannot be opened ({reason})")
NEWER_LEDGER = define(
    "newer_ledger",
    "the database was written by a newer Fitferry (it has {migration}): install that version again, "
    "or put back a copy from before the update",
)
NEWER_LEDGER_WITH_COPY = define(
    "newer_ledger_with_copy",
    "the database was written by a newer Fitferry (it has {migration}): install that version again, "
    "or stop Fitferry and put the copy from before the update in its place: cp {copy} {path}",
)
NO_COPY_BEFORE_UPDATE = define(
    "no_copy_before_update",
    "the database has to be copied before it is updated, and cannot be ({reason}): nothing was changed",
)
CANNOT_START = define(
    "cannot_start",
    "Fitferry cannot start ({reason}): see that the state folder is writable and its disk has room",
)
