"""Looking again and again, for file systems that do not tell of every change."""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import replace

from livecode.front.watching.lookout import POLL_S, Seen
from livecode.front.watching.sieve import Sieve
from livecode.front.watching.tree import Stamp, Tree, differences, walk

SHARE = 20
"""A look is followed by a pause that is so many times longer, so that it takes a twentieth of a core at most."""

COARSE_S = 2.5
"""For so long after a change, the content tells of another one: FAT and some shares count time in steps of 2 s."""

QUIET_S = 0.05


class PollingLookout:
    """Walks through the folder every now and then.

    Args:
        folder: The real path of what is watched.
        every_s: Seconds between two looks.
    """

    def __init__(self, folder: str, every_s: float = POLL_S) -> None:
        self.quiet_s = QUIET_S
        self._folder, self._every_s, self._took_s = folder, every_s, 0.0
        self._sieve = Sieve(folder)
        self._tree: Tree | None = None
        self._young: dict[str, float] = {}
        self._woken = threading.Event()

    def scan(self, sieve: Sieve) -> Tree:
        self._sieve = sieve
        self._tree = self._look()
        return self._tree

    def wait(self, timeout_s: float | None) -> Seen:
        until = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            pause = max(self._every_s, self._took_s * SHARE)
            left = pause if until is None else min(pause, max(until - time.monotonic(), 0.0))
            if self._woken.wait(left):
                self._woken.clear()
                return Seen()
            if seen := self._compare():
                return seen
            if until is not None and time.monotonic() >= until:
                return Seen()

    def wake(self) -> None:
        self._woken.set()

    def close(self) -> None:
        self._young.clear()

    def abandon(self) -> None:
        """It holds nothing."""

    def _compare(self) -> Seen:
        before = self._tree
        try:
            after = self._look()
        except FileNotFoundError:
            self._tree = None
            return Seen(gone=before is not None, anew=before is not None)
        self._tree = after
        if before is None:
            return Seen(anew=True)
        paths = frozenset(differences(before.sources, after.sources))
        return Seen(paths, anew=before.rules != after.rules)

    def _look(self) -> Tree:
        began = time.monotonic()
        tree = walk(self._folder, self._sieve)
        before = self._tree.sources if self._tree is not None else {}
        for path, stamp in tree.sources.items():
            tree.sources[path] = self._told(path, stamp, before.get(path), began)
        self._took_s = time.monotonic() - began
        return tree

    def _told(self, path: str, stamp: Stamp, before: Stamp | None, now: float) -> Stamp:
        """The stamp, with the content of a file that changed a moment ago."""
        if before is not None and replace(before, content=b"") == stamp:
            if now - self._young.get(path, -COARSE_S) >= COARSE_S:
                self._young.pop(path, None)
                return before
        elif self._tree is not None or time.time() - stamp.mtime_ns / 1e9 < COARSE_S:
            self._young[path] = now
        else:
            return stamp
        return replace(stamp, content=_digest(path))


def _digest(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError:
        return b""
