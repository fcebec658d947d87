"""Which claims do the workers of this process hold? Whatever else the ledger shows as claimed was lost on the way."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator


class Claims:
    """The numbers of the claims at work. A number is known here before the ledger has it, and until its outcome is."""

    def __init__(self) -> None:
        self._held: set[int] = set()

    @contextlib.contextmanager
    def one(self) -> Iterator[int]:
        """The number of a new claim, held until the end."""
        number = secrets.randbits(62) + 1
        self._held.add(number)
        try:
            yield number
        finally:
            self._held.discard(number)

    def held(self) -> frozenset[int]:
        """All that are at work now."""
        return frozenset(self._held)
