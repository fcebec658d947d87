"""Small files that were judged wrongly once, each with what is right."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256

import pytest

from fitferry import formats
from fitferry.core.activity import FileKind, ParseResult
from samples import SAMPLES

RIGHT: dict[str, tuple[FileKind, str | None, float | None, str | None]] = {
    "author_build_time.tcx": (FileKind.ACTIVITY, "2024-05-05T10:00:00Z", 59, "cycling"),
    "badutf8_name.zip": (FileKind.ACTIVITY, "2024-11-08T11:33:20Z", 60, "cycling"),
    "chain_cut_5.fit": (FileKind.UNFINISHED, "2024-11-08T11:33:20Z", 60, "cycling"),
    "coros_oddsize.fit": (FileKind.ACTIVITY, "2024-11-08T11:33:20Z", 60, "cycling"),
    "course_and_activity.tcx": (FileKind.ACTIVITY, "2024-05-05T10:00:00Z", 59, "cycling"),
    "dev_desc_without_id.fit": (FileKind.ACTIVITY, "2024-11-08T11:33:20Z", 60, "cycling"),
    "dev_undeclared_session.fit": (FileKind.ACTIVITY, "2024-11-08T11:33:20Z", 60, "cycling"),
    "dot_slash.zip": (FileKind.ACTIVITY, "2024-11-08T11:33:20Z", 60, "cycling"),
    "dup_xmlns.gpx": (FileKind.DAMAGED, None, None, None),
    "enc_euckr.tcx": (FileKind.ACTIVITY, "2024-05-05T10:00:00Z", 59, "cycling"),
    "fileid_type_array.fit": (FileKind.ACTIVITY, "2024-11-08T11:33:20Z", 60, "cycling"),
    "first_record_bad_time.fit": (FileKind.ACTIVITY, "2024-11-08T11:33:20Z", 59, None),
    "gpxtpx_unbound.gpx": (FileKind.ACTIVITY, "2024-05-05T10:00:00Z", 59, None),
    "lead_300sp.gpx": (FileKind.ACTIVITY, "2024-05-05T10:00:00Z", 59, None),
    "lower_z.gpx": (FileKind.ACTIVITY, "2024-05-05T10:00:00Z", 59, None),
    "mixed_methods.zip": (FileKind.ACTIVITY, "2024-11-08T11:33:20Z", 60, "cycling"),
    "nested.zip": (FileKind.ACTIVITY, "2024-11-08T11:33:20Z", 60, "cycling"),
    "no_laps.tcx": (FileKind.NO_ACTIVITY, None, None, None),
    "only_fileid.fit": (FileKind.NO_ACTIVITY, "2024-11-08T11:33:20Z", None, None),
    "py_et_utf8.gpx": (FileKind.ACTIVITY, "2024-05-05T10:00:00Z", 59, None),
    "session_start0.fit": (FileKind.ACTIVITY, "2024-11-08T11:33:20Z", 60, "cycling"),
    "time_1989.gpx": (FileKind.ACTIVITY, "2024-05-05T10:00:01Z", 58, None),
    "time_2099.gpx": (FileKind.ACTIVITY, "2024-05-05T10:00:00Z", 58, None),
    "utf16_says_utf8.tcx": (FileKind.ACTIVITY, "2024-05-05T10:00:00Z", 59, "cycling"),
    "wide_u8.fit.gz": (FileKind.ACTIVITY, "2024-11-08T11:33:20Z", 30_000, "cycling"),
}
"""Kind, start, elapsed seconds, sport."""
REASONS = {
    "dup_xmlns.gpx": "duplicate attribute",
    "no_laps.tcx": "nothing was recorded",
    "only_fileid.fit": "nothing was recorded",
    "chain_cut_5.fit": "the beginning of its next part",
}


def _examined(name: str) -> ParseResult:
    data = (SAMPLES.parent / "cases" / name).read_bytes()
    return formats.examine(data, sha256(data).hexdigest()).result


@pytest.mark.parametrize("name", RIGHT)
def test_a_file_that_was_judged_wrongly_once_is_judged_rightly(name: str) -> None:
    """Its kind, its start, its length, its sport."""
    result = _examined(name)
    kind, start, elapsed, sport = RIGHT[name]
    facts = result.facts
    began = facts.start_time and datetime.fromtimestamp(facts.start_time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    assert (result.kind, began, facts.elapsed_s, facts.sport) == (kind, start, elapsed, sport)
    assert REASONS.get(name, "") in str(result.reason)


def test_every_case_is_judged() -> None:
    """None is left out."""
    assert {path.name for path in (SAMPLES.parent / "cases").iterdir()} == set(RIGHT)


@pytest.mark.parametrize(
    "name",
    [
        "coros_oddsize.fit",
        "dev_desc_without_id.fit",
        "dev_undeclared_session.fit",
        "session_start0.fit",
        "author_build_time.tcx",
        "course_and_activity.tcx",
    ],
)
def test_timer_time_and_distance_are_those_of_the_ride(name: str) -> None:
    """Not of a course beside it."""
    facts = _examined(name).facts

    assert facts.duration_s == (59 if name.endswith("tcx") else 58)
    assert facts.distance_m == pytest.approx(295 if name.endswith("tcx") else 300, abs=5)
    assert facts.manufacturer == (None if name.endswith("tcx") else "garmin")


def test_every_ride_of_a_zip_with_several_methods_is_there() -> None:
    """Each by its own name."""
    data = (SAMPLES.parent / "cases" / "mixed_methods.zip").read_bytes()
    members = formats.examine(data, sha256(data).hexdigest()).members

    assert [(one.name, one.result.kind) for one in members] == [
        ("a.fit", FileKind.ACTIVITY),
        ("b.fit", FileKind.ACTIVITY),
    ]
