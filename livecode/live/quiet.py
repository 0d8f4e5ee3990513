"""Does the steps of a commit at a moment in which no other thread is in the middle of what changes.

A batch of steps is done in one C call, so nobody sees half of it. But a call that has read one changed thing and is
about to read another one sees the old first and the new afterwards. So the commit waits for a moment in which no
call under way, in any thread, is between two things that change (`livecode.engine.spots`):

    look       at the stacks of all threads
    do         if nobody is inside: check in the batch itself that no thread has moved since the look, then the steps
    again      if a thread has moved, or somebody is inside

Of a call that lasts, a turn of its loop is what sees one version. Who stays inside long (a call that waits for the
network) is not waited for any more: what it sees cannot be helped, and the report names the calls that run old code.
"""

from __future__ import annotations

import functools
import operator
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from operator import attrgetter
from types import FrameType
from typing import TYPE_CHECKING, Any

from livecode.engine.spots import NOTHING, Spots, only_lost_its_turn
from livecode.live.young import no_collection

if TYPE_CHECKING:
    from livecode.live.leading import Leading

PATIENCE_S = 2.0
"""How long a quiet moment is waited for at most."""

LONG_CALL_S = 0.1
"""A call that stays inside for so long is one that lasts: it is waited for only between two turns of its loop."""

STILL_S = 0.05
"""A thread that does not move for so long waits for something else than its turn."""

POLL_S = 0.0002

CALL_BYTES = 8
"""What an instruction that calls takes up; while it is under way a frame may say that it is anywhere inside."""

LOOKS = 3.0
"""A thread that gets its turn meanwhile has it for as long as so many looks take."""

_BEGINS_THREAD = threading.Thread.run.__code__

Call = Callable[[], object]
Alone = Callable[[], AbstractContextManager[object]]
Turns = Callable[[float], AbstractContextManager[object]]


def do_at_once(calls: Iterable[Call]) -> None:
    """Does the calls in one C call, which nothing interrupts if none of them runs bytecode.

    `deque(map(operator.call, …))` runs no bytecode between them, so the interpreter never switches threads.
    """
    with no_collection():
        deque(map(operator.call, calls), maxlen=0)


