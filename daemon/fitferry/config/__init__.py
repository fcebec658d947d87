"""The settings: `schema` describes each once, `load` reads them, `template` writes a file of them."""

from fitferry.config.load import language, load
from fitferry.config.paths import place_to_write
from fitferry.config.schema import (
    HookSettings,
    LogSettings,
    NotifySettings,
    Settings,
    StateSettings,
    StravaSettings,
    UploadSettings,
    WatchSettings,
    WebSettings,
)

__all__ = [
    "HookSettings",
    "LogSettings",
    "NotifySettings",
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
