"""What is said to people, and how is it said in their language? English inside, translated where it is shown.

Sentences are made in English, because logs, files and programs keep them so: `say("{name} is away", name=n)`.
The page and the commands show them through `Words.of`, which knows a finished sentence by its template. So
nothing between the two has to carry templates about. `fitferry.locale` holds a catalogue for each language.
"""

from __future__ import annotations

import gettext
import re
import string
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path

from fitferry.core.messages import Message, Renderer, Template

LANGUAGES = ("en", "ko")
"""The first is the one that everything is written in."""
LOCALE = Path(__file__).parent / "translations"
DOMAIN = "fitferry"
LETTERS = 3
"""A template with fewer letters of its own would know nearly any sentence."""
_SENTENCES = 4_096


def N_(text: str) -> str:  # noqa: N802  # the name that gettext's tools know
    """Mark a word or sentence for translation where it is shown."""
    return text


def NN_(singular: str, plural: str) -> tuple[str, str]:  # noqa: N802  # like N_
    """Mark a sentence that has two forms."""
    return singular, plural


def say(text: str, /, **values: object) -> str:
    """A sentence in English. What is said so is found by Babel, and has to be in the catalogues."""
    return text.format(**values) if values else text


class Translator(Renderer):
    """One language; times are those of the machine's zone."""

    def __init__(
        self,
        language: str,
        catalogue: Mapping[str, str],
        translations: gettext.NullTranslations | None = None,
    ) -> None:
        self.language = language
        self._gettext = translations or gettext.NullTranslations()
        self._catalogue = catalogue
        self._patterns: list[tuple[re.Pattern[str], str]] | None = None
        self._found: dict[str, str] = {}

    def say(self, text: str, /, **values: object) -> str:
        """A sentence by its template; `text` is English."""
        if text not in self._catalogue:
            return say(text, **values)
        filled = {
            name: format(values[name], form or "")
            for _, name, form, _ in string.Formatter().parse(text)
            if name is not None
        }
        return self._catalogue[text].format(**filled)

    def text(self, template: Template, count: int | None) -> str:
        """The template in this language, in the form for `count`."""
        if template.plural is None:
            return self._gettext.gettext(template.text)
        return self._gettext.ngettext(template.text, template.plural, 2 if count is None else count)

    def time(self, moment: float) -> str:
        """A moment: 2026-11-27 14:05."""
        return f"{datetime.fromtimestamp(moment).astimezone():%Y-%m-%d %H:%M}"

    def of(self, english: Message | str | None) -> str:
        """A message, or a finished English sentence, in this language; as it is where it is not known."""
        if isinstance(english, Message):
            if english.code != "verbatim":
                return self.render(english)
            english = str(english)
        if not english or not self._catalogue:
            return english or ""
        found = self._found.get(english)
        if found is None:
            if len(self._found) > _SENTENCES:
                self._found.clear()
            found = self._found[english] = self._translated(english)
        return found

    def _translated(self, english: str) -> str:
        if english in self._catalogue:
            return self._catalogue[english]
        if self._patterns is None:
            self._patterns = _patterns(self._catalogue)
        for pattern, translation in self._patterns:
            match = pattern.fullmatch(english)
            if match:
                return translation.format(
                    **{name: self.of(value) for name, value in match.groupdict().items()}
                )
        return english


@cache
def words(language: str) -> Translator:
    """The words of a language; English for one that is not known."""
    if language not in LANGUAGES[1:]:
        return Translator(LANGUAGES[0], {})
    translations = gettext.translation(DOMAIN, LOCALE, [language], fallback=True)
    catalogue = getattr(translations, "_catalog", {})
    return Translator(
        language,
        {text: said for text, said in catalogue.items() if isinstance(text, str) and text and said},
        translations,
    )


def chosen(setting: str, environ: Mapping[str, str]) -> Translator:
    """The words of `[web] language`; `auto` leaves it to the locale's variables."""
    return words(setting if setting in LANGUAGES else of_environment(environ))


def of_environment(environ: Mapping[str, str]) -> str:
    """The language that a locale's variables ask for."""
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        if environ.get(name):
            return _first(re.split(r"[_.@-]", one)[0] for one in environ[name].split(":"))
    return LANGUAGES[0]


def _first(wanted: Iterable[str]) -> str:
    return next((one for one in wanted if one in LANGUAGES), LANGUAGES[0])


def fields(template: str) -> set[str]:
    """The names in a template."""
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def _patterns(catalogue: Mapping[str, str]) -> list[tuple[re.Pattern[str], str]]:
    """How the sentences of each template look; what says most of its own comes first."""
    templates = [(template, said) for template, said in catalogue.items() if fields(template)]
    own = {
        template: "".join(part for part, *_ in string.Formatter().parse(template))
        for template, _ in templates
    }
    notification_policy = [one for one in templates if sum(map(str.isalpha, own[one[0]])) >= LETTERS]
    notification_policy.sort(key=lambda one: len(own[one[0]]), reverse=True)
    return [(re.compile(_pattern(template), re.DOTALL), said) for template, said in notification_policy]


def _pattern(template: str) -> str:
    parts, seen = [], set[str]()
    for literal, name, _, _ in string.Formatter().parse(template):
        parts.append(re.escape(literal))
        if name:
            parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>.+?)")
            seen.add(name)
    return "".join(parts)
