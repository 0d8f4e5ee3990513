"""Registries that keep code objects instead of functions: `internal.add(f.__code__)`.

A function that gets new code, or that only moves, would not be found there any more. So the entries follow the
functions: what they are is noted before the push becomes visible, and put right behind it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from types import CodeType, FunctionType, ModuleType

from livecode.engine.code import walk
from livecode.engine.prepare import PreparedModule
from livecode.live.journal import Journal
from livecode.live.locate import Living
from livecode.live.places import Entry, Place
from livecode.live.reach import reach, resolve


@dataclass(frozen=True, slots=True)
class CodeRegistry:
    """One place, and the functions whose code stands in it.

    Attributes:
        place: Where the entries are.
        functions: Id of a code object → the function that has it.
    """

    place: Place
    functions: dict[int, FunctionType]

    def follow(self, journal: Journal) -> None:
        """Gives each entry the code that its function has by now."""
        before = self.place.read()
        after = [self._now(entry) for entry in before]
        if any(one is not other for one, other in zip(before, after, strict=True)):
            journal.do(*self.place.fill(after))

    def _now(self, entry: Entry) -> Entry:
        function = self.functions.get(id(entry.value))
        if function is None or function.__code__ is entry.value:
            return entry
        return replace(entry, value=function.__code__)


def code_registries(prepared: Sequence[tuple[PreparedModule, ModuleType]]) -> list[CodeRegistry]:
    """The registries of code that decorators of these modules lead to; to be asked before anything is visible."""
    found = []
    for part, module in prepared:
        places = list(_places_of(part, module))
        functions = {id(f.__code__): f for f in Living(module, part.filename).functions} if places else {}
        found += [CodeRegistry(place, functions) for place in places]
    return found


def _places_of(part: PreparedModule, module: ModuleType) -> Iterator[Place]:
    """The places that hold code of the module, for those of its decorators that ask a function for its code."""
    written = dict(each for form in part.plan.forms for each in form.shape.decorators)
    for decorator in written.values():
        roots = resolve(decorator, module.__dict__)[-1:]
        if roots and _asks_for_code(roots[0]):
            for place in reach(roots, lambda thing: type(thing) is CodeType).places:
                if any(type(entry.value) is CodeType for entry in place.read()):
                    yield place


def _asks_for_code(decorator: object) -> bool:
    return type(decorator) is FunctionType and any("__code__" in code.co_names for code in walk(decorator.__code__))
