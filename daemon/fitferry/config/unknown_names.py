"""Sections and keys that do not exist, each told of with the nearest that does."""

from __future__ import annotations

from collections.abc import Mapping

from fitferry.config.keys import all_keys, keys
from fitferry.config.report import Report, describe
from fitferry.config.schema import SECTIONS
from fitferry.core.messages import settings


def check(raw: Mapping[str, object], report: Report) -> None:
    """Tell of what no section and no key is called."""
    known = [*SECTIONS, "rule"]
    for section, value in raw.items():
        if section not in known:
            report.unknown("", section, known, [key.dotted for key in all_keys()])
        elif section in {"watch", "rule"}:
            if isinstance(value, dict):
                report.problem(section, settings.DOUBLE_BRACKETS(section=section))
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            report.problem(section, settings.ONE_SECTION(section=section))
            check_keys(section, section, value[0], report)
        elif isinstance(value, dict):
            check_keys(section, section, value, report)
        else:
            report.problem(section, settings.SECTION(section=section, found=describe(value)))


def check_keys(section: str, label: str, table: Mapping[str, object], report: Report) -> None:
    """Tell of what no key of a section is called. `label`: what the table is called in messages."""
    known = keys(section)
    elsewhere = [key.dotted for key in all_keys() if key.section != section]
    for name in table.keys() - known:
        report.unknown(label, name, list(known), elsewhere)
