"""Watches that outlive their connections.

A store says how to `dial` a `Line`, on which notices arrive. The watch dials again when a line is lost, ever more
slowly, and says so twice: when it was lost (so that whoever waits finds out that the store is away), and when there
is a new one (because what was published in between went unheard).
"""

from __future__ import annotations

import random
import threading
import time
import weakref
from collections.abc import Callable
from typing import Protocol

from livecode.errors import StoreError

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 2.0
"""Pauses between two attempts to dial; each is about twice the one before."""


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
    """

    def __init__(self, dial: Callable[[], Line]) -> None:
        self._dial = dial
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
    """A line to a store that cannot notify: it is asked every so often.

    Args:
        ask: What changes whenever something was published. StoreError when there is no answer.
        every_s: How often.
    """

    def __init__(self, ask: Callable[[], object], every_s: float) -> None:
        self._ask, self._every_s = ask, every_s
        self._closed = threading.Event()
        self._seen = ask()
        self._due = time.monotonic() + every_s

    def hear(self, timeout_s: float) -> bool:
        """True when the answer is another one."""
        deadline = time.monotonic() + timeout_s
        while True:
            pause_s = min(self._due, deadline) - time.monotonic()
            if pause_s > 0 and self._closed.wait(pause_s):
                return False
            if (now := time.monotonic()) >= self._due:
                self._due = now + self._every_s
                before, self._seen = self._seen, self._ask()
                if self._seen != before:
                    return True
            if now >= deadline:
                return False

    def close(self) -> None:
        """Ends `hear`."""
        self._closed.set()


class Watches:
    """The watches of one store, which end with it."""

    def __init__(self) -> None:
        self._open: weakref.WeakSet[LineWatch] = weakref.WeakSet()
        self._lock = threading.Lock()

    def open(self, dial: Callable[[], Line]) -> LineWatch:
        """A new watch on such lines."""
        watch = LineWatch(dial)
        with self._lock:
            self._open.add(watch)
        return watch

    def close(self) -> None:
        """Ends all of them."""
        with self._lock:
            watches = tuple(self._open)
        for watch in watches:
            watch.close()
