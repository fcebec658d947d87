"""Compile each .po of the package into the .mo that gettext reads, where it is not up to date."""

from __future__ import annotations

import io
import os
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

TRANSLATIONS = Path("daemon/fitferry/i18n/translations")


def compile_all(folder: Path) -> list[Path]:
    """Compile every catalogue below a folder; the compiled files, also those that were up to date."""
    compiled = []
    for source in sorted(folder.glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if not target.exists() or target.stat().st_mtime_ns < source.stat().st_mtime_ns:
            scratch = target.with_name(f".{target.name}.{os.getpid()}")
            scratch.write_bytes(_compiled(source))
            scratch.replace(target)  # several processes may do this at once
        compiled.append(target)
    return compiled


class _BareHeader(Catalog):
    """A catalogue whose header holds what gettext reads, and neither dates nor Babel's version.

    The same translations compile to the same bytes wherever somebody builds a wheel.
    """

    @property
    def mime_headers(self) -> list[tuple[str, str]]:
        return [("Content-Type", "text/plain; charset=utf-8"), ("Plural-Forms", self.plural_forms)]


def _compiled(source: Path) -> bytes:
    language = source.parent.parent.name
    bare = _BareHeader(locale=language)
    with source.open("rb") as file:
        for message in read_po(file, locale=language):
            if message.id:
                bare[message.id] = message
    compiled = io.BytesIO()
    write_mo(compiled, bare)
    return compiled.getvalue()


if __name__ == "__main__":
    compile_all(Path(__file__).parent.parent / TRANSLATIONS)
