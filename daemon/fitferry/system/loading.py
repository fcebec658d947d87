"""How modules are loaded: without garbage being looked for, and without others that they import but seldom use."""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from types import ModuleType

_LATER = (
    "asyncio",
    "bz2",
    "difflib",
    "getopt",
    "gzip",
    "idna",
    "importlib.metadata",
    "ipaddress",
    "locale",
    "lzma",
    "mimetypes",
    "secrets",
    "selectors",
    "shutil",
    "subprocess",
    "textwrap",
    "unicodedata",
)
"""Modules that libraries import for what a command, or the daemon, does seldom or never."""


@contextlib.contextmanager
def loading(absent: Iterable[str] = ()) -> Iterator[None]:
    """Let modules be loaded as if libraries (`absent`) were not installed, others later, and no garbage looked for.

    There is none, and looking for it takes up to a quarter of the time. What is loaded stays, so it is left out
    afterwards.
    """
    gc.disable()
    given: dict[str, ModuleType | None] = dict.fromkeys(absent)  # None: Python's own sign for "not to be had"
    given |= {name: _stand_in(name) for name in _LATER}
    given = {name: module for name, module in given.items() if name not in sys.modules}
    sys.modules.update(given)  # type: ignore[arg-type]  # None is that sign
    try:
        yield
    finally:
        for name, module in given.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]
        gc.enable()
        gc.freeze()


def _stand_in(name: str) -> ModuleType:
    """A module in the place of one that is imported when something of it is first used."""
    module = ModuleType(name)
    package, _, rest = name.rpartition(".")
    if package:
        setattr(import_module(package), rest, module)

    def of_the_real_one(wanted: str) -> object:
        if sys.modules.get(name) is module:
            del sys.modules[name]
        return getattr(import_module(name), wanted)

    module.__getattr__ = of_the_real_one  # type: ignore[method-assign]  # a module's way to say so, PEP 562
    return module
