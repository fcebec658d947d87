"""What a ride is called on the page: its name by a rule, else time of day, sport and distance."""

from __future__ import annotations

from datetime import datetime

from fitferry.core import rules
from fitferry.core.messages import Message, Template, verbatim, web
from fitferry.core.upload import Job
from fitferry.web.context import WebContext
from fitferry.web.language import ViewerLocale

_NOUNS = {
    "cycling": web.RIDE,
    "e_biking": web.RIDE,
    "running": web.RUN,
    "walking": web.WALK,
    "hiking": web.HIKE,
    "swimming": web.SWIM,
    "rowing": web.ROW,
}
"""Sports that are told apart by the time of day."""
_PLAIN = {
    "training": web.WORKOUT,
    "fitness_equipment": web.WORKOUT,
    "cross_country_skiing": web.SKI,
    "alpine_skiing": web.ALPINE_SKI,
}
_BY_SUB_SPORT = {"lap_swimming": web.POOL_SWIM, "strength_training": web.WEIGHTS}
_SHORT_METRES = {"swimming"}
"""Sports whose distances are counted in metres."""
_MORNING, _LUNCH, _AFTERNOON, _EVENING, _NIGHT = 5, 11, 14, 17, 22
ICONS = {
    "swimming": "swim",
    "training": "lift",
    "fitness_equipment": "lift",
}
"""The glyph of a sport where there is no route."""


def title_of(context: WebContext, locale: ViewerLocale, job: Job) -> str:
    """What a ride is, in a few words; the file's name where nothing is known of it."""
    named = rules.upload_fields(context.settings.rules, rules.subject_of_job(job)).get("name")
    if named:
        return named
    if job.sport is None and job.start_time is None:
        return job.file
    return " · ".join(filter(None, (locale.render(_kind(locale, job)), measure(locale, job))))


def measure(locale: ViewerLocale, job: Job) -> str:
    """How far it went, or how long it took."""
    if job.distance_m:
        if job.sport in _SHORT_METRES:
            return f"{locale.number(job.distance_m)} m"
        return locale.distance(job.distance_m)
    return locale.minutes(job.duration_s) if job.duration_s else ""


def sport_of(job: Job) -> Message:
    """What sport it was."""
    sport = job.sport or ""
    known = _BY_SUB_SPORT.get(job.sub_sport or "") or _NOUNS.get(sport) or _PLAIN.get(sport)
    if known is not None:
        return known()
    return verbatim(sport.replace("_", " ")) if sport else web.ACTIVITY()


def sports_like(locale: ViewerLocale, text: str, plain: object) -> list[str]:
    """The sports whose names in the reader's language hold a text."""
    fold = plain if callable(plain) else str
    wanted = fold(text)
    names = {**_NOUNS, **_PLAIN}
    return [sport for sport, name in names.items() if text and wanted in fold(locale.of(name()))]


def _kind(locale: ViewerLocale, job: Job) -> Message:
    sport = sport_of(job)
    if job.start_time is None or job.sport not in _NOUNS or job.sub_sport in _BY_SUB_SPORT:
        return sport
    return _time_of_day(datetime.fromtimestamp(job.start_time, locale.zone).hour)(activity=sport)


def _time_of_day(hour: int) -> Template:
    if hour < _MORNING or hour >= _NIGHT:
        return web.NIGHT
    if hour < _LUNCH:
        return web.MORNING
    if hour < _AFTERNOON:
        return web.LUNCH
    return web.AFTERNOON if hour < _EVENING else web.EVENING
