"""What a terminal, a log or a page would obey is replaced or escaped; what people write is left as it is."""

from __future__ import annotations

import json

import pytest

from fitferry.core.filenames import shown
from fitferry.core.messages import ENGLISH, verbatim
from fitferry.core.printable import escaped, escaped_json, printable

OBEYED = {
    "a bell": "\a", "a line break": "\n", "a carriage return": "\r", "an escape": "\x1b", "DEL": "\x7f",
    "the C1 sequence introducer": "\x9b", "next line": "\x85", "right to left override": "\u202e",
    "an isolate": "\u2067", "a right to left mark": "\u200f", "an Arabic mark": "\u061c", "a line separator": "\u2028",
    "a paragraph separator": "\u2029", "a byte order mark": "\ufeff", "an invisible operator": "\u2063",
    "an annotation": "\ufff9", "an invisible tag": "\U000e0041", "a lone surrogate": "\udcff",
}  # fmt: skip
LEFT = [
    "아침 라이딩.fit",
    "naïve é.fit",
    "👨‍👩‍👧 tour.fit",
    "میں‌خواهم.fit",
    "a\u00a0b\u202fc.fit",
    "עברית.gpx",
    "!§$%&()=?~#'<>|.fit",
]


@pytest.mark.parametrize("what", OBEYED)
def test_what_would_be_obeyed_is_replaced_or_escaped(what: str) -> None:
    """In names for people, in messages, in log lines, and in JSON, which still says the same."""
    name = f"a{OBEYED[what]}b.fit"

    assert shown(f"/rides/{name}") == printable(name) == "a\ufffdb.fit"
    assert escaped(name).isprintable()
    assert escaped(name) != name
    assert escaped_json(json.dumps(name, ensure_ascii=False)).isprintable()
    assert json.loads(escaped_json(json.dumps(name, ensure_ascii=False))) == name
    assert ENGLISH.render(verbatim(name)) == (name if what == "a line break" else "a\ufffdb.fit")


def test_what_is_to_be_kept_is_kept() -> None:
    """The lines of a text, and those of JSON that is laid out."""
    assert escaped("a\tb\nc", keep="\n") == "a\\tb\nc"
    assert escaped_json(json.dumps(["a\tb"], indent=1)) == '[\n "a\\tb"\n]'


@pytest.mark.parametrize("name", LEFT)
def test_what_people_write_is_left_as_it_is(name: str) -> None:
    """Joined emoji, letters that are written from right to left, spaces that do not break."""
    assert shown(f"/rides/{name}") == printable(name) == escaped(name) == escaped_json(name) == name
