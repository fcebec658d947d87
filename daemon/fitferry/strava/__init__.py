"""Strava's API: `client` asks, `answers` judges."""

from fitferry.strava.client import Strava

__all__ = ["Strava"]
