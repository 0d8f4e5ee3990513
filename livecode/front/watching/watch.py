"""A folder that is being watched: the thread, and what a caller holds of it."""

from __future__ import annotations

import os
import queue
import sys
import threading
import traceback
import weakref
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Protocol

from livecode.errors import LivecodeError, UsageError
from livecode.fleet.together import rest
from livecode.front.push import Target
from livecode.front.sources import know_folder, shown_path
from livecode.front.watching import words
from livecode.front.watching.batch import Batches
from livecode.front.watching.patrol import Patrol
from livecode.front.watching.words import Behind, WatchState, watch_sheet
from livecode.model.nouns import DiskState
from livecode.model.report import Report
from livecode.model.sheet import Commands, Sheet
from livecode.model.text import sheet_text

TURN_S = 1.0
"""How often a process of many asks whether it is its turn to watch."""

FILTER_HELP = "Only files that match this glob, as in .gitignore, relative to FOLDER; !GLOB excludes. May be repeated."
POLL_HELP = "Look at the files every so many seconds; for file systems that do not tell of changes unnoticed."

Say = Callable[[Report | str], None]
Settled = Callable[["Watch"], None]

IN_PYTHON = Commands(unload='.unload("{}")')


class Aim(Protocol):
    """What a watch pushes to, and whether it is its turn.

    Attributes:
        name: What people call it.
        since: Seconds since the epoch: what was saved later was not seen by whoever watched before; 0 if nobody did.
    """

    name: str
    since: float

    def begin(self, folder: Path) -> bool:
        """Lets it remember what it loads from the folder; False if only children of this process watch.

        Raises:
            LivecodeError: It cannot be reached.
        """

    def warm(self) -> str:
        """Lets it prepare for a first push, which takes longer than others; what is to be said of it, or nothing."""

    def target(self) -> Target:
        """What is pushed to, which may be another one each time."""

    def is_mine(self) -> bool:
        """True if this watch watches: of several with one aim, one does."""

    def done(self) -> None:
        """A batch is over: what was saved until now was seen."""

    def leave(self) -> None:
        """The watch is over: it is somebody else's turn."""

    def begin_in_child(self) -> bool:
        """True if a forked child watches, too."""


class Given:
    """A target that is there, and nobody else's.

    Args:
        target: This process, or a service.
    """

    def __init__(self, target: Target) -> None:
        self.name, self.since = target.name or "this process", 0.0
        self._target = target
        self._same = self._told = ""

    def begin(self, folder: Path) -> bool:
        know_folder(folder, self._target)
        self._target.loaded_files(str(folder), ())
        modules = {m.module: m for status in self._target.peek() for m in status.modules if m.file and m.checksum}
        mine = [m for m in modules.values() if self._target.place or Path(m.file).resolve().is_relative_to(folder)]
        differing = [module.module for module in mine if module.disk is DiskState.DIFFERS]
        self._same = next((module.module for module in mine if module.disk is DiskState.SAME), "")
        self._told = words.at_start(shown_path(folder), self.name, len(mine), differing)
        return True

    def warm(self) -> str:
        """A dry run of a source that runs already, one name longer: a service imports and reads what a push needs."""
        if self._same and self._target.name:
            with suppress(LivecodeError):  # the first save takes longer, or says what is wrong
                source = self._target.source(self._same) or ""
                self._target.dry_run({self._same: f"{source}\n_livecode_warm = None\n"})
        return self._told

    def target(self) -> Target:
        return self._target

    def is_mine(self) -> bool:
        return True

    def done(self) -> None:
        """Nobody else wants to know."""

    def leave(self) -> None:
        """Nobody else waits."""

    def begin_in_child(self) -> bool:
        return False


