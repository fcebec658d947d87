"""What is on the page? Everything that it shows, gathered from the ledger and the snapshot."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby, pairwise
from typing import Any

from fitferry.core import rate_limit
from fitferry.core.messages.sports import SPORTS, sport_name
from fitferry.core.problems import Problem, ProblemCode
from fitferry.core.strava import MAX_FILE_BYTES
from fitferry.core.upload import WAITS, ErrorCode, Job, Status
from fitferry.i18n.translator import N_
from fitferry.monitoring import status_json
from fitferry.storage import queries, search, uploads
from fitferry.web.context import WebContext
from fitferry.web.language import ViewerLocale

PAGE = 40
"""Uploads on one page; the script puts the next one below when somebody scrolls."""
_FEW = 6
"""Waiting uploads that are listed one by one."""
_WEEKS = 52
_DECIMAL_ID = 18
ICONS = {
    "cycling": "cycling",
    "e_biking": "cycling",
    "running": "running",
    "walking": "walking",
    "hiking": "walking",
    "mountaineering": "walking",
    "swimming": "swimming",
    "open_water": "swimming",
    "rowing": "rowing",
    "paddling": "rowing",
    "kayaking": "rowing",
    "stand_up_paddleboarding": "rowing",
    "cross_country_skiing": "skiing",
    "alpine_skiing": "skiing",
    "snowboarding": "skiing",
    "training": "training",
    "fitness_equipment": "training",
}
_STATES = {
    Status.PENDING: N_("waiting"),
    Status.PROCESSING: N_("being sent"),
    Status.COMPLETED: N_("on Strava"),
    Status.FAILED: N_("failed"),
    Status.HELD: N_("held"),
    Status.SKIPPED: N_("skipped"),
}


@dataclass(frozen=True, slots=True)
class HistoryFilter:
    """Which uploads somebody wants to see. `before`: older than this one."""

    status: Status | None = None
    athlete: str | None = None
    text: str = ""
    before: int | None = None

    def query(self, **change: Any) -> dict[str, Any]:
        """The same as an address has it."""
        found = {"status": self.status, "athlete": self.athlete, "q": self.text or None, **change}
        return {name: value for name, value in found.items() if value}


def wanted(query: Any, names: tuple[str, ...]) -> HistoryFilter:
    """What an address asks for; what makes no sense in it is passed over."""
    states, athlete = {one.value: one for one in Status}, query.get("athlete", "")
    return HistoryFilter(
        states.get(query.get("status", "")),
        athlete if athlete in names else None,
        query.get("q", "")[:100],
        _number(query.get("before", "")),
    )


def overview(context: WebContext, locale: ViewerLocale, want: HistoryFilter) -> dict[str, Any]:
    """All that the page shows."""
    now = context.clock()
    snapshot = context.snapshot()
    shown: dict[str, Any] = status_json.to_json(snapshot)
    for folder, state in zip(shown["watch"], snapshot.watch, strict=True):
        folder["notes"] = state.notes
    waiting = queries.under_way(_FEW)
    queue = shown["queue"]
    backlog = snapshot.process.backlog
    return {
        "now": shown,
        "problems": [_problem(problem) for problem in snapshot.problems],
        "missing": {
            problem.athlete: problem.message
            for problem in snapshot.problems
            if problem.code is ProblemCode.NOT_CONNECTED
        },
        "failed": next(iter(queries.listed(status=Status.FAILED, limit=1)), None)
        if queue["failed"]
        else None,
        "backlog": status_json.backlog(backlog),
        "folded": 0 if want.query() else backlog.count,
        "max_file_bytes": MAX_FILE_BYTES,
        "waiting": status_json.jobs_shown(waiting, now),
        "waiting_more": queue["pending"] + queue["processing"] - len(waiting),
        "receiving": [one for watch in shown["watch"] for one in watch.get("receiving", ())],
        "waits": WAITS,
        "allowance": [dict(name=name, **bar) for name, bar in _bars(shown, now).items()],
        "weeks": _weeks(locale, now),
        **_history(locale, want, now),
    }


def _problem(problem: Problem) -> dict[str, Any]:
    """A problem with what the page says of it and offers."""
    return {
        "code": problem.code,
        "title": problem.title,
        "message": problem.message,
        "since": status_json.iso(problem.since),
        "actions": problem.actions,
    }


def _history(locale: ViewerLocale, want: HistoryFilter, now: float) -> dict[str, Any]:
    """The uploads by the day on which they came, newest first."""
    found = queries.listed(
        status=want.status,
        athlete=want.athlete,
        text=want.text,
        sports=_sports_like(locale, want.text),
        without_backlog=not want.query(),
        before=want.before,
        limit=PAGE + 1,
    )
    page = found[:PAGE]
    before = uploads.get(want.before) if want.before else None
    thumbnails = queries.thumbnails(job.activity_id for job in page)
    today = datetime.fromtimestamp(now, locale.zone).date()
    rows = [_row(job, shown) for job, shown in zip(page, status_json.jobs_shown(page, now), strict=True)]
    days = groupby(rows, key=lambda row: locale.local(row["created_at"]).date())

    def day_of(job: Job) -> date:
        return datetime.fromtimestamp(job.created_at, locale.zone).date()

    return {
        "days": [(day.isoformat(), locale.heading(day, today), list(group)) for day, group in days],
        "thumbnails": thumbnails,
        "goes_on": before is not None and page and day_of(before) == day_of(page[0]),
        "older": page[-1].id if len(found) > PAGE else None,
        "want": want,
        "states": _STATES,
        "filtered": bool(want.query()),
    }


def _sports_like(locale: ViewerLocale, text: str) -> list[str]:
    """The sports whose names in the reader's language hold a text."""
    wanted = search.plain(text)
    return [code for code, name in SPORTS.items() if text and wanted in search.plain(locale.of(name))]


