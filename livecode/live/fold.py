"""Folds a newly made function into the one that exists, so that everyone who holds the old one runs the new.

function → function, same free variables    the old object gets code, defaults, annotations, …; it stays
function → function, other free variables   the old object calls the new one from now on; the name gets the new
function → anything else that can be called the same
class → class                               `livecode.live.fold_class`
wrapper → wrapper                           the functions inside are folded; the name gets the new wrapper
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import replace
from types import CellType, CodeType, FunctionType, GetSetDescriptorType, MemberDescriptorType, MethodType
from typing import Any

from livecode.engine.code import redirect
from livecode.live.annotations import annotation_steps
from livecode.live.contents import attributes_of
from livecode.live.journal import Journal, Step, fill_cell, set_attribute, set_item
from livecode.live.origin import is_offered_above
from livecode.live.twins import with_twins

FUNCTION_PARTS = ("__code__", "__defaults__", "__kwdefaults__", "__doc__", "__name__", "__qualname__", "__module__")
MAX_WRAPPERS = 20
"""Wrappers around wrappers that are followed to find the function inside."""

_EMPTY = object()


def fold(old: object, new: Any, journal: Journal, namespace: dict[str, Any]) -> object:
    """Makes holders of `old` run `new` where that is possible.

    Args:
        old: What a name stood for.
        new: What the statement that was executed again made.
        journal: Notes every change.
        namespace: Of the module that both come from.

    Returns:
        What the name should stand for: `old` where it could take over everything, else `new`.
    """
    if old is new:
        return new
    if type(old) is FunctionType and old.__globals__ is namespace:
        if type(new) is FunctionType and new.__globals__ is namespace:
            return fold_function(old, new, journal)
        if callable(new):
            return fold_wrapped(old, new, journal)
        return new
    if isinstance(old, type) and isinstance(new, type):
        from livecode.live.fold_class import fold_class

        return fold_class(old, new, journal)
    _fold_inside(old, new, journal, namespace)
    return new


def fold_wrapped(old: FunctionType, new: Any, journal: Journal) -> object:
    """A plain function becomes something else that can be called (a wrapper, a class): the old one calls it."""
    journal.do(*redirect_steps(old, new))
    return new


def fold_function(old: FunctionType, new: FunctionType, journal: Journal) -> FunctionType:
    """Gives the old function all that the new one has, or lets it call the new one.

    Returns:
        The function that the name should stand for.
    """
    if old.__code__.co_freevars != new.__code__.co_freevars:
        for each in with_twins([old]):
            journal.do(*redirect_steps(each, new))
        return new
    for each in with_twins([old]):
        journal.do(*function_steps(each, new))
    journal.folds.append((old, new))
    for name, mine, theirs in zip(old.__code__.co_freevars, old.__closure__ or (), new.__closure__ or (), strict=True):
        _fold_cell(name, mine, theirs, journal)
    inner, made = old.__dict__.get("__wrapped__"), new.__dict__.get("__wrapped__")
    if type(inner) is type(made) is FunctionType and inner is not made and is_one(inner, made):
        fold_function(inner, made, journal)
    return old


def fold_under_wrapper(held: Any, new: object, journal: Journal) -> bool:
    """Brings a function up to date that somebody wrapped at run time (tracing, profiling), below that wrapper.

    Args:
        held: What the name stands for, although its definition has no decorator.
        new: What the definition made now.
        journal: Notes every change.

    Returns:
        True if `held` is such a wrapper: it stays, as nothing in the source says that it should go.
    """
    if type(new) is not FunctionType or type(held) is type or not callable(held):
        return False
    if type(held) is FunctionType and held.__globals__ is new.__globals__:
        return False
    inside = [function for function in inner_functions(held) if is_one(function, new)]
    return bool(inside) and all(fold_function(function, new, journal) is function for function in inside)


def function_steps(old: FunctionType, new: FunctionType) -> Iterator[Step]:
    """Everything but the closure that a function takes over from another one with the same free variables."""
    for part in FUNCTION_PARTS:
        if part == "__module__" and is_offered_above(old.__module__, new.__module__):
            continue  # its package said so, and does not say so again
        if getattr(old, part) is not getattr(new, part):
            yield set_attribute(old, part, getattr(new, part))
    yield from annotation_steps(old, new)
    if hasattr(new, "__type_params__"):
        yield set_attribute(old, "__type_params__", new.__type_params__)
    for name, value in new.__dict__.items():
        wrapped = old.__dict__.get(name)
        if name == "__wrapped__" and type(wrapped) is type(value) is FunctionType and is_one(wrapped, value):
            continue  # it is folded, and stays
        if name not in old.__dict__ or name == "__wrapped__":
            yield set_item(old.__dict__, name, value)


def with_fewer_cells(function: FunctionType, code: CodeType) -> FunctionType | None:
    """A function of `code` that shares the closure of `function`; None if the code needs what is not in there."""
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    if not set(code.co_freevars) <= set(cells):
        return None
    closure = tuple(cells[name] for name in code.co_freevars)
    made = FunctionType(code, function.__globals__, function.__name__, function.__defaults__, closure)
    made.__kwdefaults__ = function.__kwdefaults__
    return made


def redirect_steps(old: FunctionType, target: object, *, without_first: bool = False) -> Iterator[Step]:
    """Makes a function call another one, whatever it is given."""
    yield set_attribute(old, "__code__", redirect(old.__code__, target, without_first=without_first))
    yield set_attribute(old, "__defaults__", None)
    yield set_attribute(old, "__kwdefaults__", None)
    if isinstance(target, FunctionType):
        yield set_item(old.__dict__, "__wrapped__", target)  # inspect.signature follows it


def inner_functions(thing: Any) -> Iterator[FunctionType]:
    """The functions inside a wrapper: by `__wrapped__`, `__func__`, a property's parts, attributes, closures."""
    waiting, seen = [thing], set[int]()
    while waiting and len(seen) < MAX_WRAPPERS:
        item = waiting.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if type(item) is FunctionType:
            yield item
            waiting += [_content(cell) for cell in item.__closure__ or ()]
        if isinstance(item, property):
            waiting += [item.fget, item.fset, item.fdel]
        elif isinstance(item, staticmethod | classmethod | MethodType):
            waiting.append(item.__func__)
        attributes = attributes_of(item)
        if attributes is not None and not isinstance(item, type):
            waiting += [value for value in attributes.values() if callable(value)]
        if type(item) is functools._lru_cache_wrapper:
            waiting.append(item.__wrapped__)
        waiting += _kept_outside_dict(item)


