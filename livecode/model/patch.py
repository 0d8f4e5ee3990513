"""Changes of files as a patch that ``git apply`` takes: bytes for bytes, whatever their encoding and line ends. Pure.

Source: git-diff(1), "Generating patch text with -p"; quoting as in git's quote.c.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from livecode.model.difference import hunks, unified

_ESCAPES = {7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r", 34: '"', 92: "\\"}
NO_BLOB = "0" * 40


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file before and after.

    Attributes:
        path: Relative to where the patch is applied, with slashes.
        before: Its bytes; None for a new file.
        after: Its bytes; None for a file that is removed.
        mode: Its permission bits.
    """

    path: str
    before: bytes | None
    after: bytes | None
    mode: int = 0o644


def patch(changes: Iterable[FileChange], context_lines: int = 3) -> bytes:
    """The patch of all changes; empty if nothing differs."""
    return b"".join(part for change in changes for part in _file(change, context_lines))


def _file(change: FileChange, context_lines: int) -> Iterator[bytes]:
    if change.before == change.after:
        return
    mode = "100755" if change.mode & 0o100 else "100644"
    old, new = (_quoted(f"{side}/{change.path}") for side in ("a", "b"))
    index = f"index {_blob(change.before)}..{_blob(change.after)}"
    yield f"diff --git {old} {new}\n".encode()
    if change.before is None:
        yield f"new file mode {mode}\n{index}\n".encode()
        old = "/dev/null"
    elif change.after is None:
        yield f"deleted file mode {mode}\n{index}\n".encode()
        new = "/dev/null"
    else:
        yield f"{index} {mode}\n".encode()
    lines = "\n".join(unified(hunks(_text(change.before), _text(change.after), context_lines)))
    if lines:  # an empty file comes or goes without any
        tab = "\t" if " " in change.path else ""  # where a name ends that has spaces
        yield f"--- {old}{tab}\n+++ {new}{tab}\n".encode()
        yield lines.encode("latin-1") + b"\n"


def _text(data: bytes | None) -> str:
    """Bytes as as many characters."""
    return (data or b"").decode("latin-1")


def _blob(data: bytes | None) -> str:
    """The name that git has for these contents."""
    if data is None:
        return NO_BLOB
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _quoted(path: str) -> str:
    """A path as git writes it: in quotes where it has more than plain characters."""
    data = path.encode("utf-8", "surrogateescape")
    if all(32 <= byte < 127 and byte not in _ESCAPES for byte in data):
        return path
    return '"' + "".join(_escaped(byte) for byte in data) + '"'


def _escaped(byte: int) -> str:
    if byte in _ESCAPES:
        return "\\" + _ESCAPES[byte]
    return chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}"
