"""What in this process can come between the steps of a commit, although they are done in one C call.

audit hooks     CPython calls them for every assignment of a function's code; a hook in Python runs bytecode, and
                between two bytecodes the interpreter may switch threads
no GIL          a free-threaded build runs other threads at the same time

Nothing lists the hooks. A hook costs time at every event, so an event that nobody knows is raised and timed against
a call that is known; only if that is suspicious is it tried whether another thread gets its turn meanwhile.
"""

from __future__ import annotations

import operator
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import repeat

from livecode.live.quiet import do_at_once

EVENT = "livecode.probe"
ROUNDS = 5
CALLS = 100
SUSPICIOUS = 3.0
"""An event costs about as much as the call that it is compared with if nobody listens; with a hook 6 times or more."""

WATCH_S = 0.005
"""What an event is taken to cost if the hook raises."""

EVENTS = 1000
"""How many events are raised to see whether another thread gets its turn."""

WAITS_S = (0.0, 0.002, 0.01, 0.05)
"""How long the other thread is given, in one try after the other, to ask for its turn: a busy machine wakes it late."""

ENOUGH = 5
"""So often it is tried; one busy moment proves nothing."""

_STEP_S = 5e-9
"""About what one step of an idle loop in C takes."""

HOLD_S = 0.01
"""At least this long the commit has the interpreter for itself if there is a hook."""

MAX_HOLD_S = 0.5


class Listener:
    """What is known about audit hooks: they can be added, but never taken away."""

    def __init__(self) -> None:
        self.certain = False
        self._plain_s = 0.0  # the least that the known call ever took
        self._harmless = 0  # how often no other thread got its turn although events cost something

    def event_s(self) -> float:
        """What one audit event costs here, in seconds; 0.0 if no Python code listens."""
        if not self.certain and self._is_clear():
            return 0.0
        cost = _fastest(sys.audit)
        if cost is None:  # it raised: somebody listens, and dislikes it
            self.certain = True
            return WATCH_S
        if not self.certain and cost > SUSPICIOUS * self._plain():
            self._try()
        return cost if self.certain else 0.0

    def _try(self) -> None:
        if self._harmless < ENOUGH:  # after that it is a hook that is no Python code
            self.certain = any(map(lets_others_run, WAITS_S))
            self._harmless += 1

    def _is_clear(self) -> bool:
        """True if already the first events are as cheap as the known call was when it was cheapest."""
        cost = _fastest(sys.audit, rounds=1)
        return cost is not None and cost <= SUSPICIOUS * self._plain_s

    def _plain(self) -> float:
        plain = _fastest(sys.intern) or 0.0
        self._plain_s = min(self._plain_s, plain) if self._plain_s else plain
        return plain


def runs_without_gil() -> bool:
    """True on a free-threaded build, unless the GIL was switched on."""
    asked: Callable[[], bool] | None = getattr(sys, "_is_gil_enabled", None)
    return asked is not None and not asked()


class Alone:
    """Gives the interpreter to one thread for a while, as often as it is asked to.

    A thread that waits for the GIL asks for it after the switch interval, which it reads when it begins to wait. So
    the interval is made long, all that wait are given the time to begin anew, and then the GIL is taken freshly:
    whoever waits now has begun after that, or sees that it was handed on meanwhile and begins once more.
    Source: `take_gil` in CPython's ceval_gil.c.

    Attributes:
        kept: False if it took longer than was held for, the last time.
    """

    def __init__(self, needed_s: float) -> None:
        self._held_s = min(max(HOLD_S, needed_s), MAX_HOLD_S)
        self.kept = True

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Meanwhile no other thread runs, unless the work inside waits."""
        before = sys.getswitchinterval()
        sys.setswitchinterval(max(before, self._held_s))
        try:
            time.sleep(2 * before + 1e-4)
            start = time.perf_counter()
            yield
            self.kept = time.perf_counter() - start < self._held_s
        finally:
            sys.setswitchinterval(before)


def _fastest(call: Callable[[str], object], rounds: int = ROUNDS) -> float | None:
    """What one call takes, in seconds; None if it raises."""
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        try:
            deque(map(call, repeat(EVENT, CALLS)), maxlen=0)
        except Exception:
            return None
        best = min(best, time.perf_counter() - start)
    return best / CALLS


def lets_others_run(wait_s: float) -> bool:
    """True if another thread runs while events are raised in one C call: only bytecode gives it a chance to.

    Args:
        wait_s: How long the other thread has before that to ask for its turn.
    """
    turns, stop, going = [0], threading.Event(), threading.Event()

    def count() -> None:
        going.set()
        while not stop.is_set():
            turns[0] += 1

    thread = threading.Thread(target=count, name="livecode-probe", daemon=True)
    before, seen = sys.getswitchinterval(), list[int]()
    look = partial(seen.extend, turns)
    waiting: Callable[[], object] = partial(deque, repeat(None, int(wait_s / _STEP_S)), 0)
    raising: Callable[[], object] = partial(deque, map(operator.call, repeat(partial(sys.audit, EVENT), EVENTS)), 0)
    sys.setswitchinterval(1e-6)
    try:
        thread.start()
        going.wait()
        do_at_once([look, waiting, raising, look])
    finally:
        sys.setswitchinterval(before)
        stop.set()
        thread.join()
    return seen[0] != seen[-1]
