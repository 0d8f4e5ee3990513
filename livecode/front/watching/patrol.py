"""From what is noticed to batches: saves that belong together, with files given the time to come back."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from livecode.errors import UsageError
from livecode.front.sources import shown_path
from livecode.front.watching.batch import is_there, listing
from livecode.front.watching.burst import Burst
from livecode.front.watching.git import Repository
from livecode.front.watching.lookout import Means, Seen, look_out, polling_because
from livecode.front.watching.sieve import Sieve
from livecode.front.watching.tree import Tree, differences

GONE_S = 1.0
"""A file that is back within this was never gone: checkouts and editors remove files to write them anew."""

GIT_S = 0.03
"""How often git is asked whether it is still changing files."""

AWAY_S = 1.0
"""How often a folder that vanished is looked for."""


class Patrol:
    """The saves below a folder. Used by one thread; only `wake` is called by others.

    Args:
        folder: Its real path.
        patterns: The user's filter.
        poll_s: Seconds between two looks, for who wants polling.
        note: Told what somebody should know: how it is watched if not by events, that the folder vanished.

    Raises:
        UsageError: The folder holds too much, or a pattern cannot be meant.
        OSError: It cannot be looked into.
    """

    def __init__(self, folder: str, patterns: Iterable[str], poll_s: float | None, note: Callable[[str], None]) -> None:
        self.folder, self._patterns, self._note = folder, tuple(patterns), note
        self._git = Repository(folder)
        self._missing: dict[str, float] = {}
        self._is_away, self._said = False, ""
        self.tree = Tree()
        self._chosen = look_out(folder, poll_s)
        try:
            self._scan()
        except BaseException:
            self._chosen.lookout.close()
            raise
        self._say_why()

    @property
    def means(self) -> str:
        """``events`` or ``polling``."""
        return self._chosen.means.value

    @property
    def why(self) -> str:
        """Why it is not the first choice; empty if it is."""
        return self._chosen.why

    def next_batch(self, timeout_s: float | None) -> set[str]:
        """The next saves that belong together; nothing if the time is over first, or `wake` was called.

        Args:
            timeout_s: Seconds to wait for the first one.
        """
        burst = Burst(self._chosen.lookout.quiet_s)
        if not self._gather(burst, timeout_s):
            return set()
        busy = False
        while True:
            was_busy, busy = busy, self._git.is_busy
            if was_busy and not busy:
                burst.wait_from(time.monotonic())
            if (left := burst.left_s(time.monotonic(), busy=busy)) <= 0:
                break
            self._gather(burst, min(left, GIT_S) if busy else left)
        return self._there_or_long_gone(burst.paths)

    def since(self, when: float) -> set[str]:
        """The sources that were changed after that time, in seconds since the epoch."""
        return {path for path, stamp in self.tree.sources.items() if stamp.mtime_ns / 1e9 > when}

    def wake(self) -> None:
        """Ends a wait."""
        self._chosen.lookout.wake()

    def close(self) -> None:
        """Lets go of all that it holds."""
        self._chosen.lookout.close()

    def abandon(self) -> None:
        """Forgets all that it holds, in a forked child, without a word to the parent's system watches."""
        self._chosen.lookout.abandon()

    def _gather(self, burst: Burst, timeout_s: float | None) -> bool:
        """Adds what is noticed next; False if nothing was."""
        missing = {path: limit for path, limit in self._missing.items() if path not in burst.paths}
        limits = [limit - time.monotonic() for limit in missing.values()]
        if timeout_s is not None:
            limits.append(timeout_s)
        if self._is_away:
            limits.append(AWAY_S)
        seen = self._noticed(min(limits, default=None))
        paths = set(seen.paths)
        if seen.anew or self._is_away:
            paths |= self._again()
        paths |= {path for path, limit in missing.items() if limit <= time.monotonic()}
        if not paths:
            return False
        burst.add(time.monotonic(), paths, seen.writing)
        return True

    def _noticed(self, timeout_s: float | None) -> Seen:
        try:
            return self._chosen.lookout.wait(timeout_s)
        except OSError as error:
            self._fall_back(error)
            return Seen(anew=True)

    def _again(self) -> set[str]:
        """What differs from the last look at everything."""
        before = self.tree.sources
        try:
            self._scan()
        except (FileNotFoundError, PermissionError) as error:
            if not self._is_away:
                what = "is gone" if isinstance(error, FileNotFoundError) else "may not be looked into any more"
                self._note(f"{shown_path(Path(self.folder))} {what}: waiting until it is there again")
            self._is_away = True
            return set()
        except UsageError as error:
            if str(error) != self._said:
                self._said = str(error)
                self._note(f"new folders are not watched: {error}")
            return set()
        if self._is_away:
            self._is_away = False
            self._note(f"{shown_path(Path(self.folder))} is there again")
        return differences(before, self.tree.sources)

    def _scan(self) -> None:
        sieve = Sieve.of(self.folder, self._patterns)
        try:
            self.tree = self._chosen.lookout.scan(sieve)
        except (FileNotFoundError, PermissionError):
            raise
        except OSError as error:
            if self._chosen.means is Means.POLLING:
                raise
            self._fall_back(error)
            self.tree = self._chosen.lookout.scan(sieve)

    def _fall_back(self, error: OSError) -> None:
        """Goes on by polling, and says why."""
        self._chosen.lookout.close()
        self._chosen = polling_because(self.folder, error)
        self._say_why()

    def _say_why(self) -> None:
        """Says once why it is polled."""
        if self.why and self.why != self._said:
            self._said = self.why
            self._note(f"{shown_path(Path(self.folder))} is looked at again and again: {self.why}")

    def _there_or_long_gone(self, paths: set[str]) -> set[str]:
        """The files that are there, and those that did not come back in time; the others are waited for."""
        now, listings = time.monotonic(), dict[str, frozenset[str] | None]()
        chosen = set[str]()
        for path in paths:
            place = os.path.dirname(path)
            if place not in listings:
                listings[place] = listing(place)
            if is_there(path, listings[place]) or self._missing.get(path, now + 1) <= now:
                chosen.add(path)
                self._missing.pop(path, None)
            else:
                self._missing.setdefault(path, now + GONE_S)
        return chosen
