"""A service that watches its own sources: each of its workers says `livecode.watch("src")`, and one of them watches.

What that one sees it pushes to the whole service, through its door, as anybody would. It holds a lock on a file
beside the sockets; the others ask for it once a second, and who gets it goes on with what was saved since the file was
last touched. The lock is one of fcntl(2): it ends with its process, and a forked child does not inherit it.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from livecode.fleet import rundir
from livecode.fleet.listen import serves
from livecode.fleet.service import Service, attach
from livecode.front.proposed import commands
from livecode.front.push import Target
from livecode.front.watching.watch import Say, Watch, running_watches, watchable
from livecode.live.tracking import track
from livecode.model.report import Report
from livecode.model.text import report_text

try:
    import fcntl
except ImportError:  # Windows has no forks and no doors, either
    fcntl = None  # type: ignore[assignment]


class OwnService:
    """The service that this process is a worker of, or will be.

    Args:
        name: Of the service.
        folder: What is watched.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.since = name, 0.0
        self._folder = folder
        self._service: Service | None = None
        self._lock: int | None = None

    def begin(self, folder: Path) -> bool:
        track(folder)
        return serves(sys._getframe())

    def warm(self) -> str:
        """Nothing: a service has more to do when it starts."""
        return ""

    def target(self) -> Target:
        """The whole service, by its doors.

        Raises:
            ServiceNotFoundError: None of its doors is open yet.
        """
        if self._service is None:
            self._service = attach(self.name)
        return self._service

    def is_mine(self) -> bool:
        if self._lock is not None:
            return True
        path = os.path.join(rundir.make_directory(), self._file_name())
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return False
        self._lock = descriptor
        found = os.fstat(descriptor)
        self.since = found.st_mtime if found.st_size else 0.0  # empty: nobody has watched yet
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        return True

    def done(self) -> None:
        if self._lock is not None:
            os.utime(self._lock)

    def leave(self) -> None:
        self._service = None  # and with it the lines to the doors
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def begin_in_child(self) -> bool:
        self.leave()  # its parent's: closing it here does not release it there
        self._service, self.since = None, 0.0
        return True

    def _file_name(self) -> str:
        """One file for each service and folder."""
        return f"{self.name}.{hashlib.sha256(os.fsencode(self._folder)).hexdigest()[:8]}.watch"


def watch_own(
    name: str, folder: str | Path, say: Say | None = None, patterns: Iterable[str] = (), poll_s: float | None = None
) -> Watch:
    """Watches the sources of the service that this process is a worker of; twice is the same as once."""
    path = watchable(folder)
    for each in running_watches():
        if each.folder == path and isinstance(each.aim, OwnService) and each.aim.name == name:
            return each
    aim, said = OwnService(name, path), say or printed_to(sys.stdout, name)
    return Watch(path, aim, said, patterns=patterns, poll_s=poll_s, commands=commands(name))


def printed_to(stream: TextIO, name: str) -> Say:
    """Prints what a watch says, with what can be typed in a terminal: a service has no notebook beside it."""

    def say(said: Report | str) -> None:
        print(said if isinstance(said, str) else report_text(said, commands(name)), file=stream, flush=True)

    return say
