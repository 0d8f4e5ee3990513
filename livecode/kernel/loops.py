"""`await on_loop(coroutine)`: from a cell onto the event loop on which the service serves."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from livecode.errors import UsageError
from livecode.live.safepoint import loop_on, main_loop

T = TypeVar("T")

KERNEL_THREADS = ("livecode-", "subshell-", "Control", "Shell channel", "IOPub")
"""What the names of threads start with whose loops are the kernels' own."""


async def on_loop(coroutine: Coroutine[Any, Any, T]) -> T:
    """What the coroutine returns, run on the service's own event loop; interrupting the cell cancels it there.

    Raises:
        UsageError: The service runs no event loop.
    """
    loop = service_loop()
    if loop is None:
        coroutine.close()
        raise UsageError("this process runs no event loop of its own now: plain await runs on the notebook's")
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, loop))


def service_loop() -> asyncio.AbstractEventLoop | None:
    """The event loop of the main thread, else that of any thread that is not a kernel's; None if there is none."""
    if (found := main_loop()) is not None:
        loop: asyncio.AbstractEventLoop = found
        return loop
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    tops = [top for key, top in sys._current_frames().items() if not names.get(key, "").startswith(KERNEL_THREADS)]
    return next((loop for loop in map(loop_on, tops) if loop is not None), None)
