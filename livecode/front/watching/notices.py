"""What systems other than Linux tell of a folder, as watchfiles hears it (FSEvents, kqueue).

It works on Linux as well, where inotify is listened to directly (`livecode.front.watching.inotify` says why).
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Generator

import watchfiles

from livecode.front.watching.lookout import Seen
from livecode.front.watching.sieve import GITIGNORE, Sieve
from livecode.front.watching.tree import Tree, walk

STEP_MS = 20
"""How often watchfiles asks itself whether something was heard: it has no other way to wait."""

TURN_MS = 50
"""How long one wait is, so that a burst can end and somebody can stop the watch."""


class NoticesLookout:
    """Listens by watchfiles.

    Args:
        folder: The real path of what is watched.

    Raises:
        OSError: The system does not tell.
    """

    def __init__(self, folder: str) -> None:
        self.quiet_s = STEP_MS / 1000
        self._folder, self._sieve, self._tree = folder, Sieve(folder), Tree()
        self._folders, self._outside = frozenset[str](), frozenset[str]()
        self._closed, self._woken = threading.Event(), threading.Event()
        self._batches = self._listen((folder,))

    def scan(self, sieve: Sieve) -> Tree:
        self._sieve = sieve
        tree = walk(self._folder, sieve)
        outside = frozenset(map(os.path.dirname, tree.outside)) | {place for place, _ in tree.links}
        if outside != self._outside:
            self._batches.close()
            self._batches = self._listen((self._folder, *sorted(outside)))
            tree = walk(self._folder, sieve)
        self._tree, self._outside, self._folders = tree, outside, frozenset(tree.folders)
        return tree

    def wait(self, timeout_s: float | None) -> Seen:
        until = None if timeout_s is None else time.monotonic() + timeout_s
        while not self._woken.is_set():
            try:
                batch = next(self._batches, None)
            except RuntimeError as error:  # a name that is no text, or events were lost
                raise OSError(f"watchfiles: {error}") from error
            if batch is None:
                return Seen(gone=not os.path.isdir(self._folder))
            if seen := self._understood(batch):
                return seen
            if until is not None and time.monotonic() >= until:
                return Seen()
        self._woken.clear()
        return Seen()

    def wake(self) -> None:
        self._woken.set()

    def close(self) -> None:
        self._closed.set()
        self._batches.close()

    def abandon(self) -> None:
        """Nothing can be done: the threads of watchfiles are not here, and closing would wait for them."""

    def _listen(self, folders: tuple[str, ...]) -> Generator[set[watchfiles.main.FileChange]]:
        """Batches of notices; the first one is asked for at once, which makes it listen."""
        batches = watchfiles.watch(
            *folders,
            watch_filter=None,
            debounce=TURN_MS,
            step=STEP_MS,
            rust_timeout=TURN_MS,
            yield_on_timeout=True,
            stop_event=self._closed,
            raise_interrupt=False,
            force_polling=False,
            ignore_permission_denied=True,
        )
        next(batches)
        return batches

    def _understood(self, batch: set[watchfiles.main.FileChange]) -> Seen:
        paths: set[str] = set()
        anew = False
        for change, path in batch:
            name = os.path.basename(path)
            place = os.path.dirname(path)
            if name == GITIGNORE or (place, name) in self._tree.links or self._is_way(change, place, path):
                anew = True
            seen = self._tree.outside.get(path, path)
            if os.path.dirname(seen) in self._folders and self._sieve.takes(seen):
                paths.add(seen)
        gone = not os.path.isdir(self._folder)
        return Seen(frozenset(paths), anew=anew or gone, gone=gone)

    def _is_way(self, change: watchfiles.Change, place: str, path: str) -> bool:
        """True for a folder or link that came or went, in a folder that counts."""
        if change is watchfiles.Change.modified or place not in self._folders:
            return False
        if path in self._folders or os.path.islink(path):
            return True
        return os.path.isdir(path) and not self._sieve.skips_folder(path)
