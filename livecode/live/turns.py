"""How long a thread goes on while others wait for their turn: a process-wide setting, made shorter here for a while.

    a look at all threads    for as long as a few looks take, so that the next one does not find all of them elsewhere
    what a guest asks        for a millisecond: after Python's own five, an event loop that misses a turn waits for ten

(`livecode.live.interference.Alone` makes it longer.)
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

TURN_S = 0.0002
MAX_TURN_S = 0.005
"""How long a thread runs, at least and at most, between two looks at all of them."""

GUEST_TURN_S = 0.001
"""How long a thread goes on that works for a guest of the service."""


@contextmanager
def short_turns(wished_s: float) -> Iterator[None]:
    """Meanwhile a thread that others wait for goes on for so long.

    Who waits for all threads to be at a good place at once waits much shorter if each look finds one thread elsewhere
    than the last, instead of all; and no look is worth anything if threads go on while it is taken.
    What the program itself sets meanwhile stays as it has set it.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(min(max(TURN_S, wished_s), MAX_TURN_S, before))
    mine = sys.getswitchinterval()
    try:
        yield
    finally:
        if sys.getswitchinterval() == mine:
            sys.setswitchinterval(before)
