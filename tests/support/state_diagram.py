"""The state diagram of DESIGN.md, and which of its arrows the ledger has seen: an arrow is (before, after)."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from fitferry.storage import database

NOWHERE = "[*]"
"""Where a job comes from, and where one goes that is forgotten."""
_ARROW = re.compile(r"^ +(\S+) --> (\S+):", re.MULTILINE)
_NOTED = """
CREATE TEMP TRIGGER IF NOT EXISTS noted_{event} AFTER {event} ON upload_job {condition}
BEGIN INSERT OR IGNORE INTO arrow VALUES ({before}, {after}); END
"""
_CHANGED = ("UPDATE", "WHEN OLD.status <> NEW.status", "OLD.status", "NEW.status")
_CAME = ("INSERT", "", f"'{NOWHERE}'", "NEW.status")
_WENT = ("DELETE", "", "OLD.status", f"'{NOWHERE}'")
Arrow = tuple[str, str]


def arrows() -> list[Arrow]:
    """The arrows of the diagram."""
    design = (Path(__file__).parents[2] / "DESIGN.md").read_text(encoding="utf-8")
    diagram = design.split("stateDiagram-v2\n")[1].split("```")[0]
    return _ARROW.findall(diagram)


def seen_from_now_on() -> Callable[[], set[Arrow]]:
    """What asks which arrows jobs of the open ledger have gone since, by writes of this thread."""
    database.run("CREATE TEMP TABLE IF NOT EXISTS arrow (before TEXT, after TEXT, UNIQUE (before, after))")
    for event, condition, before, after in (_CHANGED, _CAME, _WENT):
        database.run(_NOTED.format(event=event, condition=condition, before=before, after=after))
    return lambda: {(before, after) for before, after in database.run("SELECT before, after FROM arrow")}