class Watch:
    """A folder that is being watched. Leaves nothing behind after `stop`; also a context manager.

    Args:
        folder: Every source below it counts, but none that is hidden, installed, or ignored by git.
        aim: What is pushed to.
        say: Called in the watching thread with each Report, and with a sentence where there is nothing to push.
        author: Who pushes; empty stands for user@host.
        patterns: Globs as in .gitignore, relative to the folder: only what matches one counts; ``!`` excludes.
        poll_s: Seconds between two looks, for file systems that do not tell of changes; None chooses by itself.
        commands: The next commands where the user is.
        settled: Called in the watching thread after each batch, when `state` is what came of it.

    Attributes:
        folder: Its real path.
        aim: As given.

    Raises:
        UsageError: The folder is missing, a file, the root of the file system, cannot be looked into, or holds too
            much; or a pattern or time cannot be meant.
    """

    def __init__(
        self,
        folder: str | Path,
        aim: Aim,
        say: Say,
        author: str = "",
        *,
        patterns: Iterable[str] = (),
        poll_s: float | None = None,
        commands: Commands = IN_PYTHON,
        settled: Settled | None = None,
    ) -> None:
        self.folder = watchable(folder)
        if poll_s is not None and not poll_s > 0:
            raise UsageError(f"{poll_s} s cannot be the time between two looks: give some seconds, such as 0.3")
        self.aim, self._say, self._patterns, self._poll_s = aim, say, tuple(patterns), poll_s
        self._author, self._commands, self._settled = author, commands, settled
        self._forget()
        self._begin()
        _remember(self)

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = "watching" if self.running else "stopped watching"
        return f"{state} {self.folder} ({len(self.reports)} pushes)"

    def __str__(self) -> str:
        return sheet_text(self.sheet())

    @property
    def running(self) -> bool:
        """True until it is stopped."""
        return self._thread is not None and self._thread.is_alive() and not self._stopped.is_set()

    @property
    def reports(self) -> tuple[Report, ...]:
        """What became of the saves so far, oldest first; the last 500."""
        return tuple(self._batches.reports)

    @property
    def state(self) -> WatchState:
        """What it does at this moment."""
        patrol, ledger = self._patrol, self._batches.ledger
        return WatchState(
            shown_path(self.folder),
            self.aim.name,
            patrol.means if patrol is not None else "",
            len(patrol.tree.sources) if patrol is not None else 0,
            self._batches.live,
            self._batches.failed,
            tuple(Behind(shown_path(Path(h.path)), h.modules, h.why) for h in list(ledger.held.values())),
            not self.running,
            patrol is None,
            tuple(shown_path(Path(place)) for place in (patrol.tree.closed if patrol is not None else ())),
            patrol.why if patrol is not None else "",
        )

    def sheet(self, stop: str = "") -> Sheet:
        """The same for people; `stop` is the command that ends it."""
        return watch_sheet(self.state, stop)

    def next(self, timeout_s: float) -> Report:
        """The next Report that was not yet taken.

        Raises:
            TimeoutError: Nothing was pushed in that time.
        """
        try:
            return self._fresh.get(timeout=timeout_s)
        except queue.Empty:
            raise TimeoutError(f"nothing saved under {self.folder} was pushed in {timeout_s} s") from None

    def stop(self) -> None:
        """Stops watching and waits for a push that is under way. Twice is fine."""
        self._stopped.set()
        if self._patrol is not None:
            self._patrol.wake()
        if self._thread is not None and threading.current_thread() is not self._thread:
            self._thread.join()

    def _forget(self) -> None:
        """As if it had not begun."""
        self._fresh: queue.SimpleQueue[Report] = queue.SimpleQueue()
        self._batches = Batches(
            str(self.folder), self.aim.target, self.aim.name, self._tell, self._author, self._commands
        )
        self._stopped = threading.Event()
        self._patrol: Patrol | None = None
        self._thread: threading.Thread | None = None

    def _in_child(self) -> None:
        """The thread is the parent's, and so is what it listens to: a reader here would take it away from there."""
        was_wanted = not self._stopped.is_set()
        if self._patrol is not None:
            self._patrol.abandon()
        self._forget()
        if was_wanted and self.aim.begin_in_child():
            self._begin()
        else:
            self._stopped.set()

    def _begin(self) -> None:
        """From here on, what is saved is noticed: at once if it is this one's turn, and in a thread."""
        if not self.aim.begin(self.folder):
            return
        if self.aim.is_mine():
            self._look_out()
        self._thread = threading.Thread(target=self._run, name=f"livecode-watch {self.folder}", daemon=True)
        self._thread.start()

    def _look_out(self) -> None:
        try:
            self._patrol = Patrol(str(self.folder), self._patterns, self._poll_s, self._tell)
        except OSError as error:
            self.aim.leave()
            raise UsageError(f"{self.folder} cannot be looked into: {error.strerror or error}") from error
        except BaseException:
            self.aim.leave()
            raise

    def _run(self) -> None:
        try:
            if self._wait_for_turn():
                self._watch()
        finally:
            if self._patrol is not None:
                self._patrol.close()
            self.aim.leave()
            rest()

    def _wait_for_turn(self) -> bool:
        """True if it is this one's turn, False if it was stopped first."""
        while self._patrol is None:
            if self._stopped.wait(TURN_S):
                return False
            try:
                if self.aim.is_mine():
                    self._look_out()
            except (LivecodeError, OSError) as error:
                self._tell(f"stopped watching: {error}")
                return False
        return not self._stopped.is_set()

    def _watch(self) -> None:
        patrol = self._patrol
        assert patrol is not None
        if told := self.aim.warm():
            self._tell(told)
        if self.aim.since and (saved := patrol.since(self.aim.since)):
            self._take(saved)
        while not self._stopped.is_set():
            saved = patrol.next_batch(self._batches.again_s)
            if not self._stopped.is_set() and (saved or self._batches.again_s is not None):
                self._take(saved)

    def _take(self, saved: set[str]) -> None:
        try:
            self._batches.take(saved)
        except Exception as error:  # a fault of livecode must not end the watch unseen
            self._tell(f"saved, not pushed: livecode itself failed: {type(error).__name__}: {error}")
        self.aim.done()
        if self._settled is not None:
            self._show(partial(self._settled, self))

    def _tell(self, said: Report | str) -> None:
        if isinstance(said, Report):
            self._fresh.put(said)
        self._show(partial(self._say, said))

    def _show(self, shown: Callable[[], None]) -> None:
        """Calls what is not livecode's own: a display that fails does not end the watch."""
        try:
            shown()
        except Exception:
            traceback.print_exc()


