"""A whole installation for tests, as the demo drives it."""

from __future__ import annotations

from fitferry.demo.harness import PATIENCE, DaemonHarness, harness

__all__ = ["PATIENCE", "DaemonHarness", "harness"]
