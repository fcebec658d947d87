"""Messages as data: a code and its parameters, and the English template that each code stands for.

A template is defined once, in the module of its area, and builds messages when it is called:

    NOT_WHOLE = define("not_whole", "{have:number} of {want:number} bytes")
    message = NOT_WHOLE(have=1234, want=5678)
    str(message)  # 1,234 of 5,678 bytes

Parameters stay raw until they are shown: then what a terminal would obey is replaced. The kind after the colon says how
one is shown (see `Renderer`); without a kind, text is shown as it is and a Message by its own template. Text in a
parameter is never translated.
"""

from __future__ import annotations

import json
import string
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple, TypeAlias, Union

from fitferry.core.printable import printable

Param: TypeAlias = Union[str, int, float, bool, "Message", tuple[Union[str, "Message"], ...], None]
Json: TypeAlias = str | int | float | bool | list["Json"] | dict[str, "Json"] | None

KINDS = frozenset({"", "number", "bytes", "duration", "time", "day"})
"""What may stand after the colon of a placeholder: a method of `Renderer`, or nothing."""
COUNT = "count"
"""The parameter that chooses between one and several."""


@dataclass(frozen=True, slots=True)
class Message:
    """Something that is said to a person; `str()` of it is English, without the last full stop."""

    code: str
    params: tuple[tuple[str, Param], ...] = ()

    @property
    def values(self) -> dict[str, Param]:
        """The parameters by name."""
        return dict(self.params)

    def __str__(self) -> str:
        return ENGLISH.render(self)

    def to_json(self) -> str:
        """As it is stored: {"code": …, "params": {…}}."""
        return json.dumps(self.to_values(), ensure_ascii=False)

    def to_values(self) -> Json:
        """As JSON's own kinds of values."""
        return {"code": self.code, "params": {name: _to_json(value) for name, value in self.params}}

    @classmethod
    def from_json(cls, text: str) -> Message:
        """From what `to_json` made. Raises ValueError for anything else."""
        return cls.from_values(json.loads(text))

    @classmethod
    def from_values(cls, values: Json) -> Message:
        """From what `to_values` made. Raises ValueError for anything else."""
        message = _from_json(values)
        if not isinstance(message, Message):
            raise ValueError("not a message")  # noqa: TRY004  # one error for whatever is stored wrongly
        return message


class Template(NamedTuple):
    """What a code stands for. With a `plural`, the parameter `count` chooses between it and `text`."""

    code: str
    text: str
    plural: str | None = None

    def __call__(self, **params: Param) -> Message:
        """The message with these parameters. Raises TypeError where they are not those of the template."""
        wanted = placeholders(self.text) | (placeholders(self.plural) if self.plural else set())
        if params.keys() != wanted:
            raise TypeError(f"{self.code} takes {sorted(wanted)}, not {sorted(params)}")
        return Message(self.code, tuple(sorted(params.items())))


TEMPLATES: dict[str, Template] = {}
"""Every template by its code."""


def define(code: str, text: str) -> Template:
    """Define what a code stands for. Raises ValueError for a code that is taken, or a placeholder's unknown kind."""
    return _register(Template(code, text))


def define_plural(code: str, singular: str, plural: str) -> Template:
    """Define what a code stands for, where the parameter `count` chooses the form."""
    return _register(Template(code, singular, plural))


def _register(template: Template) -> Template:
    if template.code in TEMPLATES:
        raise ValueError(f"{template.code} is defined twice")
    for text in filter(None, (template.text, template.plural)):
        for _, name, kind, _ in string.Formatter().parse(text):
            if name is not None and (not name.isidentifier() or kind not in KINDS):
                raise ValueError(f"{template.code}: {{{name}:{kind}}} is no placeholder")
    TEMPLATES[template.code] = template
    return template


def placeholders(text: str) -> set[str]:
    """The names of the parameters in a template."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


VERBATIM = define("verbatim", "{text}")


def verbatim(text: str) -> Message:
    """Somebody else's words, such as Strava's or the system's: shown as they are in every language."""
    return VERBATIM(text=text)


def as_message(words: Message | str) -> Message:
    """A message as it is, a text as somebody else's words."""
    return words if isinstance(words, Message) else verbatim(words)


