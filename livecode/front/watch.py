"""What is saved under a folder goes live: a thread with watchfiles, one transaction a batch of saves."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from types import TracebackType

import watchfiles

from livecode.errors import LivecodeError, UsageError
from livecode.front.push import (
    PushRequest,
    Target,
    UnreadableSourceError,
    know_folder,
    loaded_files,
    push,
    read_items,
    running_checksums,
    runs_elsewhere,
    shown_path,
    unreadable_report,
)
from livecode.model.nouns import ModuleSource, checksum
from livecode.model.report import Report, Verdict

STEP_MS = 25
"""A batch ends when nothing was saved for this long: an editor's save of many files is one transaction."""

DEBOUNCE_MS = 500
"""A batch never takes longer than this."""

_FINAL = (Verdict.NOT_SENT, Verdict.REFUSED, Verdict.ROLLED_BACK)
_BUSY = "LC406"


class Watch:
    """A folder that is being watched. Leaves nothing behind after `stop`; also a context manager.

    Args:
        folder: Every ``.py`` file below it counts, hidden folders and editors' backups do not.
        target: What is pushed to.
        say: Called in the watching thread with each Report, and with a sentence where there is nothing to push.
        author: Who pushes; empty stands for user@host.

    Raises:
        UsageError: The folder is missing, a file, or the root of the file system.
    """

    def __init__(
        self, folder: str | Path, target: Target, say: Callable[[Report | str], None], author: str = ""
    ) -> None:
        self.folder = watchable(folder)
        know_folder(self.folder, target)
        self._target, self._say, self._author = target, say, author
        self._reports: list[Report] = []
        self._fresh: queue.SimpleQueue[Report] = queue.SimpleQueue()
        self._pending: set[Path] = set()
        self._failed: frozenset[tuple[str, str]] = frozenset()
        self._not_loaded: set[Path] = set()
        self._switch = _Switch()
        self._thread = threading.Thread(target=self._run, name=f"livecode-watch {self.folder}", daemon=True)
        self._thread.start()
        self._switch.watching.wait()

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = "watching" if self.running else "stopped watching"
        return f"{state} {self.folder} ({len(self._reports)} pushes)"

    @property
    def running(self) -> bool:
        """True until it is stopped, or the folder vanished."""
        return self._thread.is_alive()

    @property
    def reports(self) -> tuple[Report, ...]:
        """What became of every save so far, oldest first."""
        return tuple(self._reports)

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
        self._switch.stopped = True
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        try:
            batches = watchfiles.watch(
                self.folder,
                watch_filter=partial(is_source, self.folder),
                debounce=DEBOUNCE_MS,
                step=STEP_MS,
                stop_event=self._switch,
                raise_interrupt=False,
            )
            for batch in batches:
                self._saved({Path(name) for _, name in batch})
        except (OSError, RuntimeError) as error:
            self._say(f"stopped watching {self.folder}: {error}")
        finally:
            self._switch.watching.set()

    def _saved(self, paths: Iterable[Path]) -> None:
        self._pending |= {path.resolve() for path in paths if path.is_file()}
        try:
            self._push_pending()
        except UnreadableSourceError as error:
            failed = frozenset({(error.module, str(error))})
            if failed != self._failed:
                self._failed = failed
                self._tell(unreadable_report(error, self._request(()), self._target))
        except LivecodeError as error:
            self._say(f"saved, not pushed: {error}")

    def _push_pending(self) -> None:
        """Pushes what differs from what runs; what failed stays pending, so that it goes along with its repair."""
        statuses = self._target.status()
        files = loaded_files(statuses)
        self._note_not_loaded(self._pending - files.keys())
        self._pending &= files.keys()
        running = running_checksums(statuses)
        items = read_items({path: files[path] for path in self._pending})
        changed = tuple(item for item in items if runs_elsewhere(item, running) and not self._is_empty(item))
        wanted = {item.module for item in changed}
        self._pending = {path for path in self._pending if wanted & set(files[path])}
        digests = frozenset((item.module, checksum(item.source or "")) for item in changed)
        if not changed or digests == self._failed:
            return
        report = push(self._request(changed), self._target)
        self._failed = digests if _is_final(report) else frozenset()
        self._pending = set() if report.ok else self._pending
        self._tell(report)

    def _is_empty(self, item: ModuleSource) -> bool:
        """Many programs save by emptying the file first; what is empty for longer is said, and not pushed."""
        if item.source:
            return False
        self._say(f"saved {item.origin}: it is empty, not pushed; if that is meant, push {item.module} by name")
        return True

    def _request(self, items: tuple[ModuleSource, ...]) -> PushRequest:
        return PushRequest(items, self._author, reason=f"saved under {shown_path(self.folder)}")

    def _note_not_loaded(self, paths: set[Path]) -> None:
        for path in sorted(paths - self._not_loaded):
            self._say(f"saved {shown_path(path)}: not loaded in {self._target.name or 'this process'}, not pushed")
        self._not_loaded |= paths

    def _tell(self, report: Report) -> None:
        self._reports.append(report)
        self._fresh.put(report)
        self._say(report)


class _Switch:
    """The stop event that watchfiles asks: the first time it does, the folder is being watched."""

    def __init__(self) -> None:
        self.stopped = False
        self.watching = threading.Event()

    def is_set(self) -> bool:
        self.watching.set()
        return self.stopped


def watch(
    folder: str | Path, target: Target, say: Callable[[Report | str], None] | None = None, author: str = ""
) -> Watch:
    """Pushes what is saved under `folder` until it is stopped; reports are printed unless `say` takes them."""
    return Watch(folder, target, say or _print, author)


def watchable(folder: str | Path) -> Path:
    """The folder, resolved.

    Raises:
        UsageError: It is missing, a file, or the root of the file system.
    """
    path = Path(folder).expanduser().resolve()
    if not path.exists():
        raise UsageError(f"{folder} does not exist: give the folder that holds the sources")
    if not path.is_dir():
        raise UsageError(f"{folder} is a file: give its folder, or push it once with %hotpush MODULE --file {folder}")
    if path == Path(path.anchor):
        raise UsageError(f"{folder} is the root of the file system: give the folder that holds the sources")
    return path


def is_source(folder: Path, change: watchfiles.Change, path: str) -> bool:
    """True for Python sources, not for caches, what is hidden, and what editors leave while they save."""
    if change is watchfiles.Change.deleted or not path.endswith(".py"):
        return False
    parts = Path(path).relative_to(folder).parts
    return not any(part.startswith((".", "#", "~")) or part == "__pycache__" for part in parts)


def _is_final(report: Report) -> bool:
    """True where the same source would fail in the same way again."""
    refusals = [*report.refusals, *(r for o in report.outcomes for r in o.refusals)]
    return report.verdict in _FINAL and not any(refusal.code == _BUSY for refusal in refusals)


def _print(said: Report | str) -> None:
    print(said, flush=True)
