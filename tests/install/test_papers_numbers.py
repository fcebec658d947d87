"""Numbers in the papers are those of the code, the unit and the image."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import cast

import pytest

import branches
from fitferry import daemon
from fitferry.config.keys import all_keys
from fitferry.core import rate_limit, retry_results, stability
from fitferry.core.api_types import UPLOAD_BYTES
from fitferry.core.attempt_results import FILE_SECONDS, FOLDER_SECONDS
from fitferry.core.rate_limit import FRESH_SECONDS
from fitferry.core.strava import MAX_FILE_BYTES, RateLimit
from fitferry.formats import archives, xml_reader
from fitferry.formats.document_text import PROLOG_CHUNK
from fitferry.formats.zip_reader import BOUNDS
from fitferry.inbox import first_scan
from fitferry.inbox.folder_watch import POLL_SECONDS, SCAN_SECONDS
from fitferry.storage import backups, oauth_states, schema_update, sessions
from fitferry.strava.client import PAGE
from fitferry.system.walk import MAX_DEPTH
from fitferry.uploads import bulk_status, hooks
from fitferry.web import security_log
from fitferry.web.middleware import OTHER_BYTES
from fitferry.web.server import MAX_HEADER_BYTES, THREADS, Limits

TOP = Path(__file__).parents[2]
WORDS = {1: "one", 2: "two", 4: "four", 7: "seven", 10: "ten"}
MB = 1_000_000
DAY, HOUR, MINUTE = 86_400, 3600, 60


def number(value: float) -> str:
    """A number as the papers write it."""
    return f"{value:,.0f}"


def word(value: float) -> str:
    """A small number as a word."""
    return WORDS[int(value)]


def coverage() -> dict[str, object]:
    """What `make coverage` asks for."""
    project = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))
    found: dict[str, object] = project["tool"]["coverage"]["report"]
    return found


MANY = 10**6
NOON, NIGHT = 12 * HOUR, 23.5 * HOUR


def left_by_backlog(now: float, **limit: tuple[int, int]) -> int:
    """How many of 1,000 requests the backlog leaves of the one limit that is given."""
    free: dict[str, tuple[int, int]] = {"overall_limit": (MANY, MANY), "read_limit": (MANY, MANY)}
    return 1000 - rate_limit.budget(RateLimit(**{**free, **limit}, heard_at=now), now, 0).backlog


QUARTER = left_by_backlog(NOON, overall_limit=(1000, MANY))
DAY_OVERALL, DAY_READ = (
    left_by_backlog(NOON, overall_limit=(MANY, 1000)),
    left_by_backlog(NOON, read_limit=(MANY, 1000)),
)
AT_LAST = left_by_backlog(NIGHT, overall_limit=(MANY, 1000))
DELAYS = [
    value for key in all_keys() if key.name == "retry_delays" for value in cast("list[float]", key.default)
]
MINUTES = [f"{delay / MINUTE:.0f}" for delay in DELAYS[:-1]]
HOURS = f"{DELAYS[-1] / HOUR:.0f}"

TRUE: list[tuple[str, str]] = [
    (
        "DESIGN.md",
        f"leave {QUARTER} requests of each quarter hour and {DAY_OVERALL} overall and {DAY_READ} reads",
    ),
    ("DESIGN.md", f"of the day until 23:30 UTC, {AT_LAST} afterwards"),
    ("DESIGN.md", f"confirms up to {PAGE} uploads"),
    ("DESIGN.md", f"after {number(FILE_SECONDS)} s, {number(FOLDER_SECONDS)} s, or when"),
    ("README.md", "after {} min, {} min, {} min and {} h".format(*MINUTES, HOURS)),
    ("README.ko.md", "{}분, {}분, {}분, {}시간 뒤에".format(*MINUTES, HOURS)),
    ("CONTRIBUTING.md", f"{coverage()['fail_under']} %; of branches {branches.LEAST:.0f} % in each"),
    ("DESIGN.md", f"capped at {number(retry_results.NETWORK_SECONDS)} s"),
    ("DESIGN.md", f"the second, {number(retry_results.SECOND_LOOK)} s after the first"),
    ("DESIGN.md", f"Activities of the last {number(FRESH_SECONDS / HOUR)} hours may use everything"),
    ("DESIGN.md", f"with more than {bulk_status.MANY} of them on their way"),
    ("DESIGN.md", f"once more after {word(stability.STALLED_SECONDS / MINUTE)} minutes"),
    ("DESIGN.md", f"its loop, {word(THREADS)} for pages and one for `/healthz`"),
    ("DESIGN.md", f"started within {number(FRESH_SECONDS / HOUR)} hours"),
    ("DESIGN.md", f"{word(backups.KEPT)} kept, ranked"),
    ("SECURITY.md", f"{number(OTHER_BYTES / 1000)} kB, {number(UPLOAD_BYTES / MB)} MB for uploads"),
    (
        "SECURITY.md",
        f"{word(Limits().header_seconds)} seconds for headers, at most {Limits().connections} connections",
    ),
    ("SECURITY.md", f"{number(MAX_HEADER_BYTES / 1024)} kB in all (431)"),
    ("SECURITY.md", f"{word(security_log.BURST)} refusals of a kind a minute"),
    ("SECURITY.md", f"a cookie for each state, {word(oauth_states.STATE_SECONDS / MINUTE)} minutes"),
    ("SECURITY.md", f"the prolog is parsed in steps of {number(PROLOG_CHUNK / 1024)} kB"),
    ("SECURITY.md", f"a tag ends within {number(xml_reader.MAX_TAG / 1024)} kB"),
    ("SECURITY.md", f"one member in memory, {number(MAX_FILE_BYTES / MB)} MB each"),
    ("SECURITY.md", f"of zips {archives.MAX_ARCHIVE_BYTES >> 30} GiB"),
    ("SECURITY.md", f"{BOUNDS.ratio} times its bytes and {number(BOUNDS.spare_bytes / MB)} MB more at most"),
    (
        "SECURITY.md",
        f"a directory of {number(BOUNDS.directory_bytes / MB)} MB, {number(BOUNDS.members)} wanted members",
    ),
    ("SECURITY.md", f"{number(MAX_DEPTH)} levels are entered and watched"),
    ("SECURITY.md", f"{number(first_scan.MAX_JUNK)} files that are no activity"),
    ("SECURITY.md", f"{word(backups.KEPT)} days for the daily ones"),
    ("docs/troubleshooting.md", f"a daily copy; {word(backups.KEPT)} are kept"),
    ("docs/troubleshooting.md", f"each update of the tables; {word(schema_update.KEPT_COPIES)} are kept"),
    ("docs/troubleshooting.md", f"good once, for {word(sessions.LINK_SECONDS / MINUTE)} minutes"),
    ("docs/troubleshooting.md", f"more than {first_scan.FEW} were there before"),
    ("docs/troubleshooting.md", f"polls every {word(POLL_SECONDS)} seconds"),
    ("docs/troubleshooting.md", f"an activity over {number(MAX_FILE_BYTES / MB)} MB"),
    (
        "docs/strava.md",
        "{} requests in a quarter of an hour and {} a day".format(*map(number, RateLimit().overall_limit)),
    ),
    ("docs/hooks.md", f"its last {number(hooks.OUTPUT_BYTES)} bytes"),
    ("docs/nas.md", f"has {number(daemon.DRAIN_SECONDS)} seconds to finish"),
    ("docs/nas.md", f"scanned every {word(POLL_SECONDS)} seconds"),
    ("docs/remote.md", f"client_max_body_size {number(UPLOAD_BYTES / MB)}m"),
    (
        "docs/openapi.yaml",
        f"the body is larger than {number(OTHER_BYTES / 1000)} kB, or {number(UPLOAD_BYTES / MB)} MB for uploads",
    ),
    ("systemd/fitferry.service", f"Uploads in flight have {number(daemon.DRAIN_SECONDS)} s to finish"),
    (
        "config.example.toml",
        f"without it {number(SCAN_SECONDS)}, or {number(POLL_SECONDS)} where there are no events",
    ),
]


def plain(text: str) -> str:
    """A paper without its line ends."""
    return re.sub(r"\s+", " ", text.replace("\n# ", " "))


@pytest.mark.parametrize(("paper", "sentence"), TRUE, ids=[sentence for _, sentence in TRUE])
def test_a_number_is_the_codes(paper: str, sentence: str) -> None:
    """The sentence stands in the paper with the number that the code has."""
    assert sentence in plain((TOP / paper).read_text(encoding="utf-8"))
