"""The value of an expression in a worker, as people and programs see it. Pure."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from livecode.errors import UsageError
from livecode.model.headline import duration
from livecode.model.nouns import Worker
from livecode.model.report import Failure, Frame
from livecode.model.sheet import Code, Item, Note, Part, Sheet, Table

EXPRESSION = "expression"
"""What stands for a module's name in the frames of the expression itself."""


@dataclass(frozen=True, slots=True)
class MimeData:
    """One form of a value, as notebooks show it: a table, a picture, a formula.

    Attributes:
        mime: ``text/html``, ``image/png``, …
        content: Text; where the form is bytes, they are in base64; where it is JSON, its text.
        metadata: What belongs to that form, such as the width of a picture: the text of a JSON object, or empty.
    """

    mime: str
    content: str
    metadata: str = ""


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
        data: The other forms of its value, where they were asked for.
        notes: What was left out of `data`, and why.
        printed: What was printed meanwhile by the expression and by what shows its value, of limited length.
    """

    worker: Worker
    text: str = ""
    type: str = ""
    cut: bool = False
    failure: Failure | None = None
    duration_ms: float = 0.0
    lost: str = ""
    data: tuple[MimeData, ...] = ()
    notes: tuple[str, ...] = ()
    printed: str = ""

    @property
    def ok(self) -> bool:
        """True if it has a value."""
        return self.failure is None and not self.lost

    @property
    def value(self) -> Any:
        """The value itself, made anew here: a number, text, None, or containers of such.

        Raises:
            UsageError: It has none, or none that its text is enough for.
        """
        if not self.ok:
            why = self.lost or (f"{self.failure.type}: {self.failure.message}" if self.failure else "")
            raise UsageError(f"{self.worker.name} has no value: {why}")
        try:
            return ast.literal_eval(self.text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            what = f"all of this {self.type} did not come here" if self.cut else f"this {self.type} is an object there"
            raise UsageError(
                f"{what}, and only its text is here: ask for a part of it that is a number, text, or a list of such"
            ) from None

    @property
    def answer(self) -> tuple[object, ...]:
        """What two workers must have in common to say the same."""
        failed = (self.failure.type, self.failure.message, self.failure.line) if self.failure else None
        return self.lost, failed, self.text, self.type, self.data, self.notes, self.printed


@dataclass(frozen=True, slots=True)
class Alike:
    """Workers that say the same.

    Attributes:
        first: What the first of them says.
        names: All of them, in order.
        hosts: Where they are, each once.
        of: How many were asked.
    """

    first: Evaluated
    names: tuple[str, ...]
    hosts: tuple[str, ...]
    of: int

    @property
    def title(self) -> str:
        """Their names: ``w1, w3–w6``."""
        return spans(self.names)

    @property
    def share(self) -> str:
        """``3 of 4 say the same``, or nothing where one stands alone."""
        count = f"all {self.of}" if len(self.names) == self.of else f"{len(self.names)} of {self.of}"
        return f"{count} say the same" if len(self.names) > 1 else ""


def alike(found: Sequence[Evaluated]) -> tuple[Alike, ...]:
    """The workers by what they say, those of the first worker first."""
    groups: dict[tuple[object, ...], list[Evaluated]] = {}
    for each in found:
        groups.setdefault(each.answer, []).append(each)
    return tuple(
        Alike(
            members[0],
            tuple(each.worker.name for each in members),
            tuple(dict.fromkeys(each.worker.host for each in members)),
            len(found),
        )
        for members in groups.values()
    )


def spans(names: Sequence[str]) -> str:
    """``w1, w3–w6``: three and more in a row are written as the first and the last."""
    runs: list[list[str]] = []
    for name in names:
        if runs and _follows(runs[-1][-1], name):
            runs[-1].append(name)
        else:
            runs.append([name])
    return ", ".join(f"{run[0]}–{run[-1]}" if len(run) > 2 else ", ".join(run) for run in runs)


def _follows(name: str, after: str) -> bool:
    numbers = [each[1:] for each in (name, after) if each[:1] == "w" and each[1:].isdecimal()]
    return len(numbers) == 2 and int(numbers[1]) == int(numbers[0]) + 1


def evaluated_sheet(found: Sequence[Evaluated], expression: str) -> Sheet:
    """The values alone, each behind its worker where there are several; what failed with its own frames."""
    return Sheet(None, tuple(item for each in found for item in _items(each, expression, several=len(found) > 1)))


def alike_sheet(found: Sequence[Evaluated], expression: str) -> Sheet:
    """What the workers say, equal answers once; short ones as a table."""
    groups = alike(found)
    if all(_is_short(each.first) for each in groups):
        rows = tuple((each.title, ", ".join(each.hosts), each.first.text, each.share) for each in groups)
        return Sheet(None, (Table(("worker", "host", "value", ""), rows, (0, 2)),))
    return Sheet(None, tuple(item for each in groups for item in _part(each, expression)))


SHORT = 60
"""Characters of a value that a row of a table has room for."""


def _is_short(each: Evaluated) -> bool:
    said = (each.printed, each.notes, each.data, each.cut)
    return each.ok and len(each.text) <= SHORT and "\n" not in each.text and not any(said)


def _part(group: Alike, expression: str) -> Iterator[Item]:
    facts = tuple(filter(None, (", ".join(group.hosts), group.share)))
    items = tuple(said(group.first, expression))
    yield Part(group.title, facts, tuple(item for item in items if isinstance(item, Note)))
    yield from (item for item in items if isinstance(item, Code))


def said(each: Evaluated, expression: str) -> Iterator[Note | Code]:
    """What one worker says, line by line: what was printed, the value, what was left out of it."""
    yield from map(Note, each.printed.splitlines())
    yield from _items(each, expression, several=False)
    yield from (Note(note, mark="!") for note in each.notes)


def _items(each: Evaluated, expression: str, *, several: bool) -> Iterator[Note | Code]:
    tag = f"[{each.worker.name}] " if several else ""
    if each.lost:
        yield Note(f"{tag}? UNKNOWN  {first_line(expression)}  {each.lost}")
    elif each.failure is not None:
        yield from _failed(each.failure, tag, expression, each)
    else:
        lines = each.text.splitlines() or [""]
        for number, line in enumerate(lines):
            yield Note(f"{tag}{line}" if not number else f"{' ' * len(tag)}{line}")
        if each.cut:
            yield Note(AND_MORE)


AND_MORE = "… and more: ask for less of it"


def first_line(expression: str) -> str:
    """The expression, or of a block the beginning of its last line."""
    lines = expression.strip().splitlines() or [""]
    return lines[0] if len(lines) == 1 else f"… {lines[-1].strip()}"


def _failed(failure: Failure, tag: str, expression: str, each: Evaluated) -> Iterator[Note | Code]:
    facts = (f"{failure.type}: {failure.message}".removesuffix(": "), each.worker.name, duration(each.duration_ms))
    yield Note(tag + "  ".join(("✖ FAILED", first_line(expression), *filter(None, facts))))
    yield from trace(failure, expression)


def trace(failure: Failure, expression: str) -> Iterator[Note | Code]:
    """Where it failed: the place in the expression, the service's own frames, and how many others there are."""
    yield from own_trace(failure, expression)
    if others := other_frames(failure):
        last = others[-1]
        yield Note(f"  … {counted(others)}, the last: {last.chunk}, line {last.line}, in {last.function}")


def own_trace(failure: Failure, expression: str) -> Iterator[Note | Code]:
    """The place in the expression, and the frames of the service's own modules."""
    if failure.column:
        yield Code(EXPRESSION, failure.source, failure.line, failure.column, failure.end_column, failure.message)
    is_block = "\n" in expression.strip()
    for frame in failure.frames:
        if frame.own and (is_block or frame.chunk != EXPRESSION):
            yield Note(f"  {frame_words(frame)}")


def frame_words(frame: Frame) -> str:
    """Where it is, and its line."""
    text = f":  {frame.text.strip()}" if frame.text else ""
    return f"{frame.chunk}, line {frame.line}, in {frame.function}{text}"


def other_frames(failure: Failure) -> tuple[Frame, ...]:
    """The frames that are neither the expression's nor the service's own."""
    return tuple(frame for frame in failure.frames if not frame.own)


def counted(others: Sequence[Frame]) -> str:
    """How many they are."""
    return f"{len(others)} frame{'s' * (len(others) != 1)} of other code"
