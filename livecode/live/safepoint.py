"""Where a commit happens: on the event loop's own thread if the service has one, between two callbacks.

A handler that calls two functions without awaiting in between then sees both old or both new.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

LOOP_PATIENCE_S = 2.0
"""How long a busy event loop is waited for; after that the steps are done from the asking thread."""


def at_safe_point(work: Callable[[], None]) -> str:
    """Runs `work` on the main thread's event loop if one is running there, else here and now.

    Returns:
        Where it ran: ``"loop"``, ``"here"``, or ``"busy"`` if the loop did not come round in time.

    Raises:
        BaseException: Whatever `work` raised.
    """
    loop = main_loop() if "asyncio" in sys.modules else None
    if loop is None or threading.current_thread() is threading.main_thread():
        work()
        return "here"
    turn = _Turn(work)
    try:
        loop.call_soon_threadsafe(turn.take)
    except RuntimeError:  # closed meanwhile
        work()
        return "here"
    if not turn.done.wait(LOOP_PATIENCE_S) and turn.claim():
        work()
        return "busy"
    turn.done.wait()
    if turn.error is not None:
        raise turn.error
    return "loop"


def main_loop() -> Any:
    """The event loop that the main thread is running now, None if there is none.

    `asyncio` tells a loop only to its own thread, so it is read off the main thread's stack.
    """
    frame: FrameType | None = sys._current_frames().get(threading.main_thread().ident or 0)
    while frame is not None:
        for name in ("self", "loop"):
            candidate = frame.f_locals.get(name) if frame.f_code.co_name in _RUNNERS else None
            found = getattr(candidate, "_loop", candidate)
            if isinstance(found, asyncio.AbstractEventLoop) and found.is_running():
                return found
        frame = frame.f_back
    return None


_RUNNERS = frozenset({"run", "run_forever", "run_until_complete", "_run_once"})


class _Turn:
    """Work that exactly one of two threads does."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._lock = threading.Lock()
        self.done = threading.Event()
        self.error: BaseException | None = None

    def claim(self) -> bool:
        """True for the first who asks."""
        return self._lock.acquire(blocking=False)

    def take(self) -> None:
        """Does the work, unless the other thread has claimed it."""
        if not self.claim():
            return
        try:
            self._work()
        except BaseException as error:
            self.error = error
        finally:
            self.done.set()
