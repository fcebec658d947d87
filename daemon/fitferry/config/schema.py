"""Every setting once: its section, key, type, default and meaning.

The parser, the environment's variables, `config.example.toml`, the READMEs' list and `docs/config.schema.json`
are all made from the dataclasses here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from fitferry.config.values import (
    After,
    ClientId,
    Command,
    Day,
    Delays,
    Flag,
    Folder,
    Format,
    Host,
    Hosts,
    Interval,
    Language,
    Level,
    LogFormat,
    LogLevel,
    Method,
    Port,
    Scope,
    Scopes,
    Seconds,
    Secret,
    Spoken,
    Subfolder,
    Text,
    Texts,
    Url,
    Workers,
)
from fitferry.core.activity import WatchMethod
from fitferry.core.admission_rules import AdmissionRules
from fitferry.core.messages import Message
from fitferry.core.retry_results import RetrySettings
from fitferry.core.rules import Rule
from fitferry.core.upload import AfterUpload


def _is(why: str, *, example: object = None) -> Meta:
    """Describe a setting; `example` is shown where there is no default."""
    return Meta(description=why, examples=None if example is None else [example])


@dataclass(frozen=True, slots=True)
class StravaSettings:
    """The API application and what it may do."""

    client_id: Annotated[
        ClientId, _is("the number of your API application, see strava.com/settings/api", example=12345)
    ] = ""
    client_secret: Annotated[
        Secret,
        _is("its secret; or name a file that holds it", example="0123456789abcdef0123456789abcdef01234567"),
    ] = field(default="", repr=False)
    client_secret_file: Annotated[
        Folder | None, _is("a file that holds the secret; not both", example="/etc/fitferry/client-secret")
    ] = None
    auto_upload: Annotated[Flag, _is("false: new files are held until somebody uploads them")] = True
    since: Annotated[
        Day | None, _is("activities that started before this day are held", example="2026-01-01")
    ] = None
    website: Annotated[Url, _is("where people sign in")] = "https://www.strava.com"
    api: Annotated[Url, _is("where the API is; a new address is announced for 2027")] = (
        "https://www.strava.com/api/v3"
    )
    scopes: Annotated[Scopes, _is("what is asked for; reading lets Fitferry look before it sends a second time")] = (Scope.READ, Scope.ACTIVITY_WRITE, Scope.ACTIVITY_READ_ALL)  # fmt: skip


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """A folder where devices drop files; repeat the section for each folder."""

    folder: Annotated[
        Folder, _is("where devices drop files; one [[watch]] for each folder", example="/srv/rides")
    ]
    athlete: Annotated[Text, _is("whose account receives them, a name of your own")] = "me"
    recursive: Annotated[Flag, _is("folders below it, too")] = True
    method: Annotated[
        Method, _is("auto scans often where the kernel reports no writes, as on network mounts")
    ] = WatchMethod.AUTO
    scan_interval: Annotated[
        Interval | None,
        _is("seconds between full scans; without it 300, or 10 where there are no events", example=300),
    ] = None
    settle: Annotated[Seconds, _is("seconds that a file must have stayed the same where no event says that it is done")] = 2  # fmt: skip


@dataclass(frozen=True, slots=True)
class UploadSettings(RetrySettings):
    """How uploads are tried."""

    retry_delays: Annotated[
        Delays, _is("seconds to wait after the 1st, 2nd, … failed attempt; then it has failed")
    ] = (60, 300, 1800, 7200)
    uncertain_delay: Annotated[
        Seconds, _is("seconds before anything is sent again that may have arrived")
    ] = 60
    check_delays: Annotated[Delays, _is("seconds before the 1st, 2nd, … look at an accepted upload")] = (2, 2, 4, 8, 16, 30)  # fmt: skip
    check_timeout: Annotated[
        Seconds, _is("after so many seconds of processing the looks follow retry_delays")
    ] = 1800
    max_concurrent: Annotated[Workers, _is("uploads at once")] = 3
    after_upload: Annotated[After, _is("what is done with the file then: keep, archive, delete")] = (
        AfterUpload.KEEP
    )
    archive_folder: Annotated[Subfolder, _is("where archive moves files, inside the watched folder")] = "uploaded"  # fmt: skip


@dataclass(frozen=True, slots=True)
class WebSettings:
    """The page."""

    host: Annotated[Host, _is("where the page listens; 0.0.0.0 for the whole network")] = "127.0.0.1"
    port: Annotated[Port, _is("0 picks a free one")] = 8480
    url: Annotated[
        Url | None,
        _is(
            "how a browser reaches the page; its host must be the app's callback domain",
            example="http://127.0.0.1:8480",
        ),
    ] = None
    hosts: Annotated[Hosts, _is("further names under which the page may be asked for")] = ()
    language: Annotated[Spoken, _is("auto takes the browser's, and the terminal's for commands")] = Language.AUTO  # fmt: skip


@dataclass(frozen=True, slots=True)
class StateSettings:
    """What Fitferry keeps. Without these: systemd's folder, /config in a container, else your own."""

    folder: Annotated[
        Folder,
        _is(
            "database, queue, key, API token, status file; not on a network mount",
            example="/var/lib/fitferry",
        ),
    ]
    key_file: Annotated[Folder, _is("the keys that seal the tokens, for the owner alone", example="/var/lib/fitferry/key")]  # fmt: skip


