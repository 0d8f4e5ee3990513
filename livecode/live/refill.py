"""A container that is filled again in place: who holds it sees what is in it now."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from functools import partial
from typing import Any

from livecode.live.contents import restore_container
from livecode.live.journal import Step


def can_refill(old: object, new: object) -> bool:
    """True if the one that exists can take over what is in the new one."""
    return old is not new and type(old) is type(new) and isinstance(new, list | dict | set | deque)


def refill(container: Any, contents: Any, name: str) -> Iterator[Step]:
    """The steps that give a list, dict, set or deque, which has a name in its module, other contents."""
    undo = restore_container(container)
    if isinstance(container, list):
        yield Step(partial(container.__setitem__, slice(None), contents), undo, name=name)
        return
    yield Step(container.clear, undo, name=name)
    fill = container.update if isinstance(container, dict | set) else container.extend
    yield Step(partial(fill, contents), bool)  # the step before undoes both
