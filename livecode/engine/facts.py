"""What a plan has to know of the running process, as values.

`livecode.live.facts` looks at the process and fills them in; tests write them by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from livecode.engine.forms import Form
from livecode.engine.names import Imported

if TYPE_CHECKING:
    from livecode.engine.outline import Outline


class ClassKind(StrEnum):
    """How a live class came to be, as far as it matters for changing it in place."""

    PLAIN = "a plain class"
    SLOTTED = "a class with __slots__"
    DATACLASS = "a dataclass"
    ENUM = "an enum"
    NAMED_TUPLE = "a named tuple"
    REBUILT = "a class that its library can build again"
    BUILT = "a class with a metaclass of the service's own"
    NATIVE = "a ctypes type, whose layout C code knows,"
    MODEL = "a model that its library completes when it has its fields"
    CUSTOM = "a class with a metaclass of its own"


@dataclass(frozen=True, slots=True)
class OldMake:
    """A value whose makers were edited after they had made it.

    Attributes:
        maker: What made it, as the statement calls it.
        by: ``(module, path)`` of every function that was edited → what it said when the value was made.
    """

    maker: str
    by: Mapping[tuple[str, str], str]


def not_looked(qualname: str) -> tuple[str, ...] | None:
    """None: nobody looked."""
    return None


def not_compiled(qualname: str) -> str:
    """Empty: nobody did."""
    return ""


def not_counted(qualname: str) -> int | None:
    """None: nobody looked."""
    return None


@dataclass(frozen=True, slots=True)
class ModuleFacts:
    """One loaded module.

    Attributes:
        module: Its name.
        package: What its relative imports start from.
        forms: The source that runs.
        classes: Kind of every live class that the module defines, by qualified name.
        attributes: The names in the `__dict__` of each of these classes.
        baseless: Those of them that have no base, and can get none while they live.
        compiled: Tells of a function or method who made the translation of it that runs; empty if it runs itself.
        population: Counts the live instances of one of these classes, subclasses' included; None if it is not known.
            Asked only for a refusal that says the number.
        held: Who uses one of these classes in a way that keeps it from being made anew; None if that is not known.
            Asked only where it cannot be changed.
        old_makes: The values that are of an old make, by the first name that their statement binds.
    """

    module: str
    package: str
    forms: tuple[Form, ...]
    classes: Mapping[str, ClassKind] = field(default_factory=dict)
    attributes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    baseless: Container[str] = frozenset()
    compiled: Callable[[str], str] = not_compiled
    population: Callable[[str], int | None] = not_counted
    held: Callable[[str], tuple[str, ...] | None] = not_looked
    old_makes: Mapping[str, OldMake] = field(default_factory=dict)

    def with_forms(self, forms: tuple[Form, ...]) -> ModuleFacts:
        """The same module with another source."""
        live = self.classes, self.attributes, self.baseless, self.compiled, self.population, self.held, self.old_makes
        return ModuleFacts(self.module, self.package, forms, *live)

    def enums(self) -> frozenset[str]:
        """The classes that are enums."""
        return frozenset(name for name, kind in self.classes.items() if kind is ClassKind.ENUM)


class Placed(Protocol):
    """Forms, and what their relative imports start from."""

    @property
    def package(self) -> str: ...

    @property
    def forms(self) -> tuple[Form, ...]: ...


class Project(Protocol):
    """All loaded modules whose source is known."""

    def facts(self, module: str) -> ModuleFacts | None:
        """What is known of a module; None if it is not loaded, or not from known source."""

    def outline(self, module: str) -> Outline | None:
        """What the source of a module says; None where `facts` says None."""

    def owns(self, module: str) -> bool:
        """True for a loaded module that the service counts as its own."""

    def importers(self, module: str) -> Iterable[str]:
        """The modules whose source imports `module`, or a name from it."""

    def readers(self, module: str, words: Iterable[str]) -> Iterable[str]:
        """Those importers in which something may have to run when these words stand for something else.

        Left out are modules that nobody imports, if importing them does not come upon one of the words
        (`livecode.engine.words`).
        """

    def makers(self, module: str, words: Iterable[str]) -> Iterable[str]:
        """Those importers that may hold a value made by what these words stand for; left out are the same."""

    def can_take_back(self, module: str, form: Form, decorator: str) -> bool:
        """True if what a decorator of a running statement registered can be found, and so be taken back.

        Args:
            module: Where the statement stands.
            form: The statement, as it runs.
            decorator: As written, without what it is called with: ``app.get``.
        """

    def can_undo(self, module: str, form: Form) -> bool:
        """True if what a running call statement put into a registry is known, as ``log.addHandler(handler)``."""


def absolute(package: str, module: str, level: int) -> str:
    """The dotted name that a relative import means.

    >>> absolute("shop.web", "pricing", 2)
    'shop.pricing'

    Empty if it leads beyond the top-level package, which Python refuses to import.
    """
    if not level:
        return module
    parts = package.split(".")
    if level > len(parts):
        return ""
    base = ".".join(parts[: len(parts) - level + 1])
    return f"{base}.{module}" if base and module else base or module


def import_targets(facts: Placed, item: Imported) -> list[str]:
    """The modules that an import may take something from: `from a import b` takes from a, or is a.b.

    `import a.b` gives a and a.b.
    """
    module = absolute(facts.package, item.module, item.level)
    if item.name == "*":
        return [module]
    if item.name is None:
        parts = module.split(".")
        return [".".join(parts[: number + 1]) for number in range(len(parts))] if item.bound == parts[0] else [module]
    return [module, f"{module}.{item.name}"]
