"""What can be measured? A few numbers of the snapshot as Prometheus text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def text(snapshot: dict[str, Any]) -> str:
    """The metrics page."""
    return "\n".join(_lines(snapshot)) + "\n"


def _lines(snapshot: dict[str, Any]) -> Iterator[str]:
    yield "# HELP fitferry_build_info The version that runs."
    yield "# TYPE fitferry_build_info gauge"
    yield f'fitferry_build_info{{version="{snapshot["version"]}"}} 1'
    yield "# HELP fitferry_jobs Uploads by status."
    yield "# TYPE fitferry_jobs gauge"
    for name, count in snapshot["queue"].items():
        yield f'fitferry_jobs{{status="{name}"}} {count}'
    yield "# HELP fitferry_athlete_connected Whether an athlete is connected to Strava."
    yield "# TYPE fitferry_athlete_connected gauge"
    for person in snapshot["athletes"]:
        yield f'fitferry_athlete_connected{{athlete="{_label(person["name"])}"}} {int(person["connected"])}'
    yield "# HELP fitferry_strava_requests_left Requests that Strava still allows."
    yield "# TYPE fitferry_strava_requests_left gauge"
    for bucket in ("overall", "read"):
        pair = snapshot["rate_limit"][bucket]
        for window, limit, used in zip(("quarter", "day"), pair["limit"], pair["usage"], strict=True):
            yield f'fitferry_strava_requests_left{{bucket="{bucket}",window="{window}"}} {max(0, limit - used)}'
    yield "# HELP fitferry_problems Things that need a person."
    yield "# TYPE fitferry_problems gauge"
    yield f"fitferry_problems {len(snapshot['problems'])}"


def _label(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
