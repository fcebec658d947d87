"""The imports of the package go one way, and each library has one owner."""

from __future__ import annotations

import ast
from pathlib import Path

import fitferry

PACKAGE = Path(fitferry.__file__).parent

# A module may import from rows above its own, and within its own package.
ROWS = [
    ["words"],
    ["model"],
    ["errors", "sports"],
    ["mounts", "folders", "disk", "rules", "sketch"],
    ["config", "layout", "logs"],
    ["fit", "allowance", "lock"],
    ["formats"],
    ["policy"],
    ["ledger", "vault", "strava", "doorbell", "watcher", "systemd", "notify", "nudge", "metrics"],
    ["tokens", "telling"],
    ["pipeline", "keys", "spool"],
    ["intake", "actions", "status"],
    ["web"],
    ["supervisor"],
    ["service"],
    ["sandbox"],
    ["demo"],
    ["cli"],
    ["__main__"],
]
ADAPTERS = {"ledger", "vault", "strava", "doorbell", "watcher", "systemd", "notify", "nudge", "metrics"}
OWNERS = {
    "peewee": "ledger.tables",
    "playhouse": "ledger.tables",
    "httpx": "strava.client",
    "huey": "doorbell",
    "watchdog": "watcher",
    "cryptography": "vault",
    "fitparse": "fit.",
    "fastcrc": "fit.",
    "tomli_w": "config.",
    "waitress": "web.server",
    "babel": "web.viewer",
    "prometheus_client": "metrics",
    "apprise": "notify",
}
SHARED = {
    "flask": {"web", "sandbox"},
    "click": {"cli"},
    "rich": {"cli"},
    "msgspec": {"config", "strava"},
}


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


def part(module: str) -> str:
    """The part of the package that a dotted name below it belongs to."""
    return module.split(".", 1)[0]


def ours(tree: ast.Module) -> set[str]:
    """The parts of the package that a module imports; the package's own version is nobody's."""
    found = {name.split(".")[1] for name in imported(tree) if name.startswith("fitferry.")}
    return found - {"__version__"}


def test_every_part_of_the_package_has_its_row() -> None:
    """Nothing in the package is left out of the rows."""
    assert {name for row in ROWS for name in row} == {part(name) for name in modules() if name}


def test_imports_go_up_the_rows_only() -> None:
    """A module imports from rows above its own, never from its own row or below."""
    row_of = {name: number for number, row in enumerate(ROWS) for name in row}
    wrong = [
        f"{name} imports {other}"
        for name, tree in modules().items()
        if name
        for other in ours(tree)
        if other != part(name) and row_of[other] >= row_of[part(name)]
    ]

    assert wrong == []


def test_adapters_do_not_know_each_other() -> None:
    """What owns a library imports nothing else that owns one."""
    wrong = [
        f"{name} imports {other}"
        for name, tree in modules().items()
        if part(name) in ADAPTERS
        for other in ours(tree) & ADAPTERS
        if other != part(name)
    ]

    assert wrong == []


def test_each_library_has_one_owner() -> None:
    """A library is imported in the one module that owns it."""
    wrong = [
        f"{name} imports {library}"
        for name, tree in modules().items()
        for library in imported(tree)
        if (owner := OWNERS.get(library.split(".")[0])) and not f"{name}.".startswith(owner)
    ]

    assert wrong == []


def test_one_module_each_imports_what_is_owned() -> None:
    """No two modules share an owned library, and each of them is used."""
    users: dict[str, set[str]] = {library: set() for library in OWNERS}
    for name, tree in modules().items():
        for library in imported(tree):
            if library.split(".")[0] in users:
                users[library.split(".")[0]].add(name)

    assert dict.fromkeys(OWNERS, 1) == {library: len(names) for library, names in users.items()}


def test_shared_libraries_stay_where_they_belong() -> None:
    """What several modules need is imported in their parts of the package only."""
    wrong = [
        f"{name} imports {library}"
        for name, tree in modules().items()
        for library in imported(tree)
        if (parts := SHARED.get(library.split(".")[0])) and part(name) not in parts
    ]

    assert wrong == []


def test_pure_modules_do_nothing() -> None:
    """What decides reads no clock, no file, no environment and no network."""
    doing = {"os", "time", "socket", "subprocess", "pathlib", "random", "secrets", "threading", "structlog"}
    pure = ("policy", "allowance", "errors", "strava.answers")
    wrong = [
        f"{name} imports {library}"
        for name in pure
        for library in imported(modules()[name])
        if library.split(".")[0] in doing
    ]

    assert wrong == []
