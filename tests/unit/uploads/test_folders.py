"""Each watched folder does what is to be done to its own files, and leaves those of a folder within it to that one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from fakes import COMPLETED, NOW, a_job, recorded, the
from fit_writer import ride
from fitferry.config.schema import Settings
from fitferry.core import attempt_results
from fitferry.core.activity import StatFingerprint, WatchState
from fitferry.core.upload import AfterUpload, FileOutcome, Job, Status
from fitferry.inbox.dispatcher import Dispatcher
from fitferry.inbox.watched_folder import FolderRoots
from fitferry.storage import holds, seen_files, uploads
from fitferry.storage.seen_files import File
from fitferry.uploads.folders import FolderContext, archives, build_folders
from patience import wait_for
from settings_files import APP, Place

pytestmark = pytest.mark.usefixtures("ledger")


@dataclass
class News:
    """What the folders have told so far, and the folders that they know to be watched."""

    told: list[str] = field(default_factory=list)
    roots: FolderRoots = field(default_factory=FolderRoots)
    dispatched: list[int] = field(default_factory=list)
    states: Callable[[], Iterable[WatchState]] = tuple

    def troubled(self) -> list[str]:
        """The folders whose files could not all be moved."""
        return [state.folder for state in self.states() if state.not_moved]


@pytest.fixture
def outer(tmp_path: Path) -> Path:
    """A folder that is watched, with another one in it that is watched as well, for somebody else."""
    (tmp_path / "rides/sam").mkdir(parents=True)
    return tmp_path / "rides"


def settings_of(outer: Path, after_upload: AfterUpload, *, inner: bool = True) -> Settings:
    """Both folders, or the outer one alone, with what becomes of their files."""
    watched = ((outer, "me"), (outer / "sam", "sam")) if inner else ((outer, "me"),)
    watch = "".join(f'[[watch]]\nfolder = "{folder}"\nathlete = "{athlete}"\n' for folder, athlete in watched)
    text = f'{APP}{watch}[uploads]\nafter_upload = "{after_upload}"\narchive_folder = "done"\n'
    return Place(outer.parent).load(text)


@contextmanager
def watched(settings: Settings, *, can_send: bool = False) -> Iterator[News]:
    """The folders of the settings, at work."""
    news = News()
    context = FolderContext(
        wake=lambda: news.told.append("woken"),
        changed=lambda: news.told.append("changed"),
        incoming=lambda: news.told.append("incoming"),
        server_now=lambda: None,
        dispatcher=Dispatcher(can_send=lambda _athlete, _start: can_send, dispatch=news.dispatched.append),
        roots=news.roots,
    )
    folders = build_folders(settings, context)
    news.states = folders.states
    with folders.running():
        yield news


def uploaded(path: Path, athlete: str, wanted: AfterUpload) -> Job:
    """A file whose upload is completed, and of which something is to become."""
    job = a_job(path, path.name.encode(), athlete=athlete)
    recorded(job.id, COMPLETED, after_upload_action=wanted)
    return job


def is_tidy() -> bool:
    """Whether nothing is to be archived or deleted any more."""
    return not uploads.awaiting_after_upload()


def test_each_file_is_archived_in_the_folder_that_is_nearest_to_it(outer: Path) -> None:
    """The folder around it would move it where its athlete does not look."""
    settings = settings_of(outer, AfterUpload.ARCHIVE)
    mine = uploaded(outer / "a.fit", "me", AfterUpload.ARCHIVE)
    sams = uploaded(outer / "sam/b.fit", "sam", AfterUpload.ARCHIVE)
    with watched(settings):
        wait_for(is_tidy)

    assert [where.archive for where in archives(settings)] == [outer / "done", outer / "sam/done"]
    assert the(mine.id).path == str(outer / "done/a.fit")
    assert the(sams.id).path == str(outer / "sam/done/b.fit")
    assert [the(job.id).after_upload_action for job in (mine, sams)] == [FileOutcome.ARCHIVED] * 2


def test_what_cannot_be_moved_is_said_of_its_own_folder(outer: Path) -> None:
    """And not of the one around it, whose athlete cannot mend it."""
    uploaded(outer / "sam/b.fit", "sam", AfterUpload.ARCHIVE)
    (outer / "sam/done").write_bytes(b"in the way")
    with watched(settings_of(outer, AfterUpload.ARCHIVE)) as news:
        wait_for(news.troubled)

    assert news.troubled() == [str(outer / "sam")]


def test_nothing_is_deleted_any_more_once_the_settings_keep_the_files(outer: Path) -> None:
    """Although it was to be when it was uploaded."""
    job = uploaded(outer / "a.fit", "me", AfterUpload.DELETE)
    with watched(settings_of(outer, AfterUpload.KEEP)):
        wait_for(is_tidy)

    assert the(job.id).after_upload_action is AfterUpload.KEEP
    assert (outer / "a.fit").read_bytes() == b"a.fit"


def test_a_file_of_no_watched_folder_is_let_be(outer: Path, tmp_path: Path) -> None:
    """Its folder was taken out of the settings, so nothing there is Fitferry's to move."""
    job = uploaded(tmp_path / "elsewhere.fit", "me", AfterUpload.DELETE)
    with watched(settings_of(outer, AfterUpload.DELETE, inner=False)):
        wait_for(is_tidy)

    assert the(job.id).after_upload_action is AfterUpload.KEEP
    assert (tmp_path / "elsewhere.fit").exists()


