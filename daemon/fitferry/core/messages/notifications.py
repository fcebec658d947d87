"""What notifications say around problems and uploads."""

from __future__ import annotations

from fitferry.core.messages.message import define, define_plural

ACTION_NEEDED = define("notify_action_needed", "Fitferry: action needed")
RESOLVED = define("notify_resolved", "Fitferry: resolved")
UPLOAD_FAILED = define("notify_upload_failed", "Fitferry: an upload failed")
FAILED = define("notify_failed", "{file}: {reason}")
NO_REASON = define("notify_no_reason", "no reason given")
UPLOADED = define("notify_uploaded", "Fitferry: uploaded")
UPLOADED_FILE = define("notify_uploaded_file", "{file}: {url}")
SUMMARY = define_plural("notify_summary", "Fitferry: one message", "Fitferry: {count:number} messages")
MORE = define("notify_more", "… and {rest:number} more")
TEST = define("notify_test", "This is a test: messages of Fitferry arrive here.")
