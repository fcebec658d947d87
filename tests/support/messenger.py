"""A messenger that notes what it is sent, and takes it or not."""

from __future__ import annotations

from collections.abc import Sequence

from fitferry.core.problems import Problem
from fitferry.i18n.translator import translator
from fitferry.notifications.messengers import Messengers
from fitferry.notifications.policy import NotificationPolicy
from fitferry.notifications.sender import Notifier


class Messenger(Messengers):
    """`refusing`: the addresses that take nothing now."""

    def __init__(self, *urls: str) -> None:
        super().__init__(urls or ("json://one",))
        self.heard: list[tuple[str, str]] = []
        self.refusing: set[str] = set()

    def send(self, title: str, body: str, addresses: Sequence[str] | None = None) -> list[str]:
        """Note it for each address that takes it."""
        wanted = self.addresses if addresses is None else addresses
        self.heard += [(title, body) for address in wanted if address not in self.refusing]
        return [address for address in wanted if address in self.refusing]


class Recipient:
    """Somebody who is told: the policy and the sender together, with a clock of their own."""

    def __init__(self, now: float, language: str = "en", *, uploads: bool = False) -> None:
        self.now, self.language, self.uploads = now, language, uploads
        self.messenger = Messenger()
        self.restart()

    @property
    def heard(self) -> list[tuple[str, str]]:
        """Every message so far: title and body."""
        return self.messenger.heard

    def restart(self) -> None:
        """As after a start."""
        self.notifier = Notifier(
            self.messenger,
            translator(self.language),
            heartbeat_url=None,
            heartbeat_interval=3600,
            well=lambda: True,
            now=lambda: self.now,
            clock=lambda: self.now,
        )
        self.policy = NotificationPolicy(self.notifier.wake, self.notifier.send_now, uploads=self.uploads)

    def update(self, *problems: Problem, now: float | None = None) -> list[str]:
        """The titles that are heard of these problems."""
        self.now = self.now if now is None else now
        before = len(self.heard)
        self.policy.update(problems, self.now)
        self.notifier.deliver()
        return [title for title, _ in self.heard[before:]]
