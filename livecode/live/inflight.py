"""Which calls are inside old code now: it runs to its end there, whatever was pushed meanwhile."""

from __future__ import annotations

import os
import sys
import weakref
from collections.abc import Iterator, Mapping
from types import CodeType, FrameType
from typing import Any

from livecode.engine.code import walk
from livecode.live.safepoint import main_loop


class OldCode:
    """The code objects that pushes replaced, as long as somebody keeps them alive."""

    def __init__(self) -> None:
        self._names: weakref.WeakKeyDictionary[CodeType, str] = weakref.WeakKeyDictionary()

    def add(self, replaced: Mapping[CodeType, str]) -> None:
        """Remembers what was replaced, with the names that people know it by.

        Code objects are equal if they look the same, so the old one of an undone push may be the running one: what
        runs again is no longer old.
        """
        for code, name in replaced.items():
            for inner in walk(code):
                self._names[inner] = name if inner is code else inner.co_qualname

    def forget(self, running: Mapping[CodeType, object]) -> None:
        """These run again."""
        for code in running:
            self._names.pop(code, None)

    def calls(self) -> tuple[str, ...]:
        """Calls under way inside old code, as ``name() … (file:line)``, with their number where there are several."""
        counts: dict[str, int] = {}
        for frame in frames_now():
            name = self._names.get(frame.f_code)
            if name is not None:
                place = f"{name}() ({os.path.basename(frame.f_code.co_filename)}:{frame.f_lineno})"
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
