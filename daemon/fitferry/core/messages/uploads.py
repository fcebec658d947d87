"""What is said of uploads: reasons, and requests that cannot be done."""

from __future__ import annotations
