"""The catalogues of translations: `make words` brings them up to date with the sentences in the code.

Nobody has to mark a sentence. Whatever looks like one in the package, in a string or an f-string, is one,
unless it is a docstring, goes to the log, or stands below `EXEMPT`; single words are marked with `say`.
"""

from __future__ import annotations

import ast
import inspect
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

import fitferry
from fitferry.cli.main import CLICK_PLURALS
from fitferry.i18n.translator import DOMAIN, LANGUAGES, LOCALE

PACKAGE = Path(fitferry.__file__).parent
NOT_READ = (
    "sandbox",
    "demo",
    "core/sports.py",
    "config/keys.py",
    "config/template.py",
    "storage/migrations",
    "monitoring/metrics.py",
)
"""What speaks to developers, lists names, or writes the commented settings."""
EXEMPT = re.compile(
    r"\d{3} [A-Z]|fitferry|multipart/|\{state\}: \{waiting|not \{code|--\{boundary|default-src |PRAGMA |INSERT |DELETE |VACUUM |Bearer |Content-|duplicate of|System Volume|the last try returns"
    r"|text/plain|can this be written|scanner |Wrote |  \{|\{0|\{\w+\} km$"
)
_SENTENCE = re.compile(
    r"\ba [^\W\d_]{3,}|[^\W\d_]{2,}[,:;.)]?[ \n]+[(\"'`{]?[^\W\d_]{2,}|[^\W\d_]{2,} \{|\} [^\W\d_]{2,}"
)


def messages() -> dict[str, list[str]]:
    """Every template that has to be translated, with the files where it stands."""
    found: dict[str, list[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if not name.startswith(NOT_READ):
            for text in sentences(path.read_text(encoding="utf-8")):
                found.setdefault(text, []).append(name)
    for path in sorted((PACKAGE / "web" / "templates").rglob("*.html")):
        with path.open("rb") as file:
            for _, message, _, _ in extract(
                "jinja2.ext:babel_extract", file, {"_": None}, options={"silent": "false"}
            ):
                found.setdefault(str(message), []).append(path.relative_to(PACKAGE).as_posix())
    return found


def sentences(source: str) -> Iterator[str]:
    """The templates in one module."""
    tree = ast.parse(source)
    passed = set(_passed_over(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and any(
            re.search(r"\.(command|group)\b", ast.unparse(one)) for one in node.decorator_list
        ):
            yield inspect.cleandoc(ast.get_docstring(node) or "")
        if (
            isinstance(node, ast.Call)
            and ast.unparse(node.func) == "say"
            and isinstance(node.args[0], ast.Constant)
        ):
            yield ast.literal_eval(node.args[0])
        elif id(node) not in passed:
            text = _template(node)
            if text and _SENTENCE.search(text) and not EXEMPT.match(text):
                yield text


def _template(node: ast.AST) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if not isinstance(node, ast.JoinedStr):
        return ""
    names: dict[str, str] = {}
    parts = []
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            code = ast.unparse(part.value)
            name = next((known for known, one in names.items() if one == code), "") or _name(
                part.value, names
            )
            names[name] = code
            parts.append(f"{{{name}}}")
        elif isinstance(part, ast.Constant):
            parts.append(str(part.value).replace("{", "{{").replace("}", "}}"))
    return "".join(parts)


def _name(value: ast.expr, taken: dict[str, str]) -> str:
    """A name for a translator to see instead of an expression."""
    name = "value"
    match value:
        case (
            ast.Name(id=name) | ast.Attribute(attr=name) | ast.Subscript(slice=ast.Constant(value=str(name)))
        ):
            pass
        case ast.Call(args=[ast.Name(id=name) | ast.Attribute(attr=name), *_]):
            pass
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            pass
    name = name.strip("_").lower() or "value"
    return (
        name if name not in taken else next(f"{name}{n}" for n in range(2, 99) if f"{name}{n}" not in taken)
    )


def _passed_over(tree: ast.Module) -> Iterator[int]:
    """Docstrings, what goes to the log, and the parts of what is looked at as a whole."""
    for node in ast.walk(tree):
        for child in getattr(node, "body", []) if not isinstance(node, (ast.Lambda, ast.IfExp)) else []:
            if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
                yield id(child.value)
        if isinstance(node, ast.JoinedStr):
            yield from (id(part) for part in node.values if isinstance(part, ast.Constant))
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith(("_log.", "say")):
            yield from (id(one) for one in ast.walk(node))


def catalogue_of(language: str) -> Catalog:
    """The translations that there are."""
    path = _path(language)
    if not path.exists():
        return Catalog(locale=language, domain=DOMAIN)
    with path.open("rb") as file:
        return read_po(file, locale=language, domain=DOMAIN)


def compiled(catalogue: Catalog) -> bytes:
    """The file that the program reads; what click says of one and of several is found by both there."""
    out, read = io.BytesIO(), Catalog(locale=catalogue.locale, domain=DOMAIN, charset="utf-8")
    read.mime_headers = catalogue.mime_headers
    several = dict(CLICK_PLURALS)
    for one in catalogue:
        if one.id in several:
            read.add((one.id, several[one.id]), (str(catalogue[several[str(one.id)]].string),))
        elif one.id:
            read.add(one.id, one.string)
    write_mo(out, read)
    return out.getvalue()


def written(catalogue: Catalog) -> bytes:
    """The file that people edit."""
    out = io.BytesIO()
    write_po(out, catalogue, width=0, omit_header=False, sort_output=True, include_lineno=False)
    return out.getvalue()


def renewed(language: str) -> Catalog:
    """The catalogue with every sentence of today, and none of yesterday."""
    before = catalogue_of(language)
    fresh = Catalog(locale=language, domain=DOMAIN, project="fitferry", charset="utf-8", fuzzy=False)
    fresh.mime_headers = [header for header in fresh.mime_headers if "Date" not in header[0]]
    for text, places in messages().items():
        known = before.get(text)
        fresh.add(
            text, str(known.string) if known else "", locations=[(place, 0) for place in sorted(set(places))]
        )
    return fresh


def _path(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def main() -> None:
    """Bring every catalogue up to date, and say what is missing."""
    for language in LANGUAGES[1:]:
        fresh = renewed(language)
        _path(language).parent.mkdir(parents=True, exist_ok=True)
        _path(language).write_bytes(written(fresh))
        _path(language).with_suffix(".mo").write_bytes(compiled(fresh))
        missing = [str(one.id) for one in fresh if one.id and not one.string]
        sys.stdout.write(f"{language}: {len(fresh)} sentences, {len(missing)} not translated\n")
        sys.stdout.writelines(f"  {text!r}\n" for text in missing)


if __name__ == "__main__":
    main()
