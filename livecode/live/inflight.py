"""Which calls are inside old code now: it runs to its end there, whatever was pushed meanwhile."""

from __future__ import annotations

import os
import sys
import weakref
from collections.abc import Iterable, Iterator
from types import CodeType, FrameType, FunctionType
from typing import Any

from livecode.engine.code import walk
from livecode.live.safepoint import main_loop


class OldCode:
    """The code objects that pushes replaced, as long as somebody keeps them alive."""

    def __init__(self) -> None:
        self._codes: weakref.WeakSet[CodeType] = weakref.WeakSet()

    def add(self, replaced: Iterable[CodeType]) -> None:
        """Remembers what was replaced."""
        for code in replaced:
            for inner in walk(code):
                self._codes.add(inner)

    def run_again(self, namespace: Iterable[object]) -> None:
        """Forgets code that is in use again: an undo may bring back the very same."""
        for thing in namespace:
            if type(thing) is FunctionType:
                self._codes.discard(thing.__code__)

    def calls(self) -> tuple[str, ...]:
        """Calls under way inside old code, as ``name() … (file:line)``, with their number where there are several."""
        counts: dict[str, int] = {}
        for frame in frames_now():
            code = frame.f_code
            if code in self._codes:
                place = f"{code.co_qualname}() ({os.path.basename(code.co_filename)}:{frame.f_lineno})"
                counts[place] = counts.get(place, 0) + 1
        return tuple(place if count == 1 else f"{count} × {place}" for place, count in sorted(counts.items()))


def frames_now() -> Iterator[FrameType]:
    """The frames of all threads, and of the coroutines that wait on the main thread's event loop."""
    for top in sys._current_frames().values():
        frame: FrameType | None = top
        while frame is not None:
            yield frame
            frame = frame.f_back
    if "asyncio" in sys.modules:
        yield from _waiting_frames()


def _waiting_frames() -> Iterator[FrameType]:
    import asyncio

    loop = main_loop()
    if loop is None:
        return
    for task in asyncio.all_tasks(loop):
        awaited: Any = task.get_coro()
        while awaited is not None:
            frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "gi_frame", None)
            if frame is not None:
                yield frame
            awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "gi_yieldfrom", None)
