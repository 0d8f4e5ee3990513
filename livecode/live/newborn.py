"""What tells the functions and classes that a statement made before from those that executing it has just made."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any

from livecode.engine.code import walk
from livecode.engine.forms import Form
from livecode.engine.prepare import PreparedClass, PreparedRun
from livecode.live.places import Entry
from livecode.live.reach import Owner, holds


@dataclass(frozen=True, slots=True)
class Former:
    """True for functions that statements made before, and for these values.

    Attributes:
        filename: Of the module's code.
        where: Qualified names and first lines of the functions.
        values: By identity.
        fresh: Ids of the code that the statements have now.
    """

    filename: str
    where: frozenset[tuple[str, int]]
    values: tuple[object, ...] = ()
    fresh: frozenset[int] = frozenset()

    def __call__(self, thing: object) -> bool:
        code = thing.__code__ if type(thing) is FunctionType else thing
        if type(code) is CodeType:
            if code.co_filename == self.filename and id(code) not in self.fresh:
                return (code.co_qualname, code.co_firstlineno) in self.where
        return any(thing is value for value in self.values)


@dataclass(frozen=True, slots=True)
class Newborn:
    """True for functions and classes that executing a statement has just made."""

    codes: frozenset[int]
    classes: frozenset[str]
    module: str
    former: Former

    def __call__(self, thing: object) -> bool:
        if type(thing) is FunctionType or type(thing) is CodeType:
            return id(getattr(thing, "__code__", thing)) in self.codes
        if not self.classes or not issubclass(type(thing), type):
            return False
        made: Any = thing
        return made.__module__ == self.module and made.__qualname__ in self.classes and not self.former(thing)


def former_of(forms: Iterable[Form], filename: str, namespace: Mapping[str, Any]) -> Former:
    """What these statements made when they were executed."""
    where, values = set(), []
    for form in forms:
        where |= {(".".join(leaf.path), form.start + leaf.line) for leaf in form.leaves}
        if isinstance(form.node, ast.ClassDef) and not form.scope:
            values += [value for value in [namespace.get(form.name)] if isinstance(value, type)]
    return Former(filename, frozenset(where), tuple(values))


def codes_of_run(prepared: PreparedRun) -> Iterator[CodeType]:
    """The code of all functions that executing a statement makes."""
    if prepared.code is not None:
        yield from walk(prepared.code)
    if prepared.edited_class is not None:
        yield from _class_codes(prepared.edited_class)


def _class_codes(edited: PreparedClass) -> Iterator[CodeType]:
    if edited.body is not None:
        yield from walk(edited.body)
    for inner in edited.nested:
        yield from _class_codes(inner)


@dataclass(frozen=True, slots=True)
class Holding:
    """True for entries that hold what is looked for."""

    wanted: Callable[[object], bool]
    owner: Owner | None
    outside: frozenset[int] = frozenset()

    def __call__(self, entry: Entry) -> bool:
        if self.owner is None:
            return holds(entry.value, self.wanted, self.outside) or self.wanted(entry.key)
        return any(holds(item, self.wanted) for item in self.owner.entries_of(entry))
