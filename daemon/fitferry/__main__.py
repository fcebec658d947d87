"""`python -m fitferry`, and the command."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run a command. `--version` and `health` alone import next to nothing."""
    words = sys.argv[1:]
    if words == ["--version"]:
        from fitferry import __version__  # noqa: PLC0415  # the quick way

        sys.stdout.write(f"fitferry {__version__}\n")
        return
    if words[-1:] == ["health"]:
        from fitferry.cli import quick_health  # noqa: PLC0415  # the same

        asked, option = quick_health.asked_for(words)
        if asked and quick_health.is_healthy(option, os.environ):
            return
    from fitferry.cli.main import main as command  # noqa: PLC0415  # only when it is needed

    command()


if __name__ == "__main__":
    main()
