"""Modules and functions are as long as a reader can hold, or say why not; tests take hold of nothing private."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import fitferry

PACKAGE = Path(fitferry.__file__).parent
TESTS = Path(__file__).parent
MODULE_LINES = 300
TEST_LINES = 600
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


def test_the_tests_of_one_subject_are_no_book() -> None:
    """Whoever looks for a test finds it by its file's name."""
    sizes = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in TESTS.rglob("*.py")}

    assert {str(path.relative_to(TESTS)): lines for path, lines in sizes.items() if lines > TEST_LINES} == {}


def test_a_function_fits_on_a_screen() -> None:
    """Most have four to eight lines."""
    long = [
        f"{path.relative_to(PACKAGE)}:{node.lineno} {node.name}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and body_lines(node) > FUNCTION_LINES
    ]

    assert long == []


SETTERS = {"setattr", "setitem", "delattr", "delitem"}
NOT_OURS = {"_exit": "of os", "_getframe": "of sys", "_meta": "of peewee's models"}
"""Private names of others that have no public way, and whose they are."""
SPARED = {
    "daemon_failpoints.py": "the wiring of a daemon that dies in the middle of a function: a process of its own",
    "daemon_no_drain.py": "the wiring of a daemon that waits for no upload: the same",
    "test_shape.py": "it writes down what is looked for",
}


def intrusions(source: str) -> list[str]:
    """Where a test takes hold of what it should be given: patches of the package, and private names."""
    tree = ast.parse(source)
    ours, others = imported_names(tree)
    found = [node for node in ast.walk(tree) if is_private(node) or is_patch(node, ours, others)]
    lines = [number for number, line in enumerate(source.splitlines(), 1) if "ignore[method-assign" in line]
    return [f"{number}" for number in sorted({*lines, *(node.lineno for node in found)})]  # type: ignore[attr-defined]  # of those kinds all have one


def imported_names(tree: ast.Module) -> tuple[set[str], set[str]]:
    """The names that a module imports from the package, and those from elsewhere."""
    ours, others = set[str](), set[str]()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                origin = (node.module or "") if isinstance(node, ast.ImportFrom) else alias.name
                is_ours = origin.partition(".")[0] == "fitferry"
                (ours if is_ours else others).add(alias.asname or alias.name.partition(".")[0])
    return ours, others


def is_private(node: ast.AST) -> bool:
    """Whether a node names something private that is not the test's own."""
    if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "fitferry":
        return any(re.match("_[^_]", alias.name) for alias in node.names)
    if not isinstance(node, ast.Attribute) or not re.match("_[^_]", node.attr) or node.attr in NOT_OURS:
        return False
    return root(node) not in {"self", "cls"} or not isinstance(node.value, ast.Name)


def is_patch(node: ast.AST, ours: set[str], others: set[str]) -> bool:
    """Whether a node sets an attribute of the package, or of what may be of it."""
    if isinstance(node, ast.Assign):
        return any(isinstance(target, ast.Attribute) and root(target) in ours for target in node.targets)
    if not isinstance(node, ast.Call) or not node.args:
        return False
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    if name not in SETTERS:
        return False
    target = node.args[0]
    if isinstance(target, ast.Constant):
        return str(target.value).startswith("fitferry")
    return root(target) not in others


def root(node: ast.expr) -> str:
    """The name with which an expression such as `a.b.c` begins; "" where it begins otherwise."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def test_tests_give_arguments_and_patch_nothing_of_the_package() -> None:
    """Times, limits and fakes are passed in. What the system or a foreign library does may be replaced."""
    found = [
        f"{path.relative_to(TESTS)}:{line}"
        for path in sorted(TESTS.rglob("*.py"))
        if path.name not in SPARED
        for line in intrusions(path.read_text(encoding="utf-8"))
    ]

    assert found == []


@pytest.mark.parametrize(
    ("source", "is_found"),
    [
        ("from fitferry.inbox import scanner\nmonkeypatch.setattr(scanner, 'AWAY', 0)", True),
        ("from fitferry.inbox import scanner as one\npatch.setattr(one.Scanner, 'start', 0)", True),
        ("import fitferry.inbox\nmonkeypatch.setattr(fitferry.inbox, 'Scanner', 0)", True),
        ("monkeypatch.setattr('fitferry.inbox.scanner.AWAY', 0)", True),
        ("for owner in owners:\n    patch.setattr(owner, name, 0)", True),
        ("from fitferry.inbox import scanner\nscanner.AWAY = 0", True),
        ("from fitferry.inbox.scanner import _ARRIVING", True),
        ("bench.scanner._folder_watch.detach()", True),
        ("bench.admit = full  # type: ignore[method-assign]", True),
        ("import os\nmonkeypatch.setattr(os, 'open', refuse)", False),
        ("monkeypatch.setattr('pwd.getpwuid', refuse)", False),
        ("self._own = 1\nself.__class__.__name__\nos._exit(0)", False),
    ],
)
def test_each_way_of_taking_hold_is_found(source: str, *, is_found: bool) -> None:
    """And none is that is allowed."""
    assert bool(intrusions(source)) is is_found
