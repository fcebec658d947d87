"""The keys of the schema, one by one: section, name, type, default, meaning, and the variable of the environment."""

from __future__ import annotations

from dataclasses import MISSING, fields
from functools import cache
from types import NoneType, UnionType
from typing import NamedTuple, Union, get_args, get_origin, get_type_hints

from msgspec import Meta

from fitferry.config.schema import SECTIONS
from fitferry.config.values import Kind

OLD_NAMES = {
    "STRAVA_CLIENT_ID": "strava.client_id",
    "STRAVA_CLIENT_SECRET": "strava.client_secret",
    "STRAVA_CLIENT_SECRET_FILE": "strava.client_secret_file",
    "STRAVA_AUTO_UPLOAD": "strava.auto_upload",
}
"""Names that people have in their environments already; ours win over them."""
_SECRETS = frozenset({"strava.client_secret", "notify.urls", "notify.heartbeat_url", "hooks.command"})
OTHER_VARIABLES = frozenset({"FITFERRY_CONFIG", "FITFERRY_FAILPOINT"})


class Key(NamedTuple):
    """One setting. `default`: None where there is none; `example`: what the example file shows then."""

    section: str
    name: str
    type: object
    kind: Kind
    default: object
    why: str
    example: object

    @property
    def dotted(self) -> str:
        """The name as messages show it."""
        return f"{self.section}.{self.name}"

    @property
    def secret(self) -> bool:
        """Whether its value is one, or may hold one."""
        return self.dotted in _SECRETS

    @property
    def variable(self) -> str:
        """The environment variable that overrides it."""
        return f"FITFERRY_{self.section}_{self.name}".upper()


@cache
def keys(section: str) -> dict[str, Key]:
    hints = get_type_hints(SECTIONS[section], include_extras=True)
    return {
        item.name: _key(section, item.name, hints[item.name], item.default)
        for item in fields(SECTIONS[section])
    }


def all_keys() -> list[Key]:
    return [key for section in SECTIONS for key in keys(section).values()]


def _key(section: str, name: str, hint: object, default: object) -> Key:
    inner, *metadata = get_args(hint)
    if get_origin(inner) in {Union, UnionType}:  # X | None: the kind and the bounds are those of X
        hint = next(part for part in get_args(inner) if part is not NoneType)
        metadata = [*get_args(hint)[1:], *metadata]
    kind = next(extra for extra in metadata if isinstance(extra, Kind))
    meta = next(extra for extra in metadata if isinstance(extra, Meta) and extra.description)
    default = None if default is MISSING or default == "" else default
    return Key(section, name, hint, kind, default, str(meta.description), *(meta.examples or [None]))
