"""Gives functions that exist the code of the new source: nothing is executed for that.

body changed      the function gets the new code object, its closures the new inner code
moved             the same code, some lines further down
result caches     of functions whose code changed are emptied in the end
"""

from __future__ import annotations

import ast
import functools
import sys
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import repeat
from types import CodeType, FunctionType, ModuleType
from typing import Any, cast

from livecode.engine.code import (
    CO_ASYNC_GENERATOR,
    CO_COROUTINE,
    CO_GENERATOR,
    docstring,
    shifted,
    stands_at,
)
from livecode.engine.forms import Form, Kind
from livecode.engine.prepare import LeafSwap, PreparedModule, Shift
from livecode.live.closures import Inner, held, inside, moved_inside
from livecode.live.committing import Committing, SwapError
from livecode.live.fold import redirect_steps, with_fewer_cells
from livecode.live.journal import Step, set_attribute, set_class_attribute
from livecode.live.locate import Living, functions_in, named_function
from livecode.live.newborn import codes_of_run
from livecode.live.origin import is_made_in
from livecode.live.search import Found, functions_of
from livecode.live.stragglers import MONITORING
from livecode.live.twins import with_twins

CLASSES_KNOW_LINES = "__firstlineno__" in Step.__dict__
"""From Python 3.13 on `inspect.getsource` believes what a class says itself."""


Prepared = Sequence[tuple[PreparedModule, ModuleType]]

OF_A_KIND = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR


def swap_steps(prepared: Prepared, state: Committing) -> list[Step]:
    """The steps that give every changed or moved function its new code; nothing is done yet."""
    steps: list[Step] = []
    for part, module in prepared:
        found = _Found(module, part.filename)
        given: set[int] = set()
        for swap in part.swaps:
            for function in with_twins(found.at(swap)):
                steps += _wrapper_docs(module, function, swap)
                steps += _swap_steps(function, swap)
                given.add(id(function))
                if kind_of(function) != swap.code.co_flags & OF_A_KIND:
                    state.reshaped.append(function)
        if part.shifts:
            moving = with_twins(found.living().functions)
            born = {id(code) for run in part.runs for code in codes_of_run(run)}  # these know their lines
            stand = [function for function in moving if id(function) not in given and id(function.__code__) not in born]
            steps += _shift_step(stand, part.shifts, state)
        if CLASSES_KNOW_LINES:
            steps += _class_line_steps(part, module)
        changed = {swap.qualname.rpartition(".")[2] for swap in part.swaps if swap.changed}
        changed |= {name for run in part.plan.runs for name in run.form.names.binds}
        state.caches += _caches_of(module, changed) if changed else []
    return steps


def _class_line_steps(part: PreparedModule, module: ModuleType) -> Iterator[Step]:
    """From Python 3.13 on a class says itself in which line it stands."""
    placed = [pair.new for pair in (*part.plan.shifts, *part.plan.swaps)] + [run.run.form for run in part.runs]
    for form in placed:
        if form.kind is Kind.CLASS:
            yield from _line_steps(module.__dict__.get(form.name), form)


def _line_steps(cls: object, form: Form) -> Iterator[Step]:
    if not issubclass(type(cls), type) or "__firstlineno__" not in cls.__dict__:
        return
    if cls.__dict__["__firstlineno__"] != form.start:
        yield set_class_attribute(cast(type, cls), "__firstlineno__", form.start)
    for inner in form.members if any(isinstance(node, ast.ClassDef) for node in getattr(form.node, "body", ())) else ():
        if inner.kind is Kind.CLASS:
            yield from _line_steps(cls.__dict__.get(inner.name), inner)


def kind_of(function: FunctionType) -> int:
    """Equal for functions that are called in the same way: plain ones, generators, coroutines."""
    return function.__code__.co_flags & OF_A_KIND


