"""Each change of how things are, in the log: problems as they come and go, and the state with its reason."""

from __future__ import annotations

import structlog

from fitferry.core.messages import Message, strava, uploads, web
from fitferry.core.problems import Problem
from fitferry.core.upload import Status
from fitferry.monitoring.status import Snapshot, State

_log = structlog.get_logger()


class StateLog:
    """What was logged last of how things are."""

    def __init__(self) -> None:
        self._problems: dict[str, Problem] = {}
        self._state: State | None = None

    def update(self, snapshot: Snapshot) -> None:
        """Log what is another than before."""
        found = {problem.key: problem for problem in snapshot.problems}
        for key, problem in self._problems.items():
            if key not in found:
                _log.info("problem", outcome="resolved", problem=problem.code, athlete=problem.athlete)
        for key, problem in found.items():
            if key not in self._problems:
                _log.warning(
                    "problem",
                    outcome="found",
                    problem=problem.code,
                    athlete=problem.athlete,
                    reason=problem.message,
                )
        if snapshot.state is not self._state:
            _log.info("state", outcome=snapshot.state, reason=_reason(snapshot))
        self._problems, self._state = found, snapshot.state


def _reason(snapshot: Snapshot) -> Message | None:
    """Why things are as they are."""
    if snapshot.state is State.OK:
        return None
    if snapshot.state is State.WAITING:
        return strava.USED_UP() if snapshot.held_until else uploads.WAITING_NETWORK()
    if snapshot.problems:
        return snapshot.problems[0].what
    return web.FAILED_COUNT(count=snapshot.queue[Status.FAILED])
