"""What became of the code that pushes took out of use: who is inside it still, and the lines it was made from.

A call that is inside old code runs to its end there, whatever was pushed meanwhile. Its code object says the same
file as the new one, so a traceback would show a line of the new source. So code that outlives its push gets a chunk
name of its own, `<shop.pricing v7>`, under which `linecache` keeps the old source until the last of it has died.

Process-wide changes, all made here: entries of `linecache.cache` under such names, taken away when the code dies.
"""

from __future__ import annotations

import _imp
import os
import sys
import time
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import CodeType, FunctionType, MethodType

from livecode.engine.code import walk
from livecode.live.chunks import forget_lines, show_lines
from livecode.live.contents import attributes_of
from livecode.live.stacks import REFERENCES_OF_A_CALL, SUSPENDABLE, Call, calls_under_way, suspended
from livecode.live.stragglers import Stragglers

MAX_DEPTH = 4
"""Wrappers and nested classes looked into for the code that a value runs."""


@dataclass(eq=False, slots=True)
class Generation:
    """The code of one version of a module that is out of use.

    Attributes:
        module: Its name.
        version: Of the source that it was made from.
        source: That source.
        filename: The chunk name that it had.
        behaves_old: The code that does something else now, by id; the rest only moved.
        codes: What is alive of it, by id.
        current: The code that is in use again, by id: an undo brings back the very same.
    """

    module: str
    version: int
    source: str
    filename: str
    behaves_old: set[int]
    codes: dict[int, weakref.ref[CodeType]] = field(default_factory=dict)
    current: set[int] = field(default_factory=set)

    @property
    def chunk(self) -> str:
        """What tracebacks show for it."""
        return f"<{self.module} v{self.version}>"

    def alive(self) -> list[CodeType]:
        """The code objects that somebody still holds."""
        return [code for reference in list(self.codes.values()) if (code := reference()) is not None]

    def old(self) -> list[CodeType]:
        """Those of them that do something else than what runs now."""
        return [code for code in self.alive() if id(code) in self.behaves_old and id(code) not in self.current]


class OldCode:
    """The code that pushes took out of use, as long as somebody keeps it alive."""

    def __init__(self, stragglers: Stragglers) -> None:
        self._stragglers = stragglers
        self._fresh: list[Generation] = []
        self._generations: list[Generation] = []
        self._told: set[str] = set()
        self._gone: dict[str, float] = {}

    def retire(
        self,
        module: str,
        version: int,
        source: str,
        filename: str,
        replaced: Iterable[CodeType],
        moved: Iterable[CodeType],
    ) -> None:
        """Notes what is out of use, without keeping it alive; `settle` finds out what lives on.

        Args:
            module: The module.
            version: The version whose code it is.
            source: Its source.
            filename: The chunk name of the module; code of others is left alone.
            replaced: Code that does something else now, or that is gone.
            moved: Code that stands in other lines now.
        """
        old = [inner for code in replaced if code.co_filename == filename for inner in walk(code)]
        same = [inner for code in moved if code.co_filename == filename for inner in walk(code)]
        if old or same:
            made = Generation(module, version, source, filename, set(map(id, old)))
            made.codes = {id(code): weakref.ref(code) for code in (*old, *same)}
            self._fresh.append(made)

    def settle(self, in_use: Callable[[], Mapping[str, Sequence[object]]]) -> None:
        """Gives what lives on after a push the lines of its own source; called when nothing of the push holds it.

        Args:
            in_use: Tells, by module, what its names stand for now. The code of that is in use, whatever was noted.
        """
        fresh = [(made, lives) for made in self._fresh if (lives := made.alive())]
        again = bool(self._fresh and (fresh or self._generations))
        self._fresh = []
        values = in_use() if again else {}
        for made, lives in fresh:
            named = {id(code) for value in values.get(made.module, ()) for code in codes_of(value)}
            self._keep(made, [code for code in lives if id(code) not in named])
        for made in self._generations if again else ():
            named_codes = {code for value in values.get(made.module, ()) for code in codes_of(value)}
            if made.module in values:
                made.current = {id(code) for code in made.alive() if code in named_codes}

    def calls(self) -> dict[str, tuple[str, ...]]:
        """By module, the calls inside old code as ``name() of v7 (file:line)``, and what cannot be known of them."""
        old = {id(code): made for made in self._generations for code in made.old()}
        found: dict[str, tuple[str, ...]] = {}
        if old:
            inside, unknown = _calls_inside([code for made in self._generations for code in made.old()])
            for module in dict.fromkeys(made.module for made in old.values()):
                calls = [call for call in inside if old[id(call.frame.f_code)].module == module]
                codes = [code for code in unknown if old[id(code)].module == module]
                found[module] = (*_listed(calls, old), *(_perhaps(code, old[id(code)]) for code in codes))
        for module, said in self._in_closures(old):
            found[module] = (*found.get(module, ()), said)
        found = {module: said for module, said in found.items() if said}
        self._note(set(found))
        return found

    def gone_since(self, module: str) -> float:
        """When the last call ended that `calls` had told of, in seconds since the epoch; 0.0 if there was none."""
        return self._gone.get(module, 0.0)

    def _in_closures(self, old: Mapping[int, Generation]) -> Iterator[tuple[str, str]]:
        """Module and text for old code that closures have which no push has found."""
        counts = self._stragglers.counts(code for made in self._generations for code in made.alive())
        for key, count in counts.items():
            reference = old[key].codes.get(key) if key in old else None  # it may die at any time
            code = reference() if reference is not None else None
            if code is not None and not code.co_flags & SUSPENDABLE:  # else it may be a call that is suspended
                made = old[key]
                place = f"{os.path.basename(made.filename)}:{code.co_firstlineno}"
                closures = "a closure" if count == 1 else f"{count} closures"
                yield made.module, f"{code.co_qualname}() of v{made.version} ({place}), {closures} made before"

    def _keep(self, made: Generation, lives: Sequence[CodeType]) -> None:
        if not lives:
            return
        show_lines(made.chunk, made.source)
        for code in lives:
            _imp._fix_co_filename(code, made.chunk)  # type: ignore[attr-defined]  # as importlib does to what it unmarshals
        made.codes = {id(code): weakref.ref(code, partial(self._died, made, id(code))) for code in lives}
        self._generations.append(made)

    def _note(self, inside: set[str]) -> None:
        for module in self._told - inside:
            self._gone.setdefault(module, time.time())
        for module in inside:
            self._gone.pop(module, None)
        self._told = inside

    def _died(
        self, made: Generation, key: int, _reference: object, is_ending: Callable[[], bool] = sys.is_finalizing
    ) -> None:
        """Called by the weak reference, in whatever thread let the code go; at the end of the process all go."""
        made.codes.pop(key, None)
        if made.codes or is_ending():
            return
        forget_lines(made.chunk)
        self._generations = [other for other in self._generations if other is not made]
        if made.module in self._told and not any(other.module == made.module for other in self._generations):
            self._told.discard(made.module)
            self._gone[made.module] = time.time()


