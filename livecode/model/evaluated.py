"""The value of an expression in a worker, as people and programs see it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from livecode.model.headline import duration
from livecode.model.nouns import Worker
from livecode.model.report import Failure
from livecode.model.sheet import Code, Item, Note, Sheet

EXPRESSION = "expression"
"""What stands for a module's name in the frames of the expression itself."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What an expression is in one worker.

    Attributes:
        worker: Who evaluated it.
        text: The `repr` of its value, of limited length; empty where there is none.
        type: The class of the value.
        cut: True if `text` is not all of the `repr`.
        failure: Why it has no value.
        duration_ms: How long it took there.
        lost: Why the worker gave no answer, so that what it does is not known; else empty.
    """

    worker: Worker
    text: str = ""
    type: str = ""
    cut: bool = False
    failure: Failure | None = None
    duration_ms: float = 0.0
    lost: str = ""

    @property
    def ok(self) -> bool:
        """True if it has a value."""
        return self.failure is None and not self.lost


def evaluated_sheet(found: Sequence[Evaluated], expression: str) -> Sheet:
    """The values alone, each behind its worker where there are several; what failed with its own frames."""
    return Sheet(None, tuple(item for each in found for item in _items(each, expression, several=len(found) > 1)))


def _items(each: Evaluated, expression: str, *, several: bool) -> Iterator[Item]:
    tag = f"[{each.worker.name}] " if several else ""
    if each.lost:
        yield Note(f"{tag}? UNKNOWN  {expression}  {each.lost}")
    elif each.failure is not None:
        yield from _failed(each.failure, tag, expression, each)
    else:
        lines = each.text.splitlines() or [""]
        for number, line in enumerate(lines):
            yield Note(f"{tag}{line}" if not number else f"{' ' * len(tag)}{line}")
        if each.cut:
            yield Note("… and more: ask for less of it")


def _failed(failure: Failure, tag: str, expression: str, each: Evaluated) -> Iterator[Item]:
    facts = (f"{failure.type}: {failure.message}".removesuffix(": "), each.worker.name, duration(each.duration_ms))
    yield Note(tag + "  ".join(("✖ FAILED", expression, *filter(None, facts))))
    if failure.column:
        yield Code(EXPRESSION, failure.source, failure.line, failure.column, failure.end_column, failure.message)
    for frame in failure.frames:
        if frame.own and frame.chunk != EXPRESSION:
            text = f":  {frame.text.strip()}" if frame.text else ""
            yield Note(f"  {frame.chunk}, line {frame.line}, in {frame.function}{text}")
    others = sum(not frame.own for frame in failure.frames)
    if others:
        yield Note(f"  … {others} frame{'s' * (others != 1)} of other code")
