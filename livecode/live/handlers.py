"""Which module the handlers of `logging` came with: those of other people look just the same.

A handler came with the tracked module that was being executed, or with the statement of a push, when it was made. One
that was there before the tracking began may belong to any module that was, too. All others are somebody else's.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

TYPE_CHECKING = False  # a service that only listens does not import typing
if TYPE_CHECKING:
    from typing import Any

EARLIER = ""
"""In place of a module: before the tracking began."""

_came: dict[int, tuple[weakref.ref[Any], str]] = {}  # by identity: a class of handlers may compare as it likes
_executed: set[str] = set()


@contextmanager
def executing(module: str) -> Iterator[None]:
    """Handlers that are made meanwhile came with this module, or with one that is imported meanwhile."""
    before = _handlers()
    _executed.add(module)
    try:
        yield
    finally:
        for identity, handler in _handlers().items():
            if identity not in before and _origin(handler) is None:
                _came[identity] = weakref.ref(handler), module


def begin() -> None:
    """From now on it is known what handlers came with; those that are there came earlier."""
    for identity, handler in _handlers().items():
        if _origin(handler) is None:
            _came[identity] = weakref.ref(handler), EARLIER


def claim(thing: Any, module: str) -> None:
    """Notes that a handler came with a statement of a module that a push has executed."""
    if has_origin(type(thing)):
        _came[id(thing)] = weakref.ref(thing), module


def forget() -> None:
    """Forgets everything, as nothing is tracked any more."""
    _came.clear()
    _executed.clear()


def has_origin(kind: type) -> bool:
    """True for classes of which it is known what an instance came with."""
    return issubclass(kind, getattr(sys.modules.get("logging"), "Handler", ()))


def came_with(thing: Any, module: str) -> bool:
    """True if a handler came with a module; of filters, which nobody lists, that is believed."""
    if not has_origin(type(thing)):
        logging = sys.modules.get("logging")
        return logging is not None and issubclass(type(thing), logging.Filter)
    origin = _origin(thing)
    return origin == module or (origin == EARLIER and module not in _executed)


def _origin(handler: object) -> str | None:
    reference, origin = _came.get(id(handler), (None, None))
    return origin if reference is not None and reference() is handler else None


def _handlers() -> dict[int, Any]:
    """All handlers that live: `logging` keeps weak references to them, to flush them in the end."""
    references = list(getattr(sys.modules.get("logging"), "_handlerList", ()))
    return {id(handler): handler for reference in references if (handler := reference()) is not None}
