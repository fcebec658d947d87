"""Characters in other people's names and texts that a terminal, a log or a page would obey."""

from __future__ import annotations

import re

OBEYED = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
"""Controls (C0, DEL, C1), marks of direction, line separators, what is invisible, lone surrogates."""
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def printable(text: str, *, keep: str = "") -> str:
    """A text with a sign in place of each character that would be obeyed, but those to `keep`."""
    return OBEYED.sub(lambda found: found[0] if found[0] in keep else _REPLACEMENT, text)


def escaped(text: str, *, keep: str = "") -> str:
    r"""A text in which they are seen as escapes (\x1b, \u202e), but those to `keep`."""
    return OBEYED.sub(
        lambda found: found[0] if found[0] in keep else found[0].encode("unicode_escape").decode(), text
    )


def escaped_json(text: str) -> str:
    """JSON that says the same without them; its own line breaks stay."""
    return OBEYED.sub(lambda found: "\n" if found[0] == "\n" else _json_escape(ord(found[0])), text)


def _json_escape(code: int) -> str:
    """A character as JSON escapes it: beyond 16 bits as a pair of surrogates."""
    if code <= 0xFFFF:  # noqa: PLR2004  # 16 bits
        return f"\\u{code:04x}"
    high, low = divmod(code - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
