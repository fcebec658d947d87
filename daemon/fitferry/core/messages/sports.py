"""What sports are called. The names that are not here stay those of the FIT profile."""

from __future__ import annotations

from collections.abc import Mapping

from fitferry.core.messages.message import Message, define, verbatim

CYCLING = define("sport_cycling", "cycling")
E_BIKING = define("sport_e_biking", "e-biking")
RUNNING = define("sport_running", "running")
WALKING = define("sport_walking", "walking")
HIKING = define("sport_hiking", "hiking")
SWIMMING = define("sport_swimming", "swimming")
ROWING = define("sport_rowing", "rowing")
TRAINING = define("sport_training", "training")
FITNESS_EQUIPMENT = define("sport_fitness_equipment", "fitness equipment")
CROSS_COUNTRY_SKIING = define("sport_cross_country_skiing", "cross-country skiing")
ALPINE_SKIING = define("sport_alpine_skiing", "alpine skiing")

SPORTS: Mapping[str, Message] = {
    "cycling": CYCLING(),
    "e_biking": E_BIKING(),
    "running": RUNNING(),
    "walking": WALKING(),
    "hiking": HIKING(),
    "swimming": SWIMMING(),
    "rowing": ROWING(),
    "training": TRAINING(),
    "fitness_equipment": FITNESS_EQUIPMENT(),
    "cross_country_skiing": CROSS_COUNTRY_SKIING(),
    "alpine_skiing": ALPINE_SKIING(),
}
"""By the FIT profile's name."""


def sport_name(code: str | None) -> Message:
    """What a sport is called, by its FIT profile's name or number; empty for none."""
    return SPORTS.get(code or "") or verbatim((code or "").replace("_", " "))
