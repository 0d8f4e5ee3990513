"""Ends a call that takes too long, by an exception in the thread that makes it.

Python delivers such an exception between two steps of Python code. A call that waits inside of C, such as for a lock,
is not ended before it returns.

Source: `PyThreadState_SetAsyncExc` in "Initialization, Finalization, and Threads" of the C API.
"""

from __future__ import annotations

import threading
from typing import Any

AGAIN_S = 0.5
"""After this long the exception is raised once more: code in a loop may have caught it."""


class TooLongError(BaseException):
    """The time is over. No `Exception`: a loop that goes on after every error would go on after this one too."""


class Deadline:
    """While this is entered, and when the time is over, the thread gets `TooLongError` raised.

    Args:
        seconds: The time.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.get_ident()
        self._watcher = threading.Thread(target=self._watch, name="livecode-deadline", daemon=True)

    def __enter__(self) -> None:
        self._watcher.start()

    def __exit__(self, *error: object) -> None:
        try:
            self._end()
        except TooLongError:  # the call had just come to its end
            self._end()
        self._watcher.join()

    def _end(self) -> None:
        with self._lock:
            self._over.set()
            _raise_in(self._thread, None)  # it may be on its way: nobody is to meet it later

    def _watch(self) -> None:
        wait_s = self._seconds
        while not self._over.wait(wait_s):
            with self._lock:
                if not self._over.is_set():
                    _raise_in(self._thread, TooLongError)
            wait_s = AGAIN_S


def _raise_in(thread: int, kind: Any) -> None:
    try:
        import ctypes
    except ImportError:  # a Python without it: the call takes as long as it takes
        return
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(kind) if kind else None)
