"""Keeps what code that is about to run can change without importing anything, for a roll back.

Followed are: what containers hold, the attributes of instances and classes, and what functions read from their
closures, their defaults and, by name, from their globals. Functions of other packages are not followed into: what they
keep is theirs. A global that a function declares `global` is kept by its name.
"""

from __future__ import annotations

import dis
import functools
from collections import deque
from collections.abc import Iterable, Iterator
from types import (
    CellType,
    CodeType,
    FunctionType,
    MappingProxyType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)
from typing import Any

from livecode.engine.code import walk
from livecode.live.committing import Committing
from livecode.live.contents import (
    LEAVES,
    MAX_ENTRIES,
    Inverse,
    attributes_of,
    in_cell,
    is_container,
    length,
    restore_attributes,
    restore_cell,
    restore_class,
    restore_container,
    restore_names,
    slots_of,
)

MAX_REACHED = 2000
"""Objects looked at for each piece of code that runs."""

MAX_FOLLOWED = 1000
"""Longer containers are kept, but what they hold is data."""

MAX_DEPTH = 6

_LEAVES = LEAVES | {MappingProxyType}
_ALIVE = frozenset(
    {
        *("threading", "_thread", "queue", "_queue", "asyncio", "_asyncio", "concurrent", "multiprocessing"),
        *("socket", "_socket", "ssl", "_ssl", "selectors", "select", "subprocess", "io", "_io", "weakref"),
    }
)
"""Libraries whose objects stand for something outside of them: a thread that ended does not run again because its
attributes say so. They are left as they are."""

_FOLLOWED: tuple[Any, ...] = (dict, list, tuple, set, frozenset, deque)
_FOREIGN = ("site-packages", "dist-packages", "<frozen")


def guard(roots: Iterable[object], state: Committing) -> None:
    """Notes inverses for everything that code starting from `roots` can change.

    Once for each object: a roll back ends with the oldest inverse, which knows what was there before the push.
    """
    for thing in reachable(roots):
        if id(thing) not in state.guarded:
            state.guarded[id(thing)] = thing
            for undo in _inverses(thing, state):
                state.journal.note(undo)


def reachable(roots: Iterable[object]) -> Iterator[Any]:
    """The objects that such code can get hold of, nearest first; modules and plain values are left out."""
    seen: set[int] = set()
    waiting = deque((root, 0) for root in roots)
    while waiting and len(seen) < MAX_REACHED:
        thing, depth = waiting.popleft()
        kind = type(thing)
        if id(thing) in seen or kind in _LEAVES or issubclass(kind, ModuleType) or is_namespace(thing):
            continue
        seen.add(id(thing))
        yield thing
        if depth < MAX_DEPTH:
            waiting += [(inner, depth + 1) for inner in _inside(thing, kind)]


def is_namespace(thing: object) -> bool:
    """True for the globals of a module, in which other people's names are too."""
    return type(thing) is dict and "__builtins__" in thing


def _inverses(thing: Any, state: Committing) -> Iterator[Inverse]:
    kind = type(thing)
    if kind is FunctionType:
        yield from _written_by(thing)
        return
    if is_container(kind):
        yield restore_container(thing) if length(thing) <= MAX_ENTRIES else _TooLong(thing, state)
    if kind is CellType:
        yield restore_cell(thing)
    elif issubclass(kind, type):
        if thing.__module__ != "builtins":
            yield restore_class(thing)
    elif _has_attributes(kind):
        yield from restore_attributes(thing)


def _inside(thing: Any, kind: type) -> list[Any]:
    if kind is FunctionType:
        return _inside_function(thing)
    if kind is CellType:
        return list(in_cell(thing))
    if issubclass(kind, type):
        return [type(thing), *(value for base in thing.__mro__[:-1] for value in list(base.__dict__.values()))]
    if issubclass(kind, staticmethod | classmethod | MethodType):
        return [thing.__func__, *([thing.__self__] if kind is MethodType else [])]
    if issubclass(kind, property):
        return [thing.fget, thing.fset, thing.fdel]
    if issubclass(kind, functools.partial):
        return [thing.func, *thing.args, *thing.keywords.values()]
    found: list[Any] = []
    base = next((base for base in _FOLLOWED if issubclass(kind, base)), None)
    if base is not None and base.__len__(thing) <= MAX_FOLLOWED:
        found = list(base.values(thing) if base is dict else base.__iter__(thing))
    if _has_attributes(kind):
        found += [*(attributes_of(thing) or {}).values(), kind]
        found += [_value(slot, thing) for slot in slots_of(kind)]
    return found


def _inside_function(function: FunctionType) -> list[Any]:
    found: list[Any] = list(function.__closure__ or ())
    if any(part in function.__code__.co_filename for part in _FOREIGN):
        return found
    found += [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    found += function.__dict__.values()
    names = dict.fromkeys(name for code in walk(function.__code__) for name in code.co_names)
    named = [function.__globals__.get(name) for name in names]
    modules = [thing for thing in named if type(thing) is ModuleType]
    return [*found, *named, *(module.__dict__[name] for module in modules for name in names if name in module.__dict__)]


def _written_by(function: FunctionType) -> Iterator[Inverse]:
    """Inverses for a function's attributes, the globals that it binds, and what it sets on modules that it names."""
    if function.__dict__:
        yield restore_container(function.__dict__)
    names, attributes = _stores(function.__code__)
    namespace = function.__globals__
    if names:
        yield restore_names(namespace, names)
    if attributes:
        for code in walk(function.__code__):
            for module in (namespace.get(name) for name in code.co_names):
                if isinstance(module, ModuleType):
                    yield restore_names(module.__dict__, attributes)


def _stores(function: CodeType) -> tuple[frozenset[str], frozenset[str]]:
    """The globals that code binds or deletes, and the names of attributes that it sets or deletes."""
    found: dict[str, set[str]] = {"GLOBAL": set(), "ATTR": set()}
    for code in walk(function):
        if _WRITING.isdisjoint(code.co_code[::2]):
            continue
        for step in dis.get_instructions(code):
            action, _, what = step.opname.partition("_")
            if action in ("STORE", "DELETE") and what in found:
                found[what].add(str(step.argval))
    return frozenset(found["GLOBAL"]), frozenset(found["ATTR"])


_WRITING = frozenset(dis.opmap[f"{action}_{what}"] for action in ("STORE", "DELETE") for what in ("GLOBAL", "ATTR"))


def _has_attributes(kind: type) -> bool:
    """True for instances whose attributes say all of their state, as far as one can know."""
    homes = {str(type.__getattribute__(base, "__module__")).partition(".")[0] for base in kind.__mro__[:-1]}
    return kind.__module__ != "builtins" and homes.isdisjoint(_ALIVE)


def _value(slot: MemberDescriptorType, thing: object) -> object:
    try:
        return slot.__get__(thing)
    except AttributeError:
        return None


class _TooLong:
    """Says at a roll back that a container which could not be copied has other entries than before."""

    def __init__(self, container: Any, state: Committing) -> None:
        self._container, self._before, self._state = container, length(container), state

    def __call__(self) -> None:
        now, kind = length(self._container), type(self._container).__name__
        if now != self._before:
            said = f"a {kind} of {self._before:,} entries has {now:,} now: it is too long to be copied"
            if said not in self._state.effects:
                self._state.effects.append(said)
