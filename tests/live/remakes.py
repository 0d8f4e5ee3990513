"""What happens to values that functions made which were edited since; asked in a forked process."""

from __future__ import annotations

import sys
from typing import Any

from tests.live.equivalence import Sources, load


def remade(before: Sources, after: Sources, rerun: list[str], look: list[str]) -> dict[str, Any]:
    """What some expressions say before, after the push of the edit, and after the names were made again."""
    import livecode

    load(before)
    names = dict(sys.modules)
    seen = [[repr(eval(each, names)) for each in look]]
    first = livecode.push(dict(after))
    seen.append([repr(eval(each, names)) for each in look])
    second = livecode.push({}, rerun=rerun)
    seen.append([repr(eval(each, names)) for each in look])
    changes = [change for outcome in first.outcomes for module in outcome.modules for change in module.changes]
    return {
        "seen": seen,
        "stale": [change.name for change in changes if change.kind.value == "stale"],
        "verdicts": [first.verdict.value, second.verdict.value],
        "codes": [refusal.code for outcome in second.outcomes for refusal in outcome.refusals],
    }


def old_by_then(pushes: list[Sources | str]) -> list[list[str]]:
    """What the status says is of an old make, after loading the first sources and after each push (or `rerun`)."""
    import livecode

    first, *others = pushes
    assert not isinstance(first, str)
    load(first)
    said = [_old()]
    for push in others:
        livecode.push({}, rerun=[push]) if isinstance(push, str) else livecode.push(dict(push))
        said.append(_old())
    return said


def _old() -> list[str]:
    import livecode

    return [value for process in livecode.status() for module in process.modules for value, _ in module.old_makes]
