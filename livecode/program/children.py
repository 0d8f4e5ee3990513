"""Children of a program: those that it forks are seen to by `listen`, those that multiprocessing starts anew by this.

A child of the ``spawn`` method, or of the fork server, is told by its parent what to prepare before it gets its work
(`multiprocessing.spawn.get_preparation_data`). One thing more is told: something that begins livecode as it is
unpickled, which is before the child imports the program again. Its command line and environment stay as they are.
A server's main process serves nobody: when it starts its first worker, it closes its own door.

Process-wide changes, made here: `multiprocessing.spawn.get_preparation_data` is replaced; until that module is
imported, a finder waits for it in `sys.meta_path`.
"""

from __future__ import annotations

import functools
import os
import sys
from importlib.machinery import ModuleSpec, PathFinder

from livecode.fleet.listen import listening
from livecode.live.finishing import when_loaded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType, ModuleType
    from typing import Any

SPAWN = "multiprocessing.spawn"
MANAGERS = ("gunicorn.arbiter", "uvicorn.supervisors.", "granian.server.", "hypercorn.run")
"""Modules of main processes that start workers and serve nobody themselves."""
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FIRST_WORDS = """
import sys
sys.path.insert(0, {root!r})
try:
    from livecode.program.begin import begin_in_child
finally:
    sys.path.remove({root!r})
begin_in_child({service!r}, {folder!r}, {watched!r})
"""
"""What a child executes first. It need not find livecode on its own path."""


class Beginning:
    """Begins livecode where it is unpickled.

    Args:
        words: Source that does so.
    """

    def __init__(self, words: str) -> None:
        self._words = words

    def __reduce__(self) -> tuple[object, ...]:
        return exec, (self._words, {})


class _Awaiting:
    """A finder that finds nothing by itself, and sees `multiprocessing.spawn` come."""

    def __init__(self, words: str) -> None:
        self._words = words

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of that one module, with something to do when it is there."""
        if fullname != SPAWN:
            return None
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(fullname, path)
        if spec is not None:
            when_loaded(spec, lambda: _tell_children(self._words))
        return spec

    def __repr__(self) -> str:
        return f"<livecode: waits for {SPAWN}>"


def begin_in_children(service: str, folder: str, watched: Sequence[str]) -> None:
    """From now on, whatever children this process starts by multiprocessing begin as it did."""
    words = FIRST_WORDS.format(root=ROOT, service=service, folder=folder, watched=tuple(watched))
    if SPAWN in sys.modules:
        _tell_children(words)
    else:
        sys.meta_path.insert(0, _Awaiting(words))
    os.register_at_fork(after_in_parent=_leave_it_to_workers)


def _tell_children(words: str) -> None:
    spawn: Any = sys.modules.get(SPAWN)
    if spawn is None or hasattr(spawn.get_preparation_data, "__wrapped__"):
        return
    prepare = spawn.get_preparation_data

    @functools.wraps(prepare)
    def get_preparation_data(name: str) -> dict[str, Any]:
        _leave_it_to_workers()
        return {**prepare(name), "livecode": Beginning(words)}

    spawn.get_preparation_data = get_preparation_data


def _leave_it_to_workers() -> None:
    listener = listening()
    if listener is not None and _is_manager(sys._getframe()):
        listener.leave_it_to_children()


def _is_manager(frame: FrameType | None) -> bool:
    """True if the main process of a server is about to start a worker, or has just done so."""
    while frame is not None:
        if str(frame.f_globals.get("__name__")).startswith(MANAGERS):
            return True
        frame = frame.f_back
    return False
