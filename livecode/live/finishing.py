"""What is to be done when a module that is being imported now has been imported, before its importer goes on.

`importlib` says that it is done with a module by ``spec._initializing = False`` (`importlib._bootstrap._load_unlocked`,
3.11 to 3.15). So the spec gets a class for which that is an event, until it has happened.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec

TYPE_CHECKING = False  # a service that only listens does not import typing
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_INITIALIZING = "_initializing"


class _WatchedSpec(ModuleSpec):
    """The spec of a module whose import somebody waits for."""

    @property
    def _initializing(self) -> bool:
        return bool(self.__dict__.get(_INITIALIZING))

    @_initializing.setter
    def _initializing(self, value: bool) -> None:
        self.__dict__[_INITIALIZING] = value
        if not value:
            waiting: list[Callable[[], None]] = self.__dict__.pop("_livecode_waiting", [])
            self.__class__ = ModuleSpec  # type: ignore[assignment]
            for then in waiting:
                then()


def is_initializing(module: str) -> bool:
    """True while the module is being imported."""
    spec = getattr(sys.modules.get(module), "__spec__", None)
    return bool(getattr(spec, _INITIALIZING, False))


def when_imported(module: str, then: Callable[[], None]) -> bool:
    """Calls `then` in the importing thread as soon as the import of the module has ended, well or not.

    Returns:
        False if that cannot be arranged: the module is not being imported, or its spec is of a kind of its own.
    """
    spec: Any = getattr(sys.modules.get(module), "__spec__", None)
    return is_initializing(module) and when_loaded(spec, then)


def when_loaded(spec: Any, then: Callable[[], None]) -> bool:
    """Calls `then` as soon as the import that a spec was found for has ended, well or not.

    Returns:
        False if that cannot be arranged: the spec is of a kind of its own.
    """
    if type(spec) not in (ModuleSpec, _WatchedSpec):
        return False
    spec.__class__ = _WatchedSpec
    spec.__dict__.setdefault("_livecode_waiting", []).append(then)
    return True