def _to_json(value: Param) -> Json:
    if isinstance(value, Message):
        return value.to_values()
    if isinstance(value, tuple):
        return [_to_json(part) for part in value]
    return value


def _from_json(value: Json) -> Param:
    if isinstance(value, list):
        parts = tuple(_from_json(part) for part in value)
        return tuple(part for part in parts if isinstance(part, (str, Message)))
    if isinstance(value, dict):
        code, params = value.get("code"), value.get("params")
        if not isinstance(code, str) or not isinstance(params, dict):
            raise ValueError("not a message")  # noqa: TRY004  # as above
        return Message(code, tuple(sorted((name, _from_json(part)) for name, part in params.items())))
    return value


class Renderer:
    """How messages read: English, times in UTC. A language overrides `text`, a place the kinds."""

    def render(self, message: Message) -> str:
        """The message as a person reads it; never fails, also for a code that another version defined."""
        values = message.values
        template = TEMPLATES.get(message.code)
        if template is None:
            shown = ", ".join(f"{name}={self.show('', value)}" for name, value in message.params)
            return f"{message.code} ({shown})" if shown else message.code
        count = values.get(COUNT)
        text = self.text(template, count if isinstance(count, int) else None)
        return self.fill(text, values)

    def fill(self, text: str, values: Mapping[str, Param]) -> str:
        """A template with its parameters put in."""
        parts = []
        for literal, name, kind, conversion in string.Formatter().parse(text):
            parts.append(literal)
            if name is not None:
                shown = self.show(kind or "", values.get(name, "?"))
                parts.append(repr(shown) if conversion == "r" else shown)
        return "".join(parts)

    def text(self, template: Template, count: int | None) -> str:
        """The template in the reader's language, in the form for `count`."""
        return template.plural if template.plural and count != 1 else template.text

    def show(self, kind: str, value: Param) -> str:
        """One parameter as its kind is shown."""
        if isinstance(value, Message):
            return self.render(value)
        if isinstance(value, tuple):
            return ", ".join(self.show(kind, part) for part in value)
        if isinstance(value, (int, float)) and kind:
            return str(getattr(self, kind)(value))
        return "" if value is None else printable(str(value), keep="\n")

    def number(self, value: float) -> str:
        """A count or a decimal: 1,234."""
        return f"{value:,}"

    def bytes(self, count: float) -> str:
        """A size: 1.4 MB."""
        for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
            if count >= unit:
                return f"{self.number(_rounded(count / unit))} {name}"
        return self.render(BYTES(count=int(count)))

    def duration(self, seconds: float) -> str:
        """A length of time: 45 s, 5 min, 2 h 5 min, 3 days."""
        minutes = round(seconds / 60)
        if seconds < 60:  # noqa: PLR2004  a minute
            return self.render(SECONDS(count=_rounded(seconds)))
        if minutes < 60:  # noqa: PLR2004  an hour
            return self.render(MINUTES(count=minutes))
        if minutes < 48 * 60:
            hours, rest = divmod(minutes, 60)
            return self.render(HOURS_MINUTES(hours=hours, minutes=rest) if rest else HOURS(count=hours))
        return self.render(DAYS(count=round(seconds / 86_400)))

    def time(self, moment: float) -> str:
        """A moment, in seconds since 1970: 2026-11-27 14:05 UTC."""
        return f"{_utc(moment):%Y-%m-%d %H:%M} UTC"

    def day(self, moment: float) -> str:
        """The day of a moment: 2026-11-27."""
        return f"{_utc(moment):%Y-%m-%d}"


def _utc(moment: float) -> datetime:
    return datetime.fromtimestamp(moment, UTC)


def _rounded(value: float) -> float:
    """One decimal, and none where it is 0."""
    rounded = round(value, 1)
    return int(rounded) if rounded == int(rounded) else rounded


BYTES = define_plural("unit_bytes", "{count:number} byte", "{count:number} bytes")
SECONDS = define("unit_seconds", "{count:number} s")
MINUTES = define("unit_minutes", "{count:number} min")
HOURS = define("unit_hours", "{count:number} h")
HOURS_MINUTES = define("unit_hours_minutes", "{hours:number} h {minutes:number} min")
DAYS = define_plural("unit_days", "{count:number} day", "{count:number} days")

ENGLISH = Renderer()
