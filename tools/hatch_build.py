"""Hatch's hook: a wheel, and an editable install, holds the compiled translations."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).parent))
from compile_translations import TRANSLATIONS, compile_all  # the line above finds it


class CompileTranslations(BuildHookInterface):  # type: ignore[misc]  # not everybody who checks has Hatch
    """Runs before what goes into the wheel is gathered."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  # the interface has it
        """Compile, and have Hatch take along what Git ignores."""
        root = Path(self.root)
        compiled = compile_all(root / TRANSLATIONS)
        build_data["artifacts"] += [f"/{path.relative_to(root).as_posix()}" for path in compiled]
