"""Each watched folder does what is to be done to its own files, and leaves those of a folder within it to that one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from queue import Empty, Queue

import pytest

from fakes import COMPLETED, a_job, recorded, the
from fit_writer import ride
from fitferry.config.schema import Settings
from fitferry.core.upload import AfterUpload, FileOutcome, Job
from fitferry.inbox.dispatcher import Dispatcher
from fitferry.inbox.watched_folder import FolderRoots
from fitferry.storage import holds, seen_files, uploads
from fitferry.uploads.folders import FolderContext, archives, build_folders
from settings_files import APP, Place

pytestmark = pytest.mark.usefixtures("ledger")
PATIENCE = 30.0
"""Seconds at most for what takes a moment on an idle machine."""


@pytest.fixture
def outer(tmp_path: Path) -> Path:
    """A folder that is watched, with another one in it that is watched as well, for somebody else."""
    (tmp_path / "rides/sam").mkdir(parents=True)
    return tmp_path / "rides"


def settings_of(outer: Path, after_upload: AfterUpload) -> Settings:
    """Both folders, with what becomes of their files."""
    watch = "".join(
        f'[[watch]]\nfolder = "{folder}"\nathlete = "{athlete}"\n'
        for folder, athlete in ((outer, "me"), (outer / "sam", "sam"))
    )
    text = f'{APP}{watch}[uploads]\nafter_upload = "{after_upload}"\narchive_folder = "done"\n'
    return Place(outer.parent).load(text)


@contextmanager
def watched(settings: Settings) -> Iterator[Queue[str]]:
    """The folders of the settings, at work; the queue hears of each change."""
    news: Queue[str] = Queue()
    context = FolderContext(
        wake=lambda: news.put("woken"),
        changed=lambda: news.put("changed"),
        incoming=lambda: None,
        server_now=lambda: None,
        dispatcher=Dispatcher(can_send=lambda _athlete, _start: False, dispatch=lambda _job: None),
        roots=FolderRoots(),
    )
    with build_folders(settings, context).running():
        yield news


def uploaded(path: Path, athlete: str, wanted: AfterUpload) -> Job:
    """A file whose upload is completed, and of which something is to become."""
    job = a_job(path, path.name.encode(), athlete=athlete)
    recorded(job.id, COMPLETED, after_upload_action=wanted)
    return job


def wait_until(news: Queue[str], done: Callable[[], object]) -> None:
    """Return as soon as something is done."""
    end = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < end
        with suppress(Empty):
            news.get(timeout=0.05)


def wait_until_tidy(news: Queue[str]) -> None:
    """Return as soon as nothing is to be archived or deleted any more."""
    wait_until(news, lambda: not uploads.awaiting_after_upload())


def test_each_file_is_archived_in_the_folder_that_is_nearest_to_it(outer: Path) -> None:
    """The folder around it would move it where its athlete does not look."""
    settings = settings_of(outer, AfterUpload.ARCHIVE)
    mine = uploaded(outer / "a.fit", "me", AfterUpload.ARCHIVE)
    sams = uploaded(outer / "sam/b.fit", "sam", AfterUpload.ARCHIVE)
    with watched(settings) as news:
        wait_until_tidy(news)

    assert [where.archive for where in archives(settings)] == [outer / "done", outer / "sam/done"]
    assert the(mine.id).path == str(outer / "done/a.fit")
    assert the(sams.id).path == str(outer / "sam/done/b.fit")
    assert [the(job.id).after_upload_action for job in (mine, sams)] == [FileOutcome.ARCHIVED] * 2


def test_nothing_is_deleted_any_more_once_the_settings_keep_the_files(outer: Path) -> None:
    """Although it was to be when it was uploaded."""
    job = uploaded(outer / "a.fit", "me", AfterUpload.DELETE)
    with watched(settings_of(outer, AfterUpload.KEEP)) as news:
        wait_until_tidy(news)

    assert the(job.id).after_upload_action is AfterUpload.KEEP
    assert (outer / "a.fit").read_bytes() == b"a.fit"


def test_a_file_of_no_watched_folder_is_let_be(outer: Path, tmp_path: Path) -> None:
    """Its folder was taken out of the settings, so nothing there is Fitferry's to move."""
    job = uploaded(tmp_path / "elsewhere.fit", "me", AfterUpload.DELETE)
    with watched(settings_of(outer, AfterUpload.DELETE)) as news:
        wait_until_tidy(news)

    assert the(job.id).after_upload_action is AfterUpload.KEEP
    assert (tmp_path / "elsewhere.fit").exists()


@pytest.mark.slow
def test_the_files_of_an_inner_folder_are_taken_for_its_own_athlete(outer: Path) -> None:
    """Once, and not for the athlete of the folder around it; what is archived is taken for nobody."""
    (outer / "done").mkdir()
    for path in (outer / "a.fit", outer / "sam/b.fit", outer / "done/c.fit"):
        path.write_bytes(b"no activity, but looked at")
    with watched(settings_of(outer, AfterUpload.ARCHIVE)) as news:
        for name, folder in (("me", outer), ("sam", outer / "sam")):
            wait_until(news, partial(seen_files.folder_is_known, name, str(folder)))

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
    with watched(settings_of(outer, AfterUpload.KEEP)) as news:
        wait_until(news, lambda: seen_files.seen("me", str(outer / "a.fit")))

    assert [job.file for job in holds.unproven_below("me", str(outer))] == ["a.fit"]


def test_a_change_of_a_folders_state_is_told(outer: Path) -> None:
    """So that the page shows it at once."""
    with watched(settings_of(outer, AfterUpload.KEEP)) as news:
        while news.get(timeout=PATIENCE) != "changed":
            pass