class QuietMoment:
    """Waits for the moment.

    Args:
        leading: Tells what changes of that at which a call gets.
        patience_s: How long to wait at most; 0 does not wait at all.
        asking: The threads that wait for the commit themselves.
        turns: Lets threads take turns of this length meanwhile.
        alone: Makes sure that no other thread runs, where one call in C does not suffice for that.

    Attributes:
        found: False if the calls were done although somebody was inside.
    """

    def __init__(
        self, leading: Leading, patience_s: float, asking: frozenset[int], turns: Turns, alone: Alone = nullcontext
    ) -> None:
        self._leading = leading
        self._patience_s = patience_s
        self._waiting = asking
        self._turns = turns
        self._alone = alone
        self.found = True
        self._ahead = CALL_BYTES if tools_watch() else 0
        self._since: dict[FrameType, float] = {}
        self._still: dict[FrameType, tuple[int, float]] = {}

    @functools.cached_property
    def _around(self) -> Callable[[Spots, int, int], tuple[frozenset[str], frozenset[str]]]:
        return functools.cache(Spots.around)

    def do(self, calls: Sequence[Call]) -> None:
        """Does the calls at once; `found` tells whether nobody was inside who was worth waiting for."""
        if not self._patience_s:
            self._do_anyway(calls)
            return
        until = time.monotonic() + self._patience_s
        if self._try(calls):
            return
        used_s = time.thread_time()  # the first look has found out about the code; the others are quick
        if self._try(calls):
            return
        with self._turns(LOOKS * (time.thread_time() - used_s)):
            while time.monotonic() < until:
                time.sleep(POLL_S)
                if self._try(calls):
                    return
        self.found = False
        self._do_anyway(calls)

    def _try(self, calls: Sequence[Call]) -> bool:
        with self._alone():
            return self._do_if_quiet(calls)

    def _do_anyway(self, calls: Sequence[Call]) -> None:
        with self._alone():
            do_at_once(calls)

    def _do_if_quiet(self, calls: Sequence[Call]) -> bool:
        frames = sys._current_frames()
        places = {top: top.f_lasti for top in frames.values()}
        try:
            return not self._somebody_inside(frames, places) and _do_unless_moved(frames, places, calls)
        finally:
            frames.clear()  # the frame of this call is in it, which would keep itself alive
            places.clear()

    def _somebody_inside(self, frames: dict[int, FrameType], places: dict[FrameType, int]) -> bool:
        now, waiting = time.monotonic(), {threading.get_ident(), *self._waiting}
        return any(self._inside(top, places[top], now) for thread, top in frames.items() if thread not in waiting)

    def _inside(self, top: FrameType, place: int, now: float) -> bool:
        """True if a stack has got at something that changes, and may yet get at something else that does."""
        before, behind = NOTHING, NOTHING
        for frame in _stack(top):
            found = self._leading.spots(frame)
            if found.at or found.itself:
                depth, position = self._depth(frame, now), place if frame is top else frame.f_lasti
                before |= self._around(found, position, depth)[0]
                behind |= self._around(found, position - self._ahead, depth)[1]
        if not before or not behind or len(before | behind) < 2:
            return False
        return not self._is_still(top, now)

    def _is_still(self, top: FrameType, now: float) -> bool:
        """True if a thread has not moved for longer than it takes until all who want to have had their turn."""
        position, since = self._still.get(top, (-1, now))
        if position != top.f_lasti:
            self._still[top] = (top.f_lasti, now)
            return False
        if only_lost_its_turn(top.f_code, position):
            return False
        moving = sum(now - moved < STILL_S for _, moved in self._still.values())
        return now - since > STILL_S * (1 + moving)

    def _depth(self, frame: FrameType, now: float) -> int:
        """How many loops are taken by the turn: a thread that began with a loop does nothing else."""
        depth = int((now - self._since.setdefault(frame, now)) / LONG_CALL_S)
        caller = frame.f_back
        return depth or int(caller is not None and caller.f_code is _BEGINS_THREAD)


def tools_watch() -> bool:
    """True if a tool of `sys.monitoring` may run when a call is about to begin: one that is at it has not begun yet."""
    monitoring: Any = getattr(sys, "monitoring", None)  # from 3.12 on
    return monitoring is not None and any(monitoring.get_tool(number) for number in range(6))


def _stack(top: FrameType | None) -> Iterator[FrameType]:
    while top is not None:
        yield top
        top = top.f_back


def _do_unless_moved(frames: dict[int, FrameType], places: dict[FrameType, int], calls: Sequence[Call]) -> bool:
    """Does the calls at once; False, and nothing done, if a thread has run since `frames` was taken.

    A thread that has run is in another frame, or elsewhere in the same one; if it has come back to the same place it
    is as much outside as before. All that looks is C, and part of the same batch.
    """
    unmoved = frames.copy()
    unmoved[threading.get_ident()] = sys._getframe()
    others = [frame for thread, frame in frames.items() if thread != threading.get_ident()]
    positions = [places[frame] for frame in others]
    begun = deque[bool]()
    must_be = {True: True}.__getitem__
    looking = iter(sys._current_frames, None)
    same_frames = map(must_be, map(unmoved.__eq__, looking))
    same_places = map(must_be, map(positions.__eq__, map(list, (map(attrgetter("f_lasti"), others),))))
    every: list[Call] = [partial(next, same_frames), partial(next, same_places), partial(begun.append, True), *calls]
    try:
        with no_collection():
            deque(map(operator.call, every), maxlen=0)
    except KeyError:
        if begun:
            raise
        return False
    finally:
        unmoved.clear()
    return True
