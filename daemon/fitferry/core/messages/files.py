"""What is said of files: why one is no activity, not whole, or cannot be read."""

from __future__ import annotations

from fitferry.core.messages.message import define

NOT_AN_ACTIVITY_FILE = define("not_an_activity_file", "not an activity file")
EMPTY_FILE = define("empty_file", "the file is empty")
STILL_EMPTY = define("still_empty", "it is still empty")
ONLY_BYTES = define("only_bytes", "only {have:number} bytes are there")
BYTES_OF = define("bytes_of", "{have:number} of {want:number} bytes")
STILL_RECORDED = define("still_recorded", "it is still being recorded")
END_EMPTY = define("end_empty", "its end is still empty")
NEXT_SEGMENT_CUT = define(
    "next_segment_cut", "only the beginning of its next part is there, after {have:number} bytes"
)
CHECKSUM_WRONG = define("checksum_wrong", "checksum does not match")
MESSAGES_BROKEN = define("messages_broken", "the messages cannot be read to the end")
BEGINNING_LOST = define("beginning_lost", "its beginning is lost")
NOTHING_RECORDED = define("nothing_recorded", "nothing was recorded in it")

FIT_UNTYPED = define("fit_untyped", "a FIT file that does not say what it is")
FIT_OF_TYPE = define("fit_of_type", "a FIT file of type {number}")
FIT_DEVICE = define("fit_device", "a device's description")
FIT_SETTINGS = define("fit_settings", "settings")
FIT_SPORT_SETTINGS = define("fit_sport_settings", "sport settings")
FIT_WORKOUT = define("fit_workout", "a workout")
FIT_COURSE = define("fit_course", "a course")
FIT_SCHEDULE = define("fit_schedule", "a schedule")
FIT_WEIGHT = define("fit_weight", "weight measurements")
FIT_TOTALS = define("fit_totals", "totals")
FIT_GOALS = define("fit_goals", "goals")
FIT_BLOOD_PRESSURE = define("fit_blood_pressure", "blood pressure measurements")
FIT_MONITORING = define("fit_monitoring", "monitoring data")
FIT_SUMMARY = define("fit_summary", "an activity summary")
FIT_SEGMENT = define("fit_segment", "a segment")
FIT_SEGMENT_LIST = define("fit_segment_list", "a segment list")
FIT_DISPLAY = define("fit_display", "a display configuration")

DOCUMENT_CUT = define("document_cut", "the document breaks off")
DOCUMENT_UNREADABLE = define(
    "document_unreadable", "the document cannot be read: {reason} in line {line:number}"
)
XML_DOCTYPE = define("xml_doctype", "an XML file with a DOCTYPE or entities, which no device writes")
XML_TOO_MUCH = define("xml_too_much", "an XML file that no device writes: too many elements, or too deep")
XML_OF_ANOTHER_KIND = define("xml_of_another_kind", "an XML file of another kind (<{element}>)")
SEVERAL_KINDS = define("several_kinds", "{kinds}")
TCX_COURSE = define("tcx_course", "a course")
TCX_WORKOUT = define("tcx_workout", "a workout")
TCX_EMPTY = define("tcx_empty", "a TCX file without an activity")
GPX_PLANNED = define("gpx_planned", "a track without times, so a planned one")
GPX_ROUTE = define("gpx_route", "a route")
GPX_WAYPOINTS = define("gpx_waypoints", "waypoints")
GPX_EMPTY = define("gpx_empty", "a GPX file without a track")
TIMES_UNREADABLE = define("times_unreadable", "its times cannot be read, such as {example}")
TIMES_EMPTY = define("times_empty", "its times are empty")
CLOCK_NOT_SET = define("clock_not_set", "its clock was not set: it says {example}")

ZIP_CUT = define("zip_cut", "the zip archive breaks off")
ZIP_DAMAGED = define("zip_damaged", "the zip archive is damaged")
ZIP_TOO_MANY = define("zip_too_many", "a zip archive of more than {limit:number} files")
ZIP_TOO_DEEP = define("zip_too_deep", "a zip archive in a zip archive in a zip archive")
ARCHIVE_IN_GZIP = define("archive_in_gzip", "a gzip archive that holds another archive")
GZIP_CUT = define("gzip_cut", "the gzip archive breaks off")
GZIP_DAMAGED = define("gzip_damaged", "the gzip archive is damaged")
GZIP_TOO_MANY = define("gzip_too_many", "a gzip archive of more than {limit:number} parts")
ARCHIVE_OF_ANOTHER_KIND = define(
    "archive_of_another_kind", "a {kind} archive, which Fitferry does not open: only zip and gzip"
)
ARCHIVE_TOO_LARGE = define("archive_too_large", "an archive of {size:bytes}; {limit:bytes} are read at most")
ARCHIVE_TOO_MUCH = define(
    "archive_too_much", "more than {limit:bytes} come out of the archive: the rest was not read"
)
ARCHIVE_EMPTY = define("archive_empty", "an archive with no activity file in it")
ARCHIVE_HOLDS = define("archive_holds", "an archive that holds {reason} ({name})")
IN_ARCHIVE = define("in_archive", "{name} in it: {reason}")
ARCHIVE_HOLDS_MORE = define(
    "archive_holds_more", "an archive that holds {reason} ({name}) and {more:number} more"
)
MEMBER_DAMAGED = define("member_damaged", "it is damaged inside the archive")
MEMBER_PASSWORD = define("member_password", "it is protected by a password")
MEMBER_METHOD = define("member_method", "it is compressed in an unusual way (method {number})")
MORE_THAN_STRAVA_TAKES = define(
    "more_than_strava_takes", "more than the 25 MB that Strava takes come out of it"
)
LARGER_THAN_STRAVA_TAKES = define("larger_than_strava_takes", "larger than the 25 MB that Strava takes")

REPAIR_IS_WHOLE = define("repair_is_whole", "the file is whole: there is nothing to repair")
REPAIR_NO_FIT = define("repair_no_fit", "only FIT activities that break off can be repaired")
REPAIR_NO_RECORDS = define("repair_no_records", "nothing in the file can be saved: it has no whole record")
REPAIR_BEING_CHANGED = define("repair_being_changed", "it is being changed")
