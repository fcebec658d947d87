"""What is said of sign-ins: to Strava, and to the page."""

from __future__ import annotations
