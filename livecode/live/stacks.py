"""Who is inside a function now: in a thread, in a task, in a greenlet, or suspended where no stack shows it.

    calls_under_way    threads, tasks of every event loop, greenlets: all that can be had without a look at the heap
    suspended          generators and coroutines of given code that nobody awaits: asked of the collector

Source: a generator or coroutine lets the collector visit its code object (`gen_traverse` in CPython's genobject.c).
"""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import AsyncGeneratorType, CodeType, CoroutineType, FrameType, GeneratorType
from typing import Any

from livecode.engine.code import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR
from livecode.live.locate import SMALL_HEAP_BLOCKS
from livecode.live.safepoint import loop_on

SUSPENDABLE = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR

_WORDS: dict[type, str] = {
    GeneratorType: "a suspended generator",
    CoroutineType: "a suspended coroutine",
    AsyncGeneratorType: "a suspended async generator",
}
_REGISTRIES = ("_all_tasks", "_scheduled_tasks", "_eager_tasks")
"""Of `asyncio.tasks`: the first in 3.11, the others from 3.12 on. From 3.14 on only the loop knows most of them."""
_COPY_ATTEMPTS = 100


@dataclass(frozen=True, slots=True)
class Call:
    """One call under way.

    Attributes:
        frame: Where it is.
        where: What it is part of, for people: ``thread "poll"``, ``task "Task-3"``; empty for the main thread.
    """

    frame: FrameType
    where: str = ""


def frames_now() -> list[FrameType]:
    """The frames of all calls under way."""
    return [call.frame for call in calls_under_way()]


def calls_under_way() -> list[Call]:
    """The calls of all threads, of the tasks that wait in any of their event loops, and of greenlets.

    No local name may hold a frame that is livecode's own: it would keep itself alive, and whatever its callers hold.
    """
    return [*_in_threads(), *_in_tasks(), *_in_greenlets()]


def _in_threads() -> list[Call]:
    names = {thread.ident: f'thread "{thread.name}"' for thread in threading.enumerate()}
    names[threading.main_thread().ident] = ""
    return [Call(frame, names.get(ident, "a thread")) for ident, top in _tops() for frame in _stack(top)]


def _tops() -> list[tuple[int, FrameType]]:
    """The innermost frame of each thread, without those of this room."""
    return [
        (ident, frame)
        for ident, top in sys._current_frames().items()
        if (frame := next((each for each in _stack(top) if each.f_globals is not globals()), None)) is not None
    ]


def _in_tasks() -> list[Call]:
    if "asyncio" not in sys.modules:
        return []
    return [
        Call(frame, f'task "{task.get_name()}"') for task in _waiting_tasks() for frame in _awaited(task.get_coro())
    ]


def _in_greenlets() -> list[Call]:
    if "greenlet" not in sys.modules or sys.getallocatedblocks() > SMALL_HEAP_BLOCKS:
        return []
    kind = sys.modules["greenlet"].greenlet
    found = [thing.gr_frame for thing in gc.get_objects() if issubclass(type(thing), kind)]
    return [Call(frame, "a greenlet") for top in found for frame in _stack(top)]


def suspended(codes: Sequence[CodeType]) -> list[Call] | None:
    """Generators and coroutines that are inside this code, wherever they are held; None if the heap is too large.

    Those that run, or that a task waits for, are among them.
    """
    wanted = [code for code in codes if code.co_flags & SUSPENDABLE]
    if not wanted:
        return []
    if sys.getallocatedblocks() > SMALL_HEAP_BLOCKS:
        return None
    found = [(thing, _own_frame(thing)) for thing in gc.get_referrers(*wanted) if type(thing) in _WORDS]
    return [
        Call(frame, _WORDS[type(thing)] + ("" if _has_begun(thing) else ", not started"))
        for thing, frame in found
        if frame is not None and any(frame.f_code is code for code in wanted)
    ]


def _stack(top: FrameType | None) -> Iterator[FrameType]:
    while top is not None:
        yield top
        top = top.f_back


def _own_frame(thing: Any) -> FrameType | None:
    for name in ("gi_frame", "cr_frame", "ag_frame"):
        frame: FrameType | None = getattr(thing, name, None)
        if frame is not None:
            return frame
    return None


def _has_begun(thing: Any) -> bool:
    """Source: `inspect.getgeneratorstate`. An async generator does not tell before 3.12."""
    begun = (f"{kind}_{state}" for kind in ("gi", "cr", "ag") for state in ("suspended", "running"))
    told = [value for name in begun if (value := getattr(thing, name, None)) is not None]
    return len(told) < 2 or any(told)


def _awaited(thing: Any) -> Iterator[FrameType]:
    """The frames of a coroutine and of what it waits for, as far as that is a coroutine or generator too."""
    while thing is not None:
        frame = _own_frame(thing)
        if frame is not None:
            yield frame
        thing = next(
            (found for name in ("cr_await", "gi_yieldfrom", "ag_await") if (found := getattr(thing, name, None))), None
        )


def _waiting_tasks() -> list[Any]:
    import asyncio

    found: dict[int, Any] = {}
    for name in _REGISTRIES:
        found.update((id(task), task) for task in _copied(getattr(asyncio.tasks, name, ())))
    for _, top in _tops() if sys.version_info >= (3, 14) else ():
        loop = loop_on(top)
        if loop is not None:
            found.update((id(task), task) for task in asyncio.all_tasks(loop))
    return [task for task in found.values() if not task.done()]


def _copied(tasks: Any) -> list[Any]:
    """The members of a weak set that other threads change meanwhile.

    Source: `asyncio.all_tasks` does the same.
    """
    for _ in range(_COPY_ATTEMPTS):
        try:
            return list(tasks)
        except RuntimeError:
            continue
    return []


def _references_of_a_call() -> int:
    def probe() -> Iterator[None]:
        yield

    before = sys.getrefcount(probe.__code__)
    kept = probe()
    return sys.getrefcount(probe.__code__) - before if kept else 0


REFERENCES_OF_A_CALL = _references_of_a_call()
"""How many references to its code object a generator holds: two in CPython 3.11, one later."""
