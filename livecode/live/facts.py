"""Looks at the process for what a plan has to know (`livecode.engine.facts`)."""

from __future__ import annotations

import abc
import dataclasses
import enum
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from types import ModuleType
from typing import TypeVar

from livecode.engine.facts import ClassKind, ModuleFacts
from livecode.engine.forms import Form, Kind
from livecode.engine.outline import Outline
from livecode.live.bases import makes_itself
from livecode.live.calls import can_undo
from livecode.live.compiled import compiler_of
from livecode.live.decorators import can_take_back
from livecode.live.importers import Importers
from livecode.live.instances import instances_of, subclasses
from livecode.live.locate import SMALL_HEAP_BLOCKS
from livecode.live.origin import is_made_in, is_offered_above
from livecode.live.remaking import users_of
from livecode.live.running import Running, is_foreign, package_of
from livecode.live.traces import Source

T = TypeVar("T")


class LoadedModules:
    """All loaded modules of known source, as a plan sees them (`livecode.engine.facts.Project`).

    Args:
        running: Finds what runs of a module, None if it cannot be known.
        names: The loaded modules that the service counts as its own.
        index: Who imports whom, as far as that is known from earlier.
    """

    def __init__(
        self, running: Callable[[str], Running | None], names: Callable[[], tuple[str, ...]], index: Importers
    ) -> None:
        self._running = running
        self._names = names
        self._index = index
        self._asked = False
        self._facts: dict[str, ModuleFacts | None] = {}
        self._own: frozenset[str] | None = None

    def facts(self, module: str) -> ModuleFacts | None:
        """See `Project.facts`."""
        if module not in self._facts:
            running = self._running(module) if module in sys.modules else None
            self._facts[module] = None if running is None else _facts_of(running, sys.modules[module])
        return self._facts[module]

    def outline(self, module: str) -> Outline | None:
        """See `Project.outline`."""
        running = self._running(module) if module in sys.modules else None
        return None if running is None else running.outline

    def owns(self, module: str) -> bool:
        """See `Project.owns`."""
        if self._own is None:
            self._own = frozenset(self._names())
        return module in self._own

    def importers(self, module: str) -> Iterator[str]:
        """See `Project.importers`."""
        return self._fresh().of(module, self.outline)

    def readers(self, module: str, words: Iterable[str]) -> Iterator[str]:
        """See `Project.readers`."""
        return self._fresh().reading(module, words, self.outline)

    def makers(self, module: str, words: Iterable[str]) -> Iterator[str]:
        """See `Project.makers`."""
        return self._fresh().making(module, words, self.outline)

    def _fresh(self) -> Importers:
        if not self._asked:
            self._index.refresh(self._names(), self._running)
            self._asked = True
        return self._index

    def can_take_back(self, module: str, form: Form, decorator: str) -> bool:
        """See `Project.can_take_back`."""
        running = self._running(module)
        return running is not None and can_take_back(form, decorator, running.filename, sys.modules[module].__dict__)

    def can_undo(self, module: str, form: Form) -> bool:
        """See `Project.can_undo`."""
        running = self._running(module)
        if running is None:
            return False
        return can_undo(form, Source(module, running.forms, running.filename, sys.modules[module].__dict__))


def _facts_of(running: Running, module: ModuleType) -> ModuleFacts:
    classes = classes_of(module, running.forms)
    kinds, attributes = Looked(classes, class_kind), Looked(classes, lambda cls: frozenset(cls.__dict__))
    compiled = partial(compiler_of, module, classes)
    named = running.name, package_of(module), running.forms
    baseless, census = Looked(classes, _is_baseless), _census(classes)
    return ModuleFacts(*named, kinds, attributes, baseless, compiled, census, _use(classes), running.old_makes)


