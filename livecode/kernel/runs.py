"""Stopping a cell, and nothing but the cell: no signal is used, so the service never hears of it.

    code that runs            KeyboardInterrupt, raised in the cell's thread (`PyThreadState_SetAsyncExc`)
    a cell that awaits        its task is cancelled; if it does not let its loop run, as code that runs
    time.sleep in a cell      woken (`livecode.kernel.sleeping`), and then as code that runs
    C code                    cannot be stopped: the exception arrives when it returns

An exception is only ever raised while the cell's own code runs: what asks, runs and answers around it is not disturbed,
and one that comes too late is taken back.
"""

from __future__ import annotations

import asyncio
import ctypes
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Run:
    """One cell in one thread.

    Attributes:
        thread: The identity of the thread.
        bell: Held while it runs; a sleep of the cell waits for it and so ends when it is released.
    """

    def __init__(self) -> None:
        self.thread = threading.get_ident()
        self.bell = threading.Lock()
        self.bell.acquire()
        self._lock = threading.Lock()
        self._inside = self._asked = self._raised = self._cancelled = False
        self._task: tuple[asyncio.AbstractEventLoop, asyncio.Future[Any]] | None = None

    def enter(self) -> bool:
        """The cell's own code starts; returns what `leave` wants.

        Raises:
            KeyboardInterrupt: It was interrupted before.
        """
        with self._lock:
            if self._asked:
                self._asked = False
                raise KeyboardInterrupt
            before, self._inside = self._inside, True
            return before

    def leave(self, before: bool) -> None:
        """The cell's own code is over: an exception that has not arrived yet will not."""
        while True:
            try:
                with self._lock:
                    self._inside = before
                    if self._raised and not before:
                        _raise_in(self.thread, None)
                        self._raised = False
                    return
            except KeyboardInterrupt:  # in the middle of this, so it has arrived; the cell's code is over all the same
                continue

    @contextmanager
    def awaiting(self, task: asyncio.Future[Any]) -> Iterator[None]:
        """The cell runs as that task meanwhile."""
        self._task = asyncio.get_running_loop(), task
        try:
            yield
        finally:
            with self._lock:
                self._task = None

    @property
    def was_cancelled(self) -> bool:
        """True if its task was cancelled because of an interrupt."""
        return self._cancelled

    def interrupt(self) -> None:
        """Asks the cell to stop."""
        with self._lock:
            if self._task is not None:
                loop, task = self._task
                loop.call_soon_threadsafe(self._cancel, task)
            else:
                self._raise()
            self._ring()

    def insist(self) -> None:
        """Stops a task that does not let its loop run, which is why it could not be cancelled."""
        with self._lock:
            if self._task is not None and not self._cancelled:
                self._raise()
                self._ring()

    def place(self) -> str:
        """Where the thread is, as ``jobs.py, line 12, in wait``; empty if it is not there any more."""
        frame = sys._current_frames().get(self.thread)
        return f"{frame.f_code.co_filename}, line {frame.f_lineno}, in {frame.f_code.co_name}" if frame else ""

    def _cancel(self, task: asyncio.Future[Any]) -> None:
        with self._lock:
            self._cancelled = True
        task.cancel()

    def _raise(self) -> None:
        if self._inside:
            self._raised = True
            _raise_in(self.thread, KeyboardInterrupt)
        else:
            self._asked = True

    def _ring(self) -> None:
        if self.bell.locked():
            self.bell.release()


class Runs:
    """The cells that run now in the threads of one kernel."""

    def __init__(self) -> None:
        self._running: dict[int, Run] = {}

    @contextmanager
    def cell(self) -> Iterator[Run]:
        """A cell runs in this thread meanwhile."""
        run = Run()
        self._running[run.thread] = run
        try:
            yield run
        finally:
            self._running.pop(run.thread, None)

    def here(self) -> Run | None:
        """The cell that runs in this thread."""
        return self._running.get(threading.get_ident())

    def now(self) -> tuple[Run, ...]:
        """All that run."""
        return tuple(self._running.values())

    def interrupt(self) -> tuple[Run, ...]:
        """Asks all of them to stop; returns them."""
        found = self.now()
        for run in found:
            run.interrupt()
        return found

    def still(self, run: Run) -> bool:
        """True if that cell has not ended."""
        return self._running.get(run.thread) is run


def _raise_in(thread: int, kind: type[BaseException] | None) -> None:
    """Raise that in another thread at its next step of Python code, or take back what was not raised yet.

    Source: https://docs.python.org/3/c-api/init.html#c.PyThreadState_SetAsyncExc
    """
    value = ctypes.py_object(kind) if kind is not None else None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), value)