@pytest.mark.slow
def test_the_files_of_an_inner_folder_are_taken_for_its_own_athlete(outer: Path) -> None:
    """Once, and not for the athlete of the folder around it; what is archived is taken for nobody."""
    (outer / "done").mkdir()
    for path in (outer / "a.fit", outer / "sam/b.fit", outer / "done/c.fit"):
        path.write_bytes(b"no activity, but looked at")
    with watched(settings_of(outer, AfterUpload.ARCHIVE)):
        for name, folder in (("me", outer), ("sam", outer / "sam")):
            wait_for(partial(seen_files.folder_is_known, name, str(folder)))

    looked_at = {
        (athlete, path)
        for athlete in ("me", "sam")
        for path in (str(outer / "a.fit"), str(outer / "sam/b.fit"), str(outer / "done/c.fit"))
        if seen_files.seen(athlete, path)
    }
    assert looked_at == {("me", str(outer / "a.fit")), ("sam", str(outer / "sam/b.fit"))}


def test_what_our_clock_calls_fresh_is_unproven_until_stravas_clock_is_heard(outer: Path) -> None:
    """Ours may be behind; the folder stays new, so that its rides are judged again."""
    (outer / "a.fit").write_bytes(ride(datetime.now(UTC) - timedelta(hours=1)))
    with watched(settings_of(outer, AfterUpload.KEEP)):
        wait_for(lambda: seen_files.seen("me", str(outer / "a.fit")))

    assert [job.file for job in holds.unproven_below("me", str(outer))] == ["a.fit"]


def test_the_workers_are_woken_by_each_folder_that_is_there_and_by_each_new_activity(outer: Path) -> None:
    """What waited for the folder may go on, and what came into it."""
    (outer / "a.fit").write_bytes(ride(datetime.now(UTC) - timedelta(hours=1)))
    with watched(settings_of(outer, AfterUpload.KEEP)) as news:
        wait_for(lambda: news.told.count("woken") == 3)


def test_a_ride_that_may_be_sent_is_handed_to_a_worker_at_once(outer: Path) -> None:
    """By its job, which nobody has to look for."""
    seen_files.folder_scanned("me", str(outer), NOW)
    (outer / "a.fit").write_bytes(ride(datetime.now(UTC) - timedelta(hours=1)))
    with watched(settings_of(outer, AfterUpload.KEEP), can_send=True) as news:
        wait_for(lambda: news.dispatched)

    assert [the(job).file for job in news.dispatched] == ["a.fit"]


def test_a_file_that_is_there_again_is_queued_and_a_path_without_one_is_forgotten(outer: Path) -> None:
    """By the first look at the folder."""
    job = a_job(outer / "a.fit")
    recorded(job.id, attempt_results.file_gone(job))
    gone = str(outer / "b.fit")
    seen_files.remember(File("me", gone, "ab", 1, StatFingerprint.of((outer / "a.fit").stat())))
    with watched(settings_of(outer, AfterUpload.KEEP)):
        wait_for(lambda: the(job.id).status is Status.PENDING and seen_files.seen("me", gone) is None)


def test_a_file_that_is_being_written_is_told_at_once(outer: Path) -> None:
    """So that a connection is open by the time it is whole."""
    with watched(settings_of(outer, AfterUpload.KEEP)) as news, (outer / "a.fit").open("wb") as file:

        def is_told() -> bool:
            file.write(b"more")
            file.flush()
            return "incoming" in news.told

        wait_for(is_told)


def test_all_folders_know_which_folder_is_watched_by_which_name(outer: Path) -> None:
    """Two names may lead to the same one."""
    with watched(settings_of(outer, AfterUpload.KEEP)) as news:
        wait_for(lambda: news.roots.is_others("other", (outer / "sam").stat()))


def test_a_change_of_a_folders_state_is_told(outer: Path) -> None:
    """So that the page shows it at once."""
    with watched(settings_of(outer, AfterUpload.KEEP)) as news:
        wait_for(lambda: "changed" in news.told)
