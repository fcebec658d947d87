"""What the commands say."""

from __future__ import annotations

from fitferry.core.messages.message import define, define_plural

# The daemon, and the way to it
NO_DAEMON = define(
    "no_daemon", "no daemon runs: start it with `fitferry run`, or with systemctl start fitferry"
)
NO_ANSWER = define("no_answer", "the daemon does not answer on {host} port {port} ({reason})")
NO_STATUS = define("no_status", "there is no status in {path}: has `fitferry run` been started?")
NO_HISTORY = define("no_history", "there is no history in {folder}: has `fitferry run` been started?")
HISTORY_UNREADABLE = define(
    "history_unreadable",
    "the history in {path} cannot be read ({reason}); are you the user who runs Fitferry?",
)
NOT_YOURS = define("not_yours", "{path} cannot be read ({reason}); are you the user who runs Fitferry?")
NOT_A_TOKEN = define("not_a_token", "it holds no token")
UNHEALTHY = define("unhealthy", "the daemon has a problem: {reason}")

# Files and jobs
FILE_UNREADABLE = define("cli_file_unreadable", "{file} cannot be read ({reason})")
FILE_RESULT = define("file_result", "{file}: {result}")
TAKEN = define("taken", "{status} as job {jobs}")
JOB_RESULT = define("job_result", "job {job}: {result}")
NO_JOB = define("no_job", "there is no job {job}")
NAME_JOBS = define("name_jobs", "name the jobs, or say --failed alone")
QUEUED_AGAIN = define("queued_again", "{count:number} back in the queue")
DISMISSED = define("dismissed", "{count:number} dismissed")
COMPLETED = define("status_completed", "completed")
FAILED = define("status_failed", "failed")
HELD = define("status_held", "held")
PENDING = define("status_pending", "pending")
PROCESSING = define("status_processing", "processing")
SKIPPED = define("status_skipped", "skipped")
BACKLOG = define_plural(
    "cli_backlog",
    "one old activity, from {oldest} to {newest}, waits for a decision",
    "{count:number} old activities, from {oldest} to {newest}, wait for a decision",
)
BACKLOG_DAYS = define_plural(
    "cli_backlog_days",
    "uploading all of them takes about a day",
    "uploading all of them takes about {count:number} days",
)
NO_BACKLOG = define("no_backlog", "nothing waits for a decision")
SINCE_TAKES_A_DAY = define(
    "since_takes_a_day", "`since` takes a day such as 2026-01-31, the others take none"
)
NOT_A_DAY = define("not_a_day", "{option}: {text} is no day such as 2026-01-31")

# Sign-in and access
CONNECTED = define("connected_as", "connected as {name}")
DISCONNECTED = define("disconnected", "disconnected")
OPEN_LINK = define(
    "open_link", "Open this address in a browser; it is good for ten minutes and once. Waiting …"
)
NOBODY_ANSWERED = define("nobody_answered", "nobody answered for ten minutes")
PASTE_ADDRESS = define(
    "paste_address",
    "Open it in any browser. It ends on a page that cannot be shown; paste that page's address:",
)
NOT_THE_ADDRESS = define(
    "not_the_address", "this is not the address that the browser ended on: it has no state= in it"
)
KEY_ROTATED = define("key_rotated", "a new key seals every token")
TOKEN_REVOKED = define("token_revoked", "the token {name} is revoked")
SESSIONS_ENDED = define_plural("sessions_ended", "one session ended", "{count:number} sessions ended")

# Tables
HEAD_JOB = define("head_job", "Job")
HEAD_START = define("head_start", "Start")
HEAD_SPORT = define("head_sport", "Sport")
HEAD_FILE = define("head_file", "File")
HEAD_STATUS = define("head_status", "Status")
HEAD_NAME = define("head_name", "Name")
HEAD_CAN = define("head_can", "Can")
HEAD_ATHLETE = define("head_athlete", "Athlete")
HEAD_MADE = define("head_made", "Made")
HEAD_USED = define("head_used", "Last used")

