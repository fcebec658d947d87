"""Search in the names of files and sports, with an index and without."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from fakes import NOW, a_job
from fitferry.core.upload import Status
from fitferry.storage import database, queries, search, uploads

NAMES = (
    "Morning Ride.fit",
    "2026-11-03-lunch.gpx",
    "아침 라이딩.fit",
    "가을.fit",
    "Ärger_im_Wald.tcx",
    "x.fit",
)


@pytest.fixture(params=["indexed", "half indexed", "not indexed", "no index"])
def history(request: pytest.FixtureRequest, ledger: Path, tmp_path: Path) -> Path:
    """Some activities; the index holds all, some or none of them, or there is no such thing."""
    for number, name in enumerate(NAMES):
        a_job(tmp_path / name, bytes([number]))
        if request.param == "half indexed" and number == 2:
            search.index_some()
    if request.param == "indexed":
        search.index_some()
    if request.param == "no index":
        database.run("DROP TABLE activity_search")
    return ledger


def found(text: str, **other: object) -> list[str]:
    """The names that a search finds, newest first."""
    return [job.file for job in queries.listed(text=text, **other)]  # type: ignore[arg-type]  # as the test gives them


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("morning", ["Morning Ride.fit"]),
        ("ORNING RI", ["Morning Ride.fit"]),
        ("2026-11", ["2026-11-03-lunch.gpx"]),
        ("아침", ["아침 라이딩.fit"]),
        ("라이딩", ["아침 라이딩.fit"]),
        ("가", ["가을.fit"]),
        (unicodedata.normalize("NFD", "ärger"), ["Ärger_im_Wald.tcx"]),
        ("fit", ["x.fit", "가을.fit", "아침 라이딩.fit", "Morning Ride.fit"]),
        ("x", ["x.fit", "2026-11-03-lunch.gpx", "Ärger_im_Wald.tcx"]),
        ("nothing of it", []),
        ('"', []),
        ("*", []),
    ],
)
def test_any_part_of_a_name_is_found(text: str, names: list[str]) -> None:
    """In any script, of any length, whatever wrote it."""
    assert sorted(found(text)) == sorted(names)


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize("more", [0, 2_000])
def test_a_name_is_found_among_the_jobs_of_a_status(more: int) -> None:
    """Whether these are few, and compared one by one, or many by the ledger's own count."""
    database.run("UPDATE job_count SET jobs = jobs + ?", more)

    assert found("fit", status=Status.PENDING) == found("fit") != []
    assert found("fit", status=Status.PENDING, limit=1) == ["x.fit"]
    assert found("nothing", status=Status.PENDING, sports=["cycling"]) == found("nothing", sports=["cycling"])
    assert found("fit", status=Status.FAILED) == []


@pytest.mark.usefixtures("history")
def test_the_newest_come_first_and_only_so_many() -> None:
    """And what was found before is not found again below it."""
    assert found("fit", limit=2) == ["x.fit", "가을.fit"]
    last = queries.listed(text="fit", limit=2)[-1]
    assert found("fit", before=last.id) == ["아침 라이딩.fit", "Morning Ride.fit"]


@pytest.mark.usefixtures("history")
def test_a_search_keeps_to_what_else_is_asked() -> None:
    """Status, athlete, and the sports that have another name in the reader's language."""
    first = next(job for job in queries.listed() if job.file == "x.fit")
    database.run("UPDATE upload_job SET status = 'failed' WHERE id = ?", first.id)

    assert found("fit", status=Status.FAILED) == ["x.fit"]
    assert found("fit", athlete="sam") == []
    assert len(found("nothing of it", sports=["cycling"])) == len(NAMES)


def test_a_number_that_is_given_anew_is_found_by_its_new_name(ledger: Path, tmp_path: Path) -> None:
    """SQLite gives the number of a deleted newest row to the next one."""
    assert ledger.exists()
    a_job(tmp_path / "old.fit", b"1")
    gone = a_job(tmp_path / "gone.fit", b"2")
    search.index_some()
    database.run("DELETE FROM upload_job WHERE id = ?", gone.id)
    database.run("DELETE FROM activity WHERE id = ?", gone.activity_id)
    anew = a_job(tmp_path / "anew.fit", b"3")
    assert anew.activity_id == gone.activity_id

    assert found("anew") == ["anew.fit"]
    search.index_some()
    assert found("anew") == ["anew.fit"]
    assert found("gone") == []
    assert uploads.get(anew.id) is not None
    assert anew.created_at == NOW
