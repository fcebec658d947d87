"""What is said of problems: title, what happened, what to do, and that it is resolved."""

from __future__ import annotations