def _row(job: Job, shown: dict[str, Any]) -> dict[str, Any]:
    """One upload with what the page needs besides."""
    state = N_("already on Strava") if job.error_code == ErrorCode.DUPLICATE else _STATES[job.status]
    if job.status is Status.SKIPPED and job.error_code == ErrorCode.DISMISSED:
        state = N_("dismissed")
    sport = job.sport or ""
    return {
        **shown,
        "icon": ICONS.get(sport, "other"),
        "sport_words": sport_name(sport),
        "state": state,
        "can_upload": job.status in {Status.FAILED, Status.HELD}
        or (job.status is Status.SKIPPED and job.error_code != ErrorCode.NO_ACTIVITY),
        "reason": job.error_message if job.status is not Status.COMPLETED else None,
    }


def _bars(shown: dict[str, Any], now: float) -> dict[str, dict[str, Any]]:
    """What is used of Strava's allowance, and when it begins anew."""
    used, limit = shown["rate_limit"]["overall"]["usage"], shown["rate_limit"]["overall"]["limit"]
    windows = (N_("This quarter hour"), rate_limit.QUARTER), (N_("Today (UTC)"), rate_limit.DAY)
    return {
        name: {"used": used[at], "limit": limit[at], "anew": status_json.iso((now // length + 1) * length)}
        for at, (name, length) in enumerate(windows)
    }


def _weeks(locale: ViewerLocale, now: float) -> dict[str, Any]:
    """How many activities a week, for a year: each with its first day, its place and its height in a chart."""
    today = datetime.fromtimestamp(now, locale.zone).date()
    monday = today - timedelta(days=today.weekday())
    days = [monday - timedelta(weeks=back) for back in range(_WEEKS - 1, -2, -1)]
    edges = [datetime(day.year, day.month, day.day, tzinfo=locale.zone).timestamp() for day in days]
    starts = sorted(queries.starts_since(edges[0]))
    counts = [bisect_right(starts, end) - bisect_right(starts, begin) for begin, end in pairwise(edges)]
    top = max([*counts, 1])
    bars = [(day, count, at, count / top) for at, (day, count) in enumerate(zip(days, counts, strict=False))]
    return {"bars": bars, "total": sum(counts), "top": top, "months": list(_months(days[:-1]))}


def _months(days: list[date]) -> Iterator[tuple[int, date]]:
    """Every third month's first week: where it stands, and a day in it."""
    for at, (before, day) in enumerate(pairwise(days), 1):
        if day.month != before.month and day.month % 3 == 1:
            yield at, day


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) <= _DECIMAL_ID else None
