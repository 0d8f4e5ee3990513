"""What a Report is as an HTTP status, and what is left out of what is told. Pure.

200  LIVE, SAME, READY, CANARY
409  REFUSED because of what others do or did (LC406, LC407), UNDONE because somebody else published meanwhile
422  NOT SENT, REFUSED, ROLLED BACK, UNDONE: the sources cannot become live as they are
500  HALTED: a worker must be restarted
504  UNKNOWN: a worker did not answer
"""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from livecode.errors import (
    LivecodeError,
    ProtocolError,
    ServiceNotFoundError,
    StoreError,
    UsageError,
    WorkerLostError,
)
from livecode.http.exchange import Problem
from livecode.model.report import Report, Verdict

CONFLICTS = frozenset({"LC406", "LC407"})
"""Refusals that come from what somebody else does, or did meanwhile: the same request may do later."""

_STATUS = {
    Verdict.LIVE: 200,
    Verdict.SAME: 200,
    Verdict.READY: 200,
    Verdict.CANARY: 200,
    Verdict.NOT_SENT: 422,
    Verdict.REFUSED: 422,
    Verdict.ROLLED_BACK: 422,
    Verdict.UNDONE: 422,
    Verdict.HALTED: 500,
    Verdict.UNKNOWN: 504,
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a route says.

    Attributes:
        status: Of the response.
        plain: As JSON.
        text: The same for people; None where there is nothing but the JSON.
        said: For the log of the server: the verdict.
    """

    status: int
    plain: Any
    text: Callable[[], str] | None = None
    said: str = ""


def status_of(report: Report) -> int:
    """The status of the response that carries this Report."""
    if report.verdict in (Verdict.REFUSED, Verdict.UNDONE) and _is_conflict(report):
        return 409
    return _STATUS[report.verdict]


def _is_conflict(report: Report) -> bool:
    refusals = [*report.refusals, *(each for outcome in report.outcomes for each in outcome.refusals)]
    failures = [outcome.failure.type for outcome in report.outcomes if outcome.failure is not None]
    return any(each.code in CONFLICTS for each in refusals) or "StaleBaseError" in failures


def problem_of(error: LivecodeError) -> Problem:
    """What is told of an error: what it means for the caller, without the paths and addresses of this machine."""
    match error:
        case UsageError():
            return Problem(400, str(error), "see openapi.json for what is accepted")
        case ServiceNotFoundError():
            return Problem(503, "no worker of the service is listening", "is livecode.listen() reached in the service?")
        case WorkerLostError():
            return Problem(504, "a worker went away, or did not answer in time", "GET /status says what runs")
        case ProtocolError():
            return Problem(502, "a worker runs another version of livecode", "restart the workers of the service")
        case StoreError():
            what = "the log of the service cannot be reached: nothing was changed, or it is taken back"
            return Problem(503, what, "try again; the server's log says why")
    return Problem(503, "the door of a worker cannot be opened", "the server's log says why")


_AS_IT_IS = frozenset({"source", "text", "diff", "reason"})
"""Fields that hold what somebody has written: that is told as it was written."""


class Hidden:
    """Says paths of this machine from their last known folder on: ``/srv/app/shop/a.py`` as ``app/shop/a.py``.

    Args:
        folders: More folders whose place is nobody's business.
    """

    def __init__(self, folders: Iterable[str] = ()) -> None:
        everywhere = (
            os.getcwd(),
            sys.prefix,
            sys.base_prefix,
            os.path.expanduser("~"),
            *sysconfig.get_paths().values(),
        )
        known = {os.path.normpath(each) for each in (*folders, *everywhere) if os.path.isabs(each)}
        known |= {os.path.realpath(each) for each in known}
        told = [each for each in known if os.path.dirname(each) != each]
        self._longest_first = tuple(sorted(told, key=len, reverse=True))

    def text(self, text: str) -> str:
        """A text without them."""
        for folder in self._longest_first if os.sep in text else ():
            if folder in text:
                text = text.replace(folder + os.sep, os.path.basename(folder) + os.sep)
                text = os.path.basename(folder) if text == folder else text
        return text

    def plain(self, plain: Any) -> Any:
        """A JSON value without them."""
        if isinstance(plain, str):
            return self.text(plain)
        if isinstance(plain, list):
            return [self.plain(each) for each in plain]
        if isinstance(plain, Mapping):
            return {name: each if name in _AS_IT_IS else self.plain(each) for name, each in plain.items()}
        return plain
