"""The settings: `schema` describes each once, `load` reads them, `template` writes a file of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
    "place_to_write",
]


def __getattr__(name: str) -> Any:
    """Import what is asked for: `fitferry health` needs `config.paths` alone, 60 times an hour."""
    if name not in __all__:
        raise AttributeError(name)
    from importlib import import_module  # noqa: PLC0415  # the same reason

    module = "paths" if name == "place_to_write" else "schema"
    return getattr(import_module(f"{__name__}.{module}"), name)
