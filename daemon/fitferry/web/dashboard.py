"""What the status page shows, gathered from the ledger and the snapshot."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from urllib.parse import urlsplit

from flask import render_template, request

from fitferry.core import rate_limit
from fitferry.core.api_types import UPLOAD_BYTES
from fitferry.core.messages import Message, web
from fitferry.core.problems import HELD_FILES, Problem, ProblemAction, ProblemCode
from fitferry.core.strava import MAX_FILE_BYTES
from fitferry.core.upload import WAITS, Job, Status
from fitferry.monitoring.status import Snapshot, State, job_views
from fitferry.storage import queries, uploads
from fitferry.web import current
from fitferry.web.context import WebContext
from fitferry.web.language import ViewerLocale
from fitferry.web.middleware import is_at_url, is_loopback
from fitferry.web.rides import LASTING, STATES, HistoryFilter, history
from fitferry.web.titles import title_of

_FEW = 6
"""Waiting uploads that are listed one by one."""
_WEEKS = 26
_NEAR_LIMIT = 0.8
"""Share of a limit from which it is shown open."""
_FOLDERS = frozenset(
    {
        ProblemCode.FOLDER_UNAVAILABLE,
        ProblemCode.UNREADABLE,
        ProblemCode.FOLDER_BOUND,
        ProblemCode.NOT_MOVED,
        ProblemCode.LINK_IN_ARCHIVE_PATH,
    }
)
_OTHERS = {ProblemCode.HOOK_FAILED, ProblemCode.NO_COPY, ProblemCode.BACKLOG, *map(ProblemCode, HELD_FILES)}
_CAUSES = frozenset(ProblemCode) - _FOLDERS - _OTHERS
"""Problems that stop everything: the first of them has a card of its own."""


@dataclass(frozen=True, slots=True)
class Headline:
    """The header's one line: how things are, one fact or one next step, and where that is on the page."""

    tone: str
    glyph: str
    state: str
    more: str
    target: str


@dataclass(frozen=True, slots=True)
class Item:
    """One problem with what the page offers. `job`: the ride that it is about, where it is one."""

    id: str
    code: ProblemCode
    athlete: str | None
    glyph: str
    tone: str
    title: str
    what: Message
    advice: Message
    since: str
    actions: tuple[str, ...]
    job: Job | None = None
    job_title: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """What is used of one of Strava's limits."""

    name: str
    used: int
    limit: int
    anew: str


def page_context(
    context: WebContext, locale: ViewerLocale, snapshot: Snapshot | None = None
) -> dict[str, object]:
    """What every page's frame shows. `snapshot`: how things are, where somebody has asked already."""
    snapshot = snapshot or context.snapshot()
    return {
        "now": snapshot,
        "headline": headline(locale, snapshot, several=len(context.settings.athletes) > 1),
        "max_file_bytes": MAX_FILE_BYTES,
        "max_zip_bytes": UPLOAD_BYTES,
        "several": len(context.settings.athletes) > 1,
        "languages_fixed": context.settings.web.language != "auto",
    }


def render_page(template: str, **values: object) -> str:
    """A page with all that its frame shows."""
    return render_template(template, **page_context(current.web_context(), current.locale()), **values)


def overview(context: WebContext, locale: ViewerLocale, want: HistoryFilter) -> dict[str, object]:
    now, snapshot = context.clock(), context.snapshot()
    items = [_item(context, locale, problem, at) for at, problem in enumerate(snapshot.problems, 1)]
    cause = items[0] if items and items[0].code in _CAUSES else None
    waiting = queries.under_way(_FEW)
    open_count = snapshot.queue[Status.PENDING] + snapshot.queue[Status.PROCESSING]
    bars = _bars(locale, snapshot, now)
    backlog = snapshot.process.backlog
    return {
        **page_context(context, locale, snapshot),
        "cause": cause,
        "items": items[1:] if cause else items,
        "failed": _failed(context, locale, snapshot),
        "backlog": backlog,
        "folded": 0 if want.narrows else backlog.count,
        "waiting": [
            (view, title_of(context, locale, view.job), WAITS[view.waiting_for] if view.waiting_for else None)
            for view in job_views(waiting, now)
        ],
        "waiting_more": open_count - len(waiting),
        "receiving": [file for state in snapshot.watch for file in state.receiving],
        "bars": bars,
        "used": max(bar.used / max(bar.limit, 1) for bar in bars),
        "near_limit": any(bar.used >= _NEAR_LIMIT * bar.limit for bar in bars),
        "weeks": _weeks(locale, now),
        "history": history(context, locale, want),
        "want": want,
        "states": {status: word for status, (word, _, _) in STATES.items()},
        "url_out_of_reach": _url_is_out_of_reach(context),
        "is_new": not any(snapshot.queue.values()),
    }


def headline(locale: ViewerLocale, snapshot: Snapshot, *, several: bool) -> Headline:
    """How things are, in one line that links to where it says more."""
    more: Message | None
    if snapshot.state is State.ATTENTION:
        failed = snapshot.queue[Status.FAILED]
        causes = snapshot.problems
        more = _words(causes[0], several=several)[0] if causes else web.FAILED_COUNT(count=failed)
        return _headline(locale, "bad", "alert", web.ACTION_NEEDED(), more, "problems")
    if snapshot.state is State.WAITING:
        until = snapshot.held_until
        more = web.LIMIT_UNTIL(time=locale.clock_of(until)) if until else web.STRAVA_AWAY()
        return _headline(locale, "wait", "clock", web.WAITING(), more, "in-progress")
    open_count = snapshot.queue[Status.PENDING] + snapshot.queue[Status.PROCESSING]
    if open_count:
        return _headline(locale, "act", "up", web.UPLOADING(), _progress(locale, snapshot), "in-progress")
    last = snapshot.last_upload
    completed_at = last.job.completed_at if last else None
    more = web.LAST_RIDE(time=locale.moment_of(completed_at)) if completed_at else web.NOTHING_YET()
    return _headline(locale, "good", "ok", web.ALL_GOOD(), more, "activities")


