"""How long a thread goes on while others wait for their turn: a process-wide setting, made shorter here for a while.

    a look at all threads    for as long as a few looks take, so that the next one does not find all of them elsewhere
    what a guest asks        for a millisecond: after Python's own five, an event loop that misses a turn waits for ten

(`livecode.live.interference.Alone` makes it longer.)
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

TURN_S = 0.0002
MAX_TURN_S = 0.005
"""How long a thread runs, at least and at most, between two looks at all of them."""

GUEST_TURN_S = 0.001
"""How long a thread goes on that works for a guest of the service."""


_lock = threading.Lock()
_wishes: list[float] = []
"""Those of all who are in the middle of something, the same ones several times."""


@dataclass(slots=True)
class _Interval:
    """What was found when the first one wished, what was set for them, and whether that has not been taken back."""

    found: float = 0.0
    mine: float = 0.0
    owed: bool = False


_interval = _Interval()


@contextmanager
def short_turns(wished_s: float) -> Iterator[None]:
    """Meanwhile a thread that others wait for goes on for so long, or for less where somebody wishes that, too.

    Who waits for all threads to be at a good place at once waits much shorter if each look finds one thread elsewhere
    than the last, instead of all; and no look is worth anything if threads go on while it is taken.
    What the program itself sets meanwhile stays as it has set it.
    """
    with _lock:
        now = sys.getswitchinterval()
        if not _wishes and not (_interval.owed and now == _interval.mine):
            _interval.found = now
        if not _wishes or now == _interval.mine:
            _wishes.append(wished_s)
            _set_shortest()
        else:
            _wishes.append(wished_s)
    try:
        yield
    finally:
        with _lock:
            _wishes.remove(wished_s)
            # Where it is something else now, the program has set it, or `Alone` has for a moment and will put back
            # what was wished here: then the next one who leaves takes that back.
            _interval.owed = sys.getswitchinterval() != _interval.mine
            if not _interval.owed:
                _set_shortest()


def _set_shortest() -> None:
    """The shortest that is wished, in bounds; what was found where nothing is."""
    shortest = min((min(max(TURN_S, wished), MAX_TURN_S) for wished in _wishes), default=_interval.found)
    sys.setswitchinterval(min(shortest, _interval.found))
    _interval.mine = sys.getswitchinterval()
