"""Whose code runs: the seat of the notebook for which this context works, None in the service's own.

What a cell starts on an event loop, its own or the service's, belongs to it; a thread that it starts does not, unless
that runs in a copy of the cell's context (`contextvars.copy_context().run`).
"""

from __future__ import annotations

import os
from contextvars import ContextVar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from livecode.kernel.seat import Seat

_seat: ContextVar[Seat | None] = ContextVar("livecode_seat", default=None)


def current_seat() -> Seat | None:
    """The seat of the notebook for which this code runs; None in a child of its process, too."""
    seat = _seat.get()
    return seat if seat is not None and seat.pid == os.getpid() else None


def sit_down(seat: Seat | None) -> None:
    """From now on this context works for that notebook."""
    _seat.set(seat)
