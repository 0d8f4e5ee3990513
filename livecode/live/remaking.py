"""A class that has no instances is made anew where it cannot be changed: every reference to it moves to the new one.

    names of modules, entries of dicts and lists, closures     move
    methods that are held                                      stay, and run the new code
    instances, derived classes, tuples, anything else          the class is in use

Who refers to it is asked of the collector.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from functools import partial
from types import CellType, FrameType, FunctionType, GetSetDescriptorType, MemberDescriptorType
from typing import Any

from livecode.live.fold import fold_function
from livecode.live.fold_class import same_layout
from livecode.live.instances import is_put_aside, is_tracked
from livecode.live.journal import Journal, Step, set_attribute, set_class_attribute, set_item

_OWN = (GetSetDescriptorType, MemberDescriptorType)


def users_of(cls: type) -> tuple[str, ...] | None:
    """Who keeps a class from being made anew, as people read it; None if its instances cannot be found."""
    below: list[type] = type.__subclasses__(cls)
    if below:
        return tuple(f"the class {each.__qualname__}, which derives from it" for each in below)
    if not is_tracked(cls) or is_put_aside():
        return None
    return tuple(dict.fromkeys([_user(holder, cls) for holder in _holders(cls) if not _can_move(holder, cls)]))


def is_made_anew(old: object, new: object) -> bool:
    """True for a class that has other slots than the one that stands for it now."""
    if not isinstance(old, type) or not isinstance(new, type) or old.__qualname__ != new.__qualname__:
        return False
    return ("__slots__" in old.__dict__ or "__slots__" in new.__dict__) and not same_layout(old, new)


def move(old: Any, new: Any, journal: Journal) -> None:
    """Brings everyone who refers to the old class to the new one; its methods stay and run the new code."""
    for name, value in list(new.__dict__.items()):
        mine = old.__dict__.get(name)
        if type(mine) is type(value) is FunctionType and mine.__code__.co_freevars == value.__code__.co_freevars:
            fold_function(mine, value, journal)
            journal.do(set_class_attribute(new, name, mine))
    for holder in _holders(old):
        if _can_move(holder, old):
            journal.do(*_steps(holder, old, new))


def _holders(cls: type) -> list[Any]:
    """Who refers to a class, its own parts left out."""
    own = set(map(id, gc.get_referents(cls)))  # what it is made of: its namespace, its bases, its mro
    _ask_for_annotations(cls)
    return [holder for holder in gc.get_referrers(cls) if id(holder) not in own and not _is_part(holder, cls)]


def _ask_for_annotations(cls: type) -> None:
    """Up to Python 3.13 the annotations of a function are a tuple, which becomes a dict when they are asked for."""
    pairs = [holder for holder in gc.get_referrers(cls) if type(holder) is tuple and holder is not cls.__mro__]
    for function in gc.get_referrers(*pairs) if pairs else ():
        if type(function) is FunctionType:
            function.__annotations__  # noqa: B018


def _is_part(holder: Any, cls: type) -> bool:
    return type(holder) is FrameType or (type(holder) in _OWN and holder.__objclass__ is cls)


def _can_move(holder: Any, cls: type) -> bool:
    if type(holder) is dict:
        return all(key is not cls for key in holder)
    return type(holder) in (list, CellType)


def _steps(holder: Any, old: type, new: type) -> Iterator[Step]:
    if type(holder) is CellType:
        yield set_attribute(holder, "cell_contents", new)
    elif type(holder) is dict:
        for key in [key for key, value in holder.items() if value is old]:
            yield set_item(holder, key, new)
    else:
        for number in [number for number, value in enumerate(holder) if value is old]:
            yield Step(partial(holder.__setitem__, number, new), partial(holder.__setitem__, number, old))


def _user(holder: Any, cls: type) -> str:
    kind = type(holder)
    return f"an instance of {cls.__qualname__}" if kind is cls else f"a {kind.__name__}"
