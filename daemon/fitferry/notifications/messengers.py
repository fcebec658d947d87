"""How a text reaches a messenger: over Apprise, which is an extra and is imported where it is used. Owns apprise."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from fitferry.core.errors import FitferryError
from fitferry.core.messages import system

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+!|~<>@])")
_READ_MARKDOWN = frozenset(
    {"discord", "mmost", "mmosts", "rocket", "rockets", "slack", "msteams", "workflow", "gchat"}
)
"""Services that read Markdown in whatever they are sent."""


class Messengers:
    """The addresses of [notify]. `store`: a folder for what services let Apprise remember, such as fresh tokens."""

    def __init__(self, urls: Sequence[str], store: Path | None = None) -> None:
        self._urls = {digest(url): url for url in urls}
        self._store = store

    @property
    def addresses(self) -> tuple[str, ...]:
        """Digests of all addresses: the addresses themselves hold secrets."""
        return tuple(self._urls)

    def send(self, title: str, body: str, addresses: Sequence[str] | None = None) -> list[str]:
        """Send a message to these addresses, or to all; the digests of those that did not take it.

        Raises FitferryError where Apprise is not installed.
        """
        apprise = _apprise()
        asset = apprise.AppriseAsset(**self._storage())
        wanted = self.addresses if addresses is None else addresses
        return [address for address in wanted if not _send(apprise, asset, self._urls[address], title, body)]

    def kinds(self, addresses: Sequence[str]) -> list[str]:
        """What kinds of services these are, for the log: never more of an address."""
        return sorted({self._urls[address].split(":", 1)[0] for address in addresses})

    def _storage(self) -> dict[str, str]:
        if self._store is None:
            return {"storage_mode": "memory"}
        self._store.mkdir(mode=0o700, exist_ok=True)
        self._store.chmod(0o700)
        return {"storage_mode": "auto", "storage_path": str(self._store)}


def digest(url: str) -> str:
    """What stands for an address in the database."""
    return sha256(url.encode()).hexdigest()[:16]


def escaped(text: str) -> str:
    """A text so that a messenger that reads Markdown shows it as it is."""
    return _MARKDOWN.sub(r"\\\1", text)


def _send(apprise: Any, asset: Any, url: str, title: str, body: str) -> bool:
    server = apprise.Apprise.instantiate(url, asset=asset)
    if not server:
        return False
    formats = server.notify_format  # one, or since Apprise 2 several
    known = {
        str(getattr(kind, "value", kind)) for kind in (formats if isinstance(formats, tuple) else (formats,))
    }
    reads_markdown = url.split(":", 1)[0].lower() in _READ_MARKDOWN or known == {"markdown"}
    sender = apprise.Apprise(asset=asset)
    sender.add(server)
    return bool(
        sender.notify(
            title=title,
            body=escaped(body) if reads_markdown else body,  # for HTML, Apprise itself escapes text
            body_format="markdown" if known == {"markdown"} else "text",
        )
    )


def _apprise() -> Any:
    try:
        import apprise  # noqa: PLC0415  # an extra, and large: only who is to be told pays for it
    except ImportError as error:
        raise FitferryError(system.NO_APPRISE()) from error
    return apprise
