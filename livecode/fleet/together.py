"""The same question to many workers at once."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

Item = TypeVar("Item")
Answer = TypeVar("Answer")

MAX_ASKERS = 64


def ask_all(
    question: Callable[[Item], Answer],
    items: Sequence[Item],
    arrived: Callable[[Answer], None] = lambda _: None,
) -> list[Answer]:
    """The answers, in the order of the items. One item is asked in the caller's own thread, more in a thread each.

    Args:
        question: Asked of every item. What it raises is raised here, when all have answered.
        items: Who is asked.
        arrived: Told each answer as it comes, in the caller's thread.
    """
    if len(items) <= 1:
        answers = [question(item) for item in items]
        for answer in answers:
            arrived(answer)
        return answers
    from concurrent.futures import as_completed  # most services are asked one worker at a time

    with _asking() as askers:
        asked = [askers.submit(question, item) for item in items]
        for future in as_completed(asked):
            arrived(future.result())
        return [future.result() for future in asked]


def rest() -> None:
    """Ends the threads that ask, unless somebody asks at this moment; the next question starts them anew."""
    global _pool
    with _lock:
        if _pool is None or _pool_pid != os.getpid() or _questions:
            return
        idle, _pool = _pool, None
    idle.shutdown()


@contextmanager
def _asking() -> Iterator[ThreadPoolExecutor]:
    """The threads that ask, kept from one question to the next; a forked child has its own."""
    global _pool, _pool_pid, _questions, _is_hooked
    if not _is_hooked and hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_after_fork)  # another thread may hold the lock
        _is_hooked = True
    with _lock:
        if _pool is None or _pool_pid != os.getpid():
            from concurrent.futures import ThreadPoolExecutor

            _pool, _pool_pid, _questions = ThreadPoolExecutor(MAX_ASKERS, "livecode-ask"), os.getpid(), 0
        askers, pid = _pool, _pool_pid
        _questions += 1
    try:
        yield askers
    finally:
        with _lock:
            if pid == _pool_pid:  # a fork may have happened meanwhile
                _questions -= 1


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()


_lock = threading.Lock()
_pool: ThreadPoolExecutor | None = None
_pool_pid = _questions = 0
_is_hooked = False
