"""Pushes that fail on purpose, and what is different afterwards."""

from __future__ import annotations

import sys
import types
from typing import Any

from tests.live.equivalence import CLASS_NOISE, MODULE_NOISE, describe_module, load


def identities(value: Any, path: str, found: dict[str, Any], depth: int = 0) -> None:
    """The identity of everything that a name leads to, by path: functions, their code, cells, members, elements."""
    found[path] = id(value)
    inside: list[tuple[str, Any]] = []
    if isinstance(value, types.FunctionType):
        found[path + ".code"], found[path + ".defaults"] = id(value.__code__), id(value.__defaults__)
        inside = [(f".cell{number}", cell) for number, cell in enumerate(value.__closure__ or ())]
    elif isinstance(value, types.CellType):
        inside = [(".content", value.cell_contents)]
    elif isinstance(value, type):
        found[path + ".bases"] = [id(base) for base in value.__bases__]
        own = value.__module__ not in ("builtins", "typing", "enum", "abc")
        inside = [("." + name, item) for name, item in value.__dict__.items() if own and name not in CLASS_NOISE]
    elif isinstance(value, staticmethod | classmethod):
        inside = [(".func", value.__func__)]
    elif isinstance(value, list | tuple):
        inside = [(f"[{number}]", item) for number, item in enumerate(value)]
    elif isinstance(value, dict):
        inside = [(f"[{key!r}]", item) for key, item in value.items()]
    for name, item in inside if depth < 4 else ():
        if not isinstance(item, types.GetSetDescriptorType) and name != ".__doc__":
            identities(item, path + name, found, depth + 1)


def snapshot(names: list[str]) -> dict[str, Any]:
    """All identities and descriptions of these modules."""
    found: dict[str, Any] = {}
    for name in names:
        for key, value in list(sys.modules[name].__dict__.items()):
            if key not in MODULE_NOISE and key != "__annotations__":
                identities(value, f"{name}.{key}", found)
        found[f"{name}: values"] = describe_module(sys.modules[name])
    return found


def failing_push(
    running: dict[str, str], sources: dict[str, str], good: dict[str, str], fail_at: int | None
) -> dict[str, Any]:
    """Pushes with an error injected into step `fail_at` of the journal; says what differs afterwards."""
    from livecode.live.journal import Journal, Step
    from livecode.live.process import this_process
    from livecode.model.nouns import ModuleSource, Push

    load(running)
    before = snapshot(list(running))
    done, original = [0], Journal.do

    def interrupted(journal: Journal, *steps: Step) -> None:
        done[0] += 1
        if done[0] - 1 == fail_at:
            original(journal, *steps[: len(steps) // 2])
            raise RuntimeError("injected")
        original(journal, *steps)

    Journal.do = interrupted  # type: ignore[method-assign]
    outcome = this_process().push(Push(tuple(ModuleSource(name, text) for name, text in sources.items())))
    Journal.do = original  # type: ignore[method-assign]
    after = snapshot(list(running)) if outcome.verdict != "LIVE" else before
    changed = [key for key in {*before, *after} if before.get(key) != after.get(key)]
    again = this_process().push(Push(tuple(ModuleSource(name, text) for name, text in good.items())))
    return {"verdict": outcome.verdict, "changed": changed, "then": again.verdict, "not undone": outcome.not_undone}