class Looked(Mapping[str, T]):
    """What is found by looking at a class, by its name: few are asked about, so each is looked at when it is.

    Args:
        classes: By qualified name.
        look: Finds it; a class of which it is None is not in the mapping.
    """

    def __init__(self, classes: Mapping[str, type], look: Callable[[type], T | None]) -> None:
        self._classes, self._look = classes, look

    def __getitem__(self, name: str) -> T:
        found = self._look(self._classes[name])
        if found is None:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return (name for name, cls in self._classes.items() if self._look(cls) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _is_baseless(cls: type) -> bool | None:
    return makes_itself(cls) or None


def _census(classes: Mapping[str, type]) -> Callable[[str], int | None]:
    """Counts the instances of a class when it is asked, unless the heap is so large that looking takes long."""

    def count(qualname: str) -> int | None:
        cls = classes.get(qualname)
        if cls is None or sys.getallocatedblocks() > SMALL_HEAP_BLOCKS:
            return None
        return len(instances_of([cls, *subclasses(cls)]))

    return count


def _use(classes: Mapping[str, type]) -> Callable[[str], tuple[str, ...] | None]:
    """Tells who uses a class when it is asked, unless the heap is so large that looking takes long."""

    def used_by(qualname: str) -> tuple[str, ...] | None:
        cls = classes.get(qualname)
        return None if cls is None or sys.getallocatedblocks() > SMALL_HEAP_BLOCKS else users_of(cls)

    return used_by


def classes_of(module: ModuleType, forms: Iterable[Form] = ()) -> Mapping[str, type]:
    """The classes that the module defined and that its names lead to, by qualified name.

    Args:
        module: The module.
        forms: Its statements: they tell of classes that say to be of another module.
    """
    found: dict[str, type] = {}
    things = list(module.__dict__.values())
    if not any(issubclass(kind, type) for kind in set(map(type, things))):
        return {}
    waiting = [(name, value) for name, value in list(module.__dict__.items()) if isinstance(value, type)]
    while waiting:
        bound, cls = waiting.pop()
        name = cls.__qualname__
        own = cls.__module__ == module.__name__ or (bound == name and _is_offered_elsewhere(cls, module, forms))
        if own and name not in found:
            found[name] = cls
            waiting += [("", value) for value in list(cls.__dict__.values()) if isinstance(value, type)]
    return found


def _is_offered_elsewhere(cls: type, module: ModuleType, forms: Iterable[Form]) -> bool:
    if not is_offered_above(cls.__module__, module.__name__) and not is_made_in(cls, module.__dict__):
        return False
    return any(form.kind is Kind.CLASS and form.name == cls.__qualname__ for form in forms)


def class_kind(cls: type) -> ClassKind:
    """How the class came to be."""
    if isinstance(cls, enum.EnumMeta):
        return ClassKind.ENUM
    if issubclass(cls, tuple) and hasattr(cls, "_fields") and hasattr(cls, "_make"):
        return ClassKind.NAMED_TUPLE
    if "__slots__" in cls.__dict__:
        return ClassKind.SLOTTED
    if dataclasses.is_dataclass(cls) and "__dataclass_fields__" in cls.__dict__:
        return ClassKind.DATACLASS
    if type(cls).__module__ in ("typing", "typing_extensions"):  # TypedDict, Protocol
        return ClassKind.REBUILT
    if "__pydantic_core_schema__" in cls.__dict__ and hasattr(cls, "model_rebuild"):
        return ClassKind.MODEL
    if "__attrs_attrs__" in cls.__dict__ or "__pydantic_core_schema__" in cls.__dict__:
        return ClassKind.REBUILT
    if type(cls).__module__ == "_ctypes":
        return ClassKind.NATIVE
    if type(cls) not in (type, abc.ABCMeta):
        return ClassKind.BUILT if _is_own(type(cls)) else ClassKind.CUSTOM
    return ClassKind.PLAIN


def _is_own(meta: type) -> bool:
    """True if all that a metaclass does stands in modules of the service."""
    for each in meta.__mro__:
        if each in (type, abc.ABCMeta):
            return True
        if is_foreign(getattr(sys.modules.get(each.__module__), "__file__", None) or abc.__file__):
            return False
    return False
