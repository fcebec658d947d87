"""What is said of Strava's answers."""

from __future__ import annotations
