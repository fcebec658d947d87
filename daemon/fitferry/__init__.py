"""Fitferry: every activity file from a folder onto Strava, exactly once."""

__version__ = "0.2.0"
