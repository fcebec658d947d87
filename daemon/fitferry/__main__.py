"""`python -m fitferry`, and the command."""

from __future__ import annotations

import sys


def main() -> None:
    """Run a command. `--version` alone imports next to nothing."""
    if sys.argv[1:] == ["--version"]:
        from fitferry import __version__  # noqa: PLC0415  # the quick way

        sys.stdout.write(f"fitferry {__version__}\n")
        return
    from fitferry.cli.main import main as command  # noqa: PLC0415  # only when it is needed

    command()


if __name__ == "__main__":
    main()
