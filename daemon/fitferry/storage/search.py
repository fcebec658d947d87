"""Search in the names of files and sports: by an index of three letters each, which is filled in the background.

Each run of three letters is one word of the index, in hexadecimal, so that any part of a name is found, in any script,
and one or two letters as the beginning of such a word. What the index names is compared itself, too; what it does not
hold yet is compared one by one.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Collection

from fitferry.storage.database import function, run, writing

GRAM = 3
AT_ONCE = 250
"""Activities that one transaction adds to the index: 15 ms, for which a ride that comes just then waits."""
BEHIND = 500
"""Activities that may be missing in the index: so few are compared as quickly."""
FEW = 2_000
"""Jobs of one status that are compared one by one."""
_HOLDS = "instr(names(a.path, a.member, a.sport), ?) > 0"
_MOST_GRAMS = 6
_TABLES = "activity AS a CROSS JOIN upload_job AS j ON j.activity_id = a.id"


def plain(text: str) -> str:
    """A text as it is compared: without capitals, and each letter in one piece, whatever wrote it (macOS does not)."""
    return unicodedata.normalize("NFC", text.casefold())


@function
def names(path: bytes, member: str, sport: str | None) -> str:
    """By what an activity is found."""
    name = path.rsplit(b"/", 1)[-1].decode("utf-8", "replace")
    return plain(f"{name} {member} {(sport or '').replace('_', ' ')}")


def is_behind() -> bool:
    """Whether so many activities are missing in the index that it is worth adding them."""
    return _has_index() and _missing() > BEHIND


def index_some() -> None:
    """Add some activities to the index."""
    with writing():
        start = _indexed_to()
        rows = run(
            "SELECT id, names(path, member, sport) FROM activity WHERE id > ? ORDER BY id LIMIT ?",
            start,
            AT_ONCE,
        )
        for row, name in rows:
            run("INSERT INTO activity_search (rowid, grams) VALUES (?, ?)", row, " ".join(_words(name)))
        run("UPDATE search_state SET indexed_to = ?", rows[-1][0])


def found_among(
    status: str, text: str, sports: Collection[str], condition: str, values: Collection[object], limit: int
) -> list[int] | None:
    """The same among the jobs of one status, compared one by one where they are few; else None.

    By the index a name that most activities have would be looked up for each of them.
    """
    if run("SELECT 1 FROM job_count WHERE status = ? AND jobs > ?", status, FEW):
        return None
    tables = "upload_job AS j INDEXED BY upload_job_status CROSS JOIN activity AS a ON a.id = j.activity_id"
    holds = f"({_HOLDS} OR a.sport IN (SELECT value FROM json_each(?)))"  # noqa: S608  # words of ours
    where = f"j.status = ? AND {holds} AND {condition} ORDER BY j.id DESC LIMIT ?"
    jobs = _ids(f"{tables} WHERE {where}", status, plain(text), json.dumps(list(sports)), *values, limit)
    return sorted(jobs, reverse=True)


def found(
    text: str, sports: Collection[str], condition: str, values: Collection[object], limit: int
) -> list[int]:
    """The jobs whose names hold a text or whose sport is one of `sports`, newest first.

    `condition`: what else has to be true, in SQL of the job `j`; `values`: its parameters.
    """
    wanted = plain(text)
    rest = f"AND {condition} ORDER BY a.id DESC LIMIT ?"
    jobs: set[int] = set()
    for sport in sports:
        jobs |= _ids(f"{_TABLES} WHERE a.sport = ? {rest}", sport, *values, limit)
    indexed_to = _indexed_to() if _has_index() else 0
    jobs |= _ids(f"{_TABLES} WHERE a.id > ? AND {_HOLDS} {rest}", indexed_to, wanted, *values, limit)
    if indexed_to and len(jobs) < limit:
        source = f"activity_search AS s CROSS JOIN {_TABLES}"
        match = f"s.activity_search MATCH ? AND a.id = s.rowid AND a.id <= ? AND {_HOLDS} AND {condition}"
        order = "ORDER BY s.rowid DESC LIMIT ?"
        jobs |= _ids(f"{source} WHERE {match} {order}", _query(wanted), indexed_to, wanted, *values, limit)
    return sorted(jobs, reverse=True)[:limit]


def _ids(from_where: str, *values: object) -> set[int]:
    return {job for (job,) in run(f"SELECT j.id FROM {from_where}", *values)}  # noqa: S608  # words of ours


def _has_index() -> bool:
    return bool(run("SELECT 1 FROM sqlite_schema WHERE name = 'activity_search'"))


def _indexed_to() -> int:
    return int(run("SELECT indexed_to FROM search_state")[0][0])


def _missing() -> int:
    return int(run("SELECT coalesce(max(id), 0) - ? FROM activity", _indexed_to())[0][0])


def _words(name: str) -> list[str]:
    """The runs of three letters in a name, each once; at its end also shorter ones."""
    return list(dict.fromkeys(_word(name[start : start + GRAM]) for start in range(len(name))))


def _query(wanted: str) -> str:
    """What the index is asked: some runs that do not overlap, and the last; of one or two letters a beginning."""
    if len(wanted) < GRAM:
        return f'"{_word(wanted)}"*'
    starts = list(range(0, len(wanted) - GRAM, GRAM))[: _MOST_GRAMS - 1]
    return " AND ".join(f'"{_word(wanted[start : start + GRAM])}"' for start in [*starts, len(wanted) - GRAM])


def _word(letters: str) -> str:
    return "".join(f"{ord(letter):05x}" for letter in letters)
