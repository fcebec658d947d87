"""Modules and functions are as long as a reader can hold, or say why not."""

from __future__ import annotations

import ast
from pathlib import Path

import fitferry

PACKAGE = Path(fitferry.__file__).parent
MODULE_LINES = 300
REASON = "Over 300 lines:"
"""Begins the reason in the docstring of a module that is longer."""
FUNCTION_LINES = 40
"""Of a function's body, without its signature and docstring."""
MODULES = [path for path in sorted(PACKAGE.rglob("*.py")) if "migrations" not in path.parts]


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from a function's first statement to its end."""
    first = function.body[0]
    if ast.get_docstring(function) is not None and len(function.body) > 1:
        first = function.body[1]
    return (function.end_lineno or 0) - first.lineno + 1


def test_a_module_is_short_or_says_why_not() -> None:
    """And one that has become short again gives no reason any more."""
    long = {path for path in MODULES if len(path.read_text(encoding="utf-8").splitlines()) > MODULE_LINES}
    says_why = {
        path
        for path in MODULES
        if REASON in (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "")
    }

    assert {str(path.relative_to(PACKAGE)) for path in long ^ says_why} == set()


def test_a_function_fits_on_a_screen() -> None:
    """Most have four to eight lines."""
    long = [
        f"{path.relative_to(PACKAGE)}:{node.lineno} {node.name}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and body_lines(node) > FUNCTION_LINES
    ]

    assert long == []
