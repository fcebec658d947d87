"""What is said of settings."""

from __future__ import annotations

from fitferry.core.messages.message import define

WRONG = define("setting_wrong", "{key}: found {found}, expected {expected}")
MISSING = define("setting_missing", "{key} is missing: {expected}")
UNKNOWN = define("setting_unknown", "{key} does not exist")
UNKNOWN_NEAR = define("setting_unknown_near", "{key} does not exist; did you mean {near}?")
UNKNOWN_IN_LINE = define("setting_unknown_in_line", "{where}: the key in line {line:number} does not exist")
UNKNOWN_HIDDEN = define("setting_unknown_hidden", "{where}: a key does not exist (its name may be a secret)")
ONE_SECTION = define("setting_one_section", "{section}: write [{section}] once, with single brackets")
DOUBLE_BRACKETS = define("setting_double_brackets", "{section}: double the brackets, [[{section}]]")
TABLES = define("setting_tables", "{section}: found {found}, expected tables, [[{section}]]")
SECTION = define("setting_section", "{section}: found {found}, expected a section, [{section}]")
BOTH_SECRETS = define("setting_both_secrets", "{key} and {other} are both given: name only one of the two")
SWAPPED = define(
    "setting_swapped", "{key}: found {found}, expected {expected}; are the id and the secret swapped?"
)
SECRET_ITSELF = define(
    "setting_secret_itself",
    "{key}: found {found}, expected the path of a file; the secret itself belongs to client_secret",
)
SECRET_UNREADABLE = define("setting_secret_unreadable", "{key}: the file cannot be read ({reason})")
SECRET_EMPTY = define("setting_secret_empty", "{key}: the file is empty, but it should hold the secret")
FOLDER_TWICE = define("setting_folder_twice", "{key}: the same folder is watched twice, also by {other}")
NO_FILE = define("setting_no_file", "{option}: there is no file {path}")
FILE_UNREADABLE = define("setting_file_unreadable", "the settings in {path} cannot be read ({reason})")
NOT_TOML = define("setting_not_toml", "{path} is not TOML: {reason}")
NOT_UTF8 = define("setting_not_utf8", "it is not UTF-8 text: save it as UTF-8")
LOOKED_IN = define(
    "setting_looked_in", "there are no settings: run `fitferry init`; they were looked for in {places}"
)
WRONG_SETTINGS = define("wrong_settings", "wrong settings: {count:number}")
FILE_EXISTS = define("settings_exist", "{path} is there already; --force replaces it")
RULE_EMPTY = define("rule_empty", "{key}: found nothing, expected at least one of {names}")
VARIABLE_UNKNOWN = define("variable_unknown", "the variable {name} is unknown")
VARIABLE_UNKNOWN_NEAR = define(
    "variable_unknown_near", "the variable {name} is unknown; did you mean {near}?"
)
VARIABLES_UNKNOWN = define("variables_unknown", "a variable that begins with FITFERRY_ is unknown")
VARIABLE_UNUSED = define(
    "variable_unused", "the variable {name} is not used: the file names the watched folders"
)
TYPE_UNKNOWN = define(
    "type_unknown", "{key}: Fitferry does not know this type of Strava's; it is sent as it is"
)
READABLE_SECRET = define(
    "readable_secret", "{path} holds a secret and can be read by every user of this machine: chmod o-r it"
)
IN_WATCHED_FOLDER = define(
    "in_watched_folder",
    "{path} lies in the watched folder {folder}: whoever may write there can exchange it; move it elsewhere",
)
PUID_ROOT = define(
    "puid_root", "PUID=0 runs Fitferry as root: name the number of the user whom the files belong to"
)
TZ_UNKNOWN = define(
    "tz_unknown",
    "TZ names no time zone that this machine knows, so times are shown in UTC: write it like TZ=Europe/Berlin",
)
PROXY_WRONG = define(
    "proxy_wrong",
    "{variable} names no proxy that Fitferry can use: write http://host:port, or unset the variable",
)
CERTIFICATES_GONE = define(
    "certificates_gone",
    "{variable} names certificates that cannot be used ({reason}): correct its path, or unset the variable",
)
KEY_LOG_CLOSED = define(
    "key_log_closed", "{variable} names a file that cannot be written ({reason}): unset the variable"
)
CANNOT_WRITE = define("settings_cannot_be_written", "{path} cannot be written ({reason})")
NEEDED = define("setting_needed", "needed is {expected}")
LOOKS_LIKE_SECRET = define("looks_like_secret", "this looks like the secret; the id is a number")
LOOKS_LIKE_ID = define("looks_like_id", "this looks like the id; the secret is 40 letters and digits")
SECRET_NOT_FILE = define(
    "secret_not_file", "this looks like the secret itself; needed is the path of a file that holds it"
)
SINCE_ANSWER = define("expected_since", "`all`, `today`, or a day such as 2026-01-31")

