"""Carries out a prepared plan under a journal.

    1. swaps     every function of which only the body changed gets its new code, all in one C call
    2. runs      statements are executed in the live namespace, in order, across modules; what they make is folded
                 into what exists
    3. removals  names go away

Any exception leaves to the caller a journal that takes everything back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from types import CodeType, FunctionType, ModuleType
from typing import Any

from livecode.engine.code import docstring, pair_nested, shifted
from livecode.engine.forms import Form, Kind
from livecode.engine.prepare import LeafSwap, PreparedModule, PreparedRun, Shift
from livecode.live.effects import effects_since, process_state
from livecode.live.fold import fold
from livecode.live.fold_class import apply_members, class_at
from livecode.live.journal import (
    Journal,
    Step,
    delete_attribute,
    delete_item,
    restore_attribute,
    restore_container,
    set_attribute,
    set_item,
)
from livecode.live.locate import Living, functions_in, functions_running

MAX_GUARDED = 10_000
"""Longer containers are not copied for a roll back."""

_MISSING = object()


class SwapError(RuntimeError):
    """A function that exists cannot take the new code."""


@dataclass
class Committing:
    """One commit under way.

    Attributes:
        journal: What was done.
        warnings: What could not be brought up to date.
        replaced: Old code objects, and what the functions were called.
        caches: Result caches of functions whose code changed.
        effects: What executed forms did that cannot be taken back.
        where: Module and line of the form that is being executed.
    """

    journal: Journal = field(default_factory=Journal)
    warnings: list[str] = field(default_factory=list)
    replaced: dict[CodeType, str] = field(default_factory=dict)
    caches: list[Any] = field(default_factory=list)
    effects: list[str] = field(default_factory=list)
    where: tuple[str, int] = ("", 0)


def swap_all(prepared: Sequence[tuple[PreparedModule, ModuleType]], state: Committing) -> list[Step]:
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
                steps += _swap_steps(function, swap, closures, state)
                given[id(function)] = swap.code
        steps += _shift_steps([f for f in living.functions if id(f) not in given], part.shifts)
        changed = {swap.qualname.rpartition(".")[2] for swap in part.swaps if swap.changed}
        state.caches += _caches_of(living, changed | {name for run in part.plan.runs for name in run.form.names.binds})
    return [*steps, *_closure_steps(closures, state)]


def execute_all(prepared: Sequence[tuple[PreparedModule, ModuleType]], state: Committing) -> None:
    """Executes what must be executed, module by module, and takes removed names away."""
    for part, module in prepared:
        namespace = module.__dict__
        bound_often = _bound_often(part.plan.forms)
        first: dict[str, object] = {}
        _take_away(part, namespace, state.journal)
        for run in part.runs:
            state.where = (part.plan.module, run.run.form.start)
            for name in run.run.form.names.binds:
                if name in bound_often:
                    first.setdefault(name, namespace.get(name, _MISSING))
            before = process_state()
            try:
                _execute(run, module, bound_often, state)
            finally:
                state.effects += effects_since(before, run.run.form.start)
        for name, old in first.items():
            _bind(namespace, name, fold_or_new(old, namespace.get(name, _MISSING), state, namespace))
        if part.annotations is not None:
            _annotate(part.annotations, namespace, state.journal)
    state.where = ("", 0)


def _take_away(part: PreparedModule, namespace: dict[str, Any], journal: Journal) -> None:
    """Names that nothing binds any more, and entries that removed statements had set."""
    for name, key, is_attribute in part.plan.parts:
        owner = namespace.get(name)
        if is_attribute and key in getattr(owner, "__dict__", ()):
            journal.do(delete_attribute(owner, str(key)))
        elif not is_attribute and type(owner) is dict and key in owner:
            journal.do(delete_item(owner, key))
    for name in part.plan.removed:
        if name == "__doc__":
            journal.do(set_item(namespace, name, None))
        elif name in namespace:
            journal.do(delete_item(namespace, name))


def _annotate(code: CodeType, namespace: dict[str, Any], journal: Journal) -> None:
    """Makes the module's annotations again: they are one dict up to Python 3.13, one function from 3.14 on."""
    local: dict[str, Any] = {}
    exec(code, namespace, local)
    for name in ("__annotations__", "__annotate__"):
        if name in local:
            journal.do(set_item(namespace, name, local[name]))
        elif name in namespace:
            journal.do(delete_item(namespace, name))


def clear_caches(state: Committing) -> None:
    """Forgets results that old code computed. It cannot be undone, so it comes last."""
    deque((cache.cache_clear() for cache in state.caches), maxlen=0)


def fold_or_new(old: object, new: object, state: Committing, namespace: dict[str, Any]) -> object:
    """What a name should stand for that stood for `old` and was bound to `new`."""
    if old is _MISSING or new is _MISSING:
        return new
    return fold(old, new, state.journal, namespace)


