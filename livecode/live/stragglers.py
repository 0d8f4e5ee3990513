"""Closures that a push did not find: they run old code, until they are found by being called.

    push        the code they have, and the code that they should have, are noted
    a call      from Python 3.12 on the interpreter tells of it, for this code alone: the closure hangs in what the
                caller's variables lead to; it gets the new code, this one call still runs the old
    next push   the code they should have changes again: they are looked for again

Nothing else pays for that: code that is not old has no events. Before 3.12 there are no such events.

Process-wide changes, all made here: a free tool id of `sys.monitoring` as long as there are such closures.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any

from livecode.live.closures import COUNTS_ARE_DEFERRED, Inner
from livecode.live.search import Walk, counted, is_own, variables

MONITORING: Any = getattr(sys, "monitoring", None)
TOOL = "livecode"
TOOL_IDS = (3, 4, 5, 2)
"""Those that no well-known kind of tool has (PEP 669) come first."""

MAX_LOOKED = 3000
"""Objects looked at when a closure is called."""

_NOTHING = compile("", "<livecode probe>", "exec")

LOOK_S = 0.002
"""So long at most; whoever called waits for it."""

MAX_CALLS = 50
"""Calls of closures of one code that are looked into in vain; after that they stay as they are."""


@dataclass(slots=True)
class _Straggler:
    """Old code that closures have.

    Attributes:
        code: That code.
        heir: The code that they should have; it lives as long as the function that makes such closures.
        calls: How many calls were looked into in vain.
    """

    code: weakref.ref[CodeType]
    heir: weakref.ref[CodeType]
    calls: int = 0


class Stragglers:
    """All old code of which closures are known that were not found."""

    def __init__(self) -> None:
        self._known: dict[int, _Straggler] = {}
        self._tool: int | None = None

    def waiting_for(self, inner: Iterable[Inner]) -> list[Inner]:
        """The code of closures that earlier pushes did not find, where the code that they should have changes again.

        Args:
            inner: What a push replaces by what.
        """
        new = {id(each.old): each.new for each in inner}
        return [Inner(code, new[key], True) for code, one in self._living() if (key := id(one.heir())) in new]

    def note(self, inner: Iterable[Inner], missing: Collection[int]) -> None:
        """Remembers the code of closures that were not found.

        Args:
            inner: What a push replaced by what.
            missing: Of which old code closures were not found, by id.
        """
        self._rest()
        for each in inner:
            one = self._known.get(id(each.old))
            if one is not None:
                one.heir = weakref.ref(each.new)
            elif each.changed and id(each.old) in missing:
                old = weakref.ref(each.old, self._forgetting(id(each.old)))
                self._known[id(each.old)] = _Straggler(old, weakref.ref(each.new))
                self._watch(each.old)

    def counts(self, codes: Iterable[CodeType]) -> dict[int, int]:
        """How many closures still have this code, by id of those that were noted here.

        Args:
            codes: All the code that is out of use; nothing else of livecode's may hold it.
        """
        self._rest()
        if not self._known or COUNTS_ARE_DEFERRED:
            return {}
        inner = [Inner(code, _NOTHING, True) for code in codes]
        return {key: count for key, count in counted(inner, ()).items() if key in self._known and count > 0}

    def _living(self) -> Iterator[tuple[CodeType, _Straggler]]:
        for one in list(self._known.values()):
            code = one.code()
            if code is not None:
                yield code, one

    def _forgetting(self, key: int) -> Any:
        own = weakref.ref(self)

        def forget(_: object) -> None:
            stragglers = own()
            if stragglers is not None:
                stragglers._known.pop(key, None)

        return forget

    def _watch(self, code: CodeType) -> None:
        if MONITORING is None:
            return
        if self._tool is None:
            self._tool = next((tool for tool in TOOL_IDS if MONITORING.get_tool(tool) is None), None)
            if self._tool is None:
                return
            MONITORING.use_tool_id(self._tool, TOOL)
            MONITORING.register_callback(self._tool, MONITORING.events.PY_START, self._called)
        MONITORING.set_local_events(self._tool, code, MONITORING.events.PY_START)

    def _rest(self) -> None:
        """Gives the tool id back when there is nothing left to watch."""
        if self._tool is not None and not self._known:
            MONITORING.register_callback(self._tool, MONITORING.events.PY_START, None)
            MONITORING.free_tool_id(self._tool)
            self._tool = None

    def _called(self, code: CodeType, _offset: int) -> Any:
        """Called by the interpreter when a closure of old code begins to run."""
        one = self._known.get(id(code))
        heir = None if one is None else one.heir()
        if one is None or heir is None or one.calls >= MAX_CALLS:
            return MONITORING.DISABLE
        if not _heal(code, heir, sys._getframe(1)):
            one.calls += 1
        return None


def _heal(code: CodeType, heir: CodeType, frame: FrameType) -> bool:
    """Gives the nearest closure of `code` that is found around a call the new code; False if none is found."""
    walk = Walk({id(code): 1}, LOOK_S, most=MAX_LOOKED)
    walk.through(_around(frame))
    for function in walk.found.values():
        if function.__code__.co_freevars == heir.co_freevars:
            function.__code__ = heir
            return True
    return False


def _around(frame: FrameType) -> Iterator[object]:
    """What the variables of a call and of its callers hold, nearest first."""
    frames: list[FrameType] = []
    outer: FrameType | None = frame
    while outer is not None:
        if not is_own(outer):
            frames.append(outer)
        outer = outer.f_back
    return variables(frames)
