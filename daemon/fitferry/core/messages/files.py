"""What is said of files: why one is no activity, not whole, or cannot be read."""

from __future__ import annotations
