"""How do the files of the watched folders get in? Scans are the truth, events are hints.

`candidates` knows which files are not taken yet, `scanner` looks at one folder, `tree` at one with its mounts.
"""

from fitferry.inbox.scanner import Scanner
from fitferry.inbox.watched_folder import WatchedFolder

__all__ = ["Scanner", "WatchedFolder"]
