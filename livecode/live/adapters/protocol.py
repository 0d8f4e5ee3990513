"""What livecode has to know of a framework in which functions are registered, in one small protocol.

Executing `@app.get("/x")` again would register the function twice. Livecode takes the old registration back and puts
the new one in its place, if it knows where the framework keeps it. For registries that are plain containers which
the decorator leads to, it finds that out itself; an adapter is needed where a framework derives something from them.

To add one, implement `Adapter` and name it in the package's metadata:

    [project.entry-points."livecode.adapters"]
    huey = "mypackage.livecode_huey:HueyAdapter"

The class is loaded when a push meets a registration, never before, and only if `sys.modules` has a module of the entry
point's name: name the entry point after the module of the framework.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from livecode.live.journal import Step, set_attribute

__all__ = ["GROUP", "Adapter", "Attribute", "Registry", "Step", "set_attribute"]

GROUP = "livecode.adapters"
"""The entry points that name adapters."""


@runtime_checkable
class Registry(Protocol):
    """A registry that is no list, dict, set or deque."""

    def entries(self) -> Sequence[Any]:
        """What is registered, in order."""

    def filled(self, entries: Sequence[Any], /) -> Iterable[Step]:
        """The steps that make these the entries; nothing is done yet."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """A registry of one: an attribute that is None while nothing is registered."""

    owner: Any
    name: str

    def entries(self) -> Sequence[Any]:
        """See `Registry.entries`."""
        value = getattr(self.owner, self.name)
        return [] if value is None else [value]

    def filled(self, entries: Sequence[Any], /) -> Iterable[Step]:
        """See `Registry.filled`."""
        return (set_attribute(self.owner, self.name, entries[-1] if entries else None),)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Attribute) and other.owner is self.owner and other.name == self.name

    def __hash__(self) -> int:
        return hash((id(self.owner), self.name))


class Adapter(Protocol):
    """Where one framework keeps what is registered. What has a body here need not be implemented.

    Attributes:
        framework: The module that must have been imported before any of this can matter, as ``"flask"``.
    """

    framework: str

    def owns(self, thing: object, /) -> bool:
        """True for an object whose decorators and methods register functions: an app, a router, a group of commands."""

    def registries(self, owner: Any, /) -> Iterable[Any]:
        """The live containers (or `Registry` objects) in which the owner keeps what was registered."""

    def registered(self, owner: Any, entry: Any, /) -> Iterable[object]:
        """What an entry was registered for: functions, classes, other owners. Livecode looks into what is given."""
        return (entry,)

    def filled_by(self, owner: Any, method: str, /) -> Any:
        """The one of `registries` into which `owner.method(x)` puts x as it is; or None."""
        return None

    def taken_over(self, owner: Any, thing: object, /) -> Callable[[object], bool] | None:
        """True for what the owner keeps, keys included, because it took over what this thing registers; or None.

        Asked for a thing that was given to a call, such as a blueprint, and of which no entry is found itself.
        """
        return None

    def concerns(self, owner: Any, items: Iterable[object], /) -> bool:
        """False for an entry of the owner's registries, made of these items, that is there for another owner."""
        return True

    def opened(self, owner: Any, /) -> AbstractContextManager[object]:
        """While this is entered, the owner accepts registrations, although it may be serving already."""
        return nullcontext()

    def renewed(self, owner: Any, entry: Any, changed: Collection[object], /) -> Any:
        """The entry made anew if it was derived from one of these functions or classes, which have changed; or None."""
        return None

    def derived(self, owner: Any, /) -> Iterable[Step]:
        """The steps that bring up to date what was derived from the registries: caches, schemas, stacks."""
        return ()