class _Found:
    """The live functions of a module: by their own name if that leads to them, else by a walk through the module."""

    def __init__(self, module: ModuleType, filename: str) -> None:
        self._module, self._filename = module, filename
        self._living: Living | None = None
        self._table: Mapping[tuple[str, int], list[FunctionType]] = {}

    def living(self) -> Living:
        """All functions that a walk finds."""
        if self._living is None:
            self._living = Living(self._module, self._filename)
        return self._living

    def at(self, swap: LeafSwap) -> Sequence[FunctionType]:
        """The functions made where `swap` says; where nothing leads to one that changed, the collector is asked."""
        place = swap.qualname, swap.old_line
        function = named_function(self._module, swap.qualname) if swap.once else None
        if function is not None and function.__code__.co_filename == self._filename:
            if (function.__code__.co_qualname, function.__code__.co_firstlineno) == place:
                return [function]
        self._table = self._table or self.living().by_place()
        if swap.changed and place not in self._table:
            self._table = functions_in(self._module, self._filename) or self._table
        found = self._table.get(place, ())
        return found if swap.old is None else [each for each in found if stands_at(each.__code__, swap.old)]


def clear_caches(state: Committing, other: Mapping[str, Collection[str]]) -> None:
    """Forgets results that old code computed. It cannot be undone, so it comes last.

    Args:
        state: With the caches of what was swapped.
        other: Module → functions of which a call gives another result now.
    """
    found = (_at(sys.modules.get(module), path) for module, paths in other.items() for path in paths)
    caches = [thing for thing in found if type(thing) is functools._lru_cache_wrapper]
    deque((cache.cache_clear() for cache in (*state.caches, *caches)), maxlen=0)


def _at(thing: Any, path: str) -> object:
    """What a path leads to, as the classes on the way have it; None if it leads nowhere."""
    for name in path.split("."):
        thing = vars(thing).get(name) if isinstance(thing, ModuleType | type) else None
    return thing.__func__ if isinstance(thing, staticmethod | classmethod) else thing


def _wrapper_docs(module: ModuleType, function: FunctionType, swap: LeafSwap) -> Iterator[Step]:
    """Wrappers show the docstring of what they wrap, as `functools.wraps` copied it."""
    old, new = docstring(function.__code__), docstring(swap.code)
    around: Any = _at(module, swap.qualname) if swap.changed and old != new else None
    while hasattr(around, "__wrapped__") and around is not function:
        if around.__doc__ == old and hasattr(around, "__dict__"):
            yield set_attribute(around, "__doc__", new)
        around = around.__wrapped__


def _swap_steps(function: FunctionType, swap: LeafSwap) -> Iterator[Step]:
    old, new = function.__code__, swap.code
    if old.co_freevars != new.co_freevars:
        raise SwapError(
            f"{swap.qualname}() uses other variables of the scopes around it than before, "
            "which a function that exists cannot take; change its signature or name too, or restart"
        )
    given = set_attribute(function, "__code__", new)
    yield given if swap.changed else _only_moved(given)
    if swap.changed:
        if docstring(old) != docstring(new) and function.__doc__ == docstring(old):
            yield set_attribute(function, "__doc__", docstring(new))


def _shift_step(functions: Sequence[FunctionType], shifts: Sequence[Shift], state: Committing) -> list[Step]:
    """One step for all functions that moved: what they do is not old, and nobody can see it change."""
    moved, before, after = _moved(functions, sorted(shifts))
    inner = moved_inside(before, after)
    if inner:
        state.inner += held(inner, before)
        made = {id(each.old): each.new for each in inner}
        after = [made.get(id(old), new) for old, new in zip(before, after, strict=True)]
    return [Step(_giving(moved, after), _giving(moved, before), moves=tuple(before))] if moved else []


