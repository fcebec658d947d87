"""The environment's variables as settings see them, and what is wrong with those that libraries read."""

from __future__ import annotations

import difflib
import os
import re
import stat
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from fitferry.config.keys import OLD_NAMES, OTHER_VARIABLES, Key, all_keys
from fitferry.config.report import Report, is_word
from fitferry.config.values import without_quotes
from fitferry.core.messages import settings

_POSIX_ZONE = re.compile(r"(<[-+\w]+>|[A-Za-z]{3,})[-+]?\d{1,2}.*", re.ASCII)
_ZONES = Path("/usr/share/zoneinfo")


def cleaned(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that say something, without blanks and quotes around their values."""
    stripped = {name: without_quotes(value) for name, value in environ.items()}
    return {name: value for name, value in stripped.items() if value}


def variable_of(key: Key, environ: Mapping[str, str]) -> str | None:
    """The environment variable that decides about a key, if one is set; ours win over the old names."""
    if key.dotted == "watch.folder":
        return None  # it makes a table of its own
    old = [name for name, dotted in OLD_NAMES.items() if dotted == key.dotted]
    return next((name for name in (key.variable, *old) if name in environ), None)


def warn_of_variables(environ: Mapping[str, str], report: Report) -> None:
    """Tell of variables that mean nothing, or more than was meant."""
    known = {key.variable for key in all_keys()} | OTHER_VARIABLES
    for name in sorted(environ):
        if name.startswith("FITFERRY_") and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            if near:
                report.warn(settings.VARIABLE_UNKNOWN_NEAR(name=name, near=near[0]))
            elif is_word(name):
                report.warn(settings.VARIABLE_UNKNOWN(name=name))
            else:
                report.warn(settings.VARIABLES_UNKNOWN())
    if environ.get("PUID") == "0":
        report.warn(settings.PUID_ROOT())
    if "TZ" in environ and not is_time_zone(environ["TZ"]):
        report.warn(settings.TZ_UNKNOWN())


def is_time_zone(name: str) -> bool:
    """Whether the C library knows a value of TZ, which takes anything unknown for UTC without a word."""
    name = name.removeprefix(":")
    if _POSIX_ZONE.fullmatch(name) or name in {"UTC", "GMT"}:
        return True
    return ".." not in name and (_ZONES / name).is_file()


def use_time_zone(environ: Mapping[str, str]) -> None:
    """Let TZ count without the quotes and blanks that env files leave around it."""
    given = environ.get("TZ")
    if given and without_quotes(given) != given:
        os.environ["TZ"] = without_quotes(given)
        time.tzset()


def warn_of_readable(paths: Iterable[Path], report: Report) -> None:
    """Tell of files with a secret in them that every user of the machine can read."""
    for path in paths:
        try:
            mode = path.stat().st_mode
        except OSError:
            continue
        if mode & stat.S_IROTH and stat.S_ISREG(mode):
            report.warn(settings.READABLE_SECRET(path=str(path)))
