"""The viewer's language and time zone, and how texts, times and numbers look in them.

Owns babel, and imports no Flask: what babel reads and is let go again is to be there before Flask, which takes the room.
"""

from __future__ import annotations

import functools
import re
import threading
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError, core, dates, numbers
from markupsafe import Markup, escape

from fitferry.core.messages import TEMPLATES, Message, web
from fitferry.i18n.translator import LANGUAGES, Translator, translator
from fitferry.web.middleware import cookie

if TYPE_CHECKING:
    from flask import Request

LANGUAGE_COOKIE = "fitferry_language"
"""Set by the page's switch of languages."""
ZONE_COOKIE = "fitferry_zone"
"""Set by the page's script: browsers do not say it otherwise."""
_TIMES = {"ko": "HH:mm"}
"""Where CLDR's short time mixes languages: AM 7:48."""
_TYPED = re.compile("`([^`]+)`")
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""What turns round the words beside it: a file's name may hold it, a sentence with the name in it must not."""
_WEEK_DAYS = 7
_LOCALES = {"en": "en_GB", "ko": "ko_KR"}
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class ViewerLocale:
    """A person in front of the page."""

    language: str
    cldr: Locale
    zone: tzinfo
    words: Translator

    def say(self, text: str, /, **values: object) -> str:
        """A sentence by its English template."""
        return _TURNING.sub("", self.words.say(text, **values))

    def of(self, english: Message | str | None) -> str:
        """A message, or a finished English sentence."""
        return _TURNING.sub("", self.words.translate(english))

    def render(self, message: Message) -> str:
        """A message as a sentence by itself: with a capital, unless a name stands first."""
        text = self.of(message)
        template = TEMPLATES.get(message.code)
        starts_with_name = (
            template is not None and template.text.startswith("{") and message.code != "verbatim"
        )
        return text if starts_with_name else text[:1].upper() + text[1:]

    def marked(self, message: Message) -> Markup:
        """A message as a sentence by itself, with what is to be typed set apart."""
        text = str(escape(self.render(message)))
        return Markup(_TYPED.sub(r"<code>\1</code>", text))  # noqa: S704  # escaped before

    def _time(self, moment: datetime) -> str:
        form = _TIMES.get(self.language, "short")
        return dates.format_time(moment, form, locale=self.cldr)

    def day(self, moment: float) -> str:
        """The day of a time: 21 September 2026."""
        return dates.format_date(datetime.fromtimestamp(moment, self.zone), "long", locale=self.cldr)

    def clock_of(self, moment: float) -> str:
        """A time: 14:05."""
        return self._time(datetime.fromtimestamp(moment, self.zone))

    def second_of(self, moment: float) -> str:
        """A time to the second: 14:05:09."""
        form = f"{_TIMES[self.language]}:ss" if self.language in _TIMES else "medium"
        return dates.format_time(datetime.fromtimestamp(moment, self.zone), form, locale=self.cldr)

    def weekday_of(self, moment: float) -> str:
        """A day: Thu, 26 Nov."""
        return dates.format_skeleton("EMMMd", datetime.fromtimestamp(moment, self.zone), locale=self.cldr)

    def moment_of(self, moment: float) -> str:
        """A time, with its day unless that is today: 14:05, Mon 21 Sep, 14:05."""
        there, now = datetime.fromtimestamp(moment, self.zone), datetime.now(self.zone)
        return self.when(moment, now) if (now.date() - there.date()).days else self._time(there)

    def when(self, moment: float, now: datetime) -> str:
        """When a ride was, in as few words as say it: Today 07:46, Tue 18:02, 15 Nov 09:20, 15 Nov 2024."""
        there = datetime.fromtimestamp(moment, self.zone)
        days = (now.date() - there.date()).days
        if days == 0:
            return f"{self.of(web.TODAY_LABEL())} {self._time(there)}"
        if 0 < days < _WEEK_DAYS:
            return f"{dates.format_skeleton('E', there, locale=self.cldr)} {self._time(there)}"
        if there.year == now.year:
            return f"{dates.format_skeleton('MMMd', there, locale=self.cldr)} {self._time(there)}"
        return dates.format_skeleton("yMMMd", there, locale=self.cldr)

    def week(self, monday: date, today: date) -> str:
        """A week above its rides: This week, Last week, 9 to 15 November."""
        weeks = (today - monday).days // _WEEK_DAYS
        if weeks in {0, 1}:
            return self.of(web.THIS_WEEK()) if weeks == 0 else self.of(web.LAST_WEEK())
        skeleton = "MMMMd" if monday.year == today.year else "yMMMd"
        return dates.format_interval(monday, monday + timedelta(days=6), skeleton, locale=self.cldr)

    def climb(self, metres: float | None) -> str:
        """How far up it went: 214 m up."""
        return self.of(web.METRES_UP(metres=self.number(metres))) if metres else ""

    def minutes(self, seconds: float) -> str:
        """A duration without seconds: 59 min, 1 h 5 min."""
        hours, minutes = divmod(round(seconds / 60), 60)
        if hours:
            return self.of(web.HOURS_MINUTES(hours=hours, minutes=minutes))
        return self.of(web.MINUTES(minutes=minutes))

    def day_and_times(self, begin: float, seconds: float | None) -> str:
        """When a ride was, from its begin to its end: Thu 26 Nov 2026, 07:46 to 08:49."""
        there = datetime.fromtimestamp(begin, self.zone)
        day = f"{dates.format_skeleton('yMMMEd', there, locale=self.cldr)}, {self._time(there)}"
        if not seconds:
            return day
        end = self._time(there + timedelta(seconds=seconds))
        return self.of(web.BEGIN_TO_END(begin=day, end=end))

    def short(self, day: date) -> str:
        """A day: 21 Sep 2026."""
        return dates.format_date(day, "medium", locale=self.cldr)

    def month(self, day: date) -> str:
        return dates.format_skeleton("MMM", day, locale=self.cldr)

    def number(self, value: float) -> str:
        """A whole number: 3,012."""
        return numbers.format_decimal(round(value), locale=self.cldr)

    def distance(self, metres: float | None) -> str:
        """A distance: 24.5 km."""
        return f"{numbers.format_decimal(round(metres / 1000, 1), locale=self.cldr)} km" if metres else ""

    @staticmethod
    def duration(seconds: float | None) -> str:
        """A duration: 1:02:03."""
        if seconds is None:
            return ""
        minutes, rest = divmod(round(seconds), 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

    def size(self, count: int) -> str:
        """A number of bytes: 1.4 MB."""
        unit, name = (1e6, "MB") if count >= 1e6 else (1e3, "kB")  # noqa: PLR2004  a megabyte
        return f"{numbers.format_decimal(round(count / unit, 1), locale=self.cldr)} {name}"


def locale_of(request: Request, setting: str) -> ViewerLocale:
    """Who asks; `setting` is `[web] language`, and `auto` leaves it to the browser."""
    language = setting
    if setting not in LANGUAGES:
        chosen = cookie(request.environ, LANGUAGE_COOKIE)
        best = request.accept_languages.best_match(LANGUAGES) or LANGUAGES[0]
        language = chosen if chosen in LANGUAGES else best
    cldr = locale_data(language, tuple(request.accept_languages.values()))
    return ViewerLocale(language, cldr, _zone(request), translator(language))


@functools.lru_cache(maxsize=64)
def locale_data(language: str, wanted: tuple[str, ...] = ()) -> Locale:
    """What CLDR says of a language, of the browser's own kind, so that Americans see their dates."""
    with _lock:
        kinds = [found for name in wanted if (found := _parsed(name)) and found.language == language]
        best = next((kind for kind in kinds if kind.territory), None) or Locale.parse(_LOCALES[language])
        best.date_formats.get("long")  # this reads it
        core._global_data = None  # noqa: SLF001  # 2 MB on all languages of the world, which babel keeps otherwise
    return best


def _parsed(name: str) -> Locale | None:
    try:
        return Locale.parse(name.replace("-", "_"))
    except (ValueError, UnknownLocaleError):
        return None


def _zone(request: Request) -> tzinfo:
    name = cookie(request.environ, ZONE_COOKIE) or ""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, or no name of a zone at all
        return datetime.now(UTC).astimezone().tzinfo or UTC
