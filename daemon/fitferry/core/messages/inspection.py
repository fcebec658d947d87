"""What `fitferry inspect` says of files."""

from __future__ import annotations

from fitferry.core.messages.message import define, define_plural

WOULD = define("would", "{file}: Fitferry would {action}")
NOT_READ = define("would_not_read", "not read it: {reason}")
NO_REGULAR_FILE = define("no_regular_file", "it is no regular file")
BEING_CHANGED = define("would_wait_changed", "wait: it is being changed")
PASS_OVER = define(
    "would_pass_over", "pass it over, because of its name or its folder; `fitferry upload` takes it"
)
WAIT_FOR_REST = define("would_wait_whole", "wait, because it is not whole: {reason}")
SKIP_BY_RULE = define("would_skip_by_rule", "not upload it: rule {rule:number} of your settings says so")
SKIP = define("would_skip", "not upload it: {reason}")
HOLD = define("would_hold", "hold it: {reason}")
UPLOAD = define_plural("would_upload", "upload it", "upload its {count:number} activities")
KNOWN = define("would_nothing", "do nothing: it is known as job {job} ({status})")
KNOWN_BECAUSE = define("would_nothing_because", "do nothing: it is known as job {job} ({status}: {reason})")
NOT_WHOLE = define("inspect_not_whole", "not whole")
HELD = define("inspect_held", "held")
KIND = define("inspect_kind", "kind")
FORMAT = define("inspect_format", "format")
SPORT = define("inspect_sport", "sport")
START = define("inspect_start", "start")
MOVING = define("inspect_moving", "moving")
ELAPSED = define("inspect_elapsed", "elapsed")
DISTANCE = define("inspect_distance", "distance")
DEVICE = define("inspect_device", "device")
SERIALS = define("inspect_serials", "serials")
SESSIONS = define("inspect_sessions", "sessions")
RULES = define("inspect_rules", "rules")
SIZE = define("inspect_size", "size")
BYTES = define("inspect_bytes", "{size:number} bytes")
