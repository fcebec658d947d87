"""What can be set? The settings as values; where they come from is `load`'s to know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from fitferry.core.admission_rules import AdmissionRules
from fitferry.core.retry_policy import RetrySettings


@dataclass(frozen=True, slots=True)
class StravaSettings:
    """The API application, what it asks for, and where Strava is."""

    client_id: str
    client_secret: str = field(repr=False)
    auto_upload: bool
    since: date | None
    website: str
    api: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """One watched folder. `scan_interval`: seconds, None chooses by the method; `settle`: seconds."""

    folder: Path
    athlete: str
    recursive: bool
    method: str
    scan_interval: float | None
    settle: float


@dataclass(frozen=True, slots=True)
class UploadSettings(RetrySettings):
    """How many uploads at once, how they are tried (see `RetrySettings`), and what becomes of the file."""

    max_concurrent: int
    after_upload: str
    archive_folder: str


@dataclass(frozen=True, slots=True)
class WebSettings:
    """Where the page listens. `url`: None means http://localhost:PORT, once the port is known."""

    host: str
    port: int
    url: str | None
    hosts: tuple[str, ...]
    language: str


@dataclass(frozen=True, slots=True)
class StateSettings:
    """Where Fitferry keeps what it knows, and its key."""

    folder: Path
    key_file: Path


@dataclass(frozen=True, slots=True)
class LogSettings:
    """How much is logged, and in which form."""

    level: str
    format: str


@dataclass(frozen=True, slots=True)
class NotifySettings:
    """Whom to tell; `heartbeat_interval` in seconds."""

    urls: tuple[str, ...]
    uploads: bool
    heartbeat_url: str | None
    heartbeat_interval: float


@dataclass(frozen=True, slots=True)
class RuleSettings:
    """One rule for metadata, as it stands in the file."""

    when: Mapping[str, Any]
    set: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that the user asked for. `source`: the file, None without one; `warnings`: sentences."""

    strava: StravaSettings
    watch: tuple[WatchSettings, ...]
    uploads: UploadSettings
    web: WebSettings
    state: StateSettings
    log: LogSettings
    notify: NotifySettings
    rules: tuple[RuleSettings, ...]
    source: Path | None
    warnings: tuple[str, ...]

    @property
    def admission(self) -> AdmissionRules:
        """What admission has to know of these."""
        return AdmissionRules(self.strava.auto_upload, self.strava.since, self.rules)

    @property
    def athletes(self) -> tuple[str, ...]:
        """The athletes of the watched folders, in the order of their first mention."""
        return tuple(dict.fromkeys(watch.athlete for watch in self.watch))