def _kept_outside_dict(item: Any) -> Iterator[object]:
    """What a proxy written in C (wrapt's) wraps: it is no entry of its `__dict__`."""
    for cls in type(item).__mro__:
        found = cls.__dict__.get("__wrapped__")
        if isinstance(found, GetSetDescriptorType | MemberDescriptorType):
            yield found.__get__(item)


def _fold_inside(old: object, new: object, journal: Journal, namespace: dict[str, Any]) -> None:
    """Functions of one name inside an old and a new wrapper: who holds the old wrapper runs the new function."""
    if type(old) is not type(new) or not callable(new):
        return
    made = {function.__qualname__: function for function in inner_functions(new) if function.__globals__ is namespace}
    for function in list(inner_functions(old)):
        partner = made.get(function.__qualname__)
        if partner is not None and partner is not function and function.__globals__ is namespace:
            fold_function(function, partner, journal)


def _fold_cell(name: str, mine: CellType, theirs: CellType, journal: Journal) -> None:
    """A function held by a closure is folded like any other; all else is taken over."""
    old, new = _content(mine), _content(theirs)
    if new is _EMPTY or old is new:
        return
    if type(old) is FunctionType and type(new) is FunctionType and is_one(old, new):
        if fold_function(old, new, journal) is old:
            return
    if isinstance(old, type) and isinstance(new, type):
        return  # `__class__`: the class that exists stays
    if old is _EMPTY:
        journal.do(fill_cell(mine, new))
    else:
        journal.do(replace(set_attribute(mine, "cell_contents", new), name=name))


def is_one(old: FunctionType, new: FunctionType) -> bool:
    """True if both were made by the same definition, before and after an edit."""
    return old.__globals__ is new.__globals__ and old.__code__.co_qualname == new.__code__.co_qualname


def _content(cell: CellType) -> object:
    try:
        return cell.cell_contents
    except ValueError:
        return _EMPTY
