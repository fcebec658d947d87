"""From a kernel event to a queued upload: scans are the truth, events are hints.

Each watched folder is touched by its own thread alone, so that one that hangs stops no other.
"""

from fitferry.inbox.scanner import Scanner
from fitferry.inbox.watched_folder import WatchedFolder

__all__ = ["Scanner", "WatchedFolder"]
