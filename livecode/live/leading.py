"""What a name leads to, in code that is under way: what changes itself, or a function that gets at it further down.

    look()   return helper(), shop.second()     leads to first by way of helper, and to second
    helper() return shop.first()

Only the project's own functions are followed, from what their names stand for in this process. What a local variable
holds is not known; its attributes are known by their names alone.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import CodeType, FrameType, FunctionType, MethodType, ModuleType
from typing import Any

from livecode.engine.spots import NOTHING, OPERATORS, Spots, mentioned, spots
from livecode.live.contents import attributes_of

MOST = 100
"""Functions that are followed from one name."""

MOST_HOLDERS = 20
"""Modules, classes and objects in which the names of one function are looked up."""

CONSTRUCTORS = ("__new__", "__init__", "__post_init__", "__call__")

_INSIDE: dict[type, tuple[str, ...]] = {
    MethodType: ("__func__",),
    staticmethod: ("__func__",),
    classmethod: ("__func__",),
    property: ("fget", "fset", "fdel"),
    functools.partial: ("func",),
    functools.cached_property: ("func",),
    functools._lru_cache_wrapper: ("__wrapped__",),
}
"""What is called behind things that are called, or looked at."""

_MISSING = object()

Namespace = dict[str, Any]


class Leading:
    """Finds it.

    Args:
        names: What changes, as code mentions it.
        codes: The code objects that go, with the name of each.
        is_own: Whether a file belongs to the project.
    """

    def __init__(self, names: frozenset[str], codes: Mapping[CodeType, str], is_own: Callable[[str], bool]) -> None:
        self._names = names
        self._acting = names & OPERATORS.keys()
        self._codes = codes
        self._lasting = frozenset(codes.values())
        self._tell_own = is_own
        self._spots: dict[CodeType, Spots] = {}
        self._reached: dict[CodeType, frozenset[str]] = {}

    @functools.cached_property
    def _is_own(self) -> Callable[[str], bool]:
        return functools.cache(self._tell_own)

    def spots(self, frame: FrameType) -> Spots:
        """Where the code of a call gets at what changes."""
        code = frame.f_code
        found = self._spots.get(code)
        if found is None:
            found = self._spots[code] = self._find(code, frame.f_globals)
        return found

    def _find(self, code: CodeType, namespace: Namespace) -> Spots:
        itself = self._itself(code)
        led = {name: frozenset((name,)) for name in self._names & mentioned(code)}
        acting = NOTHING
        if self._is_own(code.co_filename):
            acting = self._acting
            for name, function in _functions(code, namespace):
                led[name] = led.get(name, NOTHING) | self._behind(function)
        if not (acting or any(led.values())):
            return Spots(itself=itself)
        return replace(spots(code, lambda name: led.get(name, NOTHING), acting, self._lasting), itself=itself)

    def _itself(self, code: CodeType) -> frozenset[str]:
        return frozenset((self._codes[code],)) if code in self._codes else NOTHING

    def _behind(self, start: FunctionType) -> frozenset[str]:
        """What changes of all that calling a function can get at."""
        known = self._reached.get(start.__code__)
        if known is not None:
            return known
        names, waiting, seen = set[str](), [start], set[CodeType]()
        while waiting and len(seen) < MOST:
            function = waiting.pop()
            code = function.__code__
            if code in seen or not self._is_own(code.co_filename):
                continue
            seen.add(code)
            names |= self._names & mentioned(code) | self._itself(code)
            waiting += [found for _, found in _functions(code, function.__globals__)]
        self._reached[start.__code__] = frozenset(names)
        return self._reached[start.__code__]


def _functions(code: CodeType, namespace: Namespace) -> Iterator[tuple[str, FunctionType]]:
    """The functions that the names in a code object stand for, as far as that can be told without asking any object."""
    names = sorted(mentioned(code))
    holders: dict[int, Any] = {}
    waiting = [(name, namespace[name]) for name in names if name in namespace]
    owner = namespace.get(code.co_qualname.partition(".")[0])
    if issubclass(type(owner), type):
        waiting.append(("", owner))
    while waiting:
        name, value = waiting.pop()
        yield from ((name, function) for function in _called(value))
        if len(holders) < MOST_HOLDERS and id(value) not in holders and _holds(value):
            holders[id(value)] = value
            held = ((name, _attribute(value, name)) for name in names)
            waiting += [(name, found) for name, found in held if found is not _MISSING]


def _called(value: Any) -> Iterator[FunctionType]:
    """The functions that run when a value is called, or looked at as an attribute."""
    waiting, seen = [value], set[int]()
    while waiting:
        item = waiting.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        kind = type(item)
        if kind is FunctionType:
            yield item
            waiting += _in_cells(item)
        elif issubclass(kind, type):
            waiting += [_attribute(item, name) for name in CONSTRUCTORS] if item.__module__ != "builtins" else []
        elif kind in _INSIDE:
            waiting += [getattr(item, name) for name in _INSIDE[kind]]
        elif item is not value or not issubclass(kind, ModuleType):
            waiting.append(_attribute(kind, "__call__"))


def _in_cells(function: FunctionType) -> Iterator[object]:
    """What a wrapper wraps, and whatever else it can call."""
    yield function.__dict__.get("__wrapped__")
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # still empty
            continue


def _holds(value: Any) -> bool:
    """True for modules, classes and objects with attributes of their own."""
    kind = value if issubclass(type(value), type) else type(value)
    return (kind is not FunctionType and kind.__module__ != "builtins") or kind is ModuleType


def _attribute(holder: Any, name: str) -> Any:
    """An attribute as it stands in a module, a class or an object, which are not asked."""
    is_class = issubclass(type(holder), type)
    own = None if is_class else attributes_of(holder)
    if own is not None and name in own:
        return own[name]
    mro = type.__getattribute__(holder if is_class else type(holder), "__mro__")
    return next((cls.__dict__[name] for cls in mro if name in cls.__dict__), _MISSING)
