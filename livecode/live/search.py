"""Looks for the functions that have some code, wherever they are held.

Nothing lists who holds a function. But a code object counts its references: so it is known how many functions have it,
and whoever looks can stop when all are found. Looked at is, nearest first,

    what was made a moment ago, what the calls under way hold, what the modules hold, what these hold, and so on

in slices, between which other threads run: asking the collector for referrers is one long pause for all of them.
Long containers are data: they come last.

Source: a frame and a function hold a reference to their code object each, and the constants of the code around it
another (`frame_dealloc`, `func_dealloc`, `code_dealloc` in CPython). A suspended generator holds some, too; whatever
else holds one counts as a function that is not found.
"""

from __future__ import annotations

import gc
import sys
import time
from ast import AST
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from types import AsyncGeneratorType, CodeType, CoroutineType, FrameType, FunctionType, GeneratorType
from typing import Any

from livecode.live.closures import COUNTS_ARE_DEFERRED, Inner
from livecode.live.safepoint import runs_a_loop
from livecode.live.stacks import REFERENCES_OF_A_CALL, frames_now

MAX_LOOKED = 400_000
"""Objects looked at for one push; what leads further is not a registry any more."""

SLICE_S = 0.001
"""After so long other threads get their turn."""

REST_S = 0.00005

LOOP_S = 0.002
"""So long may be looked where an event loop has to wait for it."""

LOOK_S = 0.3
"""So long may be looked everywhere else, rests left out."""

LOOK_MOVED_S = 0.05
"""The same where nothing but lines is at stake."""

OWN = "livecode."

SNAPSHOTS = sys.version_info < (3, 13)
"""`frame.f_locals` is a copy that the frame keeps, until PEP 667."""

CO_OPTIMIZED = 0x1

_ASKING = frozenset({"locals", "vars", "f_locals"})

LARGE = 1000
"""Longer containers are looked into when all else has been."""

CHUNK = 256

MAX_YOUNG = 20_000
"""More objects than that in the youngest generation: the collector is switched off."""

_CODE_OF: dict[type, Callable[[Any], int]] = {
    GeneratorType: lambda thing: id(thing.gi_code),
    CoroutineType: lambda thing: id(thing.cr_code),
    AsyncGeneratorType: lambda thing: id(thing.ag_code),
}

_OPAQUE = object()
"""Stands for kinds of things that lead to no function of a service: syntax trees, and what livecode keeps."""

_CONTAINERS: tuple[Any, ...] = (dict, list, tuple, set, frozenset, deque)


@dataclass(frozen=True, slots=True)
class Found:
    """What was found.

    Attributes:
        functions: Functions of the code that was looked for.
        missing: How many more there are, by id of the code.
    """

    functions: tuple[FunctionType, ...] = ()
    missing: Mapping[int, int] = field(default_factory=dict)


def functions_of(inner: Collection[Inner], around: Iterable[CodeType], own: Sequence[str]) -> Found:
    """The functions that have such old code, as far as they are found.

    Args:
        inner: Each code object once; nothing else of livecode's may hold it meanwhile.
        around: Other code that may have some of it among its constants.
        own: Modules that are looked at before all others.
    """
    counts = dict.fromkeys((id(each.old) for each in inner), 1) if COUNTS_ARE_DEFERRED else counted(inner, around)
    wanted = {key: count for key, count in counts.items() if count > 0}
    if not wanted:
        return Found()
    changed = any(each.changed for each in inner if id(each.old) in wanted)
    walk = Walk(wanted, LOOP_S) if runs_a_loop() else Walk(wanted, LOOK_S if changed else LOOK_MOVED_S, time.sleep)
    young = gc.get_objects(generation=0) if gc.get_count()[0] < MAX_YOUNG else []
    try:
        walk.through(chain(young, roots(own)))
    finally:
        young.clear()  # frames of livecode are among them, which would keep themselves alive
    found = Counter(id(function.__code__) for function in walk.found.values()) + walk.suspended
    missing = {key: left for key, count in wanted.items() if (left := count - found[key]) > 0}
    return Found(tuple(walk.found.values()), {} if COUNTS_ARE_DEFERRED else missing)


def counted(inner: Collection[Inner], around: Iterable[CodeType]) -> dict[int, int]:
    """How many functions have each old code, by id, as far as references tell.

    Args:
        inner: Each code object once; nothing else of livecode's may hold it.
        around: Other code that may have some of it among its constants.
    """
    probe = Inner(compile("", "<livecode probe>", "exec"), compile("", "<livecode probe>", "exec"), False)
    counts = {id(each.old): sys.getrefcount(each.old) for each in (*inner, probe)}
    alone = counts.pop(id(probe.old))
    holders = {id(code): code for code in (*(each.old for each in inner), *around)}.values()
    consts = Counter(id(const) for code in holders for const in code.co_consts if type(const) is CodeType)
    inside = Counter(id(frame.f_code) for frame in frames_now())
    return {key: count - alone - consts[key] - inside[key] for key, count in counts.items()}


def roots(own: Sequence[str]) -> Iterator[object]:
    """Where to begin: the variables of calls under way, the modules."""
    yield from variables([frame for frame in frames_now() if not is_own(frame)])
    names = dict.fromkeys((*own, *list(sys.modules)))
    for name in names:
        module = sys.modules.get(name)
        if module is not None and not name.startswith(OWN):
            yield module


