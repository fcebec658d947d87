"""Mutation tests: change one thing in a module at a time, and see whether its tests notice.

    python tools/mutants.py [--sample N] [--seed N] [PART …]

PART names modules or folders of the package (`core`, `uploads/worker`). Each mutant runs in a fork of this
process, in which the libraries are loaded already, so that a mutant costs little more than its tests.
Survivors that `tools/mutants_accepted.toml` names with a reason count as killed. Exit 1 below the score asked for.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib.abc
import importlib.util
import os
import random
import signal
import sys
import time
import tomllib
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

TOP = Path(__file__).parents[1]
PACKAGE = TOP / "daemon" / "fitferry"
ACCEPTED = Path(__file__).with_name("mutants_accepted.toml")
PARTS = ("core", "uploads", "auth", "formats/fit")
WANTED_SCORE = 0.9
LIBRARIES = (
    "httpx",
    "peewee",
    "playhouse.migrations",
    "huey",
    "structlog",
    "cryptography.fernet",
    "_pytest",
)
"""What the tests load and no mutant changes: loaded once, before the forks."""
SECONDS_AT_LEAST = 20.0
TIMES_LONGER = 6.0
"""A mutant that takes so many times longer than the unchanged tests runs in a circle: it was noticed."""
BESIDE = {
    "core/retry_policy": ("uploads/test_worker.py",),
    "core/attempt_results": ("core/test_retry_policy.py", "uploads/test_worker.py"),
    "core/breaker": ("core/test_retry_policy.py", "uploads/test_worker.py"),
    "core/upload": ("storage",),
    "core/activity": ("inbox",),
    "core/problems": ("monitoring",),
    "core/sports": ("core/test_rules.py", "formats"),
}
"""Tests of other modules that speak of this one."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: of which module, in which line, what it does, and the changed source."""

    module: str
    line: int
    change: str
    source: str

    @property
    def name(self) -> str:
        """As it is listed, and named in the file of accepted ones."""
        return f"{self.module}:{self.line} {self.change}"


def _swapped(node: ast.Compare) -> Iterator[tuple[str, ast.AST]]:
    swaps: dict[type[ast.cmpop], type[ast.cmpop]] = {
        ast.Lt: ast.LtE,
        ast.LtE: ast.Lt,
        ast.Gt: ast.GtE,
        ast.GtE: ast.Gt,
        ast.Eq: ast.NotEq,
        ast.NotEq: ast.Eq,
        ast.Is: ast.IsNot,
        ast.IsNot: ast.Is,
        ast.In: ast.NotIn,
        ast.NotIn: ast.In,
    }
    for number, operator in enumerate(node.ops):
        changed = copy.deepcopy(node)
        changed.ops[number] = swaps[type(operator)]()
        yield f"{type(operator).__name__} -> {swaps[type(operator)].__name__}", changed


def _constants(node: ast.Constant) -> Iterator[tuple[str, ast.AST]]:
    value = node.value
    if isinstance(value, bool):
        yield f"{value} -> {not value}", ast.Constant(not value)
    elif isinstance(value, int | float):
        yield f"{value} -> {value + 1}", ast.Constant(value + 1)


def _operators(node: ast.BinOp) -> Iterator[tuple[str, ast.AST]]:
    swaps: dict[type[ast.operator], type[ast.operator]] = {
        ast.Add: ast.Sub,
        ast.Sub: ast.Add,
        ast.Mult: ast.FloorDiv,
        ast.FloorDiv: ast.Mult,
        ast.Div: ast.Mult,
        ast.BitAnd: ast.BitOr,
        ast.BitOr: ast.BitAnd,
    }
    if type(node.op) in swaps:
        changed = copy.deepcopy(node)
        changed.op = swaps[type(node.op)]()
        yield f"{type(node.op).__name__} -> {type(changed.op).__name__}", changed


def _changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:  # a list of kinds of changes
    """What a node may become, with a word on it."""
    if isinstance(node, ast.Compare):
        yield from _swapped(node)
    elif isinstance(node, ast.Constant):
        yield from _constants(node)
    elif isinstance(node, ast.BinOp):
        yield from _operators(node)
    elif isinstance(node, ast.BoolOp):
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield f"{type(node.op).__name__} -> {type(other).__name__}", ast.BoolOp(other, node.values)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "not removed", node.operand
    elif isinstance(node, ast.IfExp):
        yield "always the first", node.body
        yield "always the second", node.orelse
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"min", "max"}:
        other_name = "max" if node.func.id == "min" else "min"
        yield (
            f"{node.func.id} -> {other_name}",
            ast.Call(ast.Name(other_name, ast.Load()), node.args, node.keywords),
        )
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield "call removed", ast.Pass()
    elif isinstance(node, ast.keyword) and node.arg and isinstance(node.value, ast.Name | ast.Attribute):
        yield f"{node.arg}=None", ast.keyword(node.arg, ast.Constant(None))