def _headline(
    locale: ViewerLocale, tone: str, glyph: str, state: Message, more: Message, target: str
) -> Headline:
    return Headline(tone, glyph, locale.render(state), locale.of(more), target)


def _progress(locale: ViewerLocale, snapshot: Snapshot) -> Message:
    found = snapshot.history_import
    if found is not None:
        done_by = locale.moment_of(found.done_by)
        return web.IMPORT_DONE_BY(done=found.done, total=found.done + found.waiting, time=done_by)
    return web.WAITING_COUNT(count=snapshot.queue[Status.PENDING] + snapshot.queue[Status.PROCESSING])


def _item(context: WebContext, locale: ViewerLocale, problem: Problem, number: int) -> Item:
    job = uploads.get(problem.latest) if problem.latest else None
    if problem.code in _FOLDERS:
        glyph = "folder"
    elif problem.code is ProblemCode.BACKLOG:
        glyph = "ask"
    else:
        glyph = "alert" if problem.code in _CAUSES else "pause"
    title, what, advice = _words(problem, several=len(context.settings.athletes) > 1)
    by_sign_in, is_one = problem.code is ProblemCode.NOT_CONNECTED, dict(problem.params).get("count") == 1
    return Item(
        id=f"problem-{number}",
        code=problem.code,
        athlete=problem.athlete,
        glyph=glyph,
        tone="wait" if problem.code is ProblemCode.BACKLOG else "bad",
        title=locale.of(title),
        what=what,
        advice=advice,
        since=locale.moment_of(problem.since) if problem.variant or not by_sign_in else "",
        actions=tuple(
            action.value for action in problem.actions if not (is_one and action is ProblemAction.SHOW_FILES)
        ),
        job=job,
        job_title=title_of(context, locale, job) if job else "",
    )


def _words(problem: Problem, *, several: bool) -> tuple[Message, Message, Message]:
    """Title, what happened, and advice; where there is one athlete, nobody has to be named."""
    if problem.code is not ProblemCode.NOT_CONNECTED or several:
        return problem.title, problem.what, problem.advice
    if not problem.variant:
        return web.NOT_CONNECTED_YET(), web.NOT_CONNECTED_WHAT(), web.NOT_CONNECTED_ADVICE()
    what = {"scope": web.LOST_SCOPE, "key": web.LOST_KEY}.get(problem.variant, web.LOST_REVOKED)
    return web.SIGN_IN_LOST(), what(), web.CONNECT_AGAIN()


def _failed(context: WebContext, locale: ViewerLocale, snapshot: Snapshot) -> Mapping[str, object] | None:
    """What has failed: the newest of it, how many, and whether trying again can help."""
    count = snapshot.queue[Status.FAILED]
    newest = queries.listed(status=Status.FAILED, limit=1) if count else []
    if not newest:
        return None
    return {
        "count": count,
        "job": newest[0],
        "title": title_of(context, locale, newest[0]),
        "can_retry": count > 1 or newest[0].error_code not in LASTING,
    }


def _bars(locale: ViewerLocale, snapshot: Snapshot, now: float) -> list[Bar]:
    """What is used of Strava's limits, and when each begins anew."""
    limits = snapshot.rate_limit
    windows = (
        (locale.of(web.THESE_MINUTES()), rate_limit.QUARTER),
        (locale.of(web.TODAY_LABEL()), rate_limit.DAY),
    )
    return [
        Bar(name, used, limit, locale.clock_of((now // length + 1) * length))
        for (name, length), used, limit in zip(
            windows, limits.overall_usage, limits.overall_limit, strict=True
        )
    ]


def _weeks(locale: ViewerLocale, now: float) -> dict[str, object]:
    """How many activities a week, for half a year: the bars of a chart, and the sums."""
    today = datetime.fromtimestamp(now, locale.zone).date()
    monday = today - timedelta(days=today.weekday())
    days = [monday - timedelta(weeks=back) for back in range(51, -2, -1)]
    edges = [datetime(day.year, day.month, day.day, tzinfo=locale.zone).timestamp() for day in days]
    starts = sorted(queries.starts_since(edges[0]))
    counts = [bisect_right(starts, end) - bisect_right(starts, begin) for begin, end in pairwise(edges)]
    shown, first = counts[-_WEEKS:], days[:-1][-_WEEKS:]
    top = max([*shown, 2])
    bars = [
        (day, count, at, 54 * count / top) for at, (day, count) in enumerate(zip(first, shown, strict=True))
    ]
    return {
        "bars": bars,
        "top": top,
        "half": (top + 1) // 2,
        "this_week": counts[-1],
        "year": sum(counts),
        "total": sum(shown),
        "months": [(at, locale.month(day)) for at, day in _months(first)],
    }


def _months(days: list[date]) -> Iterator[tuple[int, date]]:
    """Every month's first week: where it stands, and a day in it."""
    for at, (before, day) in enumerate(pairwise(days), 1):
        if day.month != before.month and at < len(days) - 1:
            yield at, day


def _url_is_out_of_reach(context: WebContext) -> bool:
    """Whether Strava would lead this browser to an address that is its own machine, and not Fitferry's."""
    url = urlsplit(context.url()).hostname or ""
    asked = urlsplit(request.host_url).hostname or ""
    return is_loopback(url) and not is_loopback(asked) and not is_at_url(request.environ, context.url())