def is_own(frame: FrameType) -> bool:
    """True for calls of livecode."""
    return str(frame.f_globals.get("__name__")).startswith(OWN)


def variables(frames: Sequence[FrameType]) -> Iterator[object]:
    """What the variables of calls hold.

    Up to Python 3.12 they are read by way of a copy that the frame keeps, the same one that `locals()` gives to the
    call, and that `exec` gives to what it executes. So a call that may have it is left alone, and nothing is left in
    it that the frame would go on holding.

    Args:
        frames: Those calls, none of livecode's own.
    """
    lent = {id(frame.f_back) for frame in frames if not frame.f_code.co_flags & CO_OPTIMIZED}
    for frame in frames:
        if not SNAPSHOTS or not frame.f_code.co_flags & CO_OPTIMIZED:
            yield from list(frame.f_locals.values())
        elif frame.f_trace is None and id(frame) not in lent and _ASKING.isdisjoint(frame.f_code.co_names):
            yield from _copied(frame)


def _copied(frame: FrameType) -> list[object]:
    known = frame.f_locals
    values = list(known.values())
    if sys.getrefcount(known) <= REFERENCES_OF_A_COPY:
        known.clear()
    return values


def _references_of_a_copy() -> int:
    known = sys._getframe().f_locals
    return sys.getrefcount(known)


class Walk:
    """Goes from thing to thing, nearest first, until all functions are found or it took too long.

    Args:
        wanted: `id` of code → how many functions have it.
        patience_s: How long it may take.
        rest: Lets other threads run; called between slices.
        most: How many objects are looked at.

    Attributes:
        found: The functions, by id.
        suspended: References that calls hold which do not run now, by id of the code.
    """

    def __init__(
        self,
        wanted: Mapping[int, int],
        patience_s: float,
        rest: Callable[[float], object] = lambda _: None,
        most: int = MAX_LOOKED,
    ) -> None:
        self.found: dict[int, FunctionType] = {}
        self.suspended = Counter[int]()
        self._wanted = wanted
        self._left = sum(wanted.values())
        self._patience_s = patience_s
        self._rest = rest
        self._most = most
        self._seen: set[int] = set()
        self._waiting: deque[object] = deque()
        self._large: deque[Iterator[list[object]]] = deque()
        self._sized: dict[type, Any] = {}

    def through(self, things: Iterable[object]) -> None:
        """Looks at the things and at what they lead to."""
        taken, since = 0.0, time.perf_counter()
        for part in self._parts(iter(things)):
            self._look_at(part)
            slice_s = time.perf_counter() - since
            if self._left <= 0 or len(self._seen) > self._most or taken + slice_s > self._patience_s:
                break
            if slice_s > SLICE_S:
                self._rest(REST_S)
                taken, since = taken + slice_s, time.perf_counter()
        self._waiting.clear()
        self._large.clear()

    def _parts(self, things: Iterator[object]) -> Iterator[list[object]]:
        """A few things at a time: those given, what they hold, slices of what is long."""
        while part := list(islice(things, CHUNK)):
            yield part
        while self._waiting or self._large:
            if self._waiting:
                yield gc.get_referents(*(self._waiting.popleft() for _ in range(min(CHUNK, len(self._waiting)))))
            elif part := next(self._large[0], []):
                yield part
                self._large.rotate(-1)
            else:
                self._large.popleft()

    def _look_at(self, things: Iterable[object]) -> None:
        fresh = {id(thing): thing for thing in filter(gc.is_tracked, things)}
        for key in fresh.keys() & self._seen:
            del fresh[key]
        self._seen.update(fresh)
        for key, thing in fresh.items():
            kind = type(thing)
            if kind is FunctionType and id(thing.__code__) in self._wanted:  # type: ignore[attr-defined]
                self.found[key] = thing  # type: ignore[assignment]
                self._left -= 1
            elif kind in _CODE_OF and (code := _CODE_OF[kind](thing)) in self._wanted:
                self.suspended[code] += REFERENCES_OF_A_CALL
                self._left -= REFERENCES_OF_A_CALL
            base = self._sized[kind] if kind in self._sized else self._base(kind)
            if base is _OPAQUE:
                continue
            if base is not None and base.__len__(thing) > LARGE:
                self._large.append(_slices(thing, base))
            else:
                self._waiting.append(thing)

    def _base(self, kind: type) -> Any:
        """The container that a class is a kind of, None if it is none."""
        found: Any = next((base for base in _CONTAINERS if base in kind.__mro__), None)
        if issubclass(kind, AST) or str(kind.__module__).startswith(OWN):
            found = _OPAQUE
        self._sized[kind] = found
        return found


def _slices(thing: Any, base: Any) -> Iterator[list[object]]:
    """What is in a long container, a little at a time; what comes or goes meanwhile may be missed."""
    if base in (list, tuple):
        for start in range(0, base.__len__(thing), CHUNK):
            yield list(base.__getitem__(thing, slice(start, start + CHUNK)))
        return
    entries = (each for item in dict.items(thing) for each in item) if base is dict else base.__iter__(thing)
    while True:
        try:
            part = list(islice(entries, CHUNK))
        except RuntimeError:  # somebody else changed its size
            return
        if not part:
            return
        yield part


REFERENCES_OF_A_COPY = _references_of_a_copy()
"""More: somebody else has the copy too."""
