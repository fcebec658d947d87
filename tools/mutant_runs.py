"""Runs of tests against mutants, each in a fork, so that a mutant costs little more than the tests of its line.

The tests are loaded and run once, unchanged, to learn which of them runs which line. A mutant within a function
replaces its code in a fork of that process; one outside of functions replaces the values that it changes. What
survives there is imported anew and tried once more, in all tests of its module: other modules, and the tables of
tests, may have been computed with it.
"""

from __future__ import annotations

import gc
import importlib.abc
import importlib.util
import os
import pickle
import re
import resource
import signal
import sys
import threading
import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any, NoReturn

import pytest

from mutant_changes import Mutant

TIMES_LONGER, SECONDS_MORE = 6.0, 5.0
"""A mutant that computes so many times longer than the unchanged tests runs in a circle: it was noticed."""
SECONDS_MORE_OF_ONE = 2.0
"""The same of a single test."""
WAITING_SECONDS = 30.0
"""One that waits for so long, and not for a processor, hangs: noticed, too."""
MEMORY = 4 << 30
LOG = os.environ.get("MUTANTS_LOG", os.devnull)

_OUT = os.dup(1)
"""Standard output, which the forks that run tests have turned away."""
Functions = dict[tuple[str, int, str], list[FunctionType]]


@dataclass(slots=True)
class Run:
    """What one unchanged test did: its seconds, and the lines that it ran, by file."""

    name: str
    seconds: float = 0.0
    lines: dict[str, set[int]] = field(default_factory=dict)


class Trace:
    """Notes for each test which lines of the mutated files it runs, in whatever thread."""

    def __init__(self, files: set[str]) -> None:
        self.runs: list[Run] = []
        self._files = files

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Trace one test."""
        run = Run(item.nodeid, lines={file: set() for file in self._files})
        self.runs.append(run)

        def in_line(frame: FrameType, event: str, _: object) -> Any:
            if event == "line":
                run.lines[frame.f_code.co_filename].add(frame.f_lineno)
            return in_line

        def in_call(frame: FrameType, _event: str, _: object) -> Any:
            return in_line if frame.f_code.co_filename in self._files else None

        threading.settrace(in_call)
        sys.settrace(in_call)
        began = time.process_time()
        try:
            return (yield)
        finally:
            sys.settrace(None)
            threading.settrace(None)
            run.seconds = time.process_time() - began


class Mutating:
    """Runs the tests that were collected: once as they are, and then for each mutant those of its line."""

    def __init__(self, mutants: Sequence[Mutant]) -> None:
        self.runs: list[Run] = []
        self.left: list[int] | None = None
        """The numbers of those that no test noticed; None as long as the unchanged tests have not passed."""
        self._mutants = mutants

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """In the place of pytest's own loop."""
        files = {str(mutant.path) for mutant in self._mutants}
        self.runs = _unchanged(session, files)
        if not _succeeds(lambda: _loop(session, session.items), sum(run.seconds for run in self.runs)):
            return False
        self.left = []
        items, functions = {item.nodeid: item for item in session.items}, _functions(files)
        seconds = {run.name: run.seconds for run in self.runs}
        for number, mutant in enumerate(self._mutants):
            tests = tests_of(mutant, self.runs)
            code, chosen = mutant.compiled(), [items[run.name] for run in tests]

            def passes(
                mutant: Mutant = mutant, code: CodeType = code, chosen: list[pytest.Item] = chosen
            ) -> bool:
                _put_in_place(mutant, code, functions)
                return _loop(session, chosen, seconds)

            if not tests or _succeeds(passes, sum(run.seconds for run in tests)):
                self.left.append(number)
                os.write(_OUT, f"left: {mutant.line:4} {mutant.name}\n".encode())
        return True


