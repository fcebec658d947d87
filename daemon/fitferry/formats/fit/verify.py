"""A second decoder's reading of a repaired file, before somebody relies on it. Owns fitparse."""

from __future__ import annotations

import threading
import warnings

import fitparse
import fitparse.records

_one_at_a_time = threading.Lock()
"""fitparse keeps what developer fields are called in a module global."""


def is_read_by_fitparse(data: bytes) -> bool:
    """Whether fitparse reads the file to its end, checksum and all, and finds a session in it."""
    with _one_at_a_time, warnings.catch_warnings():
        # On Python 3.12 and later it still calls utcfromtimestamp.
        warnings.simplefilter("ignore", DeprecationWarning)
        fitparse.records.DEV_TYPES.clear()
        try:
            return "session" in {message.name for message in fitparse.FitFile(data).get_messages()}
        except Exception:  # noqa: BLE001  # it raises TypeError, KeyError, struct.error … on odd files
            return False
