"""Which settings are there? One table: it drives the parser, the environment, the example and `init`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from fitferry.config import values
from fitferry.config.values import Kind


@dataclass(frozen=True, slots=True)
class Key:
    """One setting. `default`: None where there is none; `example`: what the example file shows then."""

    section: str
    name: str
    kind: Kind
    default: Any
    why: str
    example: Any = None

    @property
    def dotted(self) -> str:
        """The name as messages show it."""
        return f"{self.section}.{self.name}"

    @property
    def variable(self) -> str:
        """The environment variable that overrides it."""
        return f"FITFERRY_{self.section}_{self.name}".upper()


KEYS: tuple[Key, ...] = (
    Key("strava", "client_id", values.CLIENT_ID, None, "the number of your API application, see strava.com/settings/api", 12345),
    Key("strava", "client_secret", values.TEXT, None, "its secret; or name a file that holds it", "0123456789abcdef0123456789abcdef01234567"),
    Key("strava", "client_secret_file", values.FOLDER, None, "a file that holds the secret; not both", "/etc/fitferry/client-secret"),
    Key("strava", "auto_upload", values.BOOLEAN, True, "false: new files are held until somebody uploads them"),
    Key("strava", "since", values.DATE, None, "activities that started before this day are held", date(2026, 1, 1)),
    Key("strava", "website", values.URL, "https://www.strava.com", "where people sign in"),
    Key("strava", "api", values.URL, "https://www.strava.com/api/v3", "where the API is; a new address is announced for 2027"),
    Key("strava", "scopes", values.SCOPE_LIST, ("read", "activity:write", "activity:read_all"), "what is asked for; reading lets Fitferry look before it sends a second time"),
    Key("watch", "folder", values.FOLDER, None, "where devices drop files; one [[watch]] for each folder", "/srv/rides"),
    Key("watch", "athlete", values.TEXT, "me", "whose account receives them, a name of your own"),
    Key("watch", "recursive", values.BOOLEAN, True, "folders below it, too"),
    Key("watch", "method", values.choice("auto", "events", "poll"), "auto", "auto scans often where the kernel reports no writes, as on network mounts"),
    Key("watch", "scan_interval", values.DELAY, None, "seconds between full scans; without it 300, or 10 where there are no events", 300),
    Key("watch", "settle", values.SECONDS, 2, "seconds that a file must have stayed the same where no event says that it is done"),
    Key("uploads", "max_concurrent", values.integer(1, 20), 3, "uploads at once"),
    Key("uploads", "retry_delays", values.DELAYS, (60, 300, 1800, 7200), "seconds to wait after the 1st, 2nd, … failed attempt; then it has failed"),
    Key("uploads", "uncertain_delay", values.SECONDS, 60, "seconds before anything is sent again that may have arrived"),
    Key("uploads", "check_delays", values.DELAYS, (2, 2, 4, 8, 16, 30), "seconds before the 1st, 2nd, … look at an accepted upload"),
    Key("uploads", "check_timeout", values.SECONDS, 1800, "after so many seconds of processing the looks follow retry_delays"),
    Key("uploads", "after_upload", values.choice("keep", "archive", "delete"), "keep", "what is done with the file then: keep, archive, delete"),
    Key("uploads", "archive_folder", values.INSIDE, "uploaded", "where archive moves files, inside the watched folder"),
    Key("web", "host", values.HOST, "127.0.0.1", "where the page listens; 0.0.0.0 for the whole network"),
    Key("web", "port", values.integer(0, 65_535), 8480, "0 picks a free one"),
    Key("web", "url", values.URL, None, "how a browser reaches the page; its host must be the app's callback domain", "http://localhost:8480"),
    Key("web", "hosts", values.HOSTS, (), "further names under which the page may be asked for"),
    Key("web", "language", values.choice("auto", "en", "ko"), "auto", "auto takes the browser's"),
    Key("state", "folder", values.FOLDER, None, "database, queue, key, API token, status file; not on a network mount", "/var/lib/fitferry"),
    Key("state", "key_file", values.FOLDER, None, "the keys that seal the tokens, for the owner alone", "/var/lib/fitferry/key"),
    Key("log", "level", values.choice("debug", "info", "warning", "error"), "info", "debug, info, warning, error"),
    Key("log", "format", values.choice("auto", "console", "json"), "auto", "auto: for people on a terminal, else JSON"),
    Key("notify", "urls", values.TEXTS, (), "Apprise addresses that hear when a person is needed"),
    Key("notify", "uploads", values.BOOLEAN, False, "also tell of each completed upload"),
    Key("notify", "heartbeat_url", values.URL, None, "called while all is well, as Healthchecks expects", "https://hc.example/ping"),
    Key("notify", "heartbeat_interval", values.DELAY, 3600, "seconds between two such calls"),
)  # fmt: skip
SECTIONS: tuple[str, ...] = tuple(dict.fromkeys(key.section for key in KEYS))
RULE_KEYS = ("when", "set")
OLD_NAMES = {
    "STRAVA_CLIENT_ID": "strava.client_id",
    "STRAVA_CLIENT_SECRET": "strava.client_secret",
    "STRAVA_CLIENT_SECRET_FILE": "strava.client_secret_file",
    "STRAVA_AUTO_UPLOAD": "strava.auto_upload",
}
"""Names that people have in their environments already; ours win over them."""
OTHER_VARIABLES = frozenset({"FITFERRY_CONFIG", "FITFERRY_FAILPOINT"})


def of_section(section: str) -> dict[str, Key]:
    """The keys of one section by their names."""
    return {key.name: key for key in KEYS if key.section == section}
