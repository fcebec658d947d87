"""The catalogues of translations: `make translations` brings them up to date with what Babel finds in the package.

Marked are templates of messages (`define`, `define_plural`), single words (`N_`), and what templates of the page say
(`_`, `ngettext`). The help of commands is what click shows: docstrings of commands, and `help=`.
"""

from __future__ import annotations

import ast
import inspect
import io
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir, extract_python
from babel.messages.pofile import read_po, write_po

import fitferry
from compile_translations import compile_all
from fitferry.i18n.translator import DOMAIN, LANGUAGES, LOCALE

PACKAGE = Path(fitferry.__file__).parent
KEYWORDS: Mapping[str, Any] = {
    "N_": None,
    "NN_": (1, 2),
    "_": None,
    "ngettext": (1, 2),
    "define": (2,),
    "define_plural": (2, 3),
}


def extract_commands(
    file: IO[bytes], keywords: Mapping[str, Any], comment_tags: Collection[str], options: Mapping[str, Any]
) -> Iterator[tuple[int, Any, Any, Any]]:
    """What Babel finds in a module of commands, and the help that click shows."""
    yield from extract_python(file, keywords, comment_tags, dict(options))  # type: ignore[arg-type]  # its type is a TypedDict of its own
    file.seek(0)
    for node in ast.walk(ast.parse(file.read())):
        if isinstance(node, ast.FunctionDef) and any(_is_command(one) for one in node.decorator_list):
            yield node.lineno, None, inspect.cleandoc(ast.get_docstring(node) or ""), []
        if isinstance(node, ast.keyword) and node.arg == "help" and isinstance(node.value, ast.Constant):
            yield node.lineno, None, str(node.value.value), []


def _is_command(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(called, ast.Attribute) and called.attr in {"command", "group"}


METHODS: list[tuple[str, Any]] = [
    ("sandbox/**", "ignore"),
    ("demo/**", "ignore"),
    ("cli/**.py", extract_commands),
    ("**.py", "python"),
    ("web/templates/**.html", "jinja2.ext:babel_extract"),
]


def template() -> Catalog:
    """Everything that is said, with no translations."""
    catalog = Catalog(project="fitferry", version=fitferry.__version__, charset="utf-8", fuzzy=False)
    options = {"web/templates/**.html": {"silent": "false"}}
    found = extract_from_dir(PACKAGE, METHODS, options, KEYWORDS)
    for file, _, message, comments, context in found:
        catalog.add(message, None, [(file, 0)], auto_comments=comments, context=context)
    return catalog


def catalogue_of(language: str) -> Catalog:
    """The translations that there are."""
    with _path(language).open("rb") as file:
        return read_po(file, locale=language, domain=DOMAIN)


def updated(language: str) -> Catalog:
    """The catalogue with every message of today, and none of yesterday."""
    known, fresh = catalogue_of(language), template()
    catalog = Catalog(locale=language, domain=DOMAIN, project="fitferry", charset="utf-8", fuzzy=False)
    catalog.mime_headers = [header for header in catalog.mime_headers if "Date" not in header[0]]
    for message in fresh:
        if message.id:
            before = known.get(_first(message.id))
            same = before is not None and isinstance(before.id, tuple) == isinstance(message.id, tuple)
            catalog.add(message.id, before.string if before and same else None, _once(message.locations))
    return catalog


def written(catalog: Catalog) -> bytes:
    """The file that people edit."""
    out = io.BytesIO()
    write_po(out, catalog, width=0, omit_header=False, sort_output=True, include_lineno=False)
    return out.getvalue()


def missing(catalog: Catalog) -> list[str]:
    """What is not translated."""
    return [
        _first(message.id)
        for message in catalog
        if message.id and not (all(message.string) if isinstance(message.string, tuple) else message.string)
    ]


def _first(message_id: str | tuple[str, ...] | list[str]) -> str:
    return message_id if isinstance(message_id, str) else message_id[0]


def _once(locations: Sequence[tuple[str, int | None]]) -> list[tuple[str, int]]:
    return [(file, 0) for file in sorted({file for file, _ in locations})]


def _path(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def main() -> None:
    """Bring every catalogue up to date, compile it, and say what is missing."""
    for language in LANGUAGES[1:]:
        catalog = updated(language)
        _path(language).write_bytes(written(catalog))
        untranslated = missing(catalog)
        sys.stdout.write(f"{language}: {len(catalog)} messages, {len(untranslated)} not translated\n")
        sys.stdout.writelines(f"  {text!r}\n" for text in untranslated)
    compile_all(LOCALE)


if __name__ == "__main__":
    main()
