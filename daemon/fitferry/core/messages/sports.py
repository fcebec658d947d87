"""What sports are called; `core.sports` has the table of which is which."""

from __future__ import annotations

from fitferry.core.messages.message import define

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
