"""What the standard library keeps in tables of its own: pickling, finalizers, signals, filters of warnings."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from livecode.live.adapters.protocol import Adapter, Step


class CopyregAdapter(Adapter):
    """`copyreg.pickle(cls, reduce)`."""

    framework = "copyreg"

    def owns(self, thing: object, /) -> bool:
        """See `Adapter.owns`."""
        return thing is sys.modules["copyreg"].pickle

    def registries(self, owner: Any, /) -> Iterator[Any]:
        """See `Adapter.registries`."""
        yield sys.modules["copyreg"].dispatch_table


class FinalizeAdapter(Adapter):
    """`weakref.finalize(thing, close)`: the finalizer of the old line is called off."""

    framework = "weakref"

    def owns(self, thing: object, /) -> bool:
        """See `Adapter.owns`."""
        return thing is sys.modules["weakref"].finalize

    def registries(self, owner: Any, /) -> Iterator[Any]:
        """See `Adapter.registries`."""
        yield owner._registry

    def registered(self, owner: Any, entry: Any, /) -> Iterable[object]:
        """See `Adapter.registered`: what is called, and what is waited for."""
        return (entry.func, entry.weakref(), *entry.args)


class SignalAdapter(Adapter):
    """`signal.signal(signal.SIGTERM, stop)`."""

    framework = "signal"

    def owns(self, thing: object, /) -> bool:
        """See `Adapter.owns`."""
        return thing is signal.signal

    def registries(self, owner: Any, /) -> Iterator[Any]:
        """See `Adapter.registries`: only the main thread may change one."""
        if threading.current_thread() is threading.main_thread():
            yield SignalHandlers()


@dataclass(frozen=True, slots=True)
class Handled:
    """A signal with what is called for it."""

    number: signal.Signals
    handler: Any


@dataclass(frozen=True, slots=True)
class SignalHandlers:
    """The signals for which Python code is called."""

    def entries(self) -> Sequence[Any]:
        """See `Registry.entries`."""
        handlers = [(number, signal.getsignal(number)) for number in signal.valid_signals()]
        return [_handled(number, handler) for number, handler in handlers if callable(handler)]

    def filled(self, entries: Sequence[Any], /) -> Iterator[Step]:
        """See `Registry.filled`: a signal without an entry does what it does by default."""
        before = {entry.number: entry.handler for entry in self.entries()}
        after = {entry.number: entry.handler for entry in entries}
        for number in {**before, **after}:
            old, new = (table.get(number, _default(number)) for table in (before, after))
            if old is not new:
                yield Step(partial(signal.signal, number, new), partial(signal.signal, number, old))


_known: dict[tuple[int, int], Handled] = {}


def _handled(number: Any, handler: Any) -> Handled:
    """The same entry for the same handler: entries are compared by identity."""
    found = _known.get((number, id(handler)))
    if found is None or found.handler is not handler:
        found = _known[number, id(handler)] = Handled(number, handler)
    return found


def _default(number: Any) -> Any:
    return signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
