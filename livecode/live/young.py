"""What a push makes is not looked at by the collector while it is made, nor at once when it is there.

Process-wide changes, both made here: the collector is off for a while, and back to what it was found to be; all
objects are made old at once.
"""

from __future__ import annotations

import gc
import operator
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

PUT_ASIDE_BY_PYTHON = 1000
"""Python 3.12 itself puts some hundred objects aside when it starts."""

MANY = 5_000
"""Looking at fewer new objects takes less than a millisecond."""


@contextmanager
def no_collection() -> Iterator[None]:
    """The collector stays off: it could call finalizers in between, and hold up all threads."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def grow_old() -> None:
    """Makes all objects old, if many are new: they are not looked at before the next full collection.

    Putting everything aside and taking it back looks at nothing: both only link lists. Where the program has put
    objects aside itself, before it forked, they stay there, and the young ones are looked at.
    Source: `gc_freeze_impl` and `gc_unfreeze_impl` in CPython's gcmodule.c.
    """
    if gc.get_count()[0] > MANY and gc.get_freeze_count() <= PUT_ASIDE_BY_PYTHON:
        deque(map(operator.call, (gc.freeze, gc.unfreeze)), maxlen=0)