def watch(
    folder: str | Path,
    target: Target,
    say: Say | None = None,
    author: str = "",
    *,
    patterns: Iterable[str] = (),
    poll_s: float | None = None,
    commands: Commands = IN_PYTHON,
    settled: Settled | None = None,
) -> Watch:
    """Pushes what is saved under `folder` until it is stopped; what it says is printed unless `say` takes it."""
    given = Given(target)
    return Watch(
        folder, given, say or print_it, author, patterns=patterns, poll_s=poll_s, commands=commands, settled=settled
    )


def running_watches() -> list[Watch]:
    """Those of this process."""
    return [each for each in _watches if each.running]


def watchable(folder: str | Path) -> Path:
    """The folder, resolved.

    Raises:
        UsageError: It is missing, a file, or the root of the file system.
    """
    path = Path(folder).expanduser().resolve()
    if not path.exists():
        raise UsageError(f"{folder} does not exist: give the folder that holds the sources")
    if not path.is_dir():
        raise UsageError(f"{folder} is a file: give its folder, or push it once by name, with --file {folder}")
    if path == Path(path.anchor):
        raise UsageError(f"{folder} is the root of the file system: give the folder that holds the sources")
    return path


def print_it(said: Report | str) -> None:
    """What a watch says, on standard output."""
    print(said, flush=True)


_watches: weakref.WeakSet[Watch] = weakref.WeakSet()


def _remember(watch: Watch) -> None:
    """A forked child must neither read what its parent listens to nor believe that its thread runs."""
    global _is_hooked
    if hasattr(os, "register_at_fork") and not _is_hooked:
        os.register_at_fork(after_in_child=_after_fork)
        _is_hooked = True
    _watches.add(watch)


_is_hooked = False


def _after_fork() -> None:
    for each in list(_watches):
        try:
            each._in_child()
        except (LivecodeError, OSError, RuntimeError) as error:  # a fork must not fail for this
            print(f"livecode: {each.folder} is not watched in pid {os.getpid()}: {error}", file=sys.stderr)
