"""When the saves that belong together are over: a burst is one transaction. PURE: the clock is an argument.

One save alone is over after a moment. The more files are saved, and the longer it takes from one to the next, the
longer the silence that is waited for: a formatter pauses at a long file, a checkout on a slow disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass, field

QUIET_S = 0.015
"""One file was saved, and nothing else for this long. Editors save all of their files within less."""

MAX_QUIET_S = 0.4
"""No burst is waited for longer than this, where it pauses."""

GAPS = 3
"""The silence at its end is so many times longer than the longest pause in a burst."""

BOUND_S = 2.0
"""A burst that does not end is pushed after this, as far as it came."""

BUSY_BOUND_S = 30.0
"""The same while somebody says that there is more to come: git, in the middle of a checkout."""


@dataclass(slots=True)
class Burst:
    """Saves that come one after the other, from the first one on.

    Attributes:
        quiet_s: The least silence at its end.
        paths: What was saved.
        writing: Files that were made and are still open for writing.
    """

    quiet_s: float = QUIET_S
    paths: set[str] = field(default_factory=set)
    writing: set[str] = field(default_factory=set)
    _first: float = 0.0
    _last: float = 0.0
    _gap: float = 0.0

    def add(self, now: float, paths: Iterable[str], writing: Set[str] = frozenset()) -> None:
        """Something more was saved.

        Args:
            now: Seconds of any clock that does not go back.
            paths: What.
            writing: Which files are still being written, of all.
        """
        if not self.paths:
            self._first = self._last = now
        self._gap = max(self._gap, now - self._last)
        self._last = now
        self.paths.update(paths)
        self.writing = set(writing)

    def wait_from(self, now: float) -> None:
        """Whoever was busy is not any more: what they saved last may not have been noticed yet."""
        self._first = self._last = now

    @property
    def silence_s(self) -> float:
        """How long nothing is saved when it is over."""
        if len(self.paths) <= 1:
            return self.quiet_s
        wanted = max(self.quiet_s * 2.0 ** min(len(self.paths) - 1, 4), self._gap * GAPS)
        return max(self.quiet_s, min(wanted, MAX_QUIET_S))

    def left_s(self, now: float, *, busy: bool = False) -> float:
        """How long to wait for more; 0 or less if it is over.

        Args:
            now: By the same clock.
            busy: True if somebody says that there is more to come.
        """
        until = self._first + (BUSY_BOUND_S if busy else BOUND_S)
        if busy or self.writing:
            return until - now
        return min(self._last + self.silence_s, until) - now
