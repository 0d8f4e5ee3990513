"""Code objects as bytes that can be believed: under a key of all that they depend on, sealed by this machine.

    WantedModule, WantedStatements    what is to be compiled
    key                               a digest of that, and of the Python that compiles
    seal, unseal                      mark, MAC, key and payload, in one piece
    CodeCache                         payloads of this process, those used last

Bytecode of another Python, or with one bit flipped, crashes the interpreter that loads it. So `marshal.loads` sees
nothing of which the MAC and the key were not found to be right before.

The cache holds bytes and no code objects. Code that is out of use has to die, because what lives on is counted
(`livecode.live.inflight`), and code that comes back by an undo must not be taken for the old one.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import marshal
import sys
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import MAGIC_NUMBER
from types import CodeType
from typing import Any, TypeAlias

from livecode.engine.forms import lone_form
from livecode.engine.prepare import Compiler

FORMAT = 1
"""Of keys, blobs and payloads; counts up with every change of them, and of what code is made for a statement."""

MARK = b"livecode code \x01\n"
MAC_BYTES = KEY_BYTES = 32
_HEADER_BYTES = len(MARK) + MAC_BYTES + KEY_BYTES

MAX_CACHE_BYTES = 16 << 20
"""So much a process keeps: fifty modules of 5,000 lines."""


@dataclass(frozen=True, slots=True)
class WantedModule:
    """A whole module.

    Attributes:
        filename: Chunk name.
        source: Its source.
    """

    filename: str
    source: str

    def compiled(self) -> Iterator[CodeType]:
        """One code object.

        Raises:
            SyntaxError, ValueError, RecursionError, MemoryError: It does not compile.
        """
        yield compile(self.source, self.filename, "exec", dont_inherit=True)

    def plain(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {"filename": self.filename, "source": self.source}


@dataclass(frozen=True, slots=True)
class WantedStatements:
    """Statements of one module, as `livecode.engine.prepare.Compiler` compiles them.

    Attributes:
        filename: Chunk name.
        flags: Of its `from __future__` imports.
        imported: Names that its imports bind.
        statements: Text, first line, and whether nothing stands before it.
    """

    filename: str
    flags: int
    imported: tuple[str, ...]
    statements: tuple[tuple[str, int, bool], ...]

    def compiled(self) -> Iterator[CodeType]:
        """One code object a statement.

        Raises:
            SyntaxError, ValueError, RecursionError, MemoryError: One does not compile.
        """
        compiler = Compiler(self.filename, self.flags, self.imported)
        for text, line, first in self.statements:
            yield compiler.form(lone_form(text, line, first=first))

    def plain(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {
            "filename": self.filename,
            "flags": self.flags,
            "imported": list(self.imported),
            "statements": [list(each) for each in self.statements],
        }


Wanted: TypeAlias = WantedModule | WantedStatements


def wanted(plain: Mapping[str, Any]) -> Wanted:
    """What `plain()` was made of.

    Raises:
        KeyError, TypeError, ValueError: It was made of nothing like that.
    """
    if "source" in plain:
        return WantedModule(str(plain["filename"]), str(plain["source"]))
    statements = tuple((str(text), int(line), bool(first)) for text, line, first in plain["statements"])
    return WantedStatements(str(plain["filename"]), int(plain["flags"]), tuple(plain["imported"]), statements)


def key_of(plain: Mapping[str, Any]) -> bytes:
    """The key of what is wanted: two that differ in anything that matters have two keys."""
    said = json.dumps(["livecode", FORMAT, build(), plain], sort_keys=True)
    return hashlib.sha256(said.encode("ascii")).digest()


@cache
def build() -> str:
    """A digest of the Python that runs, and of how it compiles: its magic number, version, optimisation and options.

    What it makes of a function is part of it: options that are not listed here may change that.
    """
    probe = compile("def f(a):\n 'said'\n assert a\n return a + 1\n", "probe", "exec", dont_inherit=True)
    inner = next(each for each in probe.co_consts if isinstance(each, CodeType))
    made = inner.co_code, inner.co_consts, inner.co_linetable, list(inner.co_positions())
    named = MAGIC_NUMBER, sys.version, sys.implementation.cache_tag, sys.flags.optimize, sys.maxsize
    return hashlib.sha256(repr((FORMAT, named, made)).encode()).hexdigest()


def packed(codes: Iterator[CodeType]) -> bytes:
    """The payload of some code objects, which can be loaded one by one, or of how they do not compile.

    Raises:
        ValueError, RecursionError, MemoryError: They do not compile, and it is not about the source's syntax.
    """
    try:
        return marshal.dumps((tuple(map(marshal.dumps, codes)), None))
    except SyntaxError as error:
        return marshal.dumps(((), (type(error).__name__, error.args)))


def unpacked(payload: bytes) -> tuple[bytes, ...]:
    """One marshalled code object each; only of what was sealed here.

    Raises:
        SyntaxError: They did not compile.
    """
    parts: tuple[bytes, ...]
    parts, failure = marshal.loads(payload)
    if failure is not None:
        name, args = failure
        raise {"IndentationError": IndentationError, "TabError": TabError}.get(name, SyntaxError)(*args)
    return parts


def seal(payload: bytes, key: bytes, secret: bytes) -> bytes:
    """The blob of a payload."""
    return MARK + _mac(key, payload, secret) + key + payload


def unseal(blob: bytes, key: bytes, secret: bytes) -> bytes | None:
    """The payload of a blob, None if it is not what was sealed under this key with this secret."""
    mark, mac = blob[: len(MARK)], blob[len(MARK) : len(MARK) + MAC_BYTES]
    said, payload = blob[len(MARK) + MAC_BYTES : _HEADER_BYTES], blob[_HEADER_BYTES:]
    right = hmac.compare_digest(_mac(said, payload, secret), mac)
    return payload if right and mark == MARK and hmac.compare_digest(said, key) else None


def _mac(key: bytes, payload: bytes, secret: bytes) -> bytes:
    made = hmac.new(secret, MARK, hashlib.sha256)
    made.update(key)
    made.update(payload)
    return made.digest()


class CodeCache:
    """Payloads by key, those used last; never more bytes than it was made for.

    Args:
        most_bytes: Of all payloads.
    """

    def __init__(self, most_bytes: int = MAX_CACHE_BYTES) -> None:
        self._most_bytes = most_bytes
        self._payloads: OrderedDict[bytes, bytes] = OrderedDict()
        self.size_bytes = 0

    def __len__(self) -> int:
        return len(self._payloads)

    def get(self, key: bytes) -> bytes | None:
        """The payload, if it is there; it counts as used."""
        payload = self._payloads.get(key)
        if payload is not None:
            self._payloads.move_to_end(key)
        return payload

    def put(self, key: bytes, payload: bytes) -> None:
        """Keeps a payload, and lets others go for it; one that is larger than all room is not kept."""
        if key in self._payloads or len(payload) > self._most_bytes:
            return
        self._payloads[key] = payload
        self.size_bytes += len(payload)
        while self.size_bytes > self._most_bytes:
            _, gone = self._payloads.popitem(last=False)
            self.size_bytes -= len(gone)
