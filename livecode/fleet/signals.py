"""Signals are the program's: none is delivered to the thread that waits at a door.

A program that blocks a signal to wait for it (`signal.sigwait`), or to be interrupted by it where it waits, must not
find that it went to a thread that it does not know of. Threads that execute what was pushed have the program's own
mask: what they start inherits it.
"""

from __future__ import annotations

import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from threading import Thread

_of_program: set[int] = set()


def start_out_of_reach(thread: Thread) -> None:
    """Starts a thread that no signal reaches. The caller's mask is the program's."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        thread.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    _of_program.clear()
    _of_program.update(before)


def start_as_the_program(thread: Thread) -> None:
    """Starts a thread that signals reach as they reach the program; for a caller that none reaches."""
    before = signal.pthread_sigmask(signal.SIG_SETMASK, _of_program)
    try:
        thread.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
