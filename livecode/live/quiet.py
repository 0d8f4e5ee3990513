"""Does the steps of a commit at a moment in which no other thread is in the middle of what changes.

A batch of steps is done in one C call, so nobody sees half of it. But a call that has read one changed thing and is
about to read another one sees the old first and the new afterwards. So the commit waits for a moment in which no
call under way, in any thread, mentions two things that change:

    look       at the stacks of all threads
    do         if nobody is inside: check in the batch itself that no thread has moved since the look, then the steps
    again      if a thread has moved, or somebody is inside

Who stays inside long (a loop that never returns, a call that waits for the network) is not waited for any more: what
it sees cannot be helped, and the report names the calls that run old code.
"""

from __future__ import annotations

import gc
import operator
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from operator import attrgetter
from types import CodeType, FrameType

PATIENCE_S = 0.25
"""How long a quiet moment is waited for at most."""

LONG_CALL_S = 0.1
"""A call that stays inside for so long is one that lasts, and is not waited for."""

STILL_S = 0.05
"""A thread that does not move for so long waits for something else than its turn."""

POLL_S = 0.0002

Call = Callable[[], object]
Alone = Callable[[], AbstractContextManager[object]]


def do_at_once(calls: Iterable[Call]) -> None:
    """Does the calls in one C call, which nothing interrupts if none of them runs bytecode.

    `deque(map(operator.call, …))` runs no bytecode between them, so the interpreter never switches threads.
    """
    with _no_collection():
        deque(map(operator.call, calls), maxlen=0)


@contextmanager
def _no_collection() -> Iterator[None]:
    """The collector stays off: it could call finalizers in between."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


class QuietMoment:
    """Waits for the moment.

    Args:
        names: Everything that changes, as code mentions it: names of the module, attributes, functions.
        patience_s: How long to wait at most; 0 does not wait at all.
        alone: Makes sure that no other thread runs, where one call in C does not suffice for that.
    """

    def __init__(self, names: frozenset[str], patience_s: float, alone: Alone = nullcontext) -> None:
        self._names = names
        self._patience_s = patience_s
        self._alone = alone
        self._known: dict[CodeType, frozenset[str]] = {}
        self._since: dict[FrameType, float] = {}
        self._still: dict[FrameType, tuple[int, float]] = {}

    def do(self, calls: Sequence[Call]) -> bool:
        """Does the calls at once.

        Returns:
            True if nobody was inside who was worth waiting for.
        """
        start = time.monotonic()
        while time.monotonic() - start < self._patience_s:
            with self._alone():
                if self._do_if_quiet(calls):
                    return True
            time.sleep(POLL_S)
        with self._alone():
            do_at_once(calls)
        return not self._patience_s

    def _do_if_quiet(self, calls: Sequence[Call]) -> bool:
        frames = sys._current_frames()
        try:
            return not self._somebody_inside(frames) and _do_unless_moved(frames, calls)
        finally:
            frames.clear()  # the frame of this call is in it, which would keep itself alive

    def _somebody_inside(self, frames: dict[int, FrameType]) -> bool:
        now, own = time.monotonic(), threading.get_ident()
        return any(self._inside(top, now) for thread, top in frames.items() if thread != own)

    def _inside(self, top: FrameType, now: float) -> bool:
        """True if a stack mentions two changed things, calls that last left out."""
        mentioned: set[str] = set()
        lasting: list[FrameType] = []
        for frame in _stack(top):
            found = self._mentions(frame.f_code)
            if found:
                since = self._since.setdefault(frame, now)
                if now - since < LONG_CALL_S:
                    mentioned |= found
                    lasting.append(frame)
        if len(mentioned) < 2:
            return False
        position, since = self._still.get(top, (-1, now))
        if position != top.f_lasti:
            self._still[top] = (top.f_lasti, now)
            return True
        return now - since < STILL_S

    def _mentions(self, code: CodeType) -> frozenset[str]:
        found = self._known.get(code)
        if found is None:
            found = self._names.intersection((*code.co_names, code.co_name))
            self._known[code] = found
        return found


def _stack(top: FrameType | None) -> Iterator[FrameType]:
    while top is not None:
        yield top
        top = top.f_back


def _do_unless_moved(frames: dict[int, FrameType], calls: Sequence[Call]) -> bool:
    """Does the calls at once; False, and nothing done, if a thread has run since `frames` was taken.

    A thread that has run is in another frame, or elsewhere in the same one; if it has come back to the same place it
    is as much outside as before. All that looks is C, and part of the same batch.
    """
    unmoved = frames.copy()
    unmoved[threading.get_ident()] = sys._getframe()
    others = [frame for thread, frame in frames.items() if thread != threading.get_ident()]
    positions = [frame.f_lasti for frame in others]
    begun = deque[bool]()
    must_be = {True: True}.__getitem__
    looking = iter(sys._current_frames, None)
    same_frames = map(must_be, map(unmoved.__eq__, looking))
    same_places = map(must_be, map(positions.__eq__, map(list, (map(attrgetter("f_lasti"), others),))))
    every: list[Call] = [partial(next, same_frames), partial(next, same_places), partial(begun.append, True), *calls]
    try:
        with _no_collection():
            deque(map(operator.call, every), maxlen=0)
    except KeyError:
        if begun:
            raise
        return False
    finally:
        unmoved.clear()
    return True