def _places(tree: ast.Module) -> Iterator[tuple[ast.AST, str, int | None, ast.AST]]:
    """Every node with its parent's field; docstrings, annotations and log lines are left out."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        parent = waiting.pop()
        for field, value in ast.iter_fields(parent):
            if field in {"annotation", "returns", "decorator_list", "bases", "type_comment"}:
                continue
            for number, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
                if not isinstance(node, ast.AST) or _is_text(node):
                    continue
                waiting.append(node)
                yield parent, field, number, node


def _is_text(node: ast.AST) -> bool:
    """Whether a node only says something: a docstring, or a line of the log."""
    if not isinstance(node, ast.Expr):
        return False
    value = node.value
    return isinstance(value, ast.Constant) or (
        isinstance(value, ast.Call) and ast.unparse(value.func).startswith(("_log.", "log", "logging."))
    )


def mutants_of(path: Path) -> list[Mutant]:
    """Every mutant of a module."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    module = path.relative_to(PACKAGE).with_suffix("").as_posix().removesuffix("/__init__")
    made = []
    for parent, field, number, node in list(_places(tree)):
        line = getattr(node, "lineno", getattr(parent, "lineno", 0))
        for change, replacement in _changes(node):
            _put(parent, field, number, replacement)
            made.append(
                Mutant(module, line, change, ast.unparse(ast.fix_missing_locations(copy.deepcopy(tree))))
            )
            _put(parent, field, number, node)
    return made


def _put(parent: ast.AST, field: str, number: int | None, node: ast.AST) -> None:
    if number is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[number] = node


class _Loader(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads the changed source in the place of the module."""

    def __init__(self, mutant: Mutant) -> None:
        self._name = ".".join(("fitferry", *mutant.module.split("/")))
        self._source = mutant.source

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002  # asked for by importlib
        target: ModuleType | None = None,  # noqa: ARG002  # the same
    ) -> ModuleSpec | None:
        """The module that is changed, and no other."""
        if fullname != self._name:
            return None
        found = PACKAGE.joinpath(*fullname.split(".")[1:])
        file = found / "__init__.py" if found.is_dir() else found.with_suffix(".py")
        places = [str(found)] if found.is_dir() else None
        return importlib.util.spec_from_file_location(
            fullname, file, loader=self, submodule_search_locations=places
        )

    def exec_module(self, module: ModuleType) -> None:
        """Run the changed source."""
        exec(compile(self._source, module.__file__ or "", "exec"), module.__dict__)  # our own source


def run_tests(tests: Sequence[str], mutant: Mutant | None, seconds: float) -> tuple[bool, float]:
    """Whether the tests pass with a mutant in place, and how long they took; one that takes too long fails."""
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        _be_child(tests, mutant)
    while time.monotonic() - began < seconds:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status == 0, time.monotonic() - began
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False, seconds


def _be_child(tests: Sequence[str], mutant: Mutant | None) -> None:
    os.setpgid(0, 0)
    nowhere = os.open(os.environ.get("MUTANTS_LOG", os.devnull), os.O_RDWR)
    for handle in (0, 1, 2):
        os.dup2(nowhere, handle)
    try:
        import pytest  # noqa: PLC0415  # loaded already; named where it is used

        if mutant is not None:
            sys.meta_path.insert(0, _Loader(mutant))
        os._exit(int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *tests])))
    except BaseException:  # noqa: BLE001  # whatever it is, the tests did not pass
        traceback.print_exc()
        os._exit(99)


def tests_for(module: str) -> list[str]:
    """The tests of a module: its own, those beside it, and where it has none of its own those of its folder."""
    folder, _, name = module.rpartition("/")
    place = TOP / "tests/unit" / folder
    own = [place / f"test_{name}.py"] if (place / f"test_{name}.py").exists() else [place]
    beside = [TOP / "tests/unit" / other for other in BESIDE.get(module, ())]
    return [str(path) for path in (*own, *beside) if path.exists()]


def _modules(parts: Sequence[str]) -> list[Path]:
    found: list[Path] = []
    for part in parts:
        place = PACKAGE / part
        found += sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    return [path for path in found if path.read_text(encoding="utf-8").count("\n") > 1]


def survivors(mutants: Sequence[Mutant], workers: int, say: Callable[[str], None]) -> list[Mutant]:
    """Those that no test notices."""
    limits: dict[str, float] = {}
    for module in sorted({mutant.module for mutant in mutants}):
        passed, seconds = run_tests(tests_for(module), None, 600)
        if not passed:
            raise SystemExit(f"the tests of {module} fail without any change")
        limits[module] = max(SECONDS_AT_LEAST, TIMES_LONGER * seconds)
        say(f"{module}: tests take {seconds:.1f} s")
    with ThreadPoolExecutor(workers) as pool:
        passes = pool.map(
            lambda mutant: run_tests(tests_for(mutant.module), mutant, limits[mutant.module])[0], mutants
        )
        left = []
        for mutant, passed in zip(mutants, passes, strict=True):
            if passed:
                left.append(mutant)
                say(f"survived: {mutant.name}")
    return left


def accepted() -> dict[str, str]:
    """Survivors that are right to survive, each with its reason."""
    return tomllib.loads(ACCEPTED.read_text(encoding="utf-8")) if ACCEPTED.exists() else {}


def main() -> None:
    """Run, print survivors and the score."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("parts", nargs="*", default=PARTS)
    words.add_argument("--sample", type=int, help="so many mutants of all, chosen by the seed")
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    given = words.parse_args()
    for name in LIBRARIES:
        importlib.import_module(name)
    os.chdir(TOP)
    every = [mutant for path in _modules(given.parts) for mutant in mutants_of(path)]
    if given.sample and given.sample < len(every):
        every = random.Random(given.seed).sample(every, given.sample)  # the same ones for the same seed
    known = accepted()
    left = [mutant for mutant in survivors(every, given.workers, print) if mutant.name not in known]
    score = 1 - len(left) / len(every)
    print(f"{len(every)} mutants, {len(left)} survived, score {score:.1%}")
    raise SystemExit(score < WANTED_SCORE)


if __name__ == "__main__":
    main()
