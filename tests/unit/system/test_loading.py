"""Modules that are loaded only when something of them is first used."""

from __future__ import annotations

import subprocess
import sys


def said(code: str) -> list[str]:
    """What a fresh Python prints, word by word."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_what_is_seldom_used_is_loaded_when_it_is_used() -> None:
    """Also a module of a package, and by whoever imported it while others were loaded."""
    code = """
import gc, sys
from fitferry.system.loading import loading

with loading(["absent_library"]):
    import flask.cli, structlog.stdlib
    try:
        import absent_library
    except ImportError:
        print("absent")
print("asyncio" in sys.modules, "importlib.metadata" in sys.modules, "absent_library" in sys.modules)
print(structlog.stdlib.asyncio.iscoroutine(1), flask.cli.importlib.metadata.version("flask")[0], gc.isenabled())
import asyncio, importlib.metadata
print(asyncio is sys.modules["asyncio"], structlog.stdlib.asyncio.Event is asyncio.Event)
"""
    assert said(code) == ["absent", *["False"] * 3, "False", "3", "True", "True", "True"]


def test_the_pages_libraries_take_nothing_along_that_only_their_commands_need() -> None:
    """2 MB for as long as the daemon lives."""
    code = """
import sys
from fitferry.system.loading import loading

with loading():
    import fitferry.web.flask_app
print(*[name for name in ("asyncio", "csv", "importlib.metadata", "subprocess") if name in sys.modules])
"""
    assert said(code) == []
