"""What is said of the machine: database, key, lock, disk, and the system's own errors."""

from __future__ import annotations
