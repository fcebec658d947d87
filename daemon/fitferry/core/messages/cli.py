"""What the commands say."""

from __future__ import annotations
