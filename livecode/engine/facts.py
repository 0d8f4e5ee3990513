"""What a plan has to know of the running process, as values.

`livecode.live.facts` looks at the process and fills them in; tests write them by hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from livecode.engine.forms import Form


class ClassKind(StrEnum):
    """How a live class came to be, as far as it matters for changing it in place."""

    PLAIN = "a plain class"
    SLOTTED = "a class with __slots__"
    DATACLASS = "a dataclass"
    ENUM = "an enum"
    NAMED_TUPLE = "a named tuple"
    REBUILT = "a class that its library can build again"
    BUILT = "a class with a metaclass of the service's own"
    CUSTOM = "a class with a metaclass of its own"


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
    """

    module: str
    package: str
    forms: tuple[Form, ...]
    classes: Mapping[str, ClassKind] = field(default_factory=dict)
    attributes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    baseless: frozenset[str] = frozenset()


class Project(Protocol):
    """All loaded modules whose source is known."""

    def facts(self, module: str) -> ModuleFacts | None:
        """What is known of a module; None if it is not loaded, or not from known source."""

    def importers(self, module: str) -> Iterable[str]:
        """The modules whose source imports `module`, or a name from it."""


def absolute(package: str, module: str, level: int) -> str:
    """The dotted name that a relative import means.

    >>> absolute("shop.web", "pricing", 2)
    'shop.pricing'
    """
    if not level:
        return module
    parts = package.split(".")
    base = ".".join(parts[: len(parts) - level + 1])
    return f"{base}.{module}" if base and module else base or module
