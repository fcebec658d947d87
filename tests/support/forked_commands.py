"""Commands of Fitferry, each in a fork of one process that has imported them: Python is started once for all.

`python forked_commands.py JSON`: a list of lists of words, as they follow `fitferry`. Prints a JSON list of
`[exit code, standard output, standard error]`. What a command raises is printed as the interpreter prints it;
the interpreter's own end, which takes ten times as long as most commands, is left out.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from importlib import import_module

from fitferry.__main__ import main
from fitferry.cli.main import MODULES


def _run() -> int:
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001  # printed, as the interpreter does
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


def _text(descriptor: int) -> str:
    written = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
    os.close(descriptor)
    return written.decode(errors="replace")


if __name__ == "__main__":
    for module in (*(f"fitferry.cli.{module}" for module in MODULES), "fitferry.daemon"):
        import_module(module)
    ended = []
    for words in json.loads(sys.argv[1]):
        stdout, stderr = os.memfd_create("stdout"), os.memfd_create("stderr")
        child = os.fork()
        if not child:
            for here, standard in ((os.open(os.devnull, os.O_RDONLY), 0), (stdout, 1), (stderr, 2)):
                os.dup2(here, standard)
            sys.argv[1:] = words
            os._exit(_run())
        _, status = os.waitpid(child, 0)
        ended.append([os.waitstatus_to_exitcode(status), _text(stdout), _text(stderr)])
    json.dump(ended, sys.stdout)
