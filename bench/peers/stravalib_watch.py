"""What does a capable person write in an evening, with stravalib and watchdog? A peer, run in a venv of its own.

It keeps a list of what is done, goes through the folder at its start, and lives on when an upload fails.

    stravalib_watch.py FOLDER LIST
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

from stravalib import Client
from stravalib.exc import ActivityUploadFailed
from stravalib.protocol import ApiV3
from watchdog.events import DirMovedEvent, FileClosedEvent, FileMovedEvent, FileSystemEventHandler
from watchdog.observers import Observer

log = logging.getLogger("watch")


class Uploads(FileSystemEventHandler):
    """Sends each FIT file that was closed or renamed, once."""

    def __init__(self, client: Client, done: Path) -> None:
        self._client, self._done = client, done

    def on_closed(self, event: FileClosedEvent) -> None:
        self.send(Path(os.fsdecode(event.src_path)))

    def on_moved(self, event: DirMovedEvent | FileMovedEvent) -> None:
        self.send(Path(os.fsdecode(event.dest_path)))

    def send(self, path: Path) -> None:
        """Upload it and wait for its activity."""
        if path.suffix.lower() != ".fit" or path.name in self._done.read_text().splitlines():
            return
        try:
            with path.open("rb") as file:
                self._client.upload_activity(file, "fit", external_id=path.stem).wait(timeout=60)
        except Exception as error:  # the thread that hears of files has to live on
            log.exception("%s failed", path)
            if not (isinstance(error, ActivityUploadFailed) and "duplicate of" in str(error)):
                return
        with self._done.open("a") as done:
            done.write(f"{path.name}\n")


def main() -> None:
    """Watch until a signal comes."""
    logging.basicConfig(level=logging.INFO)
    inbox, done = Path(sys.argv[1]), Path(sys.argv[2])
    done.touch()
    ApiV3.server = os.environ["STRAVA_SERVER"]
    uploads = Uploads(Client(access_token=os.environ["STRAVA_TOKEN"]), done)
    observer = Observer()
    observer.schedule(uploads, str(inbox), recursive=True)
    observer.start()
    log.info("watching")
    for path in sorted(inbox.rglob("*")):
        uploads.send(path)
    observer.join()


if __name__ == "__main__":
    main()
