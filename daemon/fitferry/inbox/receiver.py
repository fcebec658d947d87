"""What a scanner needs of whoever takes its findings."""

from __future__ import annotations

from typing import Protocol

from fitferry.core.activity import AdmissionResult, Stability
from fitferry.core.messages import Message
from fitferry.inbox.file_reader import FileLook
from fitferry.system.safe_files import OpenFolder


class Receiver(Protocol):
    """Where files go: the ledger (`inbox.folder_receiver`). All of it is called by the folder's own thread."""

    @property
    def note(self) -> Message | None:
        """What a person may want to know of the folder; None if nothing."""
        ...

    def admit(
        self, path: str, look: FileLook, stability: Stability, *, announced: bool
    ) -> AdmissionResult: ...

    def on_scan_finished(self, folder: OpenFolder, count: int, *, complete: bool) -> None: ...

    def on_file_gone(self, path: str) -> None: ...

    def on_available(self) -> None: ...

    def on_away(self) -> None: ...

    def tidy(self) -> Message | None:
        """Archive and delete what is to be; why some of it could not be, None if all could."""
        ...