def codes_of(value: object, depth: int = 0) -> Iterator[CodeType]:
    """The code that a value of a namespace runs: of functions, methods, properties, wrappers and classes."""
    if depth > MAX_DEPTH:
        return
    if type(value) is FunctionType:
        yield from walk(value.__code__)
    for inner in _parts_of(value):
        yield from codes_of(inner, depth + 1)


def _parts_of(value: object) -> Iterable[object]:
    kind = type(value)
    if issubclass(kind, type):
        return list(type.__getattribute__(value, "__dict__").values())
    if issubclass(kind, staticmethod | classmethod | MethodType):
        return (value.__func__,)  # type: ignore[attr-defined]
    if issubclass(kind, property):
        return (value.fget, value.fset, value.fdel)  # type: ignore[attr-defined]
    wrapped = (attributes_of(value) or {}).get("__wrapped__")
    return () if wrapped is None else (wrapped,)


def _calls_inside(codes: Sequence[CodeType]) -> tuple[list[Call], list[CodeType]]:
    """The calls inside this code; and, on a large heap, the code that a suspended generator may be inside of."""
    wanted = {id(code) for code in codes}
    under_way = [call for call in calls_under_way() if id(call.frame.f_code) in wanted]
    hidden = suspended(codes)
    calls = {id(call.frame): call for call in (*(hidden or ()), *under_way)}
    seen = Counter(id(call.frame.f_code) for call in under_way)
    return list(calls.values()), _held_beside(seen, codes) if hidden is None else []


def _held_beside(calls: Mapping[int, int], codes: Sequence[CodeType]) -> list[CodeType]:
    """The code of generators and coroutines that more holds than the known calls and the code around it.

    Args:
        calls: How many calls are inside, by id of the code.
        codes: All of the code, with what is nested in it.
    """
    probe = compile("", "<livecode probe>", "exec")
    looked_at = [*(code for code in codes if code.co_flags & SUSPENDABLE), probe]
    listed = [*codes, probe]
    counts = {id(code): sys.getrefcount(code) for code in looked_at}
    own = counts[id(probe)]  # what holds the probe here is as much as what holds the others here
    consts = Counter(id(const) for code in listed for const in code.co_consts if isinstance(const, CodeType))
    return [
        code
        for code in looked_at
        if counts[id(code)] - own - consts[id(code)] > calls.get(id(code), 0) * REFERENCES_OF_A_CALL
        and code is not probe
    ]


def _listed(calls: Sequence[Call], old: Mapping[int, Generation]) -> list[str]:
    """One text a place, with the number of calls there; a single one says what it is part of."""
    places: dict[str, list[Call]] = {}
    for call in calls:
        places.setdefault(_place(call, old[id(call.frame.f_code)]), []).append(call)
    said = []
    for place, there in sorted(places.items()):
        where = {call.where for call in there}
        text = place if len(there) == 1 else f"{len(there)} × {place}"
        said.append(f"{text}, {where.pop()}" if len(where) == 1 and "" not in where else text)
    return said


def _place(call: Call, made: Generation) -> str:
    file, line = os.path.basename(made.filename), call.frame.f_lineno
    return f"{call.frame.f_code.co_qualname}() of v{made.version} ({file}:{line})"


def _perhaps(code: CodeType, made: Generation) -> str:
    file = os.path.basename(made.filename)
    what = "the heap is too large to look for suspended ones, and something holds it"
    return f"perhaps {code.co_qualname}() of v{made.version} ({file}:{code.co_firstlineno}): {what}"
