"""What executing code did to the process that no journal can take back: threads and exit handlers."""

from __future__ import annotations

import atexit
import threading
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProcessState:
    """What is compared around an executed form."""

    threads: frozenset[int]
    exit_handlers: int


def process_state() -> ProcessState:
    """The process as it is now."""
    threads = frozenset(thread.ident or 0 for thread in threading.enumerate())
    return ProcessState(threads, atexit._ncallbacks())


def effects_since(before: ProcessState, line: int) -> list[str]:
    """What came meanwhile, as people read it.

    Args:
        before: The state before the form was executed.
        line: Where the form stands.
    """
    said = [
        f'thread "{thread.name}" (started at line {line})'
        for thread in threading.enumerate()
        if (thread.ident or 0) not in before.threads
    ]
    added = atexit._ncallbacks() - before.exit_handlers
    if added > 0:
        said.append(f"{added} atexit handler{'s' if added > 1 else ''} (registered at line {line})")
    return said
