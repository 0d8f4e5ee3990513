"""Where a decorator leads: the registries that it can put a function into, and which entries hold which function.

    @app.get("/x")       app      an adapter knows where it keeps its routes
    @register("a")       register the lists, dicts and sets that its code, its closure and its module's names lead to
    @bus.on(EVENT)       bus      those of its attributes

Nothing is called to find out, and modules that are only mentioned are not searched.
"""

from __future__ import annotations

import ast
import builtins
import functools
import sys
import weakref
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import BuiltinFunctionType, CodeType, FunctionType, MemberDescriptorType, MethodType, ModuleType
from typing import Any

from livecode.engine.code import walk
from livecode.live.adapters import adapters
from livecode.live.adapters.protocol import Adapter
from livecode.live.contents import attributes_of, cells_of, slots_of
from livecode.live.locate import MAX_CONTAINER
from livecode.live.places import Entry, NamesPlace, Place, identity, place

MAX_REACHED = 3000
"""Objects looked at for one decorator."""

MAX_DEPTH = 8

MAX_HELD = 200
"""Objects looked at within one entry."""

MAX_HELD_DEPTH = 3

_LEAVES = (str, bytes, int, float, complex, bool, type(None), CodeType, BuiltinFunctionType)

Wanted = Callable[[object], bool]
"""True for what is looked for."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A framework's object that keeps registrations, and who knows about it."""

    adapter: Adapter
    thing: Any

    def entries_of(self, entry: Entry) -> Iterable[object]:
        """What an entry was registered for."""
        return (*self.adapter.registered(self.thing, entry.value), entry.key)


@dataclass
class Reach:
    """What a decorator leads to.

    Attributes:
        owners: Objects of known frameworks; their places are not among `places`.
        places: All other containers, attributes and global names.
        opaque: True if something was met that cannot be looked into.
        seen: Ids of everything that was looked at.
    """

    owners: list[Owner] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    opaque: bool = False
    seen: set[int] = field(default_factory=set)

    def every_place(self) -> Iterator[tuple[Place, Owner | None]]:
        """All places, each once, with the owner that an adapter knows them from."""
        containers = [(each, owner) for owner in self.owners for each in owner.adapter.registries(owner.thing)]
        known = [(found, owner) for each, owner in containers if (found := place(each)) is not None]
        others: list[tuple[Place, Owner | None]] = [(each, None) for each in self.places]
        yield from {identity(where): (where, owner) for where, owner in [*reversed(others), *reversed(known)]}.values()


def owner_of(thing: object) -> Owner | None:
    """The owner that a thing is for a known framework."""
    return next((Owner(adapter, thing) for adapter in adapters() if adapter.owns(thing)), None)


def resolve(expression: ast.expr, scope: Mapping[str, Any]) -> list[object]:
    """What `app.router.get` leads past: the app, its router, the method; as far as no code has to run for that."""
    if isinstance(expression, ast.Call):
        return resolve(expression.func, scope)
    if isinstance(expression, ast.Name):
        missing = object()
        found = scope.get(expression.id, getattr(builtins, expression.id, missing))
        return [] if found is missing else [found]
    if isinstance(expression, ast.Attribute):
        path = resolve(expression.value, scope)
        if path and not isinstance(expression.value, ast.Call):
            path += _attribute(path[-1], expression.attr)
        return path
    return []


def _attribute(thing: Any, name: str) -> list[object]:
    own = attributes_of(thing) if not isinstance(thing, type) else None
    if own is not None and name in own:
        return [own[name]]
    for cls in thing.__mro__ if isinstance(thing, type) else type(thing).__mro__:
        if name in cls.__dict__:
            found = cls.__dict__[name]
            slot = isinstance(found, MemberDescriptorType) and not isinstance(thing, type)
            return [found.__get__(thing)] if slot else [found]
    return []


def reach(roots: Iterable[object], wanted: Wanted) -> Reach:
    """All registries that code starting from `roots` can put something into.

    Args:
        roots: A decorator, its owner, its arguments.
        wanted: Entries that hold such a thing are registrations: what is inside of them is not searched.
    """
    found = Reach()
    known = list(adapters())
    waiting = deque((root, 0) for root in roots)
    while waiting:
        thing, depth = waiting.popleft()
        if id(thing) in found.seen or issubclass(type(thing), _LEAVES) or wanted(thing):
            continue
        if len(found.seen) >= MAX_REACHED:
            found.opaque = True
            break
        found.seen.add(id(thing))
        adapter = next((each for each in known if each.owns(thing)), None)
        if adapter is not None:
            found.owners.append(Owner(adapter, thing))
        elif depth < MAX_DEPTH and type(thing) is not ModuleType:
            waiting += [(inner, depth + 1) for inner in _inside(thing, found, wanted)]
    return found


