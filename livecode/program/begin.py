"""Begins livecode in a process that did not ask for it itself: door, tracking, watch, and the children to come."""

from __future__ import annotations

import os
import sys

from livecode.errors import LivecodeError, UsageError
from livecode.fleet.listen import Listener, listen
from livecode.live.tracking import track
from livecode.program import children

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

FAILED, MISUSE = 1, 2


def begin(service: str, folder: str, watched: Sequence[str] = ()) -> Listener:
    """The open listener of this process.

    Args:
        service: Its name.
        folder: Of the program's script: tracked beside the working folder; empty if it has none.
        watched: Folders whose sources go live when they are saved.

    Raises:
        LivecodeError: No door can be opened, or a folder cannot be watched; see `livecode.listen` and `livecode.watch`.
    """
    listener = listen(service)
    if folder:
        _track(folder)
    for each in watched:
        track(each)
    children.begin_in_children(service, folder, watched)
    if watched:
        from importlib import import_module

        inside = import_module("livecode.front.watching.inside")  # the front, which nothing else here needs
        for each in watched:
            inside.watch_own(listener.name, each, inside.printed_to(sys.stderr, listener.name))
    return listener


def begin_or_end(service: str, folder: str, watched: Sequence[str]) -> None:
    """Begins, or ends the process before the program starts, and says why: whoever asked for a door wants one."""
    try:
        begin(service, folder, watched)
    except (LivecodeError, OSError) as error:
        print(f"livecode: {error}", file=sys.stderr, flush=True)
        os._exit(MISUSE if isinstance(error, UsageError) else FAILED)  # Python is not ready to be ended any other way


def begin_in_child(service: str, folder: str, watched: Sequence[str]) -> None:
    """Begins in a child that the program started; a child must not fail for this."""
    try:
        begin(service, folder, watched)
    except (LivecodeError, OSError, RuntimeError) as error:
        print(f"livecode: no door in pid {os.getpid()}: {error}", file=sys.stderr)


def begin_started(service: str, watched: Sequence[str]) -> None:
    """Begins in a Python that the program started by subprocess: another program, which must not fail for this."""
    from livecode.live.tracking import leave_to_runpy
    from livecode.program.start import program_of

    module, folder = program_of(sys.orig_argv)
    leave_to_runpy(module)
    begin_in_child(service, folder, watched)


def _track(folder: str) -> None:
    try:
        track(folder)
    except (UsageError, OSError):  # nobody asked for it: it may be the root of the file system, or a file
        return
