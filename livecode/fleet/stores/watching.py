"""Watches that outlive their connections.

A store says how to `dial` a `Line`, on which notices arrive. The watch dials again when a line is lost, ever more
slowly, and says so twice: when it was lost (so that whoever waits finds out that the store is away), and when there
is a new one (because what was published in between went unheard).
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Protocol

from livecode.errors import StoreError

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 2.0
"""Pauses between two attempts to dial; each is about twice the one before."""

POLL_S, IDLE_POLL_S = 0.1, 0.2
"""How often a store is asked that cannot notify: while people are at work, and else. Each question costs a worker about
0.1 ms, most of it for waking up, and a worker that waits may cost a thousandth of a core."""

BRISK_S = 60.0
"""How long after a notice people count as being at work."""


class Line(Protocol):
    """One connection on which notices arrive. It belongs to one thread, except for `close`."""

    def hear(self, timeout_s: float) -> bool:
        """True as soon as something was published since the line was made, or since it last returned True.

        Raises:
            StoreError: The line is lost.
        """

    def close(self) -> None:
        """Lets it go; a `hear` that is under way ends soon, with whatever result."""


class LineWatch:
    """A `livecode.fleet.store.Watch` on lines.

    Args:
        dial: Makes a line, on which everything is heard that is published after `dial` began. StoreError if it cannot.
        closed: Called with this watch when it is closed.
    """

    def __init__(self, dial: Callable[[], Line], closed: Callable[[LineWatch], None]) -> None:
        self._dial, self._on_close = dial, closed
        self._line: Line | None = None
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._pause_s = FIRST_PAUSE_S
        self._again_at = 0.0
        self._dialled()  # now, so that nothing that is published after the watch was made is missed

    def wait(self, timeout_s: float) -> bool:
        """True as soon as there is a reason to look; see `livecode.fleet.store.Watch`."""
        deadline = time.monotonic() + timeout_s
        while not self._closed.is_set():
            now = time.monotonic()
            left_s = max(deadline - now, 0.0)
            if self._line is not None:
                if self._heard(self._line, left_s):
                    return not self._closed.is_set()
            elif now < self._again_at:
                self._closed.wait(min(left_s, self._again_at - now))
            elif self._dialled():
                return True
            if time.monotonic() >= deadline:
                return False
        return False

    def close(self) -> None:
        """Ends a wait that is under way, and lets the line go."""
        self._closed.set()
        with self._lock:
            if self._line is not None:
                self._line.close()
        self._on_close(self)

    def _heard(self, line: Line, timeout_s: float) -> bool:
        try:
            heard = line.hear(timeout_s)
        except StoreError:
            line.close()
            self._line = None
            self._pause()
            return True
        self._pause_s = FIRST_PAUSE_S  # only now: a store that accepts and hangs up must not be dialled without pause
        return heard

    def _dialled(self) -> bool:
        try:
            line = self._dial()
        except StoreError:
            self._pause()
            return False
        with self._lock:
            if self._closed.is_set():
                line.close()
                return False
            self._line = line
        return True

    def _pause(self) -> None:
        """Not all at once: every worker of every machine lost its line at the same moment."""
        self._again_at = time.monotonic() + self._pause_s * random.uniform(0.5, 1.5)
        self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)


class PolledLine:
    """A line to a store that cannot notify: it is asked every so often, less often when nothing was published lately.

    Args:
        ask: What changes whenever something was published. StoreError when there is no answer.
        let_go: Ends what `ask` needs.
    """

    def __init__(self, ask: Callable[[], object], let_go: Callable[[], None]) -> None:
        self._ask, self._let_go = ask, let_go
        self._closed = False
        self._brisk_until = 0.0
        try:
            self._seen = ask()
        except StoreError:
            let_go()
            raise
        self._due = time.monotonic() + POLL_S

    def hear(self, timeout_s: float) -> bool:
        """True when the answer is another one."""
        deadline = time.monotonic() + timeout_s
        while not self._closed:
            pause_s = min(self._due, deadline) - time.monotonic()
            if pause_s > 0:
                time.sleep(pause_s)  # a closed line wakes by itself soon: an event to wait for costs more than it saves
            now = time.monotonic()
            if now >= self._due and not self._closed and self._asked(now):
                return True
            if now >= deadline:
                break
        return False

    def close(self) -> None:
        """Ends `hear`."""
        self._closed = True
        self._let_go()

    def _asked(self, now: float) -> bool:
        """Whether the answer is another one now."""
        before, self._seen = self._seen, self._ask()
        if news := self._seen != before:
            self._brisk_until = now + BRISK_S
        self._due = now + (POLL_S if now < self._brisk_until else IDLE_POLL_S)
        return news


class Watches:
    """The watches of one store, which end with it."""

    def __init__(self) -> None:
        self._open: set[LineWatch] = set()
        self._lock = threading.Lock()

    def open(self, dial: Callable[[], Line]) -> LineWatch:
        """A new watch on such lines."""
        watch = LineWatch(dial, self._forget)
        with self._lock:
            self._open.add(watch)
        return watch

    def close(self) -> None:
        """Ends all of them."""
        with self._lock:
            watches = tuple(self._open)
        for watch in watches:
            watch.close()

    def _forget(self, watch: LineWatch) -> None:
        with self._lock:
            self._open.discard(watch)
