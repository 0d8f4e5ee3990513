"""`await on_loop(coroutine)`: from a cell onto the event loop on which the service serves."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from livecode.errors import UsageError
from livecode.live.loops import service_loop

T = TypeVar("T")


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