FOUND_TEXT = define("found_text", "a text")
FOUND_EMPTY = define("found_empty", "an empty text")
FOUND_THIS = define("found_this", 'the text "{value}"')
FOUND_NUMBER = define("found_number", "a number")
FOUND_DATE = define("found_date", "a date")
FOUND_TIME = define("found_time", "a date with a time")
FOUND_LIST = define("found_list", "a list")
FOUND_TABLE = define("found_table", "a table")

FLAG = define("expected_flag", "true or false")
TEXT = define("expected_text", "a text that is not empty")
URL = define("expected_url", "a whole address such as https://host")
CLIENT_ID = define("expected_client_id", "the number of your API application, digits only")
DATE = define("expected_date", "a date such as 2026-01-31, without quotes")
FOLDER = define("expected_folder", "an absolute path such as /srv/rides")
SUBFOLDER = define("expected_subfolder", "a folder inside the watched one, such as uploaded")
SECONDS = define("expected_seconds", "seconds, 0 or more")
INTERVAL = define("expected_interval", "seconds, more than 0")
DELAYS = define("expected_delays", "a list of seconds, each 0 or more, at least one")
SCOPES = define("expected_scopes", "a list of Strava's scopes with activity:write in it")
TEXTS = define("expected_texts", "a list of texts")
HOSTS = define("expected_hosts", "a list of host names, without http:// and without a path")
HOST = define("expected_host", "an address or a host name, without http:// and without a port")
COMMAND = define("expected_command", "a list of a program and its arguments, such as {example}")
WHOLE_NUMBER = define("expected_whole_number", "a whole number from {low} to {high}")
ONE_OF = define("expected_one_of", "one of {words}")
A_TABLE = define("expected_table", "a table")
APP_ID = define("expected_app_id", "the number of your API application, see strava.com/settings/api")
APP_SECRET = define("expected_app_secret", "the secret of your API application, or client_secret_file")
WATCHED_FOLDER = define("expected_watched_folder", "the folder where devices drop files")
A_WATCH = define("expected_watch", "at least one [[watch]] with a folder")
TEXT_OR_TEXTS = define("expected_text_or_texts", "a text or a list of texts")
SPORTS = define("expected_sports", "one or several of the FIT profile's, such as {example}")
ONE_OR_SEVERAL = define("expected_one_or_several", "one or several of {words}")
HOURS = define("expected_hours", "two hours of the local day, such as [6, 9]")
DISTANCES = define("expected_distances", "two distances in kilometres, such as [0, 15]")
TEMPLATE = define("expected_template", "a text, perhaps with {names}")
SPORT_TYPE = define("expected_sport_type", "one of Strava's, such as VirtualRide")
SERIALS = define("expected_serials", "one or several serial numbers, such as 3987654321")
GEAR = define("expected_gear", "Strava's gear id, such as b123456 or g123456")
NO_CERTIFICATE = define("no_certificate", "no certificate in it")
