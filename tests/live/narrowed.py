"""Pushes of which a part is refused: functions that `tests.live.forker` runs in processes of their own."""

from __future__ import annotations

import importlib
from typing import Any

from livecode.live.process import Process
from livecode.model.nouns import ModuleSource, Push
from livecode.model.report import Outcome, Report
from tests.live.processes import tracked


def push_safe(process: Process, sources: dict[str, str | None], *, dry_run: bool = False) -> Outcome:
    """Pushes what can be applied of these sources."""
    items = tuple(ModuleSource(name, source) for name, source in sources.items())
    return process.push(Push(items, author="ann@here", safe_part=True), dry_run=dry_run)


def told(outcome: Outcome) -> dict[str, Any]:
    """What an outcome says of its parts."""
    return {
        "verdict": outcome.verdict.value,
        "codes": [item.code for item in outcome.refusals],
        "left": [[item.code, item.module, item.line, item.old_line] for item in outcome.left_out],
        "safe": outcome.safe_changes,
    }


def in_part(files: dict[str, str], sources: dict[str, str | None], names: dict[str, list[str]]) -> dict[str, Any]:
    """A push as a whole, then its safe part as a dry run, for real, and once more; and what runs then."""
    process, _ = tracked(files)
    for file in files:
        importlib.import_module(file.removesuffix(".py"))
    items = tuple(ModuleSource(name, source) for name, source in sources.items())
    whole = process.push(Push(items))
    dry = push_safe(process, sources, dry_run=True)
    done = push_safe(process, sources)
    again = push_safe(process, sources)
    values = {
        f"{module}.{name}": repr(getattr(importlib.import_module(module), name, "not there"))
        for module, wanted in names.items()
        for name in wanted
    }
    return {
        "whole": told(whole),
        "dry": told(dry),
        "done": told(done),
        "again": told(again),
        "values": values,
        "sources": {name: process.source(name) for name in sources},
        "disk": [item.disk.value for item in process.status().modules],
        "text": str(Report(done.verdict, tuple(sources), (done,), 1)),
        "last": list(process.status().last_push),
    }
