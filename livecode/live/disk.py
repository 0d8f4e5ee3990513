"""The running source of a module against its file."""

from __future__ import annotations

import difflib
import os

from livecode.errors import UsageError
from livecode.live.sourcefile import read_source
from livecode.model.nouns import DiskState, checksum

_seen: dict[str, tuple[tuple[int, int], str]] = {}  # path → (mtime in ns, size), checksum


def disk_state(file: str, source: str, *, checksum_of_source: str) -> tuple[DiskState, int, int]:
    """How the running source compares with its file, and how many lines it adds to and lacks from it."""
    if not file:
        return DiskState.NO_FILE, 0, 0
    try:
        if _file_checksum(file) == checksum_of_source:
            return DiskState.SAME, 0, 0
        added, removed = changed_lines(read_source(file), source)
    except FileNotFoundError:
        return DiskState.NO_FILE, 0, 0
    except (OSError, UsageError):
        return DiskState.UNREADABLE, 0, 0
    return DiskState.DIFFERS, added, removed


def changed_lines(old: str, new: str) -> tuple[int, int]:
    """How many lines `new` adds to `old`, and how many it lacks."""
    mine, theirs = old.splitlines(), new.splitlines()
    while mine and theirs and mine[-1] == theirs[-1]:  # the common ends of long files, which difflib is slow on
        del mine[-1], theirs[-1]
    start = next((n for n, pair in enumerate(zip(mine, theirs, strict=False)) if pair[0] != pair[1]), None)
    start = min(len(mine), len(theirs)) if start is None else start
    lines = list(difflib.unified_diff(mine[start:], theirs[start:], n=0, lineterm=""))[2:]
    return sum(line.startswith("+") for line in lines), sum(line.startswith("-") for line in lines)


def _file_checksum(file: str) -> str:
    stat = os.stat(file)
    stamp = stat.st_mtime_ns, stat.st_size
    known = _seen.get(file)
    if known is None or known[0] != stamp:
        known = _seen[file] = stamp, checksum(read_source(file))
    return known[1]
