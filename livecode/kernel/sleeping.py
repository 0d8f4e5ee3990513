"""`time.sleep` in a cell, which an interrupt ends.

Nothing wakes a thread out of `time.sleep`: signals go to the main thread, and that is the service's. So a cell's calls
of something named ``sleep`` are compiled as ``wakeable(sleep)(…)``, and that is another wait if it is `time.sleep`. In
the service's own functions, also where a cell calls them, `time.sleep` stays what it is.
"""

from __future__ import annotations

import ast
import time
from collections.abc import Callable
from typing import Any

from livecode.kernel.current import current_seat

NAME = "__livecode_wakeable__"
LONGEST_S = 3600.0


class WakeableSleeps(ast.NodeTransformer):
    """Makes the sleeps of a cell wakeable."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """The call, with what is called asked for the wait that can be ended."""
        self.generic_visit(node)
        called = node.func
        name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
        if name == "sleep":
            wrapped = ast.Call(ast.Name(NAME, ast.Load()), [called], [])
            node.func = ast.fix_missing_locations(ast.copy_location(wrapped, called))
        return node


def wakeable(called: Callable[..., Any]) -> Callable[..., Any]:
    """What is called itself; for `time.sleep` one that an interrupt ends."""
    return _sleep if called is time.sleep else called


def _sleep(seconds: float, /) -> None:
    seat = current_seat()
    run = seat.runs.here() if seat is not None else None
    if run is None or not seconds > 0:  # what is wrong with it, time.sleep says
        time.sleep(seconds)
        return
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if run.bell.acquire(timeout=min(left, LONGEST_S)):
            continue  # the exception that comes with the bell arrives here; the next wait is a whole one again
