"""The process-wide names that a kernel changes, all of them, and their way back.

    sys.stdout, sys.stderr, sys.displayhook    a cell's go to its notebook, everybody else's where they went
    InteractiveShell._instance                 `get_ipython()` is the notebook's in a cell, and what it was elsewhere
    Kernel._instance, comm.create_comm,
    comm.get_comm_manager                      widgets of a cell talk to its notebook
    sys.last_exc and its like                  what cells left there is taken away in the end

Each is replaced once, by something that looks at the context it is used in (`livecode.kernel.current`), when the first
kernel starts, and is put back to what was found when the last one ends: not to a default, and not if somebody else has
changed it meanwhile.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import comm
from IPython.core.interactiveshell import InteractiveShell

from livecode.kernel.current import current_seat
from livecode.live.printed import STREAMS, Routed, current_sink

LAST = ("last_type", "last_value", "last_traceback", "last_exc")
MISSING = object()


class RoutedStream(Routed):
    """What stands for a standard stream: the cell's in a cell, the one that was found elsewhere."""

    def __init__(self, found: Any, name: str) -> None:
        super().__init__(found)
        object.__setattr__(self, "_name", name)

    def _target(self) -> Any:
        if (sink := current_sink()) is not None:
            return sink
        seat = current_seat()
        stream = seat.streams.get(self._name) if seat is not None else None
        return self._found if stream is None else stream


class ByContext:
    """A class attribute that is the notebook's in a cell, and what was found elsewhere.

    Args:
        found: What was there.
        of_seat: What it is for a notebook; None before it is ready.
    """

    def __init__(self, found: Any, of_seat: Callable[[Any], Any]) -> None:
        self.found, self._of_seat = found, of_seat

    def __get__(self, _instance: object, _owner: type) -> Any:
        seat = current_seat()
        return self.found if seat is None else self._of_seat(seat)


class Routes:
    """The changes, from `__init__` on until `close`."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []
        self._streams: dict[str, RoutedStream] = {}
        self._found_last = {name: getattr(sys, name, MISSING) for name in LAST}
        found_hook, found_create, found_manager = sys.displayhook, comm.create_comm, comm.get_comm_manager
        kernel_class = _import_ipykernel()  # which changes comm, so what was there has been looked at before
        from ipykernel.comm.comm import BaseComm

        def displayhook(value: object) -> None:
            seat = current_seat()
            hook = seat.displayhook if seat is not None else None
            (found_hook if hook is None else hook)(value)

        def create_comm(*args: Any, **options: Any) -> Any:
            return (found_create if current_seat() is None else BaseComm)(*args, **options)

        def get_comm_manager() -> Any:
            seat = current_seat()
            return found_manager() if seat is None else seat.comms

        for name in STREAMS:
            if (stream := getattr(sys, name)) is not None:
                self._streams[name] = RoutedStream(stream, name)
                self._replace(sys, name, self._streams[name], stream)
        self._replace(sys, "displayhook", displayhook, found_hook)
        self._replace(comm, "create_comm", create_comm, found_create)
        self._replace(comm, "get_comm_manager", get_comm_manager, found_manager)
        self._replace_instance(InteractiveShell, lambda seat: seat.shell)
        self._replace_instance(kernel_class, lambda seat: seat.kernel)

    def close(self) -> None:
        """Puts everything back to what was found."""
        while self._undo:
            self._undo.pop()()
        for name, value in self._found_last.items():
            if value is not MISSING:
                setattr(sys, name, value)
            elif hasattr(sys, name):
                delattr(sys, name)

    def mend(self) -> tuple[str, ...]:
        """Puts back the streams that a cell has replaced, and says which: they are the whole service's."""
        replaced = []
        for name, routed in self._streams.items():
            if getattr(sys, name) is not routed:
                setattr(sys, name, routed)
                replaced.append(name)
        return tuple(replaced)

    def _replace(self, owner: Any, name: str, routed: Any, found: Any) -> None:
        setattr(owner, name, routed)

        def undo() -> None:
            if getattr(owner, name) is routed:
                setattr(owner, name, found)

        self._undo.append(undo)

    def _replace_instance(self, kind: Any, of_seat: Callable[[Any], Any]) -> None:
        own = kind.__dict__.get("_instance", MISSING)
        routed = ByContext(None if own is MISSING else own, of_seat)
        kind._instance = routed

        def undo() -> None:
            if kind.__dict__.get("_instance") is not routed:
                return
            if own is MISSING:
                del kind._instance
            else:
                kind._instance = own

        self._undo.append(undo)


def _import_ipykernel() -> Any:
    """The base class of kernels, imported without a debugger.

    The import of debugpy sets `sys.breakpointhook`, names in `builtins` and an environment variable, and its debugger
    would stop all threads, which are the service's: where the service has not imported it, ipykernel finds none.
    """
    hidden = "debugpy" not in sys.modules
    if hidden:
        sys.modules["debugpy"] = None  # type: ignore[assignment]
    try:
        import_module("ipykernel.debugger")
        return import_module("ipykernel.ipkernel").KernelBase
    finally:
        if hidden and sys.modules.get("debugpy", MISSING) is None:
            del sys.modules["debugpy"]
