"""What is said of the machine: database, key, lock, disk, and the system's own errors."""

from __future__ import annotations

import errno

from fitferry.core.messages.message import Message, Template, define, verbatim

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

KEY_IS_ANOTHER = define(
    "key_is_another", "the stored tokens were encrypted with another key; connect to Strava again"
)
TOKENS_OF_ANOTHER = define(
    "tokens_of_another", "the stored tokens belong to somebody else; connect to Strava again"
)
KEY_OPEN = define("key_open", "the key file {path} can be read by others: run `chmod 600 {path}`")
KEY_UNREADABLE = define("key_unreadable", "the key file {path} cannot be read ({reason})")
KEY_NOT_REPLACED = define(
    "key_not_replaced", "the key file {path} holds no key and cannot be replaced ({reason}): put one there"
)
KEY_NOT_WRITTEN = define("key_not_written", "the key file {path} cannot be written ({reason})")

DATABASE_NOT_WRITTEN = define("database_not_written", "the database cannot be written ({reason})")
DATABASE_REPLACED = define("database_replaced", "the database file was replaced by another one")
DATABASE_GONE = define("database_gone", "the database file is gone")
MAIN_THREAD_HANGS = define("main_thread_hangs", "the main thread hangs")
DATABASE_DAMAGED = define(
    "database_damaged", "the database is damaged: a restart puts the latest good copy in its place"
)
WORKER_ENDED = define("worker_ended", "an upload worker has ended")
SCANNER_HANGS = define("scanner_hangs", "the scanner of {folder} hangs")
FOLDER_UNWATCHED = define("folder_unwatched", "a folder is no longer looked at")

LOCKED = define(
    "locked",
    "another Fitferry is using {folder}: stop that one first, or give this one a state folder of its own",
)
STATE_NOT_WRITABLE = define(
    "state_not_writable",
    "the state folder {folder} is not writable ({reason}): give it to the user who runs Fitferry, or name another one "
    "as folder in [state]",
)
STATE_ON_NETWORK = define(
    "state_on_network",
    "the state folder {folder} is on a network mount ({kind}), where a database cannot be kept safely: name a local "
    "folder as folder in [state]",
)
PORT_IN_USE = define(
    "page_port_in_use",
    "the page cannot listen on {host} port {port} ({reason}): stop what uses that port, or name another host or port "
    "in [web]",
)

NOT_PERMITTED = define("os_not_permitted", "Operation not permitted")
NOT_FOUND = define("os_not_found", "No such file or directory")
IO_ERROR = define("os_io_error", "Input/output error")
PERMISSION_DENIED = define("os_permission_denied", "Permission denied")
BUSY = define("os_busy", "Device or resource busy")
EXISTS = define("os_exists", "File exists")
NOT_A_DIRECTORY = define("os_not_a_directory", "Not a directory")
IS_A_DIRECTORY = define("os_is_a_directory", "Is a directory")
TOO_MANY_FILES = define("os_too_many_files", "Too many open files")
NO_SPACE = define("os_no_space", "No space left on device")
READ_ONLY = define("os_read_only", "Read-only file system")
TOO_MANY_LINKS = define("os_too_many_links", "Too many levels of symbolic links")
NAME_TOO_LONG = define("os_name_too_long", "File name too long")
STALE = define("os_stale", "Stale file handle")
NO_DEVICE = define("os_no_device", "No such device")
NOT_CONNECTED = define("os_not_connected", "Transport endpoint is not connected")
HOST_DOWN = define("os_host_down", "Host is down")
TIMED_OUT = define("os_timed_out", "Connection timed out")
REFUSED = define("os_refused", "Connection refused")
UNREACHABLE = define("os_unreachable", "Network is unreachable")
NAME_UNKNOWN = define("os_name_unknown", "Name or service not known")
NAME_FAILED = define("os_name_failed", "Temporary failure in name resolution")
QUOTA = define("os_quota", "Disk quota exceeded")

_BY_NUMBER: dict[int, Template] = {
    errno.EPERM: NOT_PERMITTED,
    errno.ENOENT: NOT_FOUND,
    errno.EIO: IO_ERROR,
    errno.EACCES: PERMISSION_DENIED,
    errno.EBUSY: BUSY,
    errno.EEXIST: EXISTS,
    errno.ENOTDIR: NOT_A_DIRECTORY,
    errno.EISDIR: IS_A_DIRECTORY,
    errno.EMFILE: TOO_MANY_FILES,
    errno.ENFILE: TOO_MANY_FILES,
    errno.ENOSPC: NO_SPACE,
    errno.EROFS: READ_ONLY,
    errno.ELOOP: TOO_MANY_LINKS,
    errno.ENAMETOOLONG: NAME_TOO_LONG,
    errno.ESTALE: STALE,
    errno.ENODEV: NO_DEVICE,
    errno.ENOTCONN: NOT_CONNECTED,
    errno.EHOSTDOWN: HOST_DOWN,
    errno.ETIMEDOUT: TIMED_OUT,
    errno.ECONNREFUSED: REFUSED,
    errno.ENETUNREACH: UNREACHABLE,
    errno.EDQUOT: QUOTA,
    -2: NAME_UNKNOWN,  # EAI_NONAME of getaddrinfo
    -3: NAME_FAILED,  # EAI_AGAIN
}


def from_os_error(error: OSError) -> Message:
    """What the system says went wrong: the usual errors are translated, others are shown as they are."""
    planned = getattr(error, "message", None)  # of a PlannedOSError, which is defined above this module
    if isinstance(planned, Message):
        return planned
    template = _BY_NUMBER.get(error.errno or 0)
    if template is not None and error.strerror in {template.text, None}:
        return template()
    return verbatim(error.strerror or str(error) or type(error).__name__)