def _complete(
    table: Mapping[tuple[str, int], list[FunctionType]], part: PreparedModule, module: ModuleType
) -> Mapping[tuple[str, int], list[FunctionType]]:
    """The functions found by path, and if one is missing that changed, all that the collector knows of."""
    if all((swap.qualname, swap.old_line) in table for swap in part.swaps if swap.changed):
        return table
    return functions_in(module, part.filename) or table


def _swap_steps(
    function: FunctionType, swap: LeafSwap, closures: dict[CodeType, CodeType], state: Committing
) -> Iterator[Step]:
    old, new = function.__code__, swap.code
    if old.co_freevars != new.co_freevars:
        raise SwapError(
            f"{swap.qualname}() uses other variables of the scopes around it than before, "
            "which a function that exists cannot take; change its signature or name too, or restart"
        )
    yield set_attribute(function, "__code__", new)
    if swap.changed:
        state.replaced[old] = swap.qualname
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
            state.replaced[old] = old.co_qualname
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


def _bound_often(forms: Sequence[Form]) -> frozenset[str]:
    """Names that several forms bind: they are folded once, when all have been executed."""
    seen: set[str] = set()
    often: set[str] = set()
    for form in forms:
        for name in form.names.binds:
            (often if name in seen else seen).add(name)
    return frozenset(often)


def _execute(prepared: PreparedRun, module: ModuleType, bound_often: frozenset[str], state: Committing) -> None:
    namespace, form, old = module.__dict__, prepared.run.form, prepared.run.old
    _guard(form, namespace, state.journal)
    if prepared.edited_class is not None:
        cls = class_at(namespace, prepared.edited_class.edit.path)
        if cls is None:
            raise SwapError(f"{form.label()} is no class any more")
        apply_members(cls, prepared.edited_class, state.journal, namespace)
        return
    assert prepared.code is not None
    before = dict(namespace)
    binding = _Binding(namespace)
    state.journal.note(_Restore(namespace, before, binding.names))
    exec(prepared.code, namespace, binding)
    for name in binding.names:
        value = namespace.get(name, _MISSING)
        earlier = before.get(name, _MISSING)
        if name not in bound_often and value is not earlier and _defines(form, old, name, value):
            _bind(namespace, name, fold_or_new(earlier, value, state, namespace))
    untaken = [name for name in form.names.binds if name not in binding.names and name not in bound_often]
    if old is not None:  # a branch that is not taken any more
        state.journal.do(*(delete_item(namespace, name) for name in untaken if name in namespace))


class _Binding(MutableMapping[str, Any]):
    """A module's namespace that knows which names a statement binds: other threads see each as it is bound."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        self._namespace = namespace
        self.names: dict[str, None] = {}

    def __setitem__(self, name: str, value: object) -> None:
        self.names[name] = None
        self._namespace[name] = value

    def __getitem__(self, name: str) -> Any:
        return self._namespace[name]

    def __delitem__(self, name: str) -> None:
        self.names[name] = None
        del self._namespace[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._namespace)

    def __len__(self) -> int:
        return len(self._namespace)


def _defines(form: Form, old: Form | None, name: str, value: object) -> bool:
    """True if executing the form made the value, rather than giving a name to something that exists."""
    if old is None:
        return False
    if form.kind in (Kind.FUNCTION, Kind.CLASS) and form.name == name:
        return True
    if type(value) is FunctionType:
        return form.start <= value.__code__.co_firstlineno <= form.end and form.kind is not Kind.IMPORT
    return isinstance(value, type) and value.__name__ == name and form.kind is not Kind.IMPORT


def _bind(namespace: dict[str, Any], name: str, value: object) -> None:
    if value is not _MISSING and namespace.get(name, _MISSING) is not value:
        namespace[name] = value


class _Restore:
    """Puts back the names that executing a form bound, and takes away those that are new.

    Other names are other people's: a counter that a thread went on counting is left alone.
    """

    def __init__(self, namespace: dict[str, Any], before: dict[str, Any], names: Mapping[str, None]) -> None:
        self.namespace, self.before, self.names = namespace, before, names

    def __call__(self) -> None:
        for name in list(self.namespace):
            if name not in self.before:
                del self.namespace[name]
        for name in self.names:
            if name in self.before:
                self.namespace[name] = self.before[name]


def _guard(form: Form, namespace: dict[str, Any], journal: Journal) -> None:
    """Copies the containers that the form can reach by name or attribute, for a roll back."""
    for name, key, is_attribute in form.names.parts:
        owner = namespace.get(name)
        if is_attribute and hasattr(owner, "__dict__"):
            journal.note(restore_attribute(owner, str(key)))
    reachable = [namespace.get(name) for name in form.names.reads | set(form.names.binds)]
    for owner, attribute in form.names.attributes:
        holder = namespace.get(owner)
        if isinstance(holder, ModuleType | type):
            reachable.append(holder.__dict__.get(attribute))
    for thing in (*reachable, namespace.get("__annotations__")):
        if type(thing) in (list, dict, set) and thing is not namespace and len(thing) <= MAX_GUARDED:  # type: ignore[arg-type]
            journal.note(restore_container(thing))  # type: ignore[arg-type]
