"""Turns the annotations of what a module made earlier, when `from __future__ import annotations` comes or goes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import FunctionType, ModuleType
from typing import Any

from livecode.engine.hints import Hints
from livecode.engine.prepare import PreparedModule
from livecode.live.annotations import annotation_steps, class_annotation_steps, executed
from livecode.live.contents import attributes_of
from livecode.live.fold_class import class_at
from livecode.live.journal import Journal, Step, set_item
from livecode.live.locate import Living, Place
from livecode.live.twins import with_twins

MAX_WRAPPERS = 20
"""Wrappers around wrappers that are looked at for annotations that they took over."""


class Hinting:
    """The functions and classes of one module whose annotations turn, when their code is the new one already.

    Args:
        part: What the push does to the module.
        module: The module.
    """

    def __init__(self, part: PreparedModule, module: ModuleType) -> None:
        self._module = module
        self._filename = part.filename
        self._left = list(part.hints)
        self._table: Mapping[Place, list[FunctionType]] = {}

    def turn(self, journal: Journal) -> None:
        """Makes the annotations that can be made now; the others are left for the next time."""
        left = []
        for hints in self._left:
            try:
                journal.do(*self._steps(hints))
            except NameError:
                left.append(hints)
        self._left = left

    def finish(self, journal: Journal) -> None:
        """Makes those that are left.

        Raises:
            NameError: As a fresh import would.
        """
        for hints in self._left:
            journal.do(*self._steps(hints))

    def _steps(self, hints: Hints) -> list[Step]:
        namespace = self._module.__dict__
        owner = (
            class_at(namespace, hints.path if hints.is_class else hints.scope)
            if hints.scope or hints.is_class
            else None
        )
        if owner is None and (hints.is_class or hints.scope):
            return []
        if hints.is_class:
            assert owner is not None
            return list(class_annotation_steps(owner, hints.code, namespace))
        found = self._functions().get((".".join(hints.path), hints.line), [])
        return [step for function in with_twins(found) for step in self._function_steps(function, hints, owner)]

    def _functions(self) -> Mapping[Place, list[FunctionType]]:
        self._table = self._table or Living(self._module, self._filename).by_place()
        return self._table

    def _function_steps(self, function: FunctionType, hints: Hints, owner: type | None) -> Iterator[Step]:
        if "__wrapped__" in function.__dict__:
            return  # they are those of what it wraps
        local = executed(hints.code, self._module.__dict__, owner, _closure_of(function) if owner is None else {})
        made = local[hints.path[-1]]
        for wrapper in _wrappers(self._module, hints.path, function):
            yield from _taken_over(wrapper, function, made)
        yield from annotation_steps(function, made)


def _closure_of(function: FunctionType) -> dict[str, Any]:
    found = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            found[name] = cell.cell_contents
        except ValueError:  # the cell is empty still
            continue
    return found


def _wrappers(module: ModuleType, path: Sequence[str], function: FunctionType) -> Iterator[Any]:
    """What stands under the function's name and wraps it, as `functools.wraps` says."""
    thing: Any = module
    for name in path:
        namespace = thing.__dict__ if isinstance(thing, type) else attributes_of(thing)
        thing = (namespace or {}).get(name)
    for _ in range(MAX_WRAPPERS):
        if isinstance(thing, staticmethod | classmethod):
            thing = thing.__func__
        if thing is function or thing is None or isinstance(thing, type):
            return
        yield thing
        thing = (attributes_of(thing) or {}).get("__wrapped__", getattr(thing, "fget", None))


def _taken_over(wrapper: Any, function: FunctionType, made: FunctionType) -> Iterator[Step]:
    """The steps for a wrapper that has the annotations of the function, as `functools.update_wrapper` copies them."""
    names = ("__annotations__", "__annotate__")
    if type(wrapper) is FunctionType:
        if any(getattr(wrapper, n, None) is getattr(function, n, None) is not None for n in names):
            yield from annotation_steps(wrapper, made)
        return
    own = attributes_of(wrapper) or {}
    for name in names:
        if name in own and own[name] is getattr(function, name, None):
            yield set_item(own, name, getattr(made, name, None))
