"""The parts of the daemon that the page shows and asks, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from fitferry.auth.oauth import OAuth
from fitferry.config.schema import Settings
from fitferry.core.messages import Message
from fitferry.monitoring.status import Snapshot
from fitferry.uploads.commands import Actions


@dataclass(frozen=True, slots=True)
class WebContext:
    """The parts of the daemon behind the page.

    `revision`: another number whenever something that `snapshot` or the ledger holds has changed.
    `health_error`: what is wrong with the process itself, None while all is well. `connected`: to be called after
    somebody has signed in at Strava.
    """

    settings: Settings
    actions: Actions
    oauth: OAuth
    api_token: str = field(repr=False)
    url: Callable[[], str]
    port: Callable[[], int]
    snapshot: Callable[[], Snapshot]
    revision: Callable[[], int]
    metrics: Callable[[], bytes]
    health_error: Callable[[], Message | None]
    rotate_keys: Callable[[], None]
    connected: Callable[[], None]
    clock: Callable[[], float]
