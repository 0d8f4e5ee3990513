"""Whether this worker follows a log, and through what: nothing is imported before there is a log to follow.

The embedded log is a file beside the doors, which appears with the first push to the service. Until then a worker
only looks, once a second, whether it is there.
"""

from __future__ import annotations

import os
import threading

from livecode.errors import UsageError
from livecode.fleet import rundir
from livecode.fleet.signals import start_as_the_program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from livecode.fleet.follower import Follower
    from livecode.model.nouns import ProcessStatus

OVERLAYS = (SESSION := "session", "until-deploy", "none")

LOOK_TICKS = 5
"""How often the store itself is looked at, in ticks: a notice may be missing."""


class Following:
    """What this worker has of the log of its service.

    Args:
        service: Its name.
        store: URL of its store; empty for the embedded one.
        overlay: What happens to pushes when a worker starts: one of `OVERLAYS`.

    Raises:
        UsageError: There is no such overlay, or no such kind of store.
    """

    def __init__(self, service: str, store: str, overlay: str) -> None:
        if overlay not in OVERLAYS:
            raise UsageError(f"overlay={overlay!r}: one of {', '.join(map(repr, OVERLAYS))} is accepted")
        if store:
            from livecode.fleet.store import check_url

            check_url(store)
        self.service, self.overlay, self.embedded = service, overlay, not store
        self.url = store
        self._file = ""
        self._seen = self._noticed = tuple[float, ...]()
        self._ticks = 0
        self._follower: Follower | None = None
        self._lock = threading.Lock()
        self._ticking = False

    def begin(self, identity: dict[str, Any], folder: str) -> None:
        """Replays what the service runs, before this worker serves.

        Args:
            identity: Who follows, as the fields of a `livecode.model.nouns.Worker`.
            folder: The directory of the doors.
        """
        self._identity = identity
        if self.embedded:
            self._file = rundir.store_path(folder, self.service)
            self.url = f"sqlite://{self._file}"
        if not self.embedded or os.path.exists(self._file):
            self._noticed, self._seen = self._notices(), self._signature()
            self.follower().begin()
        if not self.embedded:
            threading.Thread(target=self.follower().run, name="livecode-follower", daemon=True).start()

    def follower(self) -> Follower:
        """The worker's side of the log."""
        with self._lock:
            if self._follower is None:
                from livecode.fleet.follower import Follower
                from livecode.fleet.position import Overlay, Place
                from livecode.model.nouns import Worker

                place = Place(self.service, self.url, Overlay(self.overlay), self.embedded)
                self._follower = Follower(place, Worker(name="", **self._identity))
            return self._follower

    def tick(self) -> None:
        """Looks whether somebody wrote what this worker was not told of, and follows in a thread of its own."""
        if not self.embedded or self._ticking:
            return
        self._ticks += 1
        noticed = self._notices()
        found = self._signature() if self._ticks % LOOK_TICKS == 0 else self._seen
        quiet = self._follower is None or not self._follower.needs_ticks()
        if (noticed, found) == (self._noticed, self._seen) and (quiet or not noticed):
            return
        self._noticed, self._seen, self._ticking = noticed, found, True
        start_as_the_program(threading.Thread(target=self._tick, name="livecode-follower", daemon=True))

    def rung(self) -> None:
        """A guest pushes, and asks for each generation of the log as it is made."""
        if self._follower is not None:
            self._follower.rung()

    def described(self, status: ProcessStatus) -> ProcessStatus:
        """A status with where this worker is in the log, if there is one."""
        return self._follower.described(status) if self._follower is not None else status

    def close(self) -> None:
        """Leaves the service; where somebody made its log just now, says so there: this worker may be asked already."""
        if self._follower is not None or (self.embedded and os.path.exists(self._file)):
            self.follower().leave()

    def in_child(self, identity: dict[str, Any], folder: str) -> None:
        """In a forked child: goes on from where the parent was, as a worker of its own."""
        parent, self._lock, self._ticking = self._follower, threading.Lock(), False
        if parent is not None:
            from livecode.model.nouns import Worker

            self._follower = parent.forked(Worker(name="", **identity))
        self.begin(identity, folder)

    def _tick(self) -> None:
        try:
            self.follower().tick()
        finally:
            self._ticking = False

    def _notices(self) -> tuple[float, ...]:
        """What changes when somebody pushes, or replaces the store; empty while there is none.

        Reports of the other workers change the store, too, and with hundreds of them each would wake all others.
        """
        return (*_stat(self._file)[-1:], *_stat(f"{self._file}-head"))

    def _signature(self) -> tuple[float, ...]:
        """What changes whenever the embedded store is written to."""
        return (*_stat(self._file), *_stat(f"{self._file}-wal"))


def _stat(path: str) -> tuple[float, ...]:
    try:
        status = os.stat(path)
    except OSError:
        return ()
    return status.st_mtime_ns, status.st_size, status.st_ino
