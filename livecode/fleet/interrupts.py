"""Ctrl-C in the middle of a rollout: it waits until the workers agree again.

Process-wide change, made and taken back here: the handler of SIGINT while the block runs. It is put back to what was
found. Outside the main thread nothing is changed, as no KeyboardInterrupt arrives there; but somebody elsewhere, for
whom a thread works, may press it.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interrupts_deferred() -> Iterator[list[int]]:
    """Raises the KeyboardInterrupt of a first Ctrl-C at the end of the block; that of a second one at once.

    Yields:
        What has been pressed, for a block that waits: empty as long as nothing was.
    """
    if (elsewhere := getattr(_of_thread, "pressed", None)) is not None:
        _raise_if(elsewhere)  # before the block, nothing has begun
        yield elsewhere
        _raise_if(elsewhere)
        return
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield []
        return
    pressed: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if pressed:
            before(number, frame)
        pressed.append(number)

    signal.signal(signal.SIGINT, note)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)
    if len(pressed) == 1:
        before(pressed[0], None)


@contextmanager
def interrupts_from(pressed: list[int]) -> Iterator[None]:
    """In this thread, what is pressed during the block is what somebody else appends to that list."""
    _of_thread.pressed = pressed
    try:
        yield
    finally:
        del _of_thread.pressed


def _raise_if(pressed: list[int]) -> None:
    if pressed:
        raise KeyboardInterrupt


_of_thread = threading.local()
