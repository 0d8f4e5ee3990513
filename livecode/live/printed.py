"""What an evaluation prints goes to who asked; what the service prints meanwhile goes where it went.

Process-wide changes, all made here: `sys.stdout` and `sys.stderr`, while something is evaluated. Each is put back to
what was found, and not if somebody else has changed it meanwhile; what then stands there hands everything on. The
kernels of `livecode.kernel` route these streams already: theirs ask `current_sink`, and nothing is replaced here.
"""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

STREAMS = ("stdout", "stderr")
MAX_BYTES = 20_000
MORE = "\n… and more was printed\n"


class Sink(io.TextIOWrapper):
    """A text stream that keeps how what was printed begins.

    Args:
        found: The stream that was there, whose file is given to who asks for one.
    """

    def __init__(self, found: Any) -> None:
        self._kept, self._found, self.is_open = _Limited(), found, True
        super().__init__(self._kept, encoding="utf-8", errors="surrogateescape", newline="", write_through=True)

    def fileno(self) -> int:
        """That of the stream that was there: a subprocess prints where it always did."""
        number: int = self._found.fileno()
        return number

    def text(self) -> str:
        """What was printed, of limited length."""
        kept = self._kept.getvalue().decode("utf-8", "replace")
        return kept + MORE if self._kept.is_full else kept


class _Limited(io.BytesIO):
    """Bytes up to a limit; what comes later is dropped."""

    is_full = False

    def write(self, data: Any, /) -> int:
        room = MAX_BYTES - self.tell()
        piece = bytes(data)
        self.is_full = self.is_full or len(piece) > room
        super().write(piece[: max(room, 0)])
        return len(piece)


_sink: ContextVar[Sink | None] = ContextVar("livecode_printed", default=None)


def current_sink() -> Sink | None:
    """Where what is printed in this context goes; None for where it always goes."""
    sink = _sink.get()
    return sink if sink is not None and sink.is_open else None


def print_to(sink: Sink) -> None:
    """From now on, what this context prints goes there, and so does what it starts on an event loop."""
    _sink.set(sink)


class Routed:
    """What stands for a stream, and is the stream that is meant in the context it is used in."""

    def __init__(self, found: Any) -> None:
        object.__setattr__(self, "_found", found)

    def _target(self) -> Any:
        return current_sink() or self._found

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """That of the stream: who asks whether it is a `TextIOWrapper` gets the right answer."""
        return type(self._target())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._target(), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._target(), name)

    def __iter__(self) -> Any:
        return iter(self._target())

    def __enter__(self) -> Any:
        return self._target().__enter__()

    def __exit__(self, *raised: Any) -> Any:
        return self._target().__exit__(*raised)

    def __repr__(self) -> str:
        return repr(self._target())


@contextmanager
def printed_here() -> Iterator[Sink]:
    """A sink for `print_to`, which takes what is printed until the block ends."""
    _begin()
    sink = Sink(_unrouted(sys.stdout))
    try:
        yield sink
    finally:
        sink.is_open = False
        _end()


def _unrouted(stream: Any) -> Any:
    """The stream that was found when something began to stand for it."""
    while issubclass(type(stream), Routed):
        stream = object.__getattribute__(stream, "_found")
    return stream


_lock = threading.Lock()
_blocks = 0
_replaced: dict[str, tuple[Any, Any]] = {}


def _begin() -> None:
    global _blocks
    with _lock:
        _blocks += 1
        for name in STREAMS if _blocks == 1 else ():
            found = getattr(sys, name)
            if found is not None and not issubclass(type(found), Routed):
                routed = Routed(found)
                _replaced[name] = routed, found
                setattr(sys, name, routed)


def _end() -> None:
    global _blocks
    with _lock:
        _blocks -= 1
        for name in list(_replaced) if not _blocks else ():
            routed, found = _replaced.pop(name)
            if getattr(sys, name) is routed:
                setattr(sys, name, found)
