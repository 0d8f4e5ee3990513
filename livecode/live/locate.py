"""Finds the functions of a module that are alive, by the paths that lead to them.

No scan of the heap: from the module's names through classes, decorators' closures, wrappers and small containers.
What hangs only elsewhere (a closure in another module's list) is found by asking the collector who refers to a code
object, and only in processes where that takes no noticeable pause.
"""

from __future__ import annotations

import functools
import gc
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from types import (
    FunctionType,
    MappingProxyType,
    MethodType,
    ModuleType,
)
from typing import Any

from livecode.live.contents import LEAVES, attributes_of, cells_of
from livecode.live.origin import is_made_in, is_offered_above

MAX_STEPS = 200_000
"""Objects looked at per module; far above what modules hold, far below what data holds."""

MAX_CONTAINER = 1000
"""Longer lists and dicts are data, not registries."""

MAX_DEPTH = 6
"""References followed through objects of unknown classes."""

SMALL_HEAP_BLOCKS = 3_000_000
"""Up to this many allocated blocks, asking the collector for referrers takes some milliseconds."""

MADE_BY_IMPORT = frozenset({"__builtins__", "__spec__", "__loader__"})
"""Names that lead out of a module."""

_LEAVES = LEAVES | {ModuleType}

Place = tuple[str, int]
"""Qualified name and first line of a function's code."""


class Living:
    """The functions of one module that were found, by the place of their code."""

    def __init__(self, module: ModuleType, filename: str) -> None:
        self.functions: list[FunctionType] = []
        self._namespace = module.__dict__
        self._name = module.__name__
        self._filename = filename
        self._seen: set[int] = set()
        self._walk([value for name, value in list(module.__dict__.items()) if name not in MADE_BY_IMPORT])

    def by_place(self) -> Mapping[Place, list[FunctionType]]:
        """Functions by qualified name and first line."""
        table: dict[Place, list[FunctionType]] = defaultdict(list)
        for function in self.functions:
            code = function.__code__
            table[code.co_qualname, code.co_firstlineno].append(function)
        return table

    def _walk(self, roots: Iterable[object]) -> None:
        waiting = [(root, 0) for root in roots]
        while waiting and len(self._seen) < MAX_STEPS:
            thing, depth = waiting.pop()
            kind = type(thing)
            if kind in _LEAVES or id(thing) in self._seen or issubclass(kind, ModuleType):
                continue
            self._seen.add(id(thing))
            if type(thing) is FunctionType:
                self._note(thing)
                if thing.__closure__ is None and not thing.__dict__:
                    continue  # nearly all of them: there is nothing behind it
            waiting += [(inner, depth + step) for inner, step in self._inside(thing, depth)]

    def _inside(self, thing: Any, depth: int) -> list[tuple[object, int]]:
        """What to look at next, and how much deeper that is.

        `type(thing)` is asked, never the thing itself: proxies and mocks answer `isinstance` as they like.
        """
        kind = type(thing)
        if kind is FunctionType:
            return [(item, 1) for item in self._inside_function(thing)]
        if issubclass(kind, type):
            return [(item, 0) for item in list(thing.__dict__.values())] if self._owns(thing) else []
        if issubclass(kind, staticmethod | classmethod | MethodType):
            return [(thing.__func__, 0)]
        if issubclass(kind, property):
            return [(item, 0) for item in (thing.fget, thing.fset, thing.fdel)]
        if kind is functools._lru_cache_wrapper:
            return [(thing.__wrapped__, 0)]
        if depth >= MAX_DEPTH:
            return []
        if kind in (dict, MappingProxyType):
            return [(item, 1) for item in list(thing.values())] if len(thing) <= MAX_CONTAINER else []
        if kind in (list, tuple, set, frozenset):
            return [(item, 1) for item in list(thing)] if len(thing) <= MAX_CONTAINER else []
        return [(item, 1) for item in gc.get_referents(thing) if _worth_following(item)]

    def _owns(self, cls: type) -> bool:
        shown = type.__getattribute__(cls, "__dict__").get("__module__")
        return shown == self._name or is_offered_above(shown, self._name) or is_made_in(cls, self._namespace)

    def _note(self, function: FunctionType) -> None:
        if function.__code__.co_filename == self._filename and function.__globals__ is self._namespace:
            self.functions.append(function)

    def _inside_function(self, function: FunctionType) -> list[object]:
        inside: list[object] = list(function.__dict__.values())
        return [*inside, *cells_of(function)]


def _worth_following(thing: object) -> bool:
    kind = type(thing)
    if kind in (dict, list):
        return len(thing) <= MAX_CONTAINER  # type: ignore[arg-type]
    return kind not in _LEAVES and not issubclass(kind, type)


def named_function(module: ModuleType, qualname: str) -> FunctionType | None:
    """The function that a qualified name leads to, through `functools.wraps`, caches and method wrappers."""
    thing: Any = module
    for part in qualname.split("."):
        namespace = attributes_of(thing) if not isinstance(thing, type) else thing.__dict__
        thing = (namespace or {}).get(part)
    for _ in range(MAX_DEPTH):
        if type(thing) is FunctionType and thing.__code__.co_qualname == qualname:
            return thing
        if isinstance(thing, staticmethod | classmethod):
            thing = thing.__func__
        else:
            wrapped = thing if thing is None else (attributes_of(thing) or {}).get("__wrapped__")
            thing = thing.__wrapped__ if type(thing) is functools._lru_cache_wrapper else wrapped
    return None


def functions_in(module: ModuleType, filename: str) -> Mapping[Place, list[FunctionType]] | None:
    """Every function in the process whose globals are this module's, by place; None if the heap is too large to ask."""
    if sys.getallocatedblocks() > SMALL_HEAP_BLOCKS:
        return None
    table: dict[Place, list[FunctionType]] = defaultdict(list)
    for thing in gc.get_referrers(module.__dict__):
        if type(thing) is FunctionType and thing.__code__.co_filename == filename:
            table[thing.__code__.co_qualname, thing.__code__.co_firstlineno].append(thing)
    return table
