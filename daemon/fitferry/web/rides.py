"""The rides on the page: one line each, in the weeks of their own dates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby

from fitferry.core.activity import Thumbnail
from fitferry.core.admission_rules import REPAIRABLE
from fitferry.core.messages import Message, Template, uploads, web
from fitferry.core.problems import HELD_FILES
from fitferry.core.sports import SHOWN
from fitferry.core.strava import StravaErrorKind
from fitferry.core.upload import ErrorCode, Job, Status
from fitferry.monitoring.status import JobView, job_views
from fitferry.storage import queries, search
from fitferry.web.context import WebContext
from fitferry.web.language import ViewerLocale
from fitferry.web.titles import measure, sports_like, title_of

PAGE = 40
"""Rides on one page; the script puts the next one below when somebody scrolls."""
_DECIMAL_ID = 18
_MANY = 2_000
"""Rides that are summed up at most: where the weeks of a page hold more, their sums are left out."""
STATES: Mapping[Status, tuple[Template, str, str]] = {
    Status.COMPLETED: (web.UPLOADED, "ok", "good"),
    Status.PENDING: (web.WAITING, "clock", "wait"),
    Status.PROCESSING: (web.UPLOADING, "up", "act"),
    Status.FAILED: (web.FAILED, "cross", "bad"),
    Status.HELD: (web.HELD, "pause", "wait"),
    Status.SKIPPED: (web.SKIPPED, "skip", ""),
}
"""The word for each status, its glyph and its colour."""
LASTING = frozenset({ErrorCode.REJECTED, StravaErrorKind.BAD_FILE})
"""Failures after which the same file can only fail again."""


@dataclass(frozen=True, slots=True)
class HistoryFilter:
    """Which rides somebody wants to see. `before`: older than this one; `select`: to choose several of them."""

    status: Status | None = None
    athlete: str | None = None
    text: str = ""
    before: int | None = None
    select: bool = False

    @property
    def narrows(self) -> bool:
        """Whether it leaves rides out."""
        return bool(self.status or self.athlete or self.text)

    def query(self, **change: str | int | None) -> dict[str, str | int]:
        """The same as an address has it."""
        known: dict[str, str | int | None] = {
            "status": self.status.value if self.status else None,
            "athlete": self.athlete,
            "q": self.text or None,
            "select": 1 if self.select else None,
        }
        return {name: value for name, value in {**known, **change}.items() if value}


@dataclass(frozen=True, slots=True)
class Ride:
    """One line: what it is, when it was, and how it stands. `tone`: the colour of the state; `actions`: of its menu."""

    job: Job
    title: str
    facts: str
    climb: str
    icon: str
    thumbnail: Thumbnail | None
    state: str
    glyph: str
    tone: str
    actions: tuple[str, ...]
    when: float


@dataclass(frozen=True, slots=True)
class Week:
    """The rides of one week, and the sum of the whole week. `continued`: a page before shows its newer ones."""

    key: str
    heading: str
    total: str
    rides: list[Ride]
    continued: bool = False


@dataclass(frozen=True, slots=True)
class History:
    """One page of rides. `older`: where the next one begins; `can_retry`: whether that can help one of them."""

    weeks: list[Week]
    older: int | None
    can_retry: bool


def wanted(query: Mapping[str, str], names: tuple[str, ...]) -> HistoryFilter:
    """What an address asks for; what makes no sense in it is passed over."""
    states, athlete = {state.value: state for state in Status}, query.get("athlete", "")
    before = query.get("before", "")
    return HistoryFilter(
        states.get(query.get("status", "")),
        athlete if athlete in names else None,
        query.get("q", "")[:100],
        int(before) if before.isdecimal() and len(before) <= _DECIMAL_ID else None,
        select="select" in query,
    )


def history(context: WebContext, locale: ViewerLocale, want: HistoryFilter) -> History:
    """The rides that somebody wants to see, newest first."""
    jobs = _listed(locale, want)
    page = jobs[:PAGE]
    thumbnails = queries.thumbnails(job.activity_id for job in page)
    rides = [
        ride_of(context, locale, view, thumbnails.get(view.job.activity_id))
        for view in job_views(page, context.clock())
    ]
    older = page[-1].id if len(jobs) > PAGE else None
    if want.narrows:  # found in the order of arrival
        rides.sort(key=lambda ride: -ride.when)
    can_retry = any("retry" in ride.actions for ride in rides)
    return History(_weeks(context, locale, rides, whole=not want.narrows), older, can_retry)


def _listed(locale: ViewerLocale, want: HistoryFilter) -> list[Job]:
    """One page of jobs, and one more where it goes on."""
    if not want.narrows:
        return queries.listed_by_day(before=want.before, limit=PAGE + 1)
    return queries.listed(
        status=want.status,
        athlete=want.athlete,
        text=want.text,
        sports=sports_like(locale, want.text, search.plain),
        before=want.before,
        limit=PAGE + 1,
    )


def ride_of(context: WebContext, locale: ViewerLocale, view: JobView, thumbnail: Thumbnail | None) -> Ride:
    job = view.job
    now = datetime.fromtimestamp(context.clock(), locale.zone)
    when = job.start_time if job.start_time is not None else job.created_at
    state, glyph, tone = _state(locale, view)
    title = title_of(context, locale, job)
    facts = [locale.when(when, now)]
    if job.distance_m and measure(locale, job) not in title:
        facts.append(measure(locale, job))
    if job.duration_s and job.distance_m:
        facts.append(locale.duration(job.duration_s))
    return Ride(
        job=job,
        title=title,
        facts=" · ".join(facts),
        climb=locale.climb(job.ascent_m),
        icon=SHOWN[job.sport].glyph if job.sport in SHOWN else "wave",
        thumbnail=thumbnail,
        state=state,
        glyph=glyph,
        tone=tone,
        actions=actions_of(job),
        when=when,
    )


def actions_of(job: Job) -> tuple[str, ...]:
    """What can help with a ride: nothing that can only fail again."""
    match job.status:
        case Status.COMPLETED:
            return ("again",)
        case Status.FAILED:
            return ("dismiss",) if job.error_code in LASTING else ("retry", "dismiss")
        case Status.HELD:
            if job.error_code in REPAIRABLE and job.data_type == "fit":
                return ("repair", "upload", "dismiss")
            lost = job.error_code in {ErrorCode.FILE_GONE, ErrorCode.TOO_LARGE, ErrorCode.ARCHIVE_REFUSED}
            return ("dismiss",) if lost else ("upload", "dismiss")
        case Status.SKIPPED:
            return () if job.error_code is ErrorCode.NO_ACTIVITY else ("upload",)
        case _:
            return ()


def _state(locale: ViewerLocale, view: JobView) -> tuple[str, str, str]:
    """A word for how a ride stands, its glyph and its colour."""
    job = view.job
    word, glyph, tone = STATES[job.status]
    message: Message = word()
    if job.error_code is ErrorCode.DUPLICATE:
        message, glyph = uploads.ALREADY_ON_STRAVA(), "twice"
    elif job.status is Status.SKIPPED and job.error_code is ErrorCode.DISMISSED:
        message = uploads.DISMISSED()
    elif job.status is Status.HELD and job.error_code is ErrorCode.BACKLOG:
        message, glyph = web.ASKS(), "ask"
    elif job.status is Status.HELD and job.error_code is ErrorCode.UNFINISHED:
        message, tone = web.INCOMPLETE(), "bad"
    elif job.status is Status.HELD and job.error_code in HELD_FILES:
        tone = "bad"
    elif job.status is Status.PENDING and view.next_attempt_at and job.failures:
        message = web.NEXT_TRY(time=locale.clock_of(view.next_attempt_at))
    return locale.render(message), glyph, tone


def _weeks(context: WebContext, locale: ViewerLocale, rides: list[Ride], *, whole: bool) -> list[Week]:
    """The rides by weeks; `whole`: with the sums of the weeks, also of those that another page shows a part of."""
    today = datetime.fromtimestamp(context.clock(), locale.zone).date()

    def monday(moment: float) -> date:
        day = datetime.fromtimestamp(moment, locale.zone).date()
        return day - timedelta(days=day.weekday())

    def begin(day: date) -> float:
        return datetime(day.year, day.month, day.day, tzinfo=locale.zone).timestamp()

    weeks = [(day, list(group)) for day, group in groupby(rides, key=lambda ride: monday(ride.when))]
    sums: defaultdict[date, list[tuple[float, float]]] = defaultdict(list)
    if weeks and whole:
        since, until = begin(weeks[-1][0]), begin(weeks[0][0] + timedelta(weeks=1))
        for moment, distance in queries.distances_by_day(since, until, _MANY):
            sums[monday(moment)].append((moment, distance))
    known = 0 < sum(map(len, sums.values())) < _MANY
    return [
        Week(
            day.isoformat(),
            locale.week(day, today),
            _total(locale, [distance for _, distance in sums[day]]) if known else "",
            group,
            continued=any(moment > group[0].when for moment, _ in sums[day]),
        )
        for day, group in weeks
    ]


def _total(locale: ViewerLocale, distances: list[float]) -> str:
    """How many there were in a week, and how far: 3 activities · 44.4 km."""
    count = locale.of(web.ACTIVITY_COUNT(count=len(distances)))
    return " · ".join(filter(None, (count, locale.distance(sum(distances)))))
