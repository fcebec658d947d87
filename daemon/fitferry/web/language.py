"""Who looks at the page? Their language and their time zone, and what texts, times and numbers look like in them.

Owns babel.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError, dates, numbers
from flask import Request
from markupsafe import Markup, escape

from fitferry.core.messages import Message
from fitferry.i18n.translator import LANGUAGES, N_, Translator, translator
from fitferry.web.middleware import cookie

ZONE_COOKIE = "fitferry_zone"
"""Set by the page's script: browsers do not say it otherwise."""
_TIMES = {"ko": "HH:mm"}
"""Where CLDR's short time mixes languages: AM 7:48."""
_TYPED = re.compile("`([^`]+)`")
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""What turns round the words beside it: a file's name may hold it, a sentence with the name in it must not."""
_LOCALES = {"en": "en_GB", "ko": "ko_KR"}


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
        """A message as a sentence by itself: with a capital."""
        text = self.of(message)
        return text[:1].upper() + text[1:]

    def marked(self, english: Message | str | None) -> Markup:
        """A finished English sentence by itself: with a capital, and with what is to be typed set apart."""
        text = self.of(english)
        text = str(escape(text[:1].upper() + text[1:]))
        return Markup(_TYPED.sub(r"<code>\1</code>", text))  # noqa: S704  # escaped before

    def local(self, text: str) -> datetime:
        """A time of the API in their zone."""
        return datetime.fromisoformat(text).astimezone(self.zone)

    def clock(self, text: str | None) -> str:
        """A time of the API: 14:05."""
        return self._time(self.local(text)) if text else ""

    def moment(self, text: str | None) -> str:
        """A time of the API with its day: Mon 21 Sep, 14:05."""
        if not text:
            return ""
        moment = self.local(text)
        now = datetime.now(self.zone)
        skeleton = "EMMMd" if moment.year == now.year else "yMMMd"
        day = dates.format_skeleton(skeleton, moment, locale=self.cldr)
        return f"{day}, {self._time(moment)}"

    def _time(self, moment: datetime) -> str:
        form = _TIMES.get(self.language, "short")
        return dates.format_time(moment, form, locale=self.cldr)

    def day(self, text: str | None) -> str:
        """The day of a time of the API: 21 September 2026."""
        return dates.format_date(self.local(text).date(), "long", locale=self.cldr) if text else ""

    def heading(self, day: date, today: date) -> str:
        """A day above what happened on it."""
        if (today - day).days in {0, 1}:
            return self.of(N_("Today") if day == today else N_("Yesterday"))
        skeleton = "MMMMEEEEd" if day.year == today.year else "yMMMMEEEEd"
        return dates.format_skeleton(skeleton, day, locale=self.cldr)

    def short(self, day: date) -> str:
        """A day: 21 Sep 2026."""
        return dates.format_date(day, "medium", locale=self.cldr)

    def month(self, day: date) -> str:
        """The name of a month, short."""
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
        language = request.accept_languages.best_match(LANGUAGES) or LANGUAGES[0]
    return ViewerLocale(language, _locale(request, language), _zone(request), translator(language))


def _locale(request: Request, language: str) -> Locale:
    """The browser's own kind of the language, so that Americans see their dates."""
    for wanted in request.accept_languages.values():
        try:
            found = Locale.parse(wanted.replace("-", "_"))
        except (ValueError, UnknownLocaleError):
            continue
        if found.language == language and found.territory:
            return found
    return Locale.parse(_LOCALES[language])


def _zone(request: Request) -> tzinfo:
    name = cookie(request.environ, ZONE_COOKIE) or ""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, or no name of a zone at all
        return datetime.now(UTC).astimezone().tzinfo or UTC
