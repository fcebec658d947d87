"""The imports of the package go one way, and each library has one owner."""

from __future__ import annotations

import ast
import sys
from functools import cache
from pathlib import Path

import fitferry
from layers import OWNERS, RANKS, SHARED

PACKAGE = Path(fitferry.__file__).parent
LOOSE = {"__init__", "__main__", "daemon", "maintenance"}
"""The only modules that lie at the package's top."""
IMPURE = {
    "asyncio",
    "io",
    "logging",
    "os",
    "pathlib",
    "random",
    "secrets",
    "shutil",
    "socket",
    "sqlite3",
    "subprocess",
    "tempfile",
    "threading",
    "time",
    "tomllib",
    "urllib.request",
}
"""What reads a clock, a file, the environment, a network or chance."""


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the package by its dotted name below it."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if "migrations" in parts:
            continue
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def imported(tree: ast.Module) -> set[str]:
    """Every dotted name that a module imports, also those inside its functions."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def folder(module: str) -> str:
    """The folder of the package that a dotted name below it belongs to."""
    return module.split(".", 1)[0]


def ours(tree: ast.Module) -> set[str]:
    """The modules of the package that a module imports, by their dotted names below it."""
    found = set()
    for name in imported(tree):
        if not name.startswith("fitferry."):
            continue
        below = name.removeprefix("fitferry.")
        while below and below not in modules():
            below = below.rpartition(".")[0]
        found.add(below)
    return found - {""}


def test_nothing_lies_loose_at_the_top() -> None:
    """A newcomer finds the way by the folders."""
    assert {path.stem for path in PACKAGE.glob("*.py")} == LOOSE


def test_every_folder_has_its_rank() -> None:
    """Nothing in the package is left out of the ranks."""
    assert {name for rank in RANKS for name in rank} == {folder(name) for name in modules() if name}


def test_imports_go_down_the_ranks_only() -> None:
    """A module imports from lower ranks or its own folder, never from its own rank or a higher one."""
    rank_of = {name: number for number, rank in enumerate(RANKS) for name in rank}
    wrong = [
        f"{name} imports {other}"
        for name, tree in modules().items()
        if name
        for other in ours(tree)
        if folder(other) != folder(name) and rank_of[folder(other)] >= rank_of[folder(name)]
    ]

    assert wrong == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Inside a folder, too, imports have an order."""
    open_: list[str] = []
    done: set[str] = set()
    circles: list[list[str]] = []

    def visit(name: str) -> None:
        if name in open_:
            circles.append([*open_[open_.index(name) :], name])
            return
        if name in done:
            return
        open_.append(name)
        for other in sorted(ours(modules()[name])):
            if other != name:
                visit(other)
        open_.pop()
        done.add(name)

    for name in modules():
        visit(name)
    assert circles == []


def test_the_sandbox_knows_nothing_of_the_daemon() -> None:
    """It judges the daemon, so it shares no code with it."""
    wrong = [
        f"{name} imports {other}"
        for name, tree in modules().items()
        if folder(name) == "sandbox"
        for other in ours(tree)
        if folder(other) != "sandbox"
    ]

    assert wrong == []


def test_each_library_has_one_owner() -> None:
    """A library is imported in the one module, or the one folder, that owns it; and it is used there."""
    users: dict[str, set[str]] = {library: set() for library in OWNERS}
    for name, tree in modules().items():
        for library in imported(tree):
            if library.split(".")[0] in users:
                users[library.split(".")[0]].add(name)
    wrong = [
        f"{name} imports {library}"
        for library, names in users.items()
        for name in names
        if not f"{name}.".startswith(f"{OWNERS[library]}.")
    ]

    assert wrong == []
    assert [library for library, names in users.items() if not names] == []


def test_shared_libraries_stay_where_they_belong() -> None:
    """What several modules need is imported in their folders only."""
    wrong = [
        f"{name} imports {library}"
        for name, tree in modules().items()
        for library in imported(tree)
        if (folders := SHARED.get(library.split(".")[0])) and folder(name) not in folders
    ]

    assert wrong == []


def test_the_core_is_pure_through_everything_that_it_imports() -> None:
    """What decides reads no clock, file, environment or network, and needs no library and no settings."""
    reached, waiting = set(), [name for name in modules() if folder(name) == "core"]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += ours(modules()[name])
    assert {folder(name) for name in reached} == {"core"}

    wrong = [
        f"{name} imports {library}"
        for name in reached
        for library in imported(modules()[name])
        if not library.startswith("fitferry.")
        and (
            library.split(".")[0] not in sys.stdlib_module_names
            or IMPURE & {library.split(".")[0], ".".join(library.split(".")[:2])}
        )
    ]
    assert wrong == []


def test_answers_of_strava_are_judged_without_doing_anything() -> None:
    """The only judge of what comes back reads no clock, file or network either."""
    libraries = {library.split(".")[0] for library in imported(modules()["strava.responses"])}

    assert libraries & IMPURE == set()
