"""Every table of sports: the FIT profile's names, what documents call them, and what Strava does."""

from __future__ import annotations

from typing import NamedTuple

from fitferry.core.messages import Message, Template, sports, verbatim, web

# begin of what tools/fit_profile.py writes
# FIT profile 21.218 of 2026-10-06.
# fmt: off
SPORTS: dict[int, str] = {
    0: "generic", 1: "running", 2: "cycling", 3: "transition", 4: "fitness_equipment", 5: "swimming",
    6: "basketball", 7: "soccer", 8: "tennis", 9: "american_football", 10: "training", 11: "walking",
    12: "cross_country_skiing", 13: "alpine_skiing", 14: "snowboarding", 15: "rowing", 16: "mountaineering",
    17: "hiking", 18: "multisport", 19: "paddling", 20: "flying", 21: "e_biking", 22: "motorcycling",
    23: "boating", 24: "driving", 25: "golf", 26: "hang_gliding", 27: "horseback_riding", 28: "hunting",
    29: "fishing", 30: "inline_skating", 31: "rock_climbing", 32: "sailing", 33: "ice_skating",
    34: "sky_diving", 35: "snowshoeing", 36: "snowmobiling", 37: "stand_up_paddleboarding", 38: "surfing",
    39: "wakeboarding", 40: "water_skiing", 41: "kayaking", 42: "rafting", 43: "windsurfing",
    44: "kitesurfing", 45: "tactical", 46: "jumpmaster", 47: "boxing", 48: "floor_climbing", 49: "baseball",
    53: "diving", 56: "shooting", 58: "winter_sport", 59: "grinding", 62: "hiit", 63: "video_gaming",
    64: "racket", 65: "wheelchair_push_walk", 66: "wheelchair_push_run", 67: "meditation", 68: "para_sport",
    69: "disc_golf", 70: "team_sport", 71: "cricket", 72: "rugby", 73: "hockey", 74: "lacrosse",
    75: "volleyball", 76: "water_tubing", 77: "wakesurfing", 78: "water_sport", 79: "archery",
    80: "mixed_martial_arts", 81: "motor_sports", 82: "snorkeling", 83: "dance", 84: "jump_rope",
    85: "pool_apnea", 86: "mobility", 87: "geocaching", 88: "canoeing", 254: "all",
}
SUB_SPORTS: dict[int, str] = {
    0: "generic", 1: "treadmill", 2: "street", 3: "trail", 4: "track", 5: "spin", 6: "indoor_cycling",
    7: "road", 8: "mountain", 9: "downhill", 10: "recumbent", 11: "cyclocross", 12: "hand_cycling",
    13: "track_cycling", 14: "indoor_rowing", 15: "elliptical", 16: "stair_climbing", 17: "lap_swimming",
    18: "open_water", 19: "flexibility_training", 20: "strength_training", 21: "warm_up", 22: "match",
    23: "exercise", 24: "challenge", 25: "indoor_skiing", 26: "cardio_training", 27: "indoor_walking",
    28: "e_bike_fitness", 29: "bmx", 30: "casual_walking", 31: "speed_walking",
    32: "bike_to_run_transition", 33: "run_to_bike_transition", 34: "swim_to_bike_transition", 35: "atv",
    36: "motocross", 37: "backcountry", 38: "resort", 39: "rc_drone", 40: "wingsuit", 41: "whitewater",
    42: "skate_skiing", 43: "yoga", 44: "pilates", 45: "indoor_running", 46: "gravel_cycling",
    47: "e_bike_mountain", 48: "commuting", 49: "mixed_surface", 50: "navigate", 51: "track_me", 52: "map",
    53: "single_gas_diving", 54: "multi_gas_diving", 55: "gauge_diving", 56: "apnea_diving",
    57: "apnea_hunting", 58: "virtual_activity", 59: "obstacle", 62: "breathing", 63: "ccr_diving",
    65: "sail_race", 66: "expedition", 67: "ultra", 68: "indoor_climbing", 69: "bouldering", 70: "hiit",
    71: "indoor_grinding", 72: "hunting_with_dogs", 73: "amrap", 74: "emom", 75: "tabata", 77: "esport",
    78: "triathlon", 79: "duathlon", 80: "brick", 81: "swim_run", 82: "adventure_race",
    83: "trucker_workout", 84: "pickleball", 85: "padel", 86: "indoor_wheelchair_walk",
    87: "indoor_wheelchair_run", 88: "indoor_hand_cycling", 90: "field", 91: "ice", 92: "ultimate",
    93: "platform", 94: "squash", 95: "badminton", 96: "racquetball", 97: "table_tennis", 98: "overland",
    99: "trolling_motor", 110: "fly_canopy", 111: "fly_paraglide", 112: "fly_paramotor",
    113: "fly_pressurized", 114: "fly_navigate", 115: "fly_timer", 116: "fly_altimeter", 117: "fly_wx",
    118: "fly_vfr", 119: "fly_ifr", 121: "dynamic_apnea", 123: "enduro", 124: "rucking", 125: "rally",
    126: "pool_triathlon", 127: "e_bike_enduro", 254: "all",
}
# fmt: on
# end of what tools/fit_profile.py writes

