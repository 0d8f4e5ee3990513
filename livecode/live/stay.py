"""Puts the functions that exist where those stand that were only made for them."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from types import FunctionType
from typing import Any

from livecode.live.contents import attributes_of, slots_of
from livecode.live.reach import owner_of, parts_of, slot_value

MAX_REBOUND = 200
"""Objects looked at within one new registration."""


def stay(value: Any, stays: Mapping[int, FunctionType]) -> Any:
    """The value, or what holds it, with the functions that exist in place of those that were only made for them."""
    if id(value) in stays:
        return stays[id(value)]
    if issubclass(type(value), weakref.ref):
        return _referring(value, stays)
    waiting, seen = [value], set[int]()
    while waiting and stays and len(seen) < MAX_REBOUND:
        thing = waiting.pop()
        if id(thing) in seen or issubclass(type(thing), type | str):
            continue
        seen.add(id(thing))
        _rebind(thing, stays)
        waiting += [item for item in parts_of(thing) if owner_of(item) is None and type(item) not in (list, dict)]
    return value


def _referring(reference: Any, stays: Mapping[int, FunctionType]) -> Any:
    """A weak reference to the function that exists: a newborn one dies, as nobody else holds it."""
    target = stays.get(id(reference()))
    if target is None:
        return reference
    if type(reference) is weakref.KeyedRef:
        return weakref.KeyedRef(target, reference.__callback__, reference.key)
    return type(reference)(target, reference.__callback__)


def _rebind(thing: Any, stays: Mapping[int, FunctionType]) -> None:
    if type(thing) is list:
        thing[:] = [stays.get(id(item), item) for item in thing]
    namespace: dict[Any, Any] = thing if type(thing) is dict else attributes_of(thing) or {}
    for name, item in list(namespace.items()):
        if id(item) in stays and stays[id(item)] is not thing:
            namespace[name] = stays[id(item)]
    for slot in slots_of(type(thing)):
        held_there = next(slot_value(slot, thing), None)
        if id(held_there) in stays:
            slot.__set__(thing, stays[id(held_there)])
    for cell in thing.__closure__ or () if type(thing) is FunctionType else ():
        try:
            if id(cell.cell_contents) in stays:
                cell.cell_contents = stays[id(cell.cell_contents)]
        except ValueError:  # the cell is empty still
            continue