def _moved(
    functions: Sequence[FunctionType], ordered: Sequence[Shift]
) -> tuple[list[FunctionType], list[CodeType], list[CodeType]]:
    """The functions that moved, their code, and the same in its new lines."""
    starts = [shift.first for shift in ordered]
    moved, before, after = [], [], []
    for function in functions:
        code = function.__code__
        number = bisect_right(starts, code.co_firstlineno) - 1
        if number >= 0 and code.co_firstlineno <= ordered[number].last:
            moved.append(function)
            before.append(code)
            after.append(shifted(code, ordered[number].lines))
    return moved, before, after


def _giving(functions: Sequence[FunctionType], codes: Sequence[CodeType]) -> Callable[[], object]:
    """Gives each function its code when it is called, once, without running bytecode."""
    return partial(deque, map(setattr, functions, repeat("__code__"), codes), 0)


def _only_moved(step: Step) -> Step:
    """The same step, whose old code is not old: it does what the new one does, in other lines."""
    moves = () if step.replaces is None else (step.replaces,)
    return replace(step, replaces=None, name="", moves=moves)


def closure_steps(changes: Sequence[Step], state: Committing) -> Iterator[Step]:
    """Closures that a changed or moved function made earlier: wrappers, callbacks. They run the new inner code."""
    state.inner = _inner(changes, state)
    if not state.inner:
        return
    around = [code for step in changes for code in (step.replaces, *step.moves) if code is not None]
    found = functions_of(state.inner, around, state.own())
    state.missing = found.missing
    by_code = {id(each.old): each for each in state.inner}
    state.warnings += _missed(found, by_code)
    done = {id(step.owner) for step in changes if step.replaces is not None}
    for function in found.functions:
        each = by_code[id(function.__code__)]
        if id(function) in done:
            continue
        if each.old.co_freevars == each.new.co_freevars:
            given = set_attribute(function, "__code__", each.new)
            yield given if each.changed else _only_moved(given)
        elif (fewer := with_fewer_cells(function, each.new)) is not None:
            yield from redirect_steps(function, fewer)
        else:
            name = each.old.co_qualname
            state.warnings.append(f"closures of {name}() made before keep their old code: other variables")


def _inner(changes: Sequence[Step], state: Committing) -> list[Inner]:
    """What somebody has a function of, each code object once, also what earlier pushes did not find."""
    every = [*state.inner, *inside(changes)]
    waiting = state.stragglers.waiting_for(every)
    found = {id(each.old): each for each in (*state.inner, *waiting)}
    state.inner = []
    found |= {id(each.old): each for each in held(every) if id(each.old) not in found}
    return list(found.values())


def _missed(found: Found, by_code: Mapping[int, Inner]) -> Iterator[str]:
    """What the report says of closures that were not found."""
    counts = Counter(id(function.__code__) for function in found.functions)
    for key, count in found.missing.items():
        each = by_code[key]
        if not each.changed or each.old.co_flags & OF_A_KIND:
            continue  # only its lines are old; or it may be a call that is suspended, which is told of as that
        verb = "was" if count == 1 else "were"
        what = f"{count} of {count + counts[key]} closures of {each.old.co_qualname}() made before {verb} not found"
        then = "each gets the new code when it is called" if MONITORING is not None else "the old code runs there"
        yield f"{what}: {then}"


def _caches_of(module: ModuleType, changed: set[str]) -> list[Any]:
    """`functools.lru_cache` wrappers of functions that changed, or that mention one that did."""
    things = list(module.__dict__.values())
    if not any(kind is functools._lru_cache_wrapper or issubclass(kind, type) for kind in set(map(type, things))):
        return []
    classes = [thing for thing in things if isinstance(thing, type) and is_made_in(thing, module.__dict__)]
    things += [value for cls in classes for value in list(cls.__dict__.values())]
    caches = [thing for thing in things if type(thing) is functools._lru_cache_wrapper]
    return [
        cache
        for cache in caches
        if type(cache.__wrapped__) is FunctionType
        and (cache.__wrapped__.__name__ in changed or changed.intersection(cache.__wrapped__.__code__.co_names))
    ]
