"""What is said to people, in their language: messages by their template, words as they are marked. Plain gettext.

English is what templates and words are written in; `translations` holds a catalogue for each other language.
"""

from __future__ import annotations

import gettext
import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path

from fitferry.core.messages import Message, Renderer, Template

LANGUAGES = ("en", "ko")
"""The first is the one that everything is written in."""
LOCALE = Path(__file__).parent / "translations"
DOMAIN = "fitferry"


def N_(text: str) -> str:  # noqa: N802  # the name that gettext's tools know
    """Mark a word or sentence for translation where it is shown."""
    return text


def NN_(singular: str, plural: str) -> tuple[str, str]:  # noqa: N802  # like N_
    """Mark a sentence that has two forms."""
    return singular, plural


class Translator(Renderer):
    """One language; times are those of the machine's zone."""

    def __init__(self, language: str, translations: gettext.NullTranslations) -> None:
        self.language = language
        self._translations = translations

    def text(self, template: Template, count: int | None) -> str:
        """The template in this language, in the form for `count`."""
        if template.plural is None:
            return self._translations.gettext(template.text)
        return self._translations.ngettext(template.text, template.plural, 2 if count is None else count)

    def time(self, moment: float) -> str:
        """A moment: 2026-11-27 14:05."""
        return f"{datetime.fromtimestamp(moment).astimezone():%Y-%m-%d %H:%M}"

    def translate(self, said: Message | str | None) -> str:
        """A message, or a text that is marked somewhere; any other text stays as it is."""
        if isinstance(said, Message):
            return self.render(said)
        return self._translations.gettext(said) if said else ""

    def say(self, text: str, /, **values: object) -> str:
        """A marked text with values put in, as templates of the page have them."""
        return (
            self._translations.gettext(text).format(**values) if values else self._translations.gettext(text)
        )


@cache
def translator(language: str) -> Translator:
    """The translator of a language; English for one that is not known, or whose catalogue is not compiled."""
    if language not in LANGUAGES[1:]:
        return Translator(LANGUAGES[0], gettext.NullTranslations())
    return Translator(language, gettext.translation(DOMAIN, LOCALE, [language], fallback=True))


def for_setting(setting: str, environ: Mapping[str, str]) -> Translator:
    """The translator for `[web] language`; `auto` leaves it to the locale's variables."""
    return translator(setting if setting in LANGUAGES else of_environment(environ))


def of_environment(environ: Mapping[str, str]) -> str:
    """The language that a locale's variables ask for."""
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        if environ.get(name):
            wanted = (re.split(r"[_.@-]", locale)[0] for locale in environ[name].split(":"))
            return next((language for language in wanted if language in LANGUAGES), LANGUAGES[0])
    return LANGUAGES[0]
