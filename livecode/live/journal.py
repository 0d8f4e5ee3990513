"""Everything that a push changes in the process, with its inverse: all of it holds, or nothing.

One kind of change, one function that makes a `Step`. A step knows how to do and how to undo before either happens,
so that a batch of steps can be done in a single C call, between two bytecodes of any other thread.
"""

from __future__ import annotations

import operator
from collections import deque
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from functools import partial
from types import CodeType
from typing import Any

_MISSING = object()


@dataclass(frozen=True, slots=True)
class Step:
    """One change and its inverse, both without arguments; and the code object that it replaces, and by which."""

    do: Callable[[], object]
    undo: Callable[[], object]
    replaces: CodeType | None = None
    by: CodeType | None = None


class Journal:
    """The steps done so far, in order, and the code objects (`replaced`) that they took out of use.

    While it is staging, steps are only collected: `release` gives them back, to be done all at once.
    """

    def __init__(self) -> None:
        self._undo: list[Callable[[], object]] = []
        self._staged: list[Step] | None = None
        self.replaced: set[CodeType] = set()
        self.failures: list[str] = []

    def __len__(self) -> int:
        return len(self._undo)

    def stage(self) -> None:
        """From now on steps are collected, not done."""
        self._staged = []

    def release(self) -> list[Step]:
        """The steps collected since `stage`; from now on steps are done again."""
        staged, self._staged = self._staged or [], None
        return staged

    def do(self, *steps: Step) -> None:
        """Does the steps in one C call, so that no other thread sees some of them only.

        `deque(map(operator.call, …))` runs no bytecode between the calls, so the interpreter never switches threads.
        The inverses are noted first: those of steps that never ran do no harm, as they restore what is there.
        """
        if self._staged is not None:
            self._staged += steps
            return
        self._undo += [step.undo for step in steps]
        self.replaced.update(step.replaces for step in steps if step.replaces is not None)
        deque(map(operator.call, [step.do for step in steps]), maxlen=0)

    def note(self, undo: Callable[[], object]) -> None:
        """Adds an inverse for something that happens outside."""
        self._undo.append(undo)

    def roll_back(self) -> int:
        """Undoes everything, newest first.

        Returns:
            How many steps were undone. `failures` names those that could not be.
        """
        done = len(self._undo)
        while self._undo:
            undo = self._undo.pop()
            try:
                undo()
            except Exception as error:
                self.failures.append(f"{_describe(undo)}: {type(error).__name__}: {error}")
        return done


def set_attribute(owner: object, name: str, value: object) -> Step:
    """Sets an attribute of an object that has it now."""
    old = getattr(owner, name)
    codes = (old, value) if isinstance(old, CodeType) and isinstance(value, CodeType) else (None, None)
    return Step(partial(setattr, owner, name, value), partial(setattr, owner, name, old), *codes)


def delete_attribute(owner: object, name: str) -> Step:
    """Takes an attribute of an object away."""
    return Step(partial(delattr, owner, name), partial(setattr, owner, name, getattr(owner, name)))


def set_class_attribute(owner: type, name: str, value: object) -> Step:
    """Sets a class attribute, whatever the metaclass thinks of it."""
    old = owner.__dict__.get(name, _MISSING)
    undo = partial(type.__delattr__, owner, name) if old is _MISSING else partial(type.__setattr__, owner, name, old)
    return Step(partial(type.__setattr__, owner, name, value), undo)


def delete_class_attribute(owner: type, name: str) -> Step:
    """Takes a class attribute away."""
    return Step(partial(type.__delattr__, owner, name), partial(type.__setattr__, owner, name, owner.__dict__[name]))


def set_item(mapping: MutableMapping[str, Any], key: str, value: object) -> Step:
    """Sets an entry of a namespace."""
    old = mapping.get(key, _MISSING)
    undo = partial(mapping.pop, key, None) if old is _MISSING else partial(mapping.__setitem__, key, old)
    return Step(partial(mapping.__setitem__, key, value), undo)


def delete_item(mapping: MutableMapping[Any, Any], key: object) -> Step:
    """Takes an entry of a namespace away."""
    return Step(partial(mapping.pop, key, None), partial(mapping.__setitem__, key, mapping[key]))


def restore_attribute(owner: object, name: str) -> Callable[[], object]:
    """An inverse for an attribute of an instance, function or module being set or deleted meanwhile."""
    old = owner.__dict__.get(name, _MISSING)
    return partial(_drop, owner, name) if old is _MISSING else partial(setattr, owner, name, old)


def _drop(owner: object, name: str) -> None:
    if name in owner.__dict__:
        delattr(owner, name)


def _describe(undo: Callable[[], object]) -> str:
    if isinstance(undo, partial):
        return " ".join([getattr(undo.func, "__name__", repr(undo.func)), *(repr(item)[:60] for item in undo.args[:2])])
    return repr(undo)
