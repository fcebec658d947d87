"""What a ride is called on the page: its name by a rule, else time of day, sport and distance."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from datetime import datetime

from fitferry.core import rules
from fitferry.core.messages import Message, verbatim, web
from fitferry.core.sports import SHOWN, SUB_SPORT_NOUNS
from fitferry.core.upload import Job
from fitferry.web.context import WebContext
from fitferry.web.language import ViewerLocale

_HOURS = (5, 11, 14, 17, 22)
"""The hours at which the next time of day begins."""
_TIMES_OF_DAY = (web.NIGHT, web.MORNING, web.LUNCH, web.AFTERNOON, web.EVENING, web.NIGHT)


def title_of(context: WebContext, locale: ViewerLocale, job: Job) -> str:
    """What a ride is, in a few words; the file's name where nothing is known of it."""
    named = rules.upload_fields(context.settings.rules, rules.Subject(job.athlete, job.file, job)).get("name")
    if named:
        return named
    if job.sport is None and job.start_time is None:
        return job.file
    return " · ".join(filter(None, (locale.render(_kind(locale, job)), measure(locale, job))))


def measure(locale: ViewerLocale, job: Job) -> str:
    """How far it went, or how long it took."""
    if job.distance_m:
        if job.sport in SHOWN and SHOWN[job.sport].in_metres:
            return f"{locale.number(job.distance_m)} m"
        return locale.distance(job.distance_m)
    return locale.minutes(job.duration_s) if job.duration_s else ""


def sport_of(job: Job) -> Message:
    noun = SUB_SPORT_NOUNS.get(job.sub_sport or "")
    if noun is None and job.sport in SHOWN:
        noun = SHOWN[job.sport].noun
    if noun is not None:
        return noun()
    return verbatim(job.sport.replace("_", " ")) if job.sport else web.ACTIVITY()


def sports_like(locale: ViewerLocale, text: str, fold: Callable[[str], str]) -> list[str]:
    """The sports whose names in the reader's language hold a text, both of them folded."""
    wanted = fold(text)
    nouns = ((sport, locale.of(shown.noun())) for sport, shown in SHOWN.items())
    return [sport for sport, noun in nouns if text and wanted in fold(noun)]


def _kind(locale: ViewerLocale, job: Job) -> Message:
    sport = sport_of(job)
    shown = SHOWN.get(job.sport or "")
    with_time = shown is not None and shown.by_time_of_day and job.sub_sport not in SUB_SPORT_NOUNS
    if job.start_time is None or not with_time:
        return sport
    hour = datetime.fromtimestamp(job.start_time, locale.zone).hour
    return _TIMES_OF_DAY[bisect_right(_HOURS, hour)](activity=sport)
