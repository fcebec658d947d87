"""What is said of problems: title, what happened, what a person can do, and that it is resolved."""

from __future__ import annotations

from typing import NamedTuple

from fitferry.core.messages.message import Template, define, define_plural


class ProblemText(NamedTuple):
    """What is said of a problem."""

    title: Template
    what: Template
    advice: Template
    resolved: Template


WITH_ADVICE = define("problem_with_advice", "{what}: {advice}")
RESOLVED = define("problem_resolved", "a problem is resolved")
BACKLOG_DAYS = define_plural("backlog_days", "one day", "{count:number} days")

INTERNAL = ProblemText(
    title=define("internal_title", "Internal problem"),
    what=define("internal", "Fitferry itself has a problem ({reason})"),
    advice=define("internal_advice", "look at the log, and at the disk of the state folder"),
    resolved=define("internal_resolved", "Fitferry works again"),
)
NOT_CONNECTED = ProblemText(
    title=define("not_connected_title", "{athlete} is not connected"),
    what=define("not_connected", "{athlete} is not connected to Strava yet"),
    advice=define(
        "connect_advice", "connect on the page or with `fitferry connect {athlete}`; uploads wait until then"
    ),
    resolved=define("connected_resolved", "{athlete} is connected"),
)
NOT_CONNECTED_REVOKED = NOT_CONNECTED._replace(
    what=define("not_connected_revoked", "Strava no longer accepts the connection of {athlete}"),
)
NOT_CONNECTED_SCOPE = NOT_CONNECTED._replace(
    what=define("not_connected_scope", "{athlete} has not given the permission that uploads need"),
    advice=define("connect_scope_advice", "connect again and leave every box ticked"),
)
NOT_CONNECTED_KEY = NOT_CONNECTED._replace(
    what=define(
        "not_connected_key",
        "the stored connection of {athlete} cannot be opened, because the key is another one",
    ),
)
SHARED_ACCOUNT = ProblemText(
    title=define("shared_account_title", "One Strava account for two athletes"),
    what=define(
        "shared_account",
        "{athlete} and {other} are connected to the same Strava account, which receives both",
    ),
    advice=define(
        "shared_account_advice",
        "if that is not meant, disconnect both, then connect each one with their own account",
    ),
    resolved=define("shared_account_resolved", "each athlete has a Strava account of their own"),
)
APP_REFUSED = ProblemText(
    title=define("app_refused_title", "Strava does not know the application"),
    what=define(
        "app_refused",
        "Strava does not know this application: client_id or client_secret in [strava] is wrong ({answer})",
    ),
    advice=define(
        "app_refused_advice", "compare both with strava.com/settings/api, then start Fitferry again"
    ),
    resolved=define("app_resolved", "Strava accepts the API application again"),
)
APP_INACTIVE = ProblemText(
    title=define("app_inactive_title", "The application needs a subscription"),
    what=define("app_inactive", "Strava has made the API application inactive"),
    advice=define(
        "app_inactive_advice", "its owner needs a Strava subscription; Fitferry looks again every hour"
    ),
    resolved=APP_REFUSED.resolved,
)
ATHLETE_LIMIT = ProblemText(
    title=define("athlete_limit_title", "The application is full"),
    what=define("athlete_limit", "Strava lets no more athletes use this API application ({answer})"),
    advice=define(
        "athlete_limit_advice", "its owner can raise the limit with Upgrade on strava.com/settings/api"
    ),
    resolved=APP_REFUSED.resolved,
)
WRONG_ADDRESS = ProblemText(
    title=define("wrong_address_title", "Strava is not at its address"),
    what=define("wrong_address", "there is no Strava API at the address in [strava] api ({answer})"),
    advice=define(
        "wrong_address_advice", "correct the address and start Fitferry again; it is wrong or has moved"
    ),
    resolved=define("wrong_address_resolved", "Strava's API answers again"),
)
FOLDER_UNAVAILABLE = ProblemText(
    title=define("folder_unavailable_title", "A folder is missing"),
    what=define("folder_unavailable", "the folder {folder} cannot be read ({reason})"),
    advice=define(
        "folder_unavailable_advice",
        "mount it or create it, or correct its path under [[watch]] in the settings; Fitferry goes on by itself when "
        "it is there",
    ),
    resolved=define("folder_unavailable_resolved", "the folder {folder} is back"),
)
FOLDER_UNAVAILABLE_NO_PERMISSION = FOLDER_UNAVAILABLE._replace(
    title=define("folder_closed_title", "No access to a folder"),
    advice=define(
        "folder_closed_advice",
        "give Fitferry's user the right to read it and to enter the folders above it; Fitferry goes on by itself",
    ),
)
UNREADABLE = ProblemText(
    title=define("unreadable_title", "Not everything can be read"),
    what=define_plural(
        "unreadable", "{path} cannot be read", "{path} and others cannot be read, {count:number} in all"
    ),
    advice=define(
        "unreadable_advice", "give Fitferry's user the right to read them; then they are tried again"
    ),
    resolved=define("unreadable_resolved", "everything in {folder} can be read again"),
)
FOLDER_BOUND = ProblemText(
    title=define("folder_bound_title", "Too many files that are no activities"),
    what=define(
        "folder_bound",
        "in {folder} there are more than {limit:number} files that are no activities; Fitferry remembers no more of "
        "them, and reads the others again and again",
    ),
    advice=define("folder_bound_advice", "move them out of the watched folder"),
    resolved=define("folder_bound_resolved", "{folder} holds a usual number of files again"),
)
NOT_MOVED = ProblemText(
    title=define("not_moved_title", "An uploaded file stays where it is"),
    what=define("not_moved", "an uploaded file cannot be moved or deleted ({reason})"),
    advice=define("not_moved_advice", "give Fitferry the right to write there, or set after_upload to keep"),
    resolved=define("not_moved_resolved", "uploaded files can be moved or deleted again"),
)
LINK_IN_ARCHIVE_PATH = ProblemText(
    title=define("link_in_archive_path_title", "The archive folder is a link"),
    what=define(
        "link_in_archive_path",
        "{path} is a link, so uploaded files are not moved there: it may lead anywhere",
    ),
    advice=define(
        "link_in_archive_path_advice", "put a real folder in its place, or give another archive_folder"
    ),
    resolved=NOT_MOVED.resolved,
)
NO_COPY = ProblemText(
    title=define("no_copy_title", "The database is not copied"),
    what=define("no_copy", "the daily copy of the database cannot be made ({reason})"),
    advice=define(
        "no_copy_advice",
        "make room on the disk of the state folder; uploads go on, and the copy is tried every hour",
    ),
    resolved=define("no_copy_resolved", "the database is copied daily again"),
)
EDIT_FAILED = ProblemText(
    title=define("edit_failed_title", "Gear or mute could not be set"),
    what=define(
        "edit_failed", "Strava refuses what your rules set for {file} ({reason}), and it is not tried again"
    ),
    advice=define(
        "edit_failed_advice",
        "look at gear in your rules, or set it on Strava by hand; the upload itself is done",
    ),
    resolved=define("edit_failed_resolved", "what your rules set is taken again"),
)
HOOK_FAILED = ProblemText(
    title=define("hook_failed_title", "The command after an upload fails"),
    what=define("hook_failed", "the command in [hooks] failed for {file} ({reason}) and is not tried again"),
    advice=define("hook_failed_advice", "correct the command; the upload itself is done"),
    resolved=define("hook_failed_resolved", "the command in [hooks] works again"),
)
FILE_GONE = ProblemText(
    title=define("file_gone_title", "A file is gone"),
    what=define_plural(
        "file_gone",
        "{file} was removed before it was uploaded",
        "{count:number} files were removed before they were uploaded, among them {file}",
    ),
    advice=define("file_gone_advice", "put it back, or dismiss it"),
    resolved=define("files_resolved", "no such file waits any more"),
)
UNFINISHED = ProblemText(
    title=define("unfinished_title", "Not complete"),
    what=define_plural(
        "unfinished", "{file} is not complete", "{count:number} files are not complete, among them {file}"
    ),
    advice=define(
        "unfinished_advice",
        "copy it again, or delete or dismiss it; `fitferry repair` may save what is there",
    ),
    resolved=FILE_GONE.resolved,
)
DAMAGED = ProblemText(
    title=define("damaged_title", "Damaged"),
    what=define_plural("damaged", "{file} is damaged", "{count:number} files are damaged, among them {file}"),
    advice=define("damaged_advice", "copy it again from the device, send it all the same, or dismiss it"),
    resolved=FILE_GONE.resolved,
)
TOO_LARGE = ProblemText(
    title=define("too_large_title", "Too large for Strava"),
    what=define_plural(
        "too_large",
        "{file} is larger than the 25 MB that Strava takes",
        "{count:number} files are larger than the 25 MB that Strava takes, among them {file}",
    ),
    advice=define("too_large_advice", "compress it with gzip, split it, or dismiss it"),
    resolved=FILE_GONE.resolved,
)
UNREADABLE_TIMES = ProblemText(
    title=define("unreadable_times_title", "Times that cannot be read"),
    what=define_plural(
        "unreadable_times",
        "the times in {file} cannot be read",
        "the times in {count:number} files cannot be read, among them {file}",
    ),
    advice=define(
        "unreadable_times_advice",
        "export it again, if possible as FIT or TCX; send it all the same, or dismiss it",
    ),
    resolved=FILE_GONE.resolved,
)
ARCHIVE_REFUSED = ProblemText(
    title=define("archive_refused_title", "An archive cannot be opened"),
    what=define_plural(
        "archive_refused",
        "{file} cannot be opened",
        "{count:number} archives cannot be opened, among them {file}",
    ),
    advice=define("archive_refused_advice", "unpack it yourself into the watched folder, or dismiss it"),
    resolved=FILE_GONE.resolved,
)
BACKLOG = ProblemText(
    title=define("backlog_title", "Old activities"),
    what=define_plural(
        "backlog",
        "one activity was there before Fitferry",
        "{count:number} activities were there before Fitferry",
    ),
    advice=define(
        "backlog_advice",
        "choose on the page or with `fitferry backlog`: upload all, those since a day, or none",
    ),
    resolved=define("backlog_resolved", "no old activities wait for a decision any more"),
)
BACKLOG_DATED = BACKLOG._replace(
    what=define_plural(
        "backlog_dated",
        "one activity of {oldest:day} was there before Fitferry; uploading takes about {days}",
        "{count:number} activities from {oldest:day} to {newest:day} were there before Fitferry; uploading all takes "
        "about {days}",
    ),
)
