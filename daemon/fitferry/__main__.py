"""`python -m fitferry`, and the command."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence

_INTERRUPTED = 130
"""Exit code after Ctrl-C before the daemon listens to signals."""


def main() -> None:
    """Run a command. `--version`, `health` and `run` by themselves import as little as they can."""
    command, option = plain_command(sys.argv[1:])
    if command == "--version":
        from fitferry import __version__  # noqa: PLC0415  # the quick way

        with contextlib.suppress(OSError):  # nobody takes it: the ordinary command says why
            os.write(1, f"fitferry {__version__}\n".encode())
            return
    from fitferry.system.loading import loading  # noqa: PLC0415  # the same

    if command == "health":
        with loading():
            from fitferry.cli import quick_health  # noqa: PLC0415  # the same

        if quick_health.is_healthy(option, os.environ):
            return
    if command == "run" and _has_run(option):
        return
    with loading():
        from fitferry.cli.main import main as command_line  # noqa: PLC0415  # only when it is needed
    command_line()


def plain_command(words: Sequence[str]) -> tuple[str, str | None]:
    """The command of a line without further options, "" of any other; and the settings file that is named."""
    match list(words):
        case [command]:
            return command, None
        case ["-c" | "--config", path, command]:
            return command, path
        case _:
            return "", None


def _has_run(option: str | None) -> bool:
    from fitferry.system.loading import loading  # noqa: PLC0415  # the quick way

    with loading():
        from fitferry.cli import quick_run  # noqa: PLC0415  # the same
        from fitferry.core.errors import FitferryError  # noqa: PLC0415  # the same

    try:
        return quick_run.has_run(option)
    except FitferryError as error:
        from fitferry.cli.main import end_with  # noqa: PLC0415  # only when it is needed

        end_with(error)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