def survivors(mutants: Sequence[Mutant], tests: Sequence[Path]) -> list[Mutant]:
    """Those that no test notices."""
    runs, left = _in_a_fork(lambda: _of_loaded_tests(mutants, tests))
    if left is None:
        raise SystemExit("the tests fail without any change; MUTANTS_LOG=FILE keeps what they say")
    return [mutants[number] for number in left if _survives_an_import(mutants[number], runs)]


def _of_loaded_tests(mutants: Sequence[Mutant], tests: Sequence[Path]) -> tuple[list[Run], list[int] | None]:
    mutating = Mutating(mutants)
    _pytest([str(path) for path in tests], mutating)
    return mutating.runs, mutating.left


def _survives_an_import(mutant: Mutant, runs: Sequence[Run]) -> bool:
    code, tests = mutant.compiled(), _sorted(mutant, [run for run in runs if _concerns(run, mutant)])

    def passes() -> bool:
        sys.meta_path.insert(0, _Loader(mutant, code))
        return _pytest([run.name for run in tests]) == 0

    return not tests or _succeeds(passes, 10 + sum(run.seconds for run in tests))


def tests_of(mutant: Mutant, runs: Sequence[Run]) -> list[Run]:
    """The tests that run the mutant's line, or of one outside of functions any line of its module."""
    file, lines = str(mutant.path), set(mutant.place.lines)
    if not mutant.place.in_function:
        return _sorted(mutant, [run for run in runs if _concerns(run, mutant)])
    return _sorted(mutant, [run for run in runs if run.lines[file] & lines])


def _concerns(run: Run, mutant: Mutant) -> bool:
    return bool(run.lines[str(mutant.path)]) or _is_own(run, mutant)


def _is_own(run: Run, mutant: Mutant) -> bool:
    """Whether a test is in the file of the module's tests."""
    return f"/test_{mutant.path.stem}.py::" in run.name


def _sorted(mutant: Mutant, runs: Sequence[Run]) -> list[Run]:
    """The module's own tests first, then the quick ones."""
    return sorted(runs, key=lambda run: (not _is_own(run, mutant), run.seconds))


def _unchanged(session: pytest.Session, files: set[str]) -> list[Run]:
    def run() -> tuple[bool, list[Run]]:
        trace = Trace(files)
        session.config.pluginmanager.register(trace)
        return _loop(session, session.items), trace.runs

    passed, runs = _in_a_fork(run)
    if not passed:
        os.write(_OUT, f"fails without any change: {runs[-1].name}\n".encode())
        raise SystemExit(1)
    return list(runs)


def _loop(
    session: pytest.Session, items: list[pytest.Item], seconds: Mapping[str, float] | None = None
) -> bool:
    """Run tests up to the first that fails, as pytest does. `seconds`: of each; much more ends this process."""
    for item, following in zip(items, [*items[1:], None], strict=True):
        if seconds is not None:
            signal.setitimer(signal.ITIMER_PROF, TIMES_LONGER * seconds[item.nodeid] + SECONDS_MORE_OF_ONE)
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.testsfailed:
            return False
    return True


def _pytest(words: Sequence[str], *plugins: object) -> int:
    # What was loaded before the forks cannot be rewritten any more, nor need it be.
    quiet = [
        "-x",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "-W",
        "ignore::pytest.PytestAssertRewriteWarning",
    ]
    return pytest.main([*quiet, *words], plugins=plugins)


def _functions(files: set[str]) -> Functions:
    """The live functions of some files, by where they begin."""
    found: Functions = defaultdict(list)
    for thing in gc.get_objects():
        if isinstance(thing, FunctionType) and thing.__code__.co_filename in files:
            found[_key(thing.__code__)].append(thing)
    return found


def _key(code: CodeType) -> tuple[str, int, str]:
    return code.co_filename, code.co_firstlineno, code.co_name


