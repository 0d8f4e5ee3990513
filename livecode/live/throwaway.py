"""A class statement that is executed again makes a second class, which is folded into the first and thrown away.

What built it (a metaclass, `__init_subclass__`, a decorator) may have put the second class somewhere:

    list         the first one takes its place, or is there already
    dict         the first one gets the entry, and loses the entries under other names
    set          the first one is in it
    attributes   of objects that were made for the class know the first one

Looked through is what the builder's own code leads to.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from livecode.live.contents import attributes_of, restore_container
from livecode.live.guard import reachable
from livecode.live.journal import Journal, restore_attribute

MAX_SEARCHED = 10_000
"""Longer containers are no registries of classes."""


class Registries:
    """The containers that building a class may change, as they are before.

    Args:
        cls: The class that exists.
        journal: Gets the inverse of whatever happens to them.
    """

    def __init__(self, cls: type, journal: Journal) -> None:
        self._journal = journal
        self._before = [(item, item.copy()) for item in _reached(cls) if len(item) <= MAX_SEARCHED]
        for container, _ in self._before:
            journal.note(restore_container(container))

    def take_out(self, cls: type) -> None:
        """Takes a class that goes out of all of them."""
        for container, _ in self._before:
            if isinstance(container, dict):
                for key in [key for key, value in container.items() if key is cls or _holds(value, cls)]:
                    del container[key]
            elif isinstance(container, list):
                container[:] = [item for item in container if not _holds(item, cls)]
            else:
                container.discard(cls)

    def keep_places(self, cls: type) -> None:
        """Puts a class that was taken out and came again where it was: other keys, the same order."""
        for container, before in self._before:
            if isinstance(container, dict):
                old = [key for key, value in before.items() if key is cls or _holds(value, cls)]
                new = {key: value for key, value in container.items() if key is cls or _holds(value, cls)}
                others = [(key, value) for key, value in container.items() if key not in new]
                at = next((n for n, key in enumerate(before) if key in old), len(others)) if old else len(others)
                container.clear()
                container.update([*others[:at], *new.items(), *others[at:]])
            elif isinstance(container, list) and not any(_holds(item, cls) for item in container):
                container[:] = [*before, *(item for item in container[len(before) :] if item not in before)]
            elif isinstance(container, list) and any(_holds(item, cls) for item in before):
                new_items = [item for item in container if _holds(item, cls)]
                rest = [item for item in container if not _holds(item, cls)]
                at = next(n for n, item in enumerate(before) if _holds(item, cls))
                container[:] = [*rest[:at], *new_items, *rest[at:]]

    def put_in_place(self, old: type, new: type) -> None:
        """Puts the class that stays where the one that goes was put."""
        for container, before in self._before:
            if isinstance(container, dict):
                _in_dict(container, before, old, new)
            elif isinstance(container, list):
                _in_list(container, old, new)
            elif new in container:
                container.discard(new)
                container.add(old)
        for value in list(new.__dict__.values()):
            own = attributes_of(value) if not isinstance(value, type) else None
            for name in [name for name, item in (own or {}).items() if item is new]:
                self._journal.note(restore_attribute(value, name))
                (own or {})[name] = old


def _reached(cls: type) -> Iterator[Any]:
    roots: list[object] = [type(cls)]
    for base in cls.__mro__[1:-1]:
        roots += [base.__dict__.get("__init_subclass__"), type(base)]
    return (thing for thing in reachable(roots) if type(thing) in (dict, list, set))


def _in_dict(container: dict[Any, Any], before: dict[Any, Any], old: type, new: type) -> None:
    fresh = {key for key, value in container.items() if _holds(value, new)}
    if not fresh and new not in container:
        return
    gone = [key for key, value in before.items() if fresh and value is old and key not in fresh]
    places = dict(zip(gone, [key for key in fresh if key not in before], strict=False))
    content: dict[Any, Any] = {}
    for key, value in container.items():
        if key in places:
            content[places[key]] = old
        elif key not in gone and key not in content:
            content[old if key is new else key] = _replaced(value, old, new)
    container.clear()
    container.update(content)


def _in_list(container: list[Any], old: type, new: type) -> None:
    if not any(_holds(item, new) for item in container):
        return
    content = []
    for item in container:
        kept = _replaced(item, old, new)
        if kept is item or not any(kept is one or (type(kept) is tuple and kept == one) for one in container):
            content.append(kept)
    container[:] = content


def _holds(item: object, cls: type) -> bool:
    return item is cls or (type(item) is tuple and any(part is cls for part in item))


def _replaced(item: Any, old: type, new: type) -> Any:
    if type(item) is tuple and _holds(item, new):
        return tuple(old if part is new else part for part in item)
    return old if item is new else item
