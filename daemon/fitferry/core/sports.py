"""What are sports called? By the FIT profile, and by Strava."""

from __future__ import annotations

SPORTS = frozenset(
    """
    all alpine_skiing american_football baseball basketball boating boxing cricket cross_country_skiing
    cycling dance disc_golf diving driving e_biking fishing fitness_equipment floor_climbing flying
    generic golf hang_gliding hiit hiking hockey horseback_riding hunting ice_skating inline_skating
    jump_rope jumpmaster kayaking kitesurfing lacrosse meditation mixed_martial_arts motorcycling
    mountaineering multisport paddling racket rafting rock_climbing rowing rugby running sailing
    sky_diving snorkeling snowboarding snowmobiling snowshoeing soccer stand_up_paddleboarding surfing
    swimming tactical tennis training transition volleyball wakeboarding wakesurfing walking water_skiing
    water_tubing wheelchair_push_run wheelchair_push_walk windsurfing
    """.split()  # noqa: SIM905  # as a list it would be a hundred lines
)
"""All that `fit` and `formats` may find; of what is newer than they are the number."""
SUB_SPORTS = frozenset(
    """
    adventure_race all amrap apnea_diving apnea_hunting atv backcountry badminton bike_to_run_transition
    bmx bouldering breathing brick cardio_training casual_walking ccr_diving challenge commuting
    cyclocross downhill duathlon e_bike_fitness e_bike_mountain elliptical emom esport exercise
    expedition flexibility_training gauge_diving generic gravel_cycling hand_cycling hiit indoor_climbing
    indoor_cycling indoor_hand_cycling indoor_rowing indoor_running indoor_skiing indoor_walking
    indoor_wheelchair_run indoor_wheelchair_walk lap_swimming map match mixed_surface motocross mountain
    multi_gas_diving navigate obstacle open_water padel pickleball pilates racquetball rc_drone recumbent
    resort road run_to_bike_transition sail_race single_gas_diving skate_skiing speed_walking spin squash
    stair_climbing street strength_training swim_run swim_to_bike_transition tabata table_tennis track
    track_cycling track_me trail treadmill triathlon ultra virtual_activity warm_up whitewater wingsuit
    yoga
    """.split()  # noqa: SIM905  # as a list it would be a hundred lines
)
"""The same of the finer kinds."""
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
