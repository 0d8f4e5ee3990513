"""Gives functions that exist the code of the new source: nothing is executed for that.

body changed      the function gets the new code object, its closures the new inner code
moved             the same code, some lines further down
result caches     of functions whose code changed are emptied in the end
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from types import CodeType, FunctionType, ModuleType
from typing import Any

from livecode.engine.code import docstring, pair_nested, shifted
from livecode.engine.prepare import LeafSwap, PreparedModule, Shift
from livecode.live.committing import Committing, SwapError
from livecode.live.journal import Step, set_attribute
from livecode.live.locate import Living, functions_in, functions_running


def swap_steps(prepared: Sequence[tuple[PreparedModule, ModuleType]], state: Committing) -> list[Step]:
    """The steps that give every changed or moved function its new code; nothing is done yet."""
    steps: list[Step] = []
    closures: dict[CodeType, CodeType] = {}
    for part, module in prepared:
        if not (part.plan.pushed or part.swaps):
            continue
        living = Living(module, part.filename)
        table = _complete(living.by_place(), part, module)
        given: dict[int, CodeType] = {}
        for swap in part.swaps:
            for function in table.get((swap.qualname, swap.old_line), ()):
                steps += _swap_steps(function, swap, closures)
                given[id(function)] = swap.code
        steps += _shift_steps([f for f in living.functions if id(f) not in given], part.shifts)
        changed = {swap.qualname.rpartition(".")[2] for swap in part.swaps if swap.changed}
        state.caches += _caches_of(living, changed | {name for run in part.plan.runs for name in run.form.names.binds})
    return [*steps, *_closure_steps(closures, state)]


def clear_caches(state: Committing) -> None:
    """Forgets results that old code computed. It cannot be undone, so it comes last."""
    deque((cache.cache_clear() for cache in state.caches), maxlen=0)


def _complete(
    table: Mapping[tuple[str, int], list[FunctionType]], part: PreparedModule, module: ModuleType
) -> Mapping[tuple[str, int], list[FunctionType]]:
    """The functions found by path, and if one is missing that changed, all that the collector knows of."""
    if all((swap.qualname, swap.old_line) in table for swap in part.swaps if swap.changed):
        return table
    return functions_in(module, part.filename) or table


def _swap_steps(function: FunctionType, swap: LeafSwap, closures: dict[CodeType, CodeType]) -> Iterator[Step]:
    old, new = function.__code__, swap.code
    if old.co_freevars != new.co_freevars:
        raise SwapError(
            f"{swap.qualname}() uses other variables of the scopes around it than before, "
            "which a function that exists cannot take; change its signature or name too, or restart"
        )
    yield set_attribute(function, "__code__", new)
    if swap.changed:
        closures.update((a, b) for a, b in pair_nested(old, new).items() if a is not b)
        if docstring(old) != docstring(new) and function.__doc__ == docstring(old):
            yield set_attribute(function, "__doc__", docstring(new))


def _shift_steps(functions: Sequence[FunctionType], shifts: Sequence[Shift]) -> Iterator[Step]:
    for function in functions:
        line = function.__code__.co_firstlineno
        for shift in shifts:
            if shift.first <= line <= shift.last:
                yield set_attribute(function, "__code__", shifted(function.__code__, shift.lines))
                break


def _closure_steps(closures: Mapping[CodeType, CodeType], state: Committing) -> Iterator[Step]:
    """Closures that a changed function made earlier: wrappers, callbacks. They run the new inner code."""
    holders = functions_running(closures)
    if holders is None:
        names = sorted({code.co_qualname for code in closures})
        state.warnings.append(f"closures made before keep their old code, if there are any: {', '.join(names[:5])}")
        return
    for function in holders:
        old = function.__code__
        new = closures[old]
        if old.co_freevars == new.co_freevars:
            yield set_attribute(function, "__code__", new)
        else:
            state.warnings.append(f"closures of {old.co_qualname}() made before keep their old code: other variables")


def _caches_of(living: Living, changed: set[str]) -> list[Any]:
    """`functools.lru_cache` wrappers of functions that changed, or that mention one that did."""
    return [
        cache
        for cache in living.caches
        if type(cache.__wrapped__) is FunctionType
        and (cache.__wrapped__.__name__ in changed or changed.intersection(cache.__wrapped__.__code__.co_names))
    ]
