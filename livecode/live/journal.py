"""Everything that a push changes in the process, with its inverse: all of it holds, or nothing.

One kind of change, one function that makes a `Step`. A step knows how to do and how to undo before either happens,
so that a batch of steps can be done in a single C call, between two bytecodes of any other thread.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import CellType, CodeType, FunctionType, MethodType
from typing import Any

from livecode.live.quiet import do_at_once

_MISSING = object()

PLAIN = frozenset({bool, int, str, bytes, type(None), CodeType})
"""Values that are the same if they are equal."""

MAKING = frozenset({"__init__", "__new__", "__post_init__", "__init_subclass__"})
"""Methods that are called by the name of their class."""

UNSEEN = frozenset(
    {
        *("__firstlineno__", "__static_attributes__", "__doc__", "__annotations__", "__annotate__", "__type_params__"),
        *("__qualname__", "__module__", "__wrapped__", "cell_contents"),
    }
)
"""What calls do not look at."""


@dataclass(frozen=True, slots=True)
class Step:
    """One change and its inverse, both without arguments; in C wherever that can be, so that no bytecode comes between.

    Attributes:
        do: Makes the change.
        undo: Takes it back; it holds what was there, so that nothing dies in the middle of a batch.
        replaces: The code object that it replaces.
        by: The code object that comes instead.
        name: What changes, as code mentions it; empty if no code can see the difference.
        also: Other names by which code gets at the same.
        moves: The code objects that it takes out of use only because the same stands in other lines now.
    """

    do: Callable[[], object]
    undo: Callable[[], object]
    replaces: CodeType | None = None
    by: CodeType | None = None
    name: str = ""
    also: tuple[str, ...] = ()
    moves: tuple[CodeType, ...] = ()

    @property
    def owner(self) -> object:
        """What has the attribute that changes; None for other kinds of change."""
        args = self.do.args if isinstance(self.do, partial) else ()
        return args[0] if args else None

    def runs_code(self) -> bool:
        """True if doing it runs bytecode after all: such steps come last, when all else is there."""
        function = self.do.func if isinstance(self.do, partial) else self.do
        return isinstance(function, FunctionType | MethodType)


class Journal:
    """The steps done so far, in order, and the code objects that they took out of use (`replaced`, `moved`).

    `remarks` say what is as it should be, and yet not quite as a fresh import makes it.

    `folds` are the functions that stay, each with the new one of which it takes everything over.

    While it is staging, steps are only collected: `release` gives them back, to be done all at once.
    """

    def __init__(self) -> None:
        self._undo: list[Callable[[], object]] = []
        self._staged: list[Step] | None = None
        self._when_done: list[Callable[[], object]] = []
        self._doing: Callable[[Sequence[Callable[[], object]]], object] = do_at_once
        self.replaced: set[CodeType] = set()
        self.moved: list[CodeType] = []
        self.folds: list[tuple[FunctionType, FunctionType]] = []
        self.failures: list[str] = []
        self.remarks: list[str] = []

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
        """Does the steps in one C call (`do_at_once`), so that no other thread sees some of them only.

        The inverses are noted first: those of steps that never ran do no harm, as they restore what is there.
        """
        if self._staged is not None:
            self._staged += steps
            return
        self._undo += [step.undo for step in steps]
        self.replaced.update(step.replaces for step in steps if step.replaces is not None)
        self.moved += [code for step in steps for code in step.moves]
        self._doing([step.do for step in steps])
        self._tidy()

    def when_done(self, work: Callable[[], object]) -> None:
        """Something that nobody sees, to be done as soon as the steps before it are done, or undone."""
        self._when_done.append(work)
        if self._staged is None:
            self._tidy()

    def _tidy(self) -> None:
        while self._when_done:
            self._when_done.pop()()

    @contextmanager
    def doing(self, at_once: Callable[[Sequence[Callable[[], object]]], object]) -> Iterator[None]:
        """Meanwhile steps are done by `at_once`, which may choose the moment."""
        self._doing = at_once
        try:
            yield
        finally:
            self._doing = do_at_once

    def note(self, undo: Callable[[], object]) -> None:
        """Adds an inverse for something that happens outside."""
        self._undo.append(undo)

    def roll_back(self) -> int:
        """Undoes everything, newest first, in one C call as far as nothing fails.

        Returns:
            How many steps were undone. `failures` names those that could not be.
        """
        undo = self._undo[::-1]
        self._undo.clear()
        left = iter(undo)
        while operator.length_hint(left):
            try:
                do_at_once(left)
            except Exception as error:
                failed = undo[len(undo) - operator.length_hint(left) - 1]
                if not _is_not_there(failed):
                    self.failures.append(f"{_describe(failed)}: {type(error).__name__}: {error}")
        self._tidy()
        return len(undo)


def set_attribute(owner: object, name: str, value: object) -> Step:
    """Sets an attribute of an object that has it now."""
    old = getattr(owner, name)
    replaces, by = (old, value) if isinstance(old, CodeType) and isinstance(value, CodeType) else (None, None)
    put = _setter(owner)
    do, undo = partial(put, owner, name, value), partial(put, owner, name, old)
    return Step(do, undo, replaces, by, "" if _is_alike(old, value) else _seen_as(owner, name))


def _setter(owner: object) -> Callable[[Any, str, Any], None]:
    """How attributes are set whatever the object thinks of it: its own `__setattr__` would run bytecode."""
    return type.__setattr__ if isinstance(owner, type) else object.__setattr__


def _is_alike(old: object, new: object) -> bool:
    """True for what was made again and does the same: no call can tell it from what was there."""
    if type(old) is not type(new):
        return False
    if isinstance(old, FunctionType) and isinstance(new, FunctionType):
        same = old.__code__ == new.__code__ and old.__globals__ is new.__globals__
        kept = (old.__defaults__, old.__kwdefaults__) == (None, None) == (new.__defaults__, new.__kwdefaults__)
        return same and kept and _are_alike(old.__closure__ or (), new.__closure__ or ())
    return type(old) in PLAIN and old == new


def _are_alike(mine: Sequence[CellType], theirs: Sequence[CellType]) -> bool:
    """True if the cells hold the same objects; those that are empty do not."""
    try:
        return all(a.cell_contents is b.cell_contents for a, b in zip(mine, theirs, strict=True))
    except ValueError:
        return False


def _seen_as(owner: object, name: str) -> str:
    """The name by which code gets at what changes: a function's own, that of the class for what makes an object."""
    if name in UNSEEN:
        return ""
    if type(owner) is FunctionType:
        outer, _, name = owner.__qualname__.rpartition(".")
        return outer.rpartition(".")[2] if name in MAKING and outer else name
    return owner.__name__ if isinstance(owner, type) and name in MAKING else name


