"""What the system says went wrong, for people."""

from __future__ import annotations

import errno
import os
import socket

import pytest

from fitferry.core.errors import PlannedOSError
from fitferry.core.messages import Message, system, verbatim

PLANNED = Message("unit_bytes", (("count", 1),))


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (PlannedOSError(errno.ENOENT, PLANNED), PLANNED),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), system.NO_SPACE()),
        (OSError(errno.ENOSPC, None), system.NO_SPACE()),
        (OSError(errno.ENOSPC, "no room in the archive"), verbatim("no room in the archive")),
        (OSError(errno.EXDEV, "Invalid cross-device link"), verbatim("Invalid cross-device link")),
        (OSError("closed"), verbatim("closed")),
        (OSError(errno.EXDEV, None), verbatim("[Errno 18] None")),
        (TimeoutError(), verbatim("TimeoutError")),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), system.NAME_UNKNOWN()),
        (
            socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"),
            system.NAME_FAILED(),
        ),
    ],
)
def test_the_usual_errors_are_messages_and_others_are_shown_as_they_are(
    error: OSError, message: Message
) -> None:
    """So that they can be translated; an error that says more than its number is not cut short."""
    assert system.from_os_error(error) == message
