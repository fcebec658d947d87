"""Strava's API: `client` asks by `http_client`; `responses` and `error_responses` judge what comes back."""

from fitferry.strava.client import Strava

__all__ = ["Strava"]
