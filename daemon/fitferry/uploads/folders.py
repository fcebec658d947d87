"""The watched folders as the settings want them, with what is done to their files before and after an upload."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from fitferry.config.schema import Settings, WatchSettings
from fitferry.core.upload import AfterUpload
from fitferry.inbox.dispatcher import Dispatcher
from fitferry.inbox.first_scan import FirstScan
from fitferry.inbox.folder_receiver import FolderReceiver
from fitferry.inbox.watched_folder import FolderRoots, WatchedFolder
from fitferry.inbox.watched_folders import WatchedFolders
from fitferry.uploads.after_upload import Archive, innermost
from fitferry.uploads.file_tidier import FileTidier


@dataclass(frozen=True, slots=True)
class FolderContext:
    """What the watched folders share with the rest of the daemon."""

    wake: Callable[[], None]
    changed: Callable[[], None]
    incoming: Callable[[], None]
    server_now: Callable[[], float | None]
    dispatcher: Dispatcher
    roots: FolderRoots


def build_folders(settings: Settings, context: FolderContext) -> WatchedFolders:
    """A thread for each watched folder, which does all that is done there."""
    return WatchedFolders([_watched_folder(settings, watch, context) for watch in settings.watch])


def _watched_folder(settings: Settings, watch: WatchSettings, context: FolderContext) -> WatchedFolder:
    places = archives(settings)
    inside = {str(other.folder) for other in settings.watch if other.folder.is_relative_to(watch.folder)}
    archive = str(watch.folder / settings.uploads.archive_folder)
    keep = settings.uploads.after_upload is AfterUpload.KEEP

    def receiver(folder: str, owns: Callable[[str], bool]) -> FolderReceiver:
        def is_ours(path: str) -> bool:
            where = innermost(path, places) or places[0]
            return where.folder == watch.folder and owns(path)

        first_scan = FirstScan(
            folder,
            watch.athlete,
            settings.admission,
            wake=context.wake,
            clock=time.time,
            server_now=context.server_now,
            dispatcher=context.dispatcher,
        )
        return FolderReceiver(first_scan, tidy=FileTidier(places, keep=keep, owns=is_ours))

    return WatchedFolder(
        watch,
        receiver,
        without=frozenset({*inside, archive} - {str(watch.folder)}),
        changed=context.changed,
        roots=context.roots,
        incoming=context.incoming,
    )


def archives(settings: Settings) -> list[Archive]:
    """The folder of uploaded files in each watched folder."""
    name = settings.uploads.archive_folder
    return [Archive(watch.folder, watch.folder / name) for watch in settings.watch]