STRAVA_TYPES = frozenset(
    """
    AlpineSki BackcountrySki Badminton Basketball Canoeing Cricket Crossfit Dance EBikeRide
    EMountainBikeRide Elliptical Golf GravelRide Handcycle HighIntensityIntervalTraining Hike IceSkate
    InlineSkate Kayaking Kitesurf MountainBikeRide NordicSki Padel PhysicalTherapy Pickleball Pilates
    Racquetball Ride RockClimbing RollerSki Rowing Run Sail Skateboard Snowboard Snowshoe Soccer Squash
    StairStepper StandUpPaddling Surfing Swim TableTennis Tennis TrailRun Velomobile VirtualRide
    VirtualRow VirtualRun Volleyball Walk WeightTraining Wheelchair Windsurf Workout Yoga
    """.split()  # noqa: SIM905  # as a list it would be a hundred lines
)
"""What Strava takes as `sport_type`, in the middle of 2026; it adds some now and then."""

# fmt: off
DOCUMENT_NAMES = {
    "bike": "cycling", "biking": "cycling", "ride": "cycling", "virtualride": "cycling",
    "virtual_ride": "cycling", "road_biking": "cycling", "mountain_biking": "cycling",
    "gravel_cycling": "cycling", "gravelride": "cycling", "mountainbikeride": "cycling",
    "indoor_cycling": "cycling", "ebikeride": "e_biking", "e_bike_ride": "e_biking",
    "run": "running", "trailrun": "running", "trail_running": "running", "virtualrun": "running",
    "virtual_run": "running", "treadmill_running": "running", "track_running": "running",
    "walk": "walking", "hike": "hiking", "trekking": "hiking", "swim": "swimming",
    "lap_swimming": "swimming", "open_water_swimming": "swimming", "indoor_rowing": "rowing",
    "virtualrow": "rowing", "canoeing": "paddling", "nordic_ski": "cross_country_skiing",
    "nordicski": "cross_country_skiing", "alpine_ski": "alpine_skiing", "alpineski": "alpine_skiing",
    "snowboard": "snowboarding", "snowshoe": "snowshoeing", "kitesurf": "kitesurfing",
    "windsurf": "windsurfing", "inlineskate": "inline_skating", "iceskate": "ice_skating",
    "sail": "sailing", "standuppaddling": "stand_up_paddleboarding", "workout": "training",
}
"""What documents call a sport, in lower case, where it is not the FIT profile's name."""
_STRAVA_NUMBERS = {
    1: "cycling", 2: "alpine_skiing", 3: "alpine_skiing", 4: "hiking", 5: "ice_skating",
    6: "inline_skating", 7: "cross_country_skiing", 8: "cross_country_skiing", 9: "running",
    10: "walking", 11: "training", 12: "snowboarding", 13: "snowshoeing", 14: "kitesurfing",
    15: "windsurfing", 16: "swimming", 17: "cycling", 18: "e_biking", 19: "cycling", 21: "paddling",
    22: "kayaking", 23: "rowing", 24: "stand_up_paddleboarding", 25: "surfing", 26: "training",
    27: "fitness_equipment", 28: "rock_climbing", 29: "fitness_equipment", 30: "training",
    31: "training", 51: "cycling", 53: "running",
}
"""The numbers in the `type` of a GPX that Strava has exported (seen in such files; Strava documents none)."""
# fmt: on


class ShownSport(NamedTuple):
    """How a sport is shown. `noun`: one activity of it, with the time of day where `by_time_of_day`.

    `glyph`: stands where there is no route. `in_metres`: its distances are short.
    """

    name: Template
    noun: Template
    glyph: str = "wave"
    by_time_of_day: bool = False
    in_metres: bool = False


SHOWN = {
    "cycling": ShownSport(sports.CYCLING, web.RIDE, by_time_of_day=True),
    "e_biking": ShownSport(sports.E_BIKING, web.RIDE, by_time_of_day=True),
    "running": ShownSport(sports.RUNNING, web.RUN, by_time_of_day=True),
    "walking": ShownSport(sports.WALKING, web.WALK, by_time_of_day=True),
    "hiking": ShownSport(sports.HIKING, web.HIKE, by_time_of_day=True),
    "swimming": ShownSport(sports.SWIMMING, web.SWIM, "swim", by_time_of_day=True, in_metres=True),
    "rowing": ShownSport(sports.ROWING, web.ROW, by_time_of_day=True),
    "training": ShownSport(sports.TRAINING, web.WORKOUT, "lift"),
    "fitness_equipment": ShownSport(sports.FITNESS_EQUIPMENT, web.WORKOUT, "lift"),
    "cross_country_skiing": ShownSport(sports.CROSS_COUNTRY_SKIING, web.SKI),
    "alpine_skiing": ShownSport(sports.ALPINE_SKIING, web.ALPINE_SKI),
}
"""By the FIT profile's name; the sports that are not here are shown by that name."""
SUB_SPORT_NOUNS = {"lap_swimming": web.POOL_SWIM, "strength_training": web.WEIGHTS}
"""Of sub-sports that are called otherwise than their sport."""
_KNOWN = frozenset(SPORTS.values()) - {"generic", "all"}


def from_document(text: str) -> str | None:
    """The FIT profile's name of what a TCX or GPX calls a sport; None if it is none of those."""
    name = text.strip().lower().replace(" ", "_").replace("-", "_")
    if name.isdecimal():
        return _STRAVA_NUMBERS.get(int(name))
    name = DOCUMENT_NAMES.get(name, name)
    return name if name in _KNOWN else None


def shown_name(sport: str | None) -> Message:
    """What a sport is called, by its FIT profile's name or number; empty for none."""
    name = sport or ""
    return SHOWN[name].name() if name in SHOWN else verbatim(name.replace("_", " "))
