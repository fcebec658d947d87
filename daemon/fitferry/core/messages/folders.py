"""What is said of watched folders: why one is not available, and what else a person may want to know."""

from __future__ import annotations

from fitferry.core.messages.message import define

NO_ANSWER = define("folder_no_answer", "it does not answer")
CLOSED = define("folder_closed", "{folder} is closed to Fitferry's user")
SAME_FOLDER = define("folder_same", "it is the same folder as {other}")
STOPPING = define("folder_stopping", "Fitferry is stopping")
SCANNED_INSTEAD = define("folder_scanned_instead", "{reason}; the folder is scanned often instead")
RAISE_LIMIT = define("folder_raise_limit", "raise {limit} with sysctl")
NO_EVENTS = define("folder_no_events", "the kernel sends no events: {reason}")
NOT_ALL_WATCHED = define("folder_not_all_watched", "not every folder can be watched: {reason}")
NO_EVENT_FOR = define("folder_no_event_for", "no event came for {file}")
POLLED = define("folder_polled", "{folder} is scanned often")
UNREADABLE = define("folder_unreadable", "{folder} cannot be read ({reason})")
LINKS_OUT = define("folder_links_out", "links that lead out of the folder are not followed ({file})")
LINK_IN_WAY = define("folder_link_in_way", "{path} is a link")
MUCH_JUNK = define(
    "folder_much_junk", "{limit:number} files here are no activities; more of them are not listed"
)
NOTES = define("folder_notes", "{notes}")
FILE_PROBLEM = define("folder_file_problem", "{file}: {reason}")
AND_MORE = define("folder_and_more", "{reason} (and {more:number} more)")
LINK_LEADS_AWAY = define("folder_link_leads_away", "a link leads away from here")
EXCHANGED = define("file_exchanged", "the file was exchanged while it was moved")
NO_FREE_NAME = define("no_free_name", "no free name in the archive folder")
COPY_DIFFERS = define("copy_differs", "the copy in the archive folder differs")
