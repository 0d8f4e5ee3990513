"""What an object holds, and how that is put back: the inverse of whatever somebody does to it meanwhile.

    list, dict, set, deque, bytearray, array    their entries, also of subclasses; the object itself stays
    instance                                    its attributes, in `__dict__` or in slots, and its class
    class                                       its attributes, those that Python makes by itself left out
    closure cell                                what it holds

Only the first level is kept. Each inverse writes only where there is a difference, so that nobody who reads meanwhile
sees an object without its contents.
"""

from __future__ import annotations

import sys
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from functools import partial
from types import (
    BuiltinFunctionType,
    CellType,
    CodeType,
    FunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    WrapperDescriptorType,
)
from typing import Any

Inverse = Callable[[], object]

MAX_ENTRIES = 100_000
"""Longer containers are not copied: that would be a pause that grows with what a service holds."""

LEAVES = frozenset(
    {
        *(str, bytes, int, float, complex, bool, type(None), BuiltinFunctionType, CodeType),
        *(GetSetDescriptorType, MemberDescriptorType, WrapperDescriptorType),
    }
)
"""Classes whose instances hold nothing that is worth a look."""

_MISSING = object()
_SEQUENCES = (list, bytearray)


def is_container(kind: type) -> bool:
    """True for classes whose instances hold entries that can be put back."""
    return issubclass(kind, (*_SEQUENCES, dict, set, deque)) or _is_array(kind)


def length(container: Any) -> int:
    """How many entries a container has, whatever its own class says."""
    base = next((base for base in (dict, list, set, deque, bytearray) if isinstance(container, base)), None)
    return len(container) if base is None else base.__len__(container)


def restore_container(container: Any) -> Inverse:
    """An inverse for whatever happens to the entries of a container meanwhile."""
    kind = type(container)
    if issubclass(kind, OrderedDict):
        return partial(_refill_ordered, container, list(OrderedDict.items(container)))
    if issubclass(kind, dict):
        return partial(_refill_dict, container, dict(dict.items(container)))
    if issubclass(kind, set):
        return partial(_refill_set, container, frozenset(set.__iter__(container)))
    if issubclass(kind, deque):
        return partial(_refill_deque, container, list(deque.__iter__(container)))
    base = next((base for base in _SEQUENCES if issubclass(kind, base)), kind)
    return partial(_refill_sequence, base, container, base.__getitem__(container, slice(None)))


def restore_attributes(instance: Any) -> Iterator[Inverse]:
    """Inverses for whatever happens to the attributes and the class of an instance meanwhile."""
    kind = type(instance)
    attributes = attributes_of(instance)
    if attributes is not None:
        yield partial(_refill_attributes, instance, attributes, dict(attributes))
    slots = list(slots_of(kind))
    if slots:
        yield partial(_refill_slots, instance, [(slot, _slot_value(slot, instance)) for slot in slots])
    yield partial(_set_class, instance, kind)


def restore_class(cls: type) -> Inverse:
    """An inverse for attributes of a class that are set or deleted meanwhile."""
    return partial(_refill_class, cls, {name: cls.__dict__[name] for name in cls.__dict__ if _is_plain(name)})


def restore_cell(cell: CellType) -> Inverse:
    """An inverse for what a closure's `nonlocal` does meanwhile."""
    try:
        return partial(setattr, cell, "cell_contents", cell.cell_contents)
    except ValueError:
        return partial(_empty, cell)


def restore_names(namespace: dict[str, Any], names: Iterator[str] | frozenset[str]) -> Inverse:
    """An inverse for these names of a namespace being bound or deleted meanwhile; other names are other people's."""
    return partial(_refill_names, namespace, {name: namespace.get(name, _MISSING) for name in names})


def cells_of(function: FunctionType) -> Iterator[Any]:
    """What a function's closure holds; cells that are empty still are passed over."""
    for cell in function.__closure__ or ():
        yield from in_cell(cell)


