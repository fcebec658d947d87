"""The problems and warnings of one load, none of which repeats a secret.

People paste secrets into wrong places, and then the message about it into a question: so types and keys are
shown, and values only of settings that hold no secret.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from datetime import date, datetime

from fitferry.core.errors import SettingProblem
from fitferry.core.messages import Message, settings, verbatim

_WORD = re.compile(r"[a-z]+(_[a-z]+)*", re.IGNORECASE)
_LONGEST_WORD = 24
_PLAIN = re.compile(r"[A-Za-z]{1,16}|-?[0-9.,]{1,8}")
"""What may be repeated of a text: a word or a number."""
_MOST_LONGER = 4
"""A name that is longer than the known one by more may be more than a slip of it."""


class Report:
    """What is wrong, as it is found. `text`: the file, for the lines of names that are not repeated."""

    def __init__(self) -> None:
        self.text = ""
        self.problems: list[SettingProblem] = []
        self.warnings: list[Message] = []
        self._meant: set[str] = set()

    def problem(self, key: str, message: Message) -> None:
        self.problems.append(SettingProblem(key, message))

    def wrong(self, key: str, value: object, expected: Message) -> None:
        """Note that a value does not fit, without repeating it."""
        self.problem(key, settings.WRONG(key=key, found=describe(value), expected=expected))

    def warn(self, message: Message) -> None:
        self.warnings.append(message)

    def unknown(self, where: str, name: str, known: Sequence[str], elsewhere: Sequence[str] = ()) -> None:
        """Note a key that does not exist, with the nearest that does. `where`: its table, empty for a section."""
        near = nearest(name, known, elsewhere)
        key = f"{where}.{name}" if where else name
        line = self._line_of(name)
        place = where or "the file"
        if near:
            shown = f"{where}.{near}" if where and near in known else near
            self._meant.add(shown)
            self.problem(key, settings.UNKNOWN_NEAR(key=key, near=shown))
        elif is_word(name):
            self.problem(key, settings.UNKNOWN(key=key))
        elif line:
            self.problem(place, settings.UNKNOWN_IN_LINE(where=place, line=line))
        else:
            self.problem(place, settings.UNKNOWN_HIDDEN(where=place))

    def explains(self, name: str) -> bool:
        """Whether something that was told already is why a setting or a section is missing."""
        told = {problem.key.lower().replace(".", "_") for problem in self.problems} | self._meant
        plain, section = name.replace(".", "_"), name.split(".", maxsplit=1)[0]
        wanted = {name, f"{name}_file", plain, f"{plain}_file", section, f"{section}_folder"}
        return not told.isdisjoint(wanted | {f"fitferry_{label}" for label in wanted})

    def _line_of(self, name: str) -> int:
        lines = self.text.splitlines()
        return next((number for number, line in enumerate(lines, 1) if name in line), 0)


def nearest(name: str, known: Sequence[str], elsewhere: Sequence[str] = ()) -> str | None:
    """The name that was meant: of this table, or by its last part of another; None where none is near."""
    exact = [dotted for dotted in elsewhere if dotted.rsplit(".", 1)[-1] == name]
    if exact:
        return exact[0]
    close = [word for word in known if abs(len(word) - len(name)) <= _MOST_LONGER]
    return next(iter(difflib.get_close_matches(name.lower(), close, n=1, cutoff=0.6)), None)


def is_word(name: str) -> bool:
    """Whether a name looks like a word, so that it is no secret."""
    return len(name) <= _LONGEST_WORD and bool(_WORD.fullmatch(name))


def describe(value: object, *, shown: bool = False) -> Message:
    """What a value is; `shown`: also which, if it is short."""
    if isinstance(value, bool):
        return verbatim(str(value).lower())
    if isinstance(value, str):
        return _describe_text(value, shown=shown)
    if shown and isinstance(value, (int, float)):
        return verbatim(f"{value:.15g}")
    if shown and type(value) is date:
        return verbatim(value.isoformat())
    kinds = {int: settings.FOUND_NUMBER(), float: settings.FOUND_NUMBER(), list: settings.FOUND_LIST()}
    kinds |= {date: settings.FOUND_DATE(), datetime: settings.FOUND_TIME()}
    return kinds.get(type(value), settings.FOUND_TABLE())


def _describe_text(value: str, *, shown: bool) -> Message:
    if not value.strip():
        return settings.FOUND_EMPTY()
    return settings.FOUND_THIS(value=value) if shown and _PLAIN.fullmatch(value) else settings.FOUND_TEXT()
