"""Who tells what was saved below a folder.

Inotify     Linux: one watch a folder that counts, nothing between saves; tells when a file that was written is closed
Notices     elsewhere: what watchfiles hears from the system (FSEvents, kqueue)
Polling     looks again and again: for file systems that do not tell of every change, and where a limit is reached

`look_out` chooses, and says why where it is not the first choice.
"""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Protocol

from livecode.front.watching import mounts
from livecode.front.watching.sieve import Sieve
from livecode.front.watching.tree import Tree

POLLING_VARIABLE = "WATCHFILES_FORCE_POLLING"
"""What users of watchfiles set in the environment where events do not arrive."""

POLL_S = 0.3
"""Seconds between two looks, unless that takes too long or somebody asks for another time."""

PROBE_S = 1.0
"""How long inotify may take to tell that a folder was opened."""


_ON_LINUX = sys.platform == "linux"


class Means(Enum):
    """How a folder is watched."""

    EVENTS = "events"
    POLLING = "polling"


@dataclass(frozen=True, slots=True)
class Seen:
    """What was noticed.

    Attributes:
        paths: Sources that may have changed, come or gone.
        writing: Those of them that are still open for writing.
        anew: True if folders came or went, rules changed, or events were lost: what else is there is not known.
        gone: True if the folder itself is not there.
    """

    paths: frozenset[str] = frozenset()
    writing: frozenset[str] = frozenset()
    anew: bool = False
    gone: bool = False

    def __bool__(self) -> bool:
        return bool(self.paths or self.anew or self.gone)


class Lookout(Protocol):
    """Notices what is saved. Used by one thread; only `wake` is called by others.

    Attributes:
        quiet_s: The least silence after which it is certain that nothing more comes of the same save.
    """

    quiet_s: float

    def scan(self, sieve: Sieve) -> Tree:
        """What is there now; from here on, what changes there is noticed."""

    def wait(self, timeout_s: float | None) -> Seen:
        """What was noticed, as soon as there is something; nothing when the time is over or `wake` was called."""

    def wake(self) -> None:
        """Ends a wait."""

    def close(self) -> None:
        """Lets go of what it holds: descriptors, threads."""

    def abandon(self) -> None:
        """Closes what a forked child has inherited; its parent goes on."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A lookout, and why it is not another one: a sentence, or empty."""

    lookout: Lookout
    means: Means
    why: str = ""


@dataclass(slots=True)
class Waker:
    """Ends another thread's wait for a file descriptor."""

    _ends: tuple[int, int] = field(default_factory=os.pipe)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _open: bool = True

    def fileno(self) -> int:
        return self._ends[0]

    def wake(self) -> None:
        with self._lock:
            if self._open:
                os.write(self._ends[1], b"!")

    def rest(self) -> None:
        """Takes back what woke it."""
        os.read(self._ends[0], 4096)

    def close(self) -> None:
        with self._lock:
            self.abandon()

    def abandon(self) -> None:
        """Closes it in a forked child, where nobody would release the lock."""
        if self._open:
            self._open = False
            for end in self._ends:
                os.close(end)


def look_out(
    folder: str, poll_s: float | None = None, environment: Mapping[str, str] = MappingProxyType(os.environ)
) -> Chosen:
    """The lookout for a folder.

    Args:
        folder: Its real path.
        poll_s: Seconds between two looks, for who wants polling; None chooses.
        environment: ``WATCHFILES_FORCE_POLLING`` wants polling, too.
    """
    if poll_s is not None:
        return Chosen(_polling(folder, poll_s), Means.POLLING)
    if wants_polling(environment):
        return Chosen(_polling(folder), Means.POLLING, f"{POLLING_VARIABLE} is set")
    if mounts.is_silent(kind := kind_of_file_system(folder)):
        why = f"it is on {kind}, which does not tell what other machines change there"
        return Chosen(_polling(folder), Means.POLLING, why)
    try:
        return Chosen(_listening(folder), Means.EVENTS)
    except OSError as error:
        return polling_because(folder, error)


def polling_because(folder: str, error: OSError) -> Chosen:
    """Polling where the system does not tell of changes, or no more."""
    return Chosen(_polling(folder), Means.POLLING, why_no_events(error))


def wants_polling(environment: Mapping[str, str]) -> bool:
    """What watchfiles makes of its variable."""
    return environment.get(POLLING_VARIABLE, "").lower() not in ("", "false", "disable", "disabled")


def why_no_events(error: OSError) -> str:
    """Why a system does not tell of changes, and what helps."""
    match error.errno:
        case errno.ENOSPC:
            return "inotify is at its limit of watches: raise it with sysctl fs.inotify.max_user_watches=524288"
        case errno.EMFILE if "inotify" in str(error):
            return "this user is at the limit of inotify instances: raise fs.inotify.max_user_instances"
        case errno.EMFILE | errno.ENFILE:
            return (
                "no file descriptor, or no inotify instance, is left:"
                " raise ulimit -n, or sysctl fs.inotify.max_user_instances"
            )
        case _:
            return f"the system does not tell of changes: {error.strerror or error}"


def kind_of_file_system(folder: str) -> str:
    """The type of the file system that a folder is on, in lower case; empty where the system does not say."""
    try:
        if _ON_LINUX:
            with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
                return mounts.kind_in_mountinfo(file.read(), folder).lower()
        told = subprocess.run(["/sbin/mount"], capture_output=True, text=True, timeout=PROBE_S, check=False)
        return mounts.kind_in_mount(told.stdout, folder).lower()
    except (OSError, subprocess.SubprocessError):
        return ""


def _listening(folder: str) -> Lookout:
    if _ON_LINUX:
        from livecode.front.watching.inotify import InotifyLookout

        return InotifyLookout(folder)
    from livecode.front.watching.notices import NoticesLookout

    return NoticesLookout(folder)


def _polling(folder: str, every_s: float = POLL_S) -> Lookout:
    from livecode.front.watching.polling import PollingLookout

    return PollingLookout(folder, every_s)