def _put_in_place(mutant: Mutant, changed: CodeType, functions: Functions) -> None:
    """Change the module that is loaded."""
    if mutant.place.in_function:
        for code in _codes(changed):
            for function in functions.get(_key(code), ()):
                if function.__code__ != code:
                    function.__code__ = code
        return
    loaded = sys.modules[".".join(("fitferry", *mutant.module.split("/")))]
    before, after = (_executed(code, loaded) for code in (_compiled(mutant.path), changed))
    for name, value in after.items():
        if isinstance(value, FunctionType) and value.__module__ == loaded.__name__:
            function = vars(loaded)[name]
            if isinstance(function, FunctionType):
                function.__defaults__, function.__kwdefaults__ = value.__defaults__, value.__kwdefaults__
        elif not name.startswith("__") and _shown(value) != _shown(before.get(name)):
            _rebind(loaded, name, value)


def _shown(value: object) -> str:
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)


def _compiled(path: Path) -> CodeType:
    return compile(path.read_text(encoding="utf-8"), str(path), "exec")


def _executed(code: CodeType, loaded: ModuleType) -> dict[str, Any]:
    names = {name: value for name, value in vars(loaded).items() if name.startswith("__")}
    exec(code, names)  # our own source
    return names


def _rebind(loaded: ModuleType, name: str, value: Any) -> None:
    old = getattr(loaded, name)
    for module in list(sys.modules.values()):
        if getattr(module, "__dict__", {}).get(name) is old and old is not None:
            setattr(module, name, value)


class _Loader(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads the changed module in the place of the one on the disk."""

    def __init__(self, mutant: Mutant, code: CodeType) -> None:
        self._name = ".".join(("fitferry", *mutant.module.split("/")))
        self._path, self._code = mutant.path, code

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002  # asked for by importlib
        target: ModuleType | None = None,  # noqa: ARG002  # the same
    ) -> ModuleSpec | None:
        """The module that is changed, and no other."""
        if fullname != self._name:
            return None
        places = [str(self._path.parent)] if self._path.stem == "__init__" else None
        return importlib.util.spec_from_file_location(
            fullname, self._path, loader=self, submodule_search_locations=places
        )

    def exec_module(self, module: ModuleType) -> None:
        """Run the changed code."""
        exec(self._code, module.__dict__)  # our own source


def _in_a_fork(work: Callable[[], Any]) -> Any:
    """What some work returns that is done in a fork, where nothing that it loads or starts is left behind."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        with os.fdopen(writing, "wb") as answer:
            _be_child(lambda: bool(answer.write(pickle.dumps(work()))), answer.close)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        said = answer.read()
    os.waitpid(child, 0)
    if not said:
        raise SystemExit("a fork ended without an answer; MUTANTS_LOG=FILE keeps what it said")
    return pickle.loads(said)


def _succeeds(passes: Callable[[], bool], seconds: float) -> bool:
    """Whether tests pass in a fork; those that compute much longer than `seconds`, or hang, fail."""
    bound = int(TIMES_LONGER * seconds + SECONDS_MORE)
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (bound, bound))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        _be_child(passes)
    waited, pause = 0.0, 0.001
    while waited < WAITING_SECONDS:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status == 0
        began = time.monotonic()
        time.sleep(pause)
        if not _is_computing(child):
            waited += time.monotonic() - began
        pause = min(2 * pause, 0.05)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def _is_computing(process: int) -> bool:
    """Whether a thread of a process runs, or would run if a processor were free."""
    try:
        threads = [path.read_text(encoding="utf-8") for path in Path(f"/proc/{process}/task").glob("*/stat")]
    except OSError:  # one has just ended
        return True
    return any(thread.rpartition(")")[2].split()[0] in "RD" for thread in threads)


def _be_child(work: Callable[[], bool], at_last: Callable[[], None] = lambda: None) -> NoReturn:
    os.setpgid(0, 0)
    log = os.open(LOG, os.O_RDWR | os.O_CREAT | os.O_APPEND)
    for handle in (0, 1, 2):
        os.dup2(log, handle)
    status = 99
    try:
        status = 0 if work() else 1
        at_last()
    except BaseException:  # noqa: BLE001  # whatever it is, the tests did not pass
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