# Status
STATE_OK = define("state_ok", "ok")
STATE_WAITING = define("state_waiting", "waiting")
STATE_ATTENTION = define("state_attention", "action needed")
STATE_AND_PAGE = define("state_and_page", "{state}: the page is at {url}")
ATTENTION = define("attention", "! {text}")
FAILED_UPLOADS = define(
    "failed_uploads", "failed uploads: {count:number}; `fitferry uploads --status failed` says why"
)
LIMIT_USED_UP = define(
    "limit_used_up_until", "Strava's limit is used up until {until}; all goes on by itself then"
)
STRAVA_AWAY = define(
    "strava_away", "Strava cannot be reached now; nothing is lost, and all goes on by itself when it can"
)
ATHLETE_CONNECTED = define("athlete_connected", "{athlete} is connected as {name}")
ATHLETE_NOT_CONNECTED = define("athlete_not_connected", "{athlete} is not connected")
FOLDER_WATCHED = define("folder_watched", "{folder} is watched")
FOLDER_NEW = define("cli_folder_new", "{folder} is being looked at for the first time")
FOLDER_AWAY = define("cli_folder_away", "{folder} is not available")
RECEIVING = define("receiving", "{file} is being received")
RECEIVING_PART = define("receiving_part", "{file} is being received, {percent}%")
COUNT_OF = define("count_of", "{number:number} {status}")
COUNTS = define("counts", "{counts}")
IMPORT = define("import", "{done:number} of {total:number} old activities, done by {by}")
LAST_UPLOAD = define("last_upload", "last upload: {file} {url}")

# Checks
OK = define("check_ok", "ok")
WARN = define("check_warn", "warn")
BAD = define("check_bad", "bad")
WHAT_AND_WHY = define("what_and_why", "{what}: {why}")
TOPIC_SETTINGS = define("topic_settings", "settings")
TOPIC_TIME_ZONE = define("topic_time_zone", "time zone")
TOPIC_FOLDER = define("topic_folder", "folder")
TOPIC_FOLDER_NAMED = define("topic_folder_named", "folder {folder}")
TOPIC_FILES = define("topic_files", "files")
TOPIC_OLD_ACTIVITIES = define("topic_old_activities", "old activities")
TOPIC_UPLOADED_FILES = define("topic_uploaded_files", "uploaded files")
TOPIC_DAEMON = define("topic_daemon", "daemon")
TOPIC_APPLICATION = define("topic_application", "API application")
TOPIC_ADDRESS = define("topic_address", "Strava's address")
TOPIC_CLOCK = define("topic_clock", "clock")
TOPIC_HOOK = define("topic_hook", "command after uploads")
TOPIC_WATCH_LIMIT = define("topic_watch_limit", "watch limit")
TOPIC_STATE = define("topic_state", "state folder {folder}")
TOPIC_DATABASE = define("topic_database", "database")
TOPIC_KEY = define("topic_key", "key")
TOPIC_NOTIFY = define("topic_notify", "messages")
TOPIC_SUBSCRIPTION = define("topic_subscription", "subscription")
TOPIC_ATHLETE = define("topic_athlete", "athlete {athlete}")
FROM_ENVIRONMENT = define("from_environment", "from the environment")
FOLDER_MISSING = define(
    "check_folder_missing", "it is not there: mount it or create it, or correct its path under [[watch]]"
)
FOLDER_CLOSED = define(
    "check_folder_closed", "{path} is closed to this user ({owner}): give this user or its group access to it"
)
FOLDER_CLOSED_TO_SERVICE = define(
    "check_folder_closed_to_service",
    "owned by {owner}; the user {user}, as whom the service runs, cannot read it: give its group access",
)
FOLDER_NONE = define("check_folder_none", "it is a file: name a folder under [[watch]]")
FOLDER_NO_ANSWER = define(
    "check_folder_no_answer", "it does not answer: is the server that it is mounted from away?"
)
FOLDER_ERROR = define("check_folder_error", "it cannot be read ({reason})")
FOLDER_READ_ONLY = define(
    "check_folder_read_only",
    "owned by {owner}, and cannot be written, but after_upload is {action}: give this user access, or set it to keep",
)
FOLDER_POLLED = define("check_folder_polled", "owned by {owner}, on {kind}, so it is scanned often")
FOLDER_OPEN = define("check_folder_open", "owned by {owner}, on {kind}")
FOLDER_WARNING = define("folder_warning", "{folder}: {reason}")
SAME_FOLDER = define("same_folder", "it leads to {other}, which is watched already: watch each folder once")
TOO_MANY_FOLDERS = define(
    "too_many_folders",
    "more folders than the {limit:number} that may be watched: raise fs.inotify.max_user_watches with sysctl; "
    "until then they are scanned often",
)
FOLDERS_OF = define("folders_of", "{needed:number} of {limit:number} folders")
STATE_NOT_WRITABLE = define("check_state_not_writable", "it cannot be reached ({reason})")
STATE_CANNOT_BE_MADE = define(
    "check_state_cannot_be_made", "it cannot be made ({reason}): name another one as folder in [state]"
)
MADE_AT_START = define("made_at_start", "it is made at the first start")
STATE_NOT_YOURS = define("check_state_not_yours", "it is not writable: give it to the user who runs Fitferry")
STATE_ON_NETWORK = define(
    "check_state_on_network", "it is on a network mount: name a local one as folder in [state]"
)
OWNED_BY = define("owned_by", "owned by {owner}")
DATABASE_DAMAGED = define(
    "check_database_damaged", "it is damaged: the next start puts the newest good copy in its place"
)
NO_KEY = define(
    "check_no_key",
    "there is no key in {path}: put the right one back, or the next start sets it aside, and every athlete has to "
    "connect again",
)
APPRISE_MISSING = define(
    "apprise_missing",
    "there are addresses in [notify] urls, but Apprise is not installed: install fitferry[notify]",
)
STRAVA_DOES_NOT_ANSWER = define(
    "strava_does_not_answer", "{reason}; is the network up, and is api in [strava] right?"
)
NEW_HOST = define(
    "new_host", 'Strava\'s API answers at its new host: set api = "{api}" in [strava] before June 2027'
)
CLOCK_OFF = define(
    "clock_off", "it is {seconds:number} seconds off Strava's: sign-in and limits need the time; look at NTP"
)
PAGE_AT = define("page_at", "its page is at {url}")
NOT_KNOWN_YET = define("not_known_yet", "not known before the first upload")
LAST_UPLOAD_TAKEN = define("last_upload_taken", "the last upload was taken on {when}")
RUN_CONNECT = define("run_connect", "run `fitferry connect {athlete}`")
WITHOUT_READ = define(
    "without_read",
    "without the permission to view activities, what may have arrived cannot be looked up; connect again and leave "
    "its box ticked",
)

