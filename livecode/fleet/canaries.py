"""A canary that is under way, seen and decided by somebody else than who pushes it.

Whoever pushes it says in the store, every second, how it is doing. What others want of it they say there, too; the
pusher hears it within a second, and does it as if its time were over.

    pusher    attempt ── show, show, show ──▶ settle or take back ──▶ its report is withdrawn
    others                under_way ── decide ── … wait for that ──▶ what became of it
"""

from __future__ import annotations

import socket
import time

from livecode.errors import DoorError, UsageError
from livecode.fleet.log import Log, is_dead
from livecode.model.log import CanaryNow, Stage, State, Wish
from livecode.model.pushes import LoggedPush, generations_for, pushes_of

HEARD_S = 15.0
"""Within this a pusher that is there has heard a wish, also where it waits for a worker that does not answer."""
DONE_S = 60.0
"""Within this what follows from it is done on all workers."""
LOOK_S = 0.1
NO_CANARY = "no canary is under way: it was decided already, or never began; %hotlog shows what became of it"


def under_way(log: Log) -> CanaryNow | None:
    """The canary that runs at this moment, as its pusher saw it last; None if there is none.

    Raises:
        StoreError: The store cannot be reached.
    """
    state = log.state()
    report = log.report_of(state.trial.pusher) if _is_canary(state) and state.trial is not None else None
    return report.canary if report is not None else None


def decide(log: Log, wish: Wish, author: str = "", reason: str = "") -> LoggedPush:
    """What became of the canary that runs at this moment, after its pusher did what is wished.

    Args:
        log: Of the service.
        wish: What is wanted.
        author: Who wants it.
        reason: Why.

    Raises:
        UsageError: No canary runs.
        DoorError: Its pusher did not do it in time.
        StoreError: The store cannot be reached.
    """
    state = log.state()
    if not _is_canary(state) or state.trial is None:
        raise UsageError(NO_CANARY)
    log.wish(state, wish, author, reason)
    _wait_for(log, state, state.trial.pusher)
    return next(push for push in pushes_of(log.history(generations_for(10))) if push.began == state.began)


def _wait_for(log: Log, asked: State, pusher: str) -> None:
    """Returns when it is decided, and its pusher has nothing left to do, or is no more."""
    heard_until, done_until = time.monotonic() + HEARD_S, time.monotonic() + DONE_S
    while True:
        report, undecided = log.report_of(pusher), log.state().generation == asked.generation
        if not undecided and (report is None or is_dead(report, socket.gethostname())):
            return
        if time.monotonic() > (heard_until if undecided else done_until):
            who, what = asked.author or "who pushes it", ", ".join(asked.modules)
            raise DoorError(f"{who} was asked, and does not answer: what becomes of {what} is in the log (%hotlog)")
        time.sleep(LOOK_S)


def _is_canary(state: State) -> bool:
    return state.trial is not None and state.trial.stage is Stage.CANARY
