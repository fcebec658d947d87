"""The settings: `keys` lists them, `values` knows what fits, `places` where they lie; `load` reads, `render` writes."""

from fitferry.config.load import language, load
from fitferry.config.paths import place_to_write
from fitferry.config.schema import (
    LogSettings,
    NotifySettings,
    RuleSettings,
    Settings,
    StateSettings,
    StravaSettings,
    UploadSettings,
    WatchSettings,
    WebSettings,
)

__all__ = [
    "LogSettings",
    "NotifySettings",
    "RuleSettings",
    "Settings",
    "StateSettings",
    "StravaSettings",
    "UploadSettings",
    "WatchSettings",
    "WebSettings",
    "language",
    "load",
    "place_to_write",
]