# Messages
NO_ADDRESSES = define("no_addresses", "there is no address in [notify] urls")
MESSAGES_SENT = define("messages_sent", "{sent:number} of {total:number} sent")
MESSAGE_FAILED = define("message_failed", "sending failed: {kind}://…")

# The beginning
ASK_FOLDER = define("ask_folder", "The folder where devices drop files")
ASK_CLIENT_ID = define("ask_client_id", "The number of your API application (see strava.com/settings/api)")
ASK_SECRET = define("ask_secret", "Its secret")
ASK_SINCE = define(
    "ask_since",
    "There are files already. Upload all of them, none that are older than today, or since a day? "
    "[all/today/2026-01-31]",
)
SECRET_LOOKS_ODD = define(
    "secret_looks_odd",
    "Strava's secrets have 40 digits and letters from a to f; this one is written down all the same",
)
OPTION_RESULT = define("option_result", "{option}: {result}")
NOBODY_TO_ASK = define("nobody_to_ask", "nobody can be asked here: give {option}")
WRITTEN = define("written", "{path} is written")
START_BY_HAND = define("start_by_hand", "Start `{command}`, then open the link that it prints")
START_SERVICE = define(
    "start_service",
    "Start it with `systemctl enable --now fitferry`, then open the link that `fitferry login` prints",
)
SETTINGS_FILE = define("settings_file", "settings: {path}")
NO_SETTINGS_FILE = define("no_settings_file", "settings: no file; the environment and the defaults")
STATE_FOLDER = define("state_folder", "state: {folder}")
SANDBOX_AT = define(
    "sandbox_at", "A Strava look-alike is at {url}. Ctrl-C ends it. Point Fitferry at it with these settings:"
)
REPAIRED = define(
    "repaired",
    "{file}: whole again, {records:number} records, {duration:duration}; {lost:bytes} were beyond saving",
)
REPAIRED_UNREAD = define(
    "repaired_unread", "{file}: another decoder (fitparse) does not read it; Strava may not either"
)
NOT_REPAIRED = define("not_repaired", "{file}: not repaired: {reason}")
PAGE_CANNOT_LISTEN = define(
    "page_cannot_listen",
    "the page cannot listen on port {port} ({reason}): set FITFERRY_WEB_PORT to another one",
)
PORT_IN_USE = define("port_in_use", "port {port} cannot be used ({reason}); name another one with --port")
