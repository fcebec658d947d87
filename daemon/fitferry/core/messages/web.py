"""What the page says."""

from __future__ import annotations
