"""What is said of settings."""

from __future__ import annotations
