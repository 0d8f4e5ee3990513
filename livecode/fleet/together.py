"""The same question to many workers at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
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

    asked = [_askers().submit(question, item) for item in items]
    for future in as_completed(asked):
        arrived(future.result())
    return [future.result() for future in asked]


def _askers() -> ThreadPoolExecutor:
    """The threads that ask, kept from one question to the next; a forked child has its own."""
    global _pool, _pool_pid
    if _pool is None or _pool_pid != os.getpid():
        from concurrent.futures import ThreadPoolExecutor

        _pool, _pool_pid = ThreadPoolExecutor(MAX_ASKERS, "livecode-ask"), os.getpid()
    return _pool


_pool: ThreadPoolExecutor | None = None
_pool_pid = 0