@dataclass(frozen=True, slots=True)
class LogSettings:
    """The log."""

    level: Annotated[Level, _is("debug, info, warning, error")] = LogLevel.INFO
    format: Annotated[Format, _is("auto: for people on a terminal, else JSON")] = LogFormat.AUTO


@dataclass(frozen=True, slots=True)
class NotifySettings:
    """Who is told."""

    urls: Annotated[Texts, _is("Apprise addresses that hear when a person is needed")] = field(
        default=(), repr=False
    )
    uploads: Annotated[Flag, _is("also tell of each completed upload")] = False
    heartbeat_url: Annotated[
        Url | None,
        _is("called while all is well, as Healthchecks expects", example="https://hc.example/ping"),
    ] = field(default=None, repr=False)
    heartbeat_interval: Annotated[Interval, _is("seconds between two such calls")] = 3600  # fmt: skip


@dataclass(frozen=True, slots=True)
class HookSettings:
    """A command of your own after each upload."""

    command: Annotated[
        Command | None,
        _is(
            "program and arguments, run after each completed upload; see docs/hooks.md",
            example=["/usr/local/bin/after-upload"],
        ),
    ] = None
    timeout: Annotated[Interval, _is("seconds until it is ended")] = 60  # fmt: skip


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that the user asked for. `source`: the file, None without one; `warnings`: what may be wrong."""

    strava: StravaSettings
    watch: tuple[WatchSettings, ...]
    uploads: UploadSettings
    web: WebSettings
    state: StateSettings
    log: LogSettings
    notify: NotifySettings
    hooks: HookSettings
    rules: tuple[Rule, ...]
    source: Path | None
    warnings: tuple[Message, ...]

    @property
    def admission(self) -> AdmissionRules:
        """What admission has to know of these."""
        return AdmissionRules(self.strava.auto_upload, self.strava.since, self.rules)

    @property
    def athletes(self) -> tuple[str, ...]:
        """The athletes of the watched folders, in the order of their first mention."""
        return tuple(dict.fromkeys(watch.athlete for watch in self.watch))


SECTIONS: dict[str, type] = {
    "strava": StravaSettings,
    "watch": WatchSettings,
    "uploads": UploadSettings,
    "web": WebSettings,
    "state": StateSettings,
    "log": LogSettings,
    "notify": NotifySettings,
    "hooks": HookSettings,
}
"""The tables of the file; `[[rule]]` is described in `config.rules`."""
