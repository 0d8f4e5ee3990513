"""Where a commit happens: on the event loop's own thread if a thread runs one, between two callbacks.

A handler that calls two functions without awaiting in between then sees both old or both new.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

LOOP_PATIENCE_S = 2.0
"""How long the main thread's event loop is waited for; after that the steps are done from the asking thread."""

OTHER_LOOP_PATIENCE_S = 0.2
"""The same for a loop of another thread, which may be a tool's and not the service's."""


LOOK_AGAIN_S = 0.02
"""How often it is looked whether the loop still runs."""

HELP_S = 0.002
"""How often a handler that waits for another push looks whether that waits for its loop."""

_offered: dict[int, _Turn] = {}
"""By `id` of the loop: work that waits for the loop's thread."""


def at_safe_point(work: Callable[[], None]) -> str:
    """Runs `work` on the thread of the event loop that is running, if there is one, else here and now.

    Returns:
        Where it ran: ``"loop"``, ``"here"``, or ``"busy"`` if the loop did not come round in time.

    Raises:
        BaseException: Whatever `work` raised.
    """
    loop, patience_s = _service_loop() if "asyncio" in sys.modules else (None, 0.0)
    if loop is None:
        work()
        return "here"
    turn = _Turn(work)
    _offered[id(loop)] = turn
    try:
        loop.call_soon_threadsafe(turn.take)
        _wait(turn, loop, patience_s)
    except RuntimeError:  # closed meanwhile
        pass
    finally:
        _offered.pop(id(loop), None)
    if turn.claim():
        work()
        return "busy" if loop.is_running() else "here"
    turn.done.wait()
    if turn.error is not None:
        raise turn.error
    return "loop"


def acquire_or_help(lock: threading.Lock, patience_s: float) -> bool:
    """True once the lock is had; False if it is not to be had in time.

    A handler that pushes keeps its event loop waiting, and that may be what the push that has the lock waits for. Then
    the work of that push is done right here: where a handler pushes is a safe point too.
    """
    if not runs_a_loop():
        return lock.acquire(timeout=patience_s)
    import asyncio  # who runs a loop has it

    loop, until = asyncio.get_running_loop(), time.monotonic() + patience_s
    while not lock.acquire(timeout=HELP_S):
        turn = _offered.get(id(loop))
        if turn is not None:
            turn.take()
        elif time.monotonic() > until:
            return False
    return True


def _wait(turn: _Turn, loop: Any, patience_s: float) -> None:
    """Until the turn is taken; a loop that ends meanwhile is not waited for any more."""
    until = time.monotonic() + patience_s
    while not turn.done.wait(LOOK_AGAIN_S) and loop.is_running() and time.monotonic() < until:
        pass


def runs_a_loop() -> bool:
    """True if this thread runs an event loop, which waits as long as this call takes."""
    asyncio_ = sys.modules.get("asyncio")
    return asyncio_ is not None and asyncio_._get_running_loop() is not None


def _service_loop() -> tuple[Any, float]:
    """The event loop of another thread between whose callbacks to commit, and how long to wait for it; or None.

    The main thread's if it runs one, else, if this thread runs none, that of any other thread. `asyncio` tells a loop
    only to its own thread, so it is read off the stacks. Where several threads run one, what is in the middle of a
    callback on another loop is waited for as any thread is (`livecode.live.quiet`).
    """
    own, main = threading.get_ident(), threading.main_thread().ident or 0
    if own == main and runs_a_loop():
        return None, 0.0
    if own != main and (loop := main_loop()) is not None:
        return loop, LOOP_PATIENCE_S
    others = {} if runs_a_loop() else {key: top for key, top in sys._current_frames().items() if key not in (own, main)}
    loops = (loop_on(top) for top in others.values())
    return next((loop for loop in loops if loop is not None), None), OTHER_LOOP_PATIENCE_S


def main_loop() -> Any:
    """The event loop that the main thread is running now, None if there is none."""
    return loop_on(sys._current_frames().get(threading.main_thread().ident or 0))


def loop_on(frame: FrameType | None) -> Any:
    """The event loop that runs further up the stack from here, None if there is none."""
    kind = getattr(sys.modules.get("asyncio"), "AbstractEventLoop", None)  # who runs a loop has imported it
    while frame is not None:
        for name in ("self", "loop"):
            candidate = frame.f_locals.get(name) if frame.f_code.co_name in _RUNNERS else None
            found = getattr(candidate, "_loop", candidate)
            if kind is not None and isinstance(found, kind) and found.is_running():
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