def _inside(thing: Any, found: Reach, wanted: Wanted) -> list[Any]:
    kind = type(thing)
    where = place(thing)
    if where is not None:
        found.places.append(where)
        entries = where.read() if len(thing) <= MAX_CONTAINER else []
        return [entry.value for entry in entries if not holds(entry.value, wanted, found.seen)]
    if kind is FunctionType:
        return _inside_function(thing, found)
    if issubclass(kind, type):
        return _inside_class(thing, found)
    if issubclass(kind, MethodType):
        return [thing.__self__, thing.__func__]
    if issubclass(kind, staticmethod | classmethod):
        return [thing.__func__]
    if kind is functools.partial:
        return [thing.func, *thing.args, *thing.keywords.values()]
    if kind in (tuple, frozenset):
        return list(thing)
    if _is_standard(kind.__module__):
        own = attributes_of(thing)
        return list(own.values()) if own is not None else []
    return [*_attributes(thing, found), kind]


def _inside_function(function: FunctionType, found: Reach) -> list[Any]:
    """Its closure and what its code names: globals, also of the modules that it names."""
    cells = list(cells_of(function))
    own = function.__dict__
    if own:
        found.places.append(NamesPlace(own))
    inside = [*cells, *own.values(), *(function.__defaults__ or ())]
    if _is_standard(function.__globals__.get("__name__", "")):
        return inside
    names = {name for code in walk(function.__code__) for name in code.co_names}
    stored = frozenset(name for name in names if name in function.__globals__)
    for name in stored:
        value = function.__globals__[name]
        if isinstance(value, ModuleType):
            named = value.__dict__ if not _is_standard(value.__name__) else {}
            inside += [named[other] for other in names if other in named]
        inside.append(value)
    changing = frozenset(name for name in stored if not isinstance(function.__globals__[name], ModuleType))
    if changing:
        found.places.append(NamesPlace(function.__globals__, changing))
    return inside


def _inside_class(cls: type, found: Reach) -> list[Any]:
    bases = [base for base in cls.__mro__ if not _is_standard(base.__module__)]
    return [value for base in bases for name, value in list(base.__dict__.items()) if name not in _CLASS_NOISE]


_CLASS_NOISE = frozenset({"__dict__", "__weakref__", "__doc__", "__module__", "__annotations__", "__qualname__"})


def _attributes(thing: Any, found: Reach) -> list[Any]:
    inside = []
    own = attributes_of(thing)
    if own is not None:
        found.places.append(NamesPlace(own))
        inside += list(own.values())
    inside += slot_values(thing)
    return inside


def holds(entry: object, wanted: Wanted, outside: Collection[int] = ()) -> bool:
    """True if an entry of a registry is, wraps or names what is looked for."""
    return next(held(entry, wanted, outside), None) is not None


def held(entry: object, wanted: Wanted, outside: Collection[int] = ()) -> Iterator[Any]:
    """What an entry holds of what is looked for: itself, an attribute, in a closure, behind a weak reference.

    What a list, dict or set inside of it holds is not the entry's: that is a registry of its own.

    Args:
        entry: Of a registry.
        wanted: What is looked for.
        outside: Ids of what the entry does not own: the registry and what lies above it.
    """
    waiting: deque[tuple[Any, int]] = deque([(entry, 0)])
    if type(entry) is dict and _is_record(entry):
        waiting.extend((value, 1) for value in entry.values())
    seen: set[int] = set()
    while waiting and len(seen) < MAX_HELD:
        thing, depth = waiting.popleft()
        if wanted(thing):
            yield thing
        elif id(thing) not in seen and id(thing) not in outside and not issubclass(type(thing), _NOT_SEARCHED):
            seen.add(id(thing))
            if depth < MAX_HELD_DEPTH:
                waiting += [(inner, depth + 1) for inner in parts_of(thing)]


_NOT_SEARCHED = (*_LEAVES, ModuleType, type, list, dict, set, deque)


def _is_record(entry: dict[Any, Any]) -> bool:
    """True for a dict that describes one thing, such as `{"run": function, "every": 5}`, and does not list many."""
    return 1 < len(entry) < 20 and all(type(key) is str for key in entry) and not all(map(callable, entry.values()))


def parts_of(thing: Any) -> list[Any]:
    """What a thing is made of, as far as that is its own: nothing is called, globals are not followed."""
    kind = type(thing)
    if kind is FunctionType:
        return [*cells_of(thing), *thing.__dict__.values()]
    if issubclass(kind, weakref.ref):
        target = thing()
        return [] if target is None else [target]
    if issubclass(kind, MethodType | staticmethod | classmethod):
        return [thing.__func__]
    if issubclass(kind, property):
        return [thing.fget, thing.fset, thing.fdel]
    if kind is functools.partial:
        return [thing.func, *thing.args, *thing.keywords.values()]
    if kind is functools._lru_cache_wrapper:
        return [thing.__wrapped__]
    if issubclass(kind, tuple | frozenset):
        return list(thing) if len(thing) <= MAX_HELD else []
    own = attributes_of(thing)
    return [*(own.values() if own is not None else ()), *slot_values(thing)]


def slot_values(thing: object) -> Iterator[Any]:
    """What the slots of an object hold."""
    for slot in slots_of(type(thing)):
        yield from slot_value(slot, thing)


def slot_value(slot: MemberDescriptorType, thing: object) -> Iterator[Any]:
    """What one slot holds; nothing if it is empty."""
    try:
        yield slot.__get__(thing)
    except AttributeError:
        return


def _is_standard(module: object) -> bool:
    return isinstance(module, str) and module.partition(".")[0] in sys.stdlib_module_names
