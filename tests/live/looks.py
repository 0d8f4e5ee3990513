"""What expressions give in modules that were pushed, and in a process of its own that imports the same source."""

from __future__ import annotations

import importlib
import re
from typing import Any

from tests.live.equivalence import Sources, load


def looked_at_live(before: Sources, edits: list[Sources], setup: str, expressions: list[str]) -> dict[str, Any]:
    """What the expressions give after the edits were pushed; `setup` is executed before them."""
    from livecode.live.process import this_process
    from livecode.model.nouns import ModuleSource, Push

    load(before)
    known = _known(before)
    exec(setup, known)
    outcomes = []
    for edit in edits:
        modules = tuple(ModuleSource(name, source) for name, source in edit.items())
        outcomes.append(this_process().push(Push(modules)))
    return {
        "seen": [_look(expression, known) for expression in expressions],
        "verdicts": [outcome.verdict.value for outcome in outcomes],
        "refused": [
            [item.code, item.module, item.line, item.what] for outcome in outcomes for item in outcome.refusals
        ],
        "warnings": [said for outcome in outcomes for said in outcome.warnings],
        "failure": str(outcomes[-1].failure),
    }


def looked_at_fresh(sources: Sources, setup: str, expressions: list[str]) -> list[str]:
    """What the expressions give where these sources are imported."""
    load(sources)
    known = _known(sources)
    exec(setup, known)
    return [_look(expression, known) for expression in expressions]


def _known(sources: Sources) -> dict[str, Any]:
    named = ("inspect", "typing", "dataclasses", "sys", "gc")
    return {name: importlib.import_module(name) for name in (*named, *sources)}


def _look(expression: str, known: dict[str, Any]) -> str:
    try:
        found = repr(eval(expression, known))
    except Exception as error:
        found = f"{type(error).__name__}: {error}"
    return re.sub(r"0x[0-9a-f]+", "0x…", found)
