"""Pushes of modules that have hooks: functions that `tests.live.forker` runs in a process of their own."""

from __future__ import annotations

import asyncio
import gc
import importlib
import sys
import threading
import types
from typing import Any

from livecode.live.process import Process
from livecode.model.nouns import ModuleSource, Push
from livecode.model.report import Outcome
from tests.live.processes import push, summary, tracked

Files = dict[str, str]
Sources = dict[str, str | None]


def started(files: Files) -> tuple[Process, list[Any]]:
    """A process that has imported these modules, each of which can write into the list."""
    log: list[Any] = []
    sys.modules["log"] = types.ModuleType("log")
    sys.modules["log"].say = log.append  # type: ignore[attr-defined]
    process, _ = tracked({name.replace(".", "/") + ".py": text for name, text in files.items()})
    for name in files:
        importlib.import_module(name.removesuffix(".__init__"))
    return process, log


def said(process: Process, log: list[Any], sources: Sources, *, force: bool = False) -> dict[str, Any]:
    """What becomes of a push, and what was logged meanwhile."""
    log.clear()
    answer = summary(push(process, sources, force=force))
    return {**answer, "log": list(log)}


def pushes(files: Files, *steps: Sources) -> list[dict[str, Any]]:
    """What becomes of pushes one after the other."""
    process, log = started(files)
    return [said(process, log, step) for step in steps]


def forced(files: Files, step: Sources) -> dict[str, Any]:
    """The same for one push that is forced."""
    process, log = started(files)
    return said(process, log, step, force=True)


def dry_run(files: Files, step: Sources) -> list[Any]:
    """A push that stops before anything is touched."""
    process, log = started(files)
    outcome = push(process, step, dry_run=True)
    return [outcome.verdict.value, *log]


def undone(files: Files, step: Sources) -> list[Any]:
    """A push and its undo."""
    process, log = started(files)
    push(process, step)
    log.clear()
    target = process.history("m").undo_target()
    assert target is not None
    outcome = process.push(Push((ModuleSource("m", target.source),), reason="undo"))
    return [outcome.verdict.value, *log]


def values(files: Files, step: Sources, *expressions: str) -> list[Any]:
    """What becomes of a push, and what expressions are afterwards."""
    process, _ = started(files)
    outcome = push(process, step)
    return [outcome.verdict.value, *(eval(expression, dict(sys.modules)) for expression in expressions)]


def migrated(files: Files, step: Sources, make: str, look: str) -> dict[str, Any]:
    """Objects made before a push, and what an expression of each says afterwards."""
    process, log = started(files)
    made = eval(make, dict(sys.modules))
    answer = said(process, log, step)
    return {**answer, "look": [eval(look, {**sys.modules, "it": it}) for it in made]}


def migrated_frozen(files: Files, step: Sources) -> list[Any]:
    """Instances that were put aside by `gc.freeze` migrate too, and are put aside again."""
    process, log = started(files)
    made = [sys.modules["m"].Order() for _ in range(3)]
    gc.freeze()
    answer = said(process, log, step)
    return [answer["verdict"], [item.tip for item in made], gc.get_freeze_count() > 0]


def scans(files: Files, step: Sources) -> list[Any]:
    """How often the collector is asked for all objects by a push."""
    process, log = started(files)
    asked: list[int] = []
    original = gc.get_objects

    def counted(generation: int | None = None) -> list[Any]:
        if generation is None:
            asked.append(1)
        return original(generation)

    gc.get_objects = counted  # type: ignore[assignment]
    answer = said(process, log, step)
    return [answer["verdict"], len(asked)]


def on_a_loop(files: Files, step: Sources) -> dict[str, Any]:
    """A push from another thread into a process whose main thread runs an event loop."""
    process, log = started(files)

    async def serve() -> dict[str, Any]:
        return await asyncio.to_thread(said, process, log, step)

    return asyncio.run(serve())


def from_the_loop(files: Files, step: Sources) -> dict[str, Any]:
    """A push by a coroutine."""
    process, log = started(files)

    async def serve() -> dict[str, Any]:
        return said(process, log, step)

    return asyncio.run(serve())


def patience(files: Files, step: Sources) -> dict[str, Any]:
    """A push with a hook that does not end."""
    from livecode.live import hooks

    hooks.PATIENCE_S = hooks.CANCEL_PATIENCE_S = 1.0
    return on_a_loop(files, step)


def impatience(files: Files, step: Sources) -> list[Any]:
    """What a push says of an async hook that does not let itself be cancelled."""
    from livecode.live import hooks

    hooks.PATIENCE_S = hooks.CANCEL_PATIENCE_S = 0.05
    process, _ = started(files)

    async def serve() -> Outcome:
        return await asyncio.to_thread(push, process, step)

    outcome = asyncio.run(serve())
    return [outcome.verdict.value, outcome.failure.message if outcome.failure else ""]


def plain_patience(files: Files, *steps: Sources) -> list[dict[str, Any]]:
    """Pushes with plain hooks, and what other threads livecode leaves."""
    from livecode.live import hooks

    hooks.PATIENCE_S = 0.2
    answers = pushes(files, *steps)
    return [*answers, {"threads": [each.name for each in threading.enumerate() if "livecode" in each.name]}]


def worker_thread(before: str, after: str, broken: str) -> dict[str, Any]:
    """A module with a thread that hands its count over, through a push that fails and one that does not."""
    process, _ = tracked({"m.py": before})
    import m  # type: ignore[import-not-found]

    def running() -> list[str]:
        return sorted(thread.name for thread in threading.enumerate() if thread.name.startswith("poll"))

    names = [running()]
    first: Outcome = push(process, {"m": broken})
    names.append(running())
    second = push(process, {"m": after})
    names.append(running())
    m.STOP.set()
    return {"verdicts": [first.verdict.value, second.verdict.value], "threads": names, "state": m.STATE}
