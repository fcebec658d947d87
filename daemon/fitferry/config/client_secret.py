"""The application's secret: from the settings, a file, or a variable of either kind."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from fitferry.config.report import Report
from fitferry.config.values import without_quotes
from fitferry.core.messages import settings, system

NAMES = ("client_secret", "client_secret_file")
LOOKS_RIGHT = re.compile(r"[0-9a-f]{40}")
"""Strava's secrets, as seen in 2026-11."""
_OURS = "FITFERRY_"


def choose(
    values: Mapping[str, object], variables: Mapping[str, str | None], named: set[str], report: Report
) -> str:
    """The secret, or an empty text; what is wrong is told to the report.

    `values`: what either key came to; `variables`: the variable that decided about it, if one did;
    `named`: the keys of the file. Either variable replaces both keys of the file, ours those of the old names.
    """
    by_variable = [name for name in NAMES if variables[name]]
    ours = [name for name in by_variable if str(variables[name]).startswith(_OURS)]
    given = ours or by_variable or [name for name in NAMES if name in named]
    if len(given) == len(NAMES):
        labels = [variables[name] or f"strava.{name}" for name in NAMES]
        report.problem(labels[1], settings.BOTH_SECRETS(key=labels[1], other=labels[0]))
        return ""
    if "client_secret_file" in given:
        path = values["client_secret_file"]
        label = variables["client_secret_file"] or "strava.client_secret_file"
        return _read(path, label, report) if isinstance(path, Path) else ""
    return str(values["client_secret"] or "") if given else ""


def _read(path: Path, label: str, report: Report) -> str:
    try:
        secret = without_quotes(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        reason = system.from_os_error(error) if isinstance(error, OSError) else settings.NOT_UTF8()
        report.problem(label, settings.SECRET_UNREADABLE(key=label, reason=reason))
        return ""
    if not secret:
        report.problem(label, settings.SECRET_EMPTY(key=label))
    return secret
