"""Functions that other functions made: wrappers, callbacks, methods of a class in a function, wherever they are held.

They share the code object that stands inside the code of the function that made them. So its count of references tells
for nothing whether there may be any that are not known yet; only then the collector is asked who they are, and only in
processes where that takes no noticeable pause.

    Inner           one such code object, and the one that stands for it in the new source
    moved_inside    those of functions that only moved
    inside          those of functions that were compiled anew
    held            those of them that somebody has a function of
"""

from __future__ import annotations

import sys
import sysconfig
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from types import CodeType
from typing import NamedTuple

from livecode.engine.code import nested, pair_nested
from livecode.live.journal import Step

NEVER_HELD = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"})
"""Inner code that is called where it is made: nobody holds a function of it."""


class Inner(NamedTuple):
    """Code that stands inside other code, which gets or got new code.

    Attributes:
        old: What the functions have that were made so far.
        new: What those have that are made from now on.
        changed: False if it only moved.
    """

    old: CodeType
    new: CodeType
    changed: bool


def moved_inside(before: Sequence[CodeType], after: Sequence[CodeType]) -> list[Inner]:
    """What stands inside functions that only moved, the new code made from the old one by `shifted`."""
    return [
        Inner(*pair, False)
        for old, new in zip(before, after, strict=True)
        if old.co_consts is not new.co_consts  # there is something inside
        for pair in _pairs(old, new)
    ]


def inside(changes: Iterable[Step]) -> Iterator[Inner]:
    """What stands inside functions that get code which was compiled anew."""
    for step in changes:
        if step.by is not None:
            for old in filter(None, (step.replaces, *step.moves)):
                changed = old is step.replaces
                pairs = pair_nested(old, step.by).items()
                yield from (Inner(*pair, changed) for pair in pairs if pair[0].co_name not in NEVER_HELD)


def held(inner: Iterable[Inner], known: Sequence[CodeType] = ()) -> list[Inner]:
    """Those that more holds than the code around them: a function, as a rule, or a call; each once.

    Args:
        inner: Nothing else may hold their code objects meanwhile.
        known: The code of functions that are known already, one entry each, in a sequence that the caller holds.
    """
    asked = list({id(each.old): each for each in inner}.values())
    if not asked or COUNTS_ARE_DEFERRED:
        return asked
    counts = [sys.getrefcount(each.old) for each in (*asked, _HELD_BY_NOBODY)]
    found = Counter(map(id, known))
    alone = counts[-1]
    return [
        each
        for each, count in zip(asked, counts, strict=False)
        if count - alone > found[id(each.old)] * _REFERENCES_OF_A_KNOWN_ONE
    ]


def _probe() -> Inner:
    around = next(nested(compile("def made():\n def inner(): pass", "<livecode probe>", "exec")))
    return Inner(next(nested(around)), around, False)


_HELD_BY_NOBODY = _probe()
_REFERENCES_OF_A_KNOWN_ONE = 2
"""The function's own, and that of the sequence."""

COUNTS_ARE_DEFERRED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
"""Builds without the GIL do not count references to code (PEP 703): there everything may be held."""


def _pairs(old: CodeType, new: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    for mine, theirs in zip(old.co_consts, new.co_consts, strict=True):
        if type(mine) is CodeType:
            if mine.co_name not in NEVER_HELD:
                yield mine, theirs
            yield from _pairs(mine, theirs)
