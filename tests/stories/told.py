"""What a push makes of a service, and what a fresh import makes of the same sources: asked in forked processes.

A statement says that it is executed by `ran("NAME", value)`. What others hold from before the push is in `hold`; what
is asked afterwards are expressions, in a process where the modules and `hold` are known.
"""

from __future__ import annotations

import asyncio
import builtins
import re
import sys
from collections import Counter
from typing import Any

import livecode
from tests.live.equivalence import Sources, describe_module, load
from tests.live.played import STAND_INS


def told(sources: Sources, holds: dict[str, str], asks: list[str], steps: list[Sources]) -> list[dict[str, Any]]:
    """What becomes of every step, each a push of whole modules: verdict, what was executed, what is stale, answers."""
    counted = _count()
    load(sources)
    hold = _hold(sources, holds)
    return [_pushed(step, sources, hold, asks, counted) for step in steps]


def fresh(sources: Sources, holds: dict[str, str], asks: list[str]) -> dict[str, Any]:
    """What the modules are, and what the answers are, where these sources were imported."""
    _count()
    load(sources)
    return _seen(sources, _hold(sources, holds), asks)


def _count() -> Counter[str]:
    counted: Counter[str] = Counter()

    def ran(name: str, value: Any = None) -> Any:
        counted[f"{sys._getframe(1).f_globals['__name__']}.{name}"] += 1
        return value

    builtins.ran = ran  # type: ignore[attr-defined]
    return counted


def _hold(sources: Sources, holds: dict[str, str]) -> dict[str, Any]:
    modules = _modules(sources)
    return {name: eval(expression, dict(modules)) for name, expression in holds.items()}


def _modules(sources: Sources) -> dict[str, Any]:
    return {name.rpartition(".")[2]: sys.modules[name] for name in sources} | {"asyncio": asyncio}


def _pushed(
    step: Sources, sources: Sources, hold: dict[str, Any], asks: list[str], counted: Counter[str]
) -> dict[str, Any]:
    counted.clear()
    report = livecode.push(step)
    executed = dict(counted)
    stale = sorted(
        {
            f"{module.module}.{change.name.partition(', ')[0].partition('.')[0].removesuffix('()')}"
            for outcome in report.outcomes
            for module in outcome.modules
            for change in module.changes
            if change.kind.value == "stale"
        }
    )
    again = livecode.push({}, rerun=stale) if stale else None
    return {
        "verdict": report.verdict.value,
        "codes": [refusal.code for outcome in report.outcomes for refusal in outcome.refusals],
        "executed": executed,
        "stale": stale,
        "again": "" if again is None or again.verdict.value == "LIVE" else str(again),
        "said": str(report),
        "seen": _seen(sources, hold, asks),
    }


def _seen(sources: Sources, hold: dict[str, Any], asks: list[str]) -> dict[str, Any]:
    modules = {name: _without_stand_ins(describe_module(sys.modules[name])) for name in sources}
    known = {**_modules(sources), "hold": type(sys)("hold")}
    vars(known["hold"]).update(hold)
    return {"modules": modules, "answers": {ask: _answer(ask, known) for ask in asks}}


def _answer(ask: str, known: dict[str, Any]) -> str:
    try:
        said = repr(eval(ask, dict(known)))
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
    return re.sub(r" at 0x[0-9a-f]+", "", said)


def _without_stand_ins(said: Any) -> Any:
    if isinstance(said, dict):
        return {name: _without_stand_ins(each) for name, each in said.items()}
    if isinstance(said, list):
        return [_without_stand_ins(each) for each in said if not (isinstance(each, str) and each in STAND_INS)]
    return said
