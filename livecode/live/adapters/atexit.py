"""`atexit`: functions that are called when the process ends."""

from __future__ import annotations

import atexit
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any

from livecode.live.adapters.protocol import Adapter, Step


class AtexitAdapter(Adapter):
    """`@atexit.register`."""

    framework = "atexit"

    def owns(self, thing: object, /) -> bool:
        """See `Adapter.owns`."""
        return thing is atexit or thing is atexit.register

    def registries(self, owner: Any, /) -> Iterator[Any]:
        """See `Adapter.registries`."""
        yield ExitFunctions(atexit)


@dataclass(frozen=True, slots=True)
class ExitFunctions:
    """The registered functions; what they are called with cannot be seen, so only those without arguments come back."""

    module: ModuleType

    def entries(self) -> Sequence[Any]:
        """See `Registry.entries`."""
        listing = _Listing()
        atexit.unregister(listing)  # type: ignore[arg-type]  # it is only compared
        return listing.found

    def filled(self, entries: Sequence[Any], /) -> Iterator[Step]:
        """See `Registry.filled`."""
        before = self.entries()
        for function in before:
            if not any(function is entry for entry in entries):
                yield Step(partial(atexit.unregister, function), partial(register_once, function))
        for function in entries:
            if not any(function is entry for entry in before):
                yield Step(partial(atexit.register, function), partial(atexit.unregister, function))


class _Listing:
    """Equal to nothing, but remembers what it was compared with."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self) -> None:
        self.found: list[Any] = []

    def __eq__(self, other: object) -> bool:
        self.found.append(other)
        return False


def register_once(function: Callable[..., object], *arguments: object, **keywords: object) -> None:
    """Registers a function if it is not there: an inverse may run although nothing was done."""
    listing = _Listing()
    atexit.unregister(listing)  # type: ignore[arg-type]
    if not any(function is other for other in listing.found):
        atexit.register(function, *arguments, **keywords)