def in_cell(cell: CellType) -> Iterator[Any]:
    """What a cell holds; nothing if it is empty still."""
    try:
        yield cell.cell_contents
    except ValueError:
        return


def slots_of(kind: type) -> Iterator[MemberDescriptorType]:
    """The slots of a class and its bases."""
    for base in kind.__mro__:
        if "__slots__" in base.__dict__:
            yield from (item for item in base.__dict__.values() if type(item) is MemberDescriptorType)


def attributes_of(thing: object) -> dict[str, Any] | None:
    """The attributes that an object itself holds, without asking it: its `__getattr__` may do anything."""
    try:
        found = object.__getattribute__(thing, "__dict__")
    except AttributeError:
        return None
    return found if type(found) is dict else None


def _is_array(kind: type) -> bool:
    array = getattr(sys.modules.get("array"), "array", None)
    return isinstance(array, type) and issubclass(kind, array)


def _is_plain(name: str) -> bool:
    return not (name.startswith("__") and name.endswith("__"))


def _refill_sequence(base: Any, container: Any, before: Any) -> None:
    base.__setitem__(container, slice(None), before)


def _refill_deque(container: deque[Any], before: list[Any]) -> None:
    if list(map(id, deque.__iter__(container))) != list(map(id, before)):
        deque.clear(container)
        deque.extend(container, before)


def _refill_dict(container: dict[Any, Any], before: dict[Any, Any]) -> None:
    if list(map(id, dict.keys(container))) == list(map(id, before)):
        for key, value in before.items():
            if dict.__getitem__(container, key) is not value:
                dict.__setitem__(container, key, value)
        return
    dict.clear(container)
    dict.update(container, before)


def _refill_ordered(container: OrderedDict[Any, Any], before: list[tuple[Any, Any]]) -> None:
    now = list(OrderedDict.items(container))
    if [(id(key), id(value)) for key, value in now] != [(id(key), id(value)) for key, value in before]:
        OrderedDict.clear(container)
        for key, value in before:
            OrderedDict.__setitem__(container, key, value)


def _refill_set(container: set[Any], before: frozenset[Any]) -> None:
    if set.__len__(container) != len(before) or set(map(id, set.__iter__(container))) != set(map(id, before)):
        set.clear(container)
        set.update(container, before)


def _refill_attributes(instance: Any, attributes: dict[str, Any], before: dict[str, Any]) -> None:
    if attributes_of(instance) is not attributes:
        object.__setattr__(instance, "__dict__", attributes)
    if list(attributes) == list(before):
        attributes.update({name: value for name, value in before.items() if attributes[name] is not value})
        return
    attributes.update(before)
    for name in [name for name in attributes if name not in before]:
        del attributes[name]


def _refill_slots(instance: Any, before: list[tuple[MemberDescriptorType, object]]) -> None:
    for slot, value in before:
        now = _slot_value(slot, instance)
        if value is _MISSING and now is not _MISSING:
            slot.__delete__(instance)
        elif value is not now:
            slot.__set__(instance, value)


def _slot_value(slot: MemberDescriptorType, instance: object) -> object:
    try:
        return slot.__get__(instance)
    except AttributeError:
        return _MISSING


def _set_class(instance: object, kind: type) -> None:
    if type(instance) is not kind:
        object.__setattr__(instance, "__class__", kind)


def _refill_class(cls: type, before: dict[str, Any]) -> None:
    for name in [name for name in cls.__dict__ if _is_plain(name) and name not in before]:
        type.__delattr__(cls, name)
    for name, value in before.items():
        if cls.__dict__.get(name, _MISSING) is not value:
            type.__setattr__(cls, name, value)


def _empty(cell: CellType) -> None:
    try:
        del cell.cell_contents
    except ValueError:  # it is still empty
        return


def _refill_names(namespace: dict[str, Any], before: dict[str, Any]) -> None:
    for name, value in before.items():
        if value is _MISSING:
            namespace.pop(name, None)
        elif namespace.get(name, _MISSING) is not value:
            namespace[name] = value
