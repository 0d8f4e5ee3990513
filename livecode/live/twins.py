"""Twins: functions that a statement made anew, while the one that existed took over their code and kept the name.

Whoever was given such a newborn function when its definition was executed (a decorator, a registry, a closure) may hold
it still. It is the same function to everyone but `is`; so it gets all that the one with the name gets later.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from types import FunctionType

_twins: weakref.WeakKeyDictionary[FunctionType, weakref.WeakSet[FunctionType]] = weakref.WeakKeyDictionary()


def remember_twins(folds: Iterable[tuple[FunctionType, FunctionType]]) -> None:
    """Remembers functions that took over from newborn ones, as long as somebody holds both."""
    for stays, newborn in folds:
        _twins.setdefault(stays, weakref.WeakSet()).add(newborn)


def twins_of(function: FunctionType) -> list[FunctionType]:
    """The living twins that do what the function does: those that went a way of their own are none any more."""
    code = function.__code__
    return [
        twin
        for twin in list(_twins.get(function, ()))
        if twin.__code__.co_firstlineno == code.co_firstlineno and twin.__code__.co_freevars == code.co_freevars
    ]


def with_twins(functions: Iterable[FunctionType]) -> list[FunctionType]:
    """The functions and their twins, each once."""
    if not _twins:
        return list(dict.fromkeys(functions))
    found = {id(each): each for function in functions for each in (function, *twins_of(function))}
    return list(found.values())
