"""The running source of a module against its file."""

from __future__ import annotations

import os
from collections import OrderedDict

from livecode.engine.lines import changed_lines
from livecode.errors import UsageError
from livecode.live.sourcefile import read_source
from livecode.model.nouns import DiskState, checksum

TEXTS_KEPT = 16
"""Files whose text is kept between pushes: those that are worked on."""

_seen: dict[str, tuple[tuple[int, int], str]] = {}  # path → (mtime in ns, size), checksum
_texts: OrderedDict[str, str] = OrderedDict()  # path → text of a file in `_seen`, the last used at the end


def disk_state(file: str, source: str, *, checksum_of_source: str) -> tuple[DiskState, int, int]:
    """How the running source compares with its file, and how many lines it adds to and lacks from it."""
    if not file:
        return DiskState.NO_FILE, 0, 0
    try:
        if _file_checksum(file) == checksum_of_source:
            return DiskState.SAME, 0, 0
        added, removed = changed_lines(_text(file), source)
    except FileNotFoundError:
        return DiskState.NO_FILE, 0, 0
    except (OSError, UsageError):
        return DiskState.UNREADABLE, 0, 0
    return DiskState.DIFFERS, added, removed


def _file_checksum(file: str) -> str:
    stat = os.stat(file)
    stamp = stat.st_mtime_ns, stat.st_size
    known = _seen.get(file)
    if known is None or known[0] != stamp:
        _texts.pop(file, None)
        known = _seen[file] = stamp, checksum(_text(file))
    return known[1]


def _text(file: str) -> str:
    if file not in _texts:
        _texts[file] = read_source(file)
        if len(_texts) > TEXTS_KEPT:
            _texts.popitem(last=False)
    _texts.move_to_end(file)
    return _texts[file]