def fill_cell(cell: CellType, value: object) -> Step:
    """Fills a cell that is empty."""
    return Step(partial(setattr, cell, "cell_contents", value), partial(delattr, cell, "cell_contents"))


def delete_attribute(owner: object, name: str) -> Step:
    """Takes an attribute of an object away."""
    remove = type.__delattr__ if isinstance(owner, type) else object.__delattr__
    undo = partial(_setter(owner), owner, name, getattr(owner, name))
    return Step(partial(remove, owner, name), undo, name=_seen_as(owner, name))


def set_class_attribute(owner: type, name: str, value: object) -> Step:
    """Sets a class attribute, whatever the metaclass thinks of it."""
    old = owner.__dict__.get(name, _MISSING)
    undo = partial(type.__delattr__, owner, name) if old is _MISSING else partial(type.__setattr__, owner, name, old)
    seen_as = "" if _is_alike(old, value) else _seen_as(owner, name)
    return Step(partial(type.__setattr__, owner, name, value), undo, name=seen_as)


def delete_class_attribute(owner: type, name: str) -> Step:
    """Takes a class attribute away."""
    undo = partial(type.__setattr__, owner, name, owner.__dict__[name])
    return Step(partial(type.__delattr__, owner, name), undo, name=_seen_as(owner, name))


def set_item(mapping: MutableMapping[str, Any], key: str, value: object) -> Step:
    """Sets an entry of a namespace."""
    old = mapping.get(key, _MISSING)
    undo = partial(mapping.pop, key, None) if old is _MISSING else partial(mapping.__setitem__, key, old)
    return Step(partial(mapping.__setitem__, key, value), undo, name=key)


def delete_item(mapping: MutableMapping[Any, Any], key: object) -> Step:
    """Takes an entry of a namespace away."""
    undo = partial(mapping.__setitem__, key, mapping[key])
    return Step(partial(mapping.pop, key, None), undo, name=str(key))


def restore_attribute(owner: object, name: str) -> Callable[[], object]:
    """An inverse for an attribute of an instance, function or module being set or deleted meanwhile."""
    old = owner.__dict__.get(name, _MISSING)
    return partial(_drop, owner, name) if old is _MISSING else partial(setattr, owner, name, old)


def _drop(owner: object, name: str) -> None:
    if name in owner.__dict__:
        delattr(owner, name)


def _is_not_there(undo: Callable[[], object]) -> bool:
    """True for the inverse of adding to a class what was never added: the step before it failed."""
    if not isinstance(undo, partial) or undo.func is not type.__delattr__:
        return False
    owner, name = undo.args
    return name not in owner.__dict__


def _describe(undo: Callable[[], object]) -> str:
    if isinstance(undo, partial):
        return " ".join([getattr(undo.func, "__name__", repr(undo.func)), *(repr(item)[:60] for item in undo.args[:2])])
    return repr(undo)
