"""What Linux tells of a folder (inotify(7)): one watch a folder that counts, and no work between saves.

watchfiles, which listens to inotify too, watches every folder below the first one (also `.git` and `node_modules`),
wakes up for each step of its debounce, and drops what the kernel says when its queue overflows.
"""

from __future__ import annotations

import errno
import os
import select
import time
from contextlib import suppress

from inotify_simple import Event, INotify, flags

from livecode.front.watching.burst import QUIET_S
from livecode.front.watching.lookout import PROBE_S, Seen, Waker
from livecode.front.watching.sieve import GITIGNORE, Sieve
from livecode.front.watching.tree import Tree, walk

_ENDS = flags.CLOSE_WRITE | flags.MOVED_TO | flags.MOVED_FROM | flags.DELETE | flags.ATTRIB
_MASK = _ENDS | flags.CREATE | flags.DELETE_SELF | flags.MOVE_SELF | flags.ONLYDIR | flags.EXCL_UNLINK
"""Not MODIFY: a log that is written beside the sources would wake this up for each of its lines."""


class InotifyLookout:
    """Listens to inotify.

    Args:
        folder: The real path of what is watched.

    Raises:
        OSError: There is no inotify, it does not answer, or no instance of it is left.
    """

    def __init__(self, folder: str) -> None:
        self.quiet_s = QUIET_S
        self._folder = folder
        self._inotify = INotify(nonblocking=True)
        try:
            probe(self._inotify, folder)
            self._waker = Waker()
        except OSError:
            self._inotify.close()
            raise
        self._poll = select.poll()
        for each in (self._inotify.fileno(), self._waker.fileno()):
            self._poll.register(each, select.POLLIN)
        self._sieve = Sieve(folder)
        self._places: dict[int, str] = {}
        self._tree = Tree()
        self._writing: set[str] = set()

    def scan(self, sieve: Sieve) -> Tree:
        before, self._places, self._sieve = self._places, {}, sieve
        try:
            self._tree = tree = walk(self._folder, sieve, self._enter)
        except BaseException:
            self._places = {**before, **self._places}
            raise
        for place in {os.path.dirname(path) for path in tree.outside} | {place for place, _ in tree.links}:
            with suppress(PermissionError, FileNotFoundError):
                self._enter(place, outside=True)
        for number in before.keys() - self._places.keys():
            with suppress(OSError):  # the folder is gone, and its watch with it
                self._inotify.rm_watch(number)
        return tree

    def wait(self, timeout_s: float | None) -> Seen:
        until = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            left = None if until is None else max(until - time.monotonic(), 0.0) * 1000
            ready = {descriptor for descriptor, _ in self._poll.poll(left)}
            if self._waker.fileno() in ready:
                self._waker.rest()
            elif self._inotify.fileno() in ready and not (seen := self._understood(self._inotify.read(timeout=0))):
                continue
            elif self._inotify.fileno() in ready:
                return seen
            return Seen(writing=frozenset(self._writing))

    def wake(self) -> None:
        self._waker.wake()

    def close(self) -> None:
        self._inotify.close()
        self._waker.close()

    def abandon(self) -> None:
        self._inotify.close()
        self._waker.abandon()

    def _enter(self, place: str, *, outside: bool = False) -> None:
        number = self._inotify.add_watch(place, _MASK)
        if not (outside and number in self._places):
            self._places[number] = place

    def _understood(self, events: list[Event]) -> Seen:
        paths: set[str] = set()
        anew = gone = False
        for event in events:
            place = self._places.get(event.wd)
            if event.mask & flags.Q_OVERFLOW:
                anew = True
            elif place is None:
                continue
            elif event.mask & (flags.DELETE_SELF | flags.MOVE_SELF | flags.UNMOUNT):
                anew, gone = True, gone or place == self._folder
            elif self._changes_all(place, event):
                anew = True
            elif not event.mask & flags.ISDIR:
                self._note(place, event, paths)
        return Seen(frozenset(paths), frozenset(self._writing), anew, gone)

    def _changes_all(self, place: str, event: Event) -> bool:
        """True for folders that come or go, links on the way to sources, and rules."""
        if event.mask & flags.ISDIR:
            if not event.mask & (flags.CREATE | flags.MOVED_TO | flags.MOVED_FROM | flags.DELETE):
                return bool(event.mask & flags.ATTRIB) and os.path.join(place, event.name) in self._tree.closed
            return not self._sieve.skips_folder(os.path.join(place, event.name))
        if event.name == GITIGNORE:
            return bool(event.mask & _ENDS)
        if event.mask & (flags.CREATE | flags.MOVED_TO) and os.path.islink(os.path.join(place, event.name)):
            return True
        return (place, event.name) in self._tree.links and not event.mask & flags.CLOSE_WRITE

    def _note(self, place: str, event: Event, paths: set[str]) -> None:
        path = os.path.join(place, event.name)
        path = self._tree.outside.get(path, path)
        if not self._sieve.takes(path):
            return
        paths.add(path)
        if event.mask & _ENDS & ~flags.ATTRIB:
            self._writing.discard(path)
        elif event.mask & flags.CREATE and _has_one_name(path):
            self._writing.add(path)


def _has_one_name(path: str) -> bool:
    """True for a new file that somebody has open; a second name of a file is whole from the start."""
    try:
        return os.lstat(path).st_nlink == 1
    except OSError:
        return False


def probe(inotify: INotify, folder: str) -> None:
    """Passes if inotify tells that a folder was opened: some systems have it, and it never says anything.

    Looking into a folder is an event, so nothing is left in it.

    Raises:
        OSError: It does not.
    """
    number = inotify.add_watch(folder, flags.OPEN | flags.ONLYDIR)
    os.close(os.open(folder, os.O_RDONLY | os.O_DIRECTORY))
    until = time.monotonic() + PROBE_S
    while time.monotonic() < until:
        if any(event.wd == number for event in inotify.read(timeout=int(PROBE_S * 1000))):
            inotify.rm_watch(number)
            return
    raise OSError(errno.ENOTSUP, "inotify is there, but does not tell of anything")
