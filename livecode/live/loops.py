"""The event loop on which a service serves, and coroutines that are run on it from another thread."""

from __future__ import annotations

import sys
import threading
from collections.abc import Coroutine
from typing import Any, cast

from livecode.live.safepoint import loop_on, main_loop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

OTHER_THREADS = ("livecode-", "subshell-", "Control", "Shell channel", "IOPub")
"""What the names of threads start with whose loops are livecode's or the kernels' own."""


def service_loop() -> AbstractEventLoop | None:
    """The event loop of the main thread, else that of any thread that is not a kernel's; None if there is none."""
    if "asyncio" not in sys.modules:
        return None
    if (found := main_loop()) is not None:
        loop: AbstractEventLoop = found
        return loop
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    tops = [top for key, top in sys._current_frames().items() if not names.get(key, "").startswith(OTHER_THREADS)]
    return next((loop for loop in map(loop_on, tops) if loop is not None), None)


class Awaited:
    """A coroutine that runs on an event loop, for a thread that waits for it.

    Args:
        coroutine: What is awaited.
        loop: Where; None for a loop of its own, in the thread that waits.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, Any], loop: AbstractEventLoop | None) -> None:
        import asyncio  # few await anything

        self._coroutine, self._loop, self._ended = coroutine, loop, threading.Event()
        self._runner = asyncio.Runner() if loop is None else None
        self._future = asyncio.run_coroutine_threadsafe(self._run(), loop) if loop is not None else None
        self._task: Any = None

    def result(self) -> Any:
        """What it returns, or raises."""
        if self._future is not None:
            return self._future.result()
        assert self._runner is not None
        with self._runner as runner:
            self._loop = runner.get_loop()
            return runner.run(self._run())

    def cancel(self, patience_s: float) -> bool:
        """True if it has ended after that; one that never comes to an await does not.

        Args:
            patience_s: How long it may take to end.
        """
        if self._future is not None:
            self._future.cancel()
        elif self._loop is not None and self._task is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._task.cancel)
        return self._ended.wait(patience_s)

    def place(self) -> tuple[str, str, int] | None:
        """Function, file and line of the innermost coroutine; None once it has ended."""
        inner, frame = cast(Any, self._coroutine), None
        while (found := getattr(inner, "cr_frame", None)) is not None:
            frame, inner = found, getattr(inner, "cr_await", None)
        return (frame.f_code.co_name, frame.f_code.co_filename, frame.f_lineno) if frame is not None else None

    async def _run(self) -> Any:
        import asyncio

        self._task = asyncio.current_task()
        try:
            return await self._coroutine
        finally:
            self._ended.set()
