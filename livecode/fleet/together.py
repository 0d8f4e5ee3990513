"""The same question to many workers at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")


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
    from concurrent.futures import ThreadPoolExecutor, as_completed  # most services are asked one worker at a time

    with ThreadPoolExecutor(len(items), "livecode-ask") as pool:
        asked = [pool.submit(question, item) for item in items]
        for future in as_completed(asked):
            arrived(future.result())
    return [future.result() for future in asked]
