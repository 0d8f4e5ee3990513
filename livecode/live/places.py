"""Places where registrations are kept: read as entries, filled by steps that can be undone.

list, deque     entries in order
dict            entries in order, each with its key
set             entries in any order
attributes      of an object: `self.last = function`
global name     of a module: `LAST = function`
Registry        what an adapter says (`livecode.live.adapters.protocol`)
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from livecode.live.adapters.protocol import Registry
from livecode.live.journal import Step

NO_KEY = object()


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One thing that is registered; `key` is `NO_KEY` where the place has no keys."""

    value: Any
    key: Any = NO_KEY

    def same(self, other: Entry) -> bool:
        """True if it is the very same key and value."""
        return self.value is other.value and (self.key is other.key or _equal_keys(self.key, other.key))


class Place(Protocol):
    """Where entries are."""

    @property
    def thing(self) -> Any:
        """What holds the entries: a live container, or a `Registry`."""

    @property
    def ordered(self) -> bool:
        """True if the order of the entries matters and can be chosen."""

    def read(self) -> list[Entry]:
        """The entries now."""

    def fill(self, entries: Sequence[Entry]) -> list[Step]:
        """The steps that make these the entries, and back to those of now."""


@dataclass(frozen=True, slots=True, eq=False)
class ListPlace:
    """A list or deque."""

    thing: Any
    ordered: bool = True

    def read(self) -> list[Entry]:
        """See `Place.read`."""
        return [Entry(value) for value in list(self.thing)]

    def fill(self, entries: Sequence[Entry]) -> list[Step]:
        """See `Place.fill`."""
        old, new = list(self.thing), [entry.value for entry in entries]
        if isinstance(self.thing, deque):
            clear = Step(partial(deque.clear, self.thing), partial(deque.extend, self.thing, old))
            return [clear, Step(partial(deque.extend, self.thing, new), partial(deque.clear, self.thing))]
        everything = slice(None)
        return [
            Step(
                partial(list.__setitem__, self.thing, everything, new),
                partial(list.__setitem__, self.thing, everything, old),
            )
        ]


@dataclass(frozen=True, slots=True, eq=False)
class DictPlace:
    """A dict."""

    thing: Any
    ordered: bool = True

    def read(self) -> list[Entry]:
        """See `Place.read`."""
        return [Entry(value, key) for key, value in list(self.thing.items())]

    def fill(self, entries: Sequence[Entry]) -> list[Step]:
        """See `Place.fill`. Where the order allows it, each entry is set alone: nobody ever misses another one."""
        kind: Any = OrderedDict if isinstance(self.thing, OrderedDict) else dict
        old, new = dict(self.thing.items()), {entry.key: entry.value for entry in entries}
        gone = [key for key in old if key not in new]
        if [*(key for key in old if key in new), *(key for key in new if key not in old)] != list(new):
            clear = Step(partial(kind.clear, self.thing), partial(kind.update, self.thing, old))
            return [clear, Step(partial(kind.update, self.thing, new), partial(kind.clear, self.thing))]
        back = partial(_restore_dict, kind, self.thing, old)
        steps = [
            Step(partial(kind.__setitem__, self.thing, key, value), back)
            for key, value in new.items()
            if key not in old or old[key] is not value
        ]
        return [*steps, *(Step(partial(kind.pop, self.thing, key, None), back) for key in gone)]


@dataclass(frozen=True, slots=True, eq=False)
class SetPlace:
    """A set."""

    thing: Any
    ordered: bool = False

    def read(self) -> list[Entry]:
        """See `Place.read`."""
        return [Entry(value) for value in list(self.thing)]

    def fill(self, entries: Sequence[Entry]) -> list[Step]:
        """See `Place.fill`."""
        old, new = set(self.thing), {entry.value for entry in entries}
        return [
            *(Step(partial(set.add, self.thing, item), partial(set.discard, self.thing, item)) for item in new - old),
            *(Step(partial(set.discard, self.thing, item), partial(set.add, self.thing, item)) for item in old - new),
        ]


@dataclass(frozen=True, slots=True, eq=False)
class NamesPlace:
    """Attributes of an object, or some global names of a module: they are set again, and never go.

    Attributes:
        thing: The namespace.
        names: Those that count; None for all.
    """

    thing: dict[str, Any]
    names: frozenset[str] | None = None
    ordered: bool = False

    def read(self) -> list[Entry]:
        """See `Place.read`."""
        return [
            Entry(value, name) for name, value in list(self.thing.items()) if self.names is None or name in self.names
        ]

    def fill(self, entries: Sequence[Entry]) -> list[Step]:
        """See `Place.fill`."""
        wanted = {entry.key: entry.value for entry in entries}
        steps = []
        for name in [name for name in self.thing if self.names is None or name in self.names]:
            if name not in wanted:
                undo = partial(self.thing.__setitem__, name, self.thing[name])
                steps.append(Step(partial(self.thing.pop, name, None), undo))
        for name, value in wanted.items():
            if name not in self.thing:
                steps.append(Step(partial(self.thing.__setitem__, name, value), partial(self.thing.pop, name, None)))
            elif self.thing[name] is not value:
                undo = partial(self.thing.__setitem__, name, self.thing[name])
                steps.append(Step(partial(self.thing.__setitem__, name, value), undo))
        return steps


@dataclass(frozen=True, slots=True, eq=False)
class RegistryPlace:
    """What an adapter describes."""

    thing: Registry
    ordered: bool = True

    def read(self) -> list[Entry]:
        """See `Place.read`."""
        return [Entry(value) for value in self.thing.entries()]

    def fill(self, entries: Sequence[Entry]) -> list[Step]:
        """See `Place.fill`."""
        return list(self.thing.filled([entry.value for entry in entries]))


def place(container: Any) -> Place | None:
    """The place that a container is, None if it is none."""
    kind = type(container)
    if issubclass(kind, dict):
        return DictPlace(container)
    if issubclass(kind, list | deque):
        return ListPlace(container)
    if issubclass(kind, set):
        return SetPlace(container)
    return RegistryPlace(container) if hasattr(kind, "entries") and hasattr(kind, "filled") else None


def identity(where: Place) -> object:
    """Equal for two places that are one."""
    if isinstance(where, NamesPlace):
        return id(where.thing), where.names
    return where.thing if isinstance(where, RegistryPlace) else id(where.thing)


def is_same(one: Iterable[Entry], other: Iterable[Entry]) -> bool:
    """True if both are the very same entries in the same order."""
    left, right = list(one), list(other)
    return len(left) == len(right) and all(mine.same(theirs) for mine, theirs in zip(left, right, strict=True))


def _equal_keys(one: Any, other: Any) -> bool:
    return type(one) is type(other) and isinstance(one, str | int | tuple | bytes) and bool(one == other)


def _restore_dict(kind: Any, mapping: Any, old: dict[Any, Any]) -> None:
    if list(map(id, mapping)) != list(map(id, old)):
        kind.clear(mapping)
    kind.update(mapping, old)


def fill(where: Place, entries: Sequence[Entry]) -> None:
    """Makes these the entries at once."""
    for step in where.fill(entries):
        step.do()
