"""Two sources compared, line by line, and word by word within lines that changed. Pure.

compare() ── Difference ── Hunk* ── Line*      with the spans of each line that its counterpart has not
                 └── difference_sheet()        as people see it, in a terminal and in a notebook
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from livecode.model.sheet import Diff, Head, Item, Note, Sheet, Tone

CONTEXT_LINES = 3
MIN_ALIKE = 0.5
"""Lines that have less than this in common are shown as two lines, without words picked out."""
LONGEST_COMPARED = 400
"""Characters of a line; in longer ones words are not looked for."""
MOST_PAIRS = 2000
NO_END = "\\ No newline at end of file"

_WORDS = re.compile(r"\w+|\s+|[^\w\s]")
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two that are compared.

    Attributes:
        name: For people, e.g. ``shop.pricing v8 (running)``.
        version: 0 for a file.
        checksum: SHA-256 of the source, in hex; empty where there is none.
        is_there: False for a file that is not there, or a module that was unloaded.
    """

    name: str
    version: int = 0
    checksum: str = ""
    is_there: bool = True


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a hunk.

    Attributes:
        mark: A space, ``-`` or ``+``.
        text: Without its end.
        changed: The spans of the text that its counterpart on the other side has not; none for a line without one.
        ends: False for a last line without a line end.
    """

    mark: str
    text: str
    changed: tuple[Span, ...] = ()
    ends: bool = True


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines that differ, with those around them.

    Attributes:
        before: Number of the first line on the left, counted from 1, and how many there are.
        after: The same on the right.
        lines: All of them.
    """

    before: tuple[int, int]
    after: tuple[int, int]
    lines: tuple[Line, ...]

    @property
    def head(self) -> str:
        """``@@ -1,3 +1,4 @@``."""
        return f"@@ -{_range(*self.before)} +{_range(*self.after)} @@"


@dataclass(frozen=True, slots=True)
class Difference:
    """How two sources of a module differ.

    Attributes:
        module: Dotted name.
        before: The left side.
        after: The right side.
        added: How many lines only the right side has.
        removed: How many lines only the left side has.
        hunks: Where they differ; none if they are the same.
        note: What is to be said of it besides, in words.
    """

    module: str
    before: Side
    after: Side
    added: int = 0
    removed: int = 0
    hunks: tuple[Hunk, ...] = ()
    note: str = ""

    @property
    def is_same(self) -> bool:
        """True if both are there and say the same, or neither is there."""
        return not self.hunks and self.before.is_there == self.after.is_there


def compare(
    module: str,
    before: Side,
    after: Side,
    texts: tuple[str | None, str | None],
    context_lines: int = CONTEXT_LINES,
    note: str = "",
) -> Difference:
    """How two texts differ; None stands for nothing, which is an empty text.

    Args:
        module: Whose.
        before: What the first text is.
        after: What the second one is.
        texts: Both.
        context_lines: How many lines around each change are in its hunk.
        note: What is to be said of it besides.
    """
    found = hunks(texts[0] or "", texts[1] or "", context_lines)
    marks = [line.mark for hunk in found for line in hunk.lines]
    return Difference(module, before, after, marks.count("+"), marks.count("-"), found, note)


def hunks(before: str, after: str, context_lines: int = CONTEXT_LINES) -> tuple[Hunk, ...]:
    """Where two texts differ. Lines end with line feeds and with nothing else, as they do for patches."""
    old, new = _lines(before), _lines(after)
    groups = _grouped(_opcodes(old, new), context_lines)
    pairs = sum(last - first for group in groups for tag, first, last, _, _ in group if tag == "replace")
    return tuple(_hunk(old, new, group, words=pairs <= MOST_PAIRS) for group in groups)


def unified(found: Iterable[Hunk]) -> Iterator[str]:
    """Lines of a unified diff, without its two names and without line ends."""
    for hunk in found:
        yield hunk.head
        for line in hunk.lines:
            yield line.mark + line.text
            if not line.ends:
                yield NO_END


def difference_lines(difference: Difference) -> tuple[tuple[str, tuple[Span, ...]], ...]:
    """Lines of a unified diff with its names, each with the spans that changed within it."""
    names: list[tuple[str, tuple[Span, ...]]] = [
        (f"--- {difference.before.name}", ()),
        (f"+++ {difference.after.name}", ()),
    ]
    for hunk in difference.hunks:
        names.append((hunk.head, ()))
        for line in hunk.lines:
            names.append((line.mark + line.text, tuple((start + 1, end + 1) for start, end in line.changed)))
            if not line.ends:
                names.append((NO_END, ()))
    return tuple(names)


def difference_sheet(difference: Difference) -> Sheet:
    """One difference as people see it."""
    before, after = difference.before, difference.after
    notes: tuple[Item, ...] = (Note(difference.note, mark="!"),) if difference.note else ()
    if difference.is_same:
        return Sheet(Head("○", "SAME", Tone.CALM, before.name, (f"equals {after.name}",)), notes)
    if not after.is_there:
        head = Head("●", "UNLOADED", Tone.CALM, after.name, (f"−{difference.removed}",))
    elif not before.is_there:
        head = Head("●", "NO FILE", Tone.CALM, after.name, (f"+{difference.added}",))
    else:
        head = Head("●", "DIFFERS", Tone.CALM, after.name, (f"+{difference.added} −{difference.removed}",))
    lines = difference_lines(difference)
    return Sheet(head, (*notes, Diff(tuple(text for text, _ in lines), tuple(spans for _, spans in lines))))


def _lines(text: str) -> list[str]:
    """Lines with their ends."""
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


Opcode = tuple[str, int, int, int, int]


def _opcodes(old: Sequence[str], new: Sequence[str]) -> list[Opcode]:
    """What makes the one of the other; what is the same at both ends is not looked at closely."""
    top = _alike(old, new)
    bottom = _alike(old[top:][::-1], new[top:][::-1])
    matcher = SequenceMatcher(None, old[top : len(old) - bottom], new[top : len(new) - bottom], autojunk=False)
    found: list[Opcode] = [("equal", 0, top, 0, top)] if top else []
    found += [(tag, a + top, b + top, c + top, d + top) for tag, a, b, c, d in matcher.get_opcodes()]
    if bottom:
        found.append(("equal", len(old) - bottom, len(old), len(new) - bottom, len(new)))
    return found


def _alike(old: Sequence[str], new: Sequence[str]) -> int:
    for i, (mine, theirs) in enumerate(zip(old, new, strict=False)):
        if mine != theirs:
            return i
    return min(len(old), len(new))


def _grouped(opcodes: Sequence[Opcode], context_lines: int) -> list[list[Opcode]]:
    """The changes, those together that are near each other, with unchanged lines around them."""
    groups: list[list[Opcode]] = []
    at_end = len(opcodes) - 1
    current: list[Opcode] = []
    for i, (tag, a, b, c, d) in enumerate(opcodes):
        if tag != "equal":
            current.append((tag, a, b, c, d))
            continue
        if i == 0:
            head = max(b - context_lines, a)
            current = [("equal", head, b, d - (b - head), d)]
        elif i == at_end or b - a > 2 * context_lines:
            tail = min(a + context_lines, b)
            groups.append([*current, ("equal", a, tail, c, c + tail - a)])
            head = max(b - context_lines, tail)
            current = [("equal", head, b, d - (b - head), d)]
        else:
            current.append((tag, a, b, c, d))
    if any(tag != "equal" for tag, *_ in current):
        groups.append(current)
    return [group for group in groups if any(tag != "equal" for tag, *_ in group)]


def _hunk(old: Sequence[str], new: Sequence[str], group: Sequence[Opcode], *, words: bool) -> Hunk:
    lines: list[Line] = []
    for tag, a, b, c, d in group:
        if tag == "equal":
            lines += [_line(" ", text) for text in old[a:b]]
            continue
        gone, come = _picked(old[a:b], new[c:d]) if words and tag == "replace" else ({}, {})
        lines += [_line("-", text, gone.get(i, ())) for i, text in enumerate(old[a:b])]
        lines += [_line("+", text, come.get(i, ())) for i, text in enumerate(new[c:d])]
    first, last = group[0], group[-1]
    before = first[1], last[2] - first[1]
    after = first[3], last[4] - first[3]
    return Hunk(_counted(before), _counted(after), tuple(lines))


def _line(mark: str, text: str, changed: tuple[Span, ...] = ()) -> Line:
    return Line(mark, text.removesuffix("\n"), changed, text.endswith("\n"))


def _counted(span: tuple[int, int]) -> tuple[int, int]:
    """Lines count from 1; where there are none, the line before them is named."""
    start, count = span
    return (start + 1 if count else start), count


def _range(start: int, count: int) -> str:
    return str(start) if count == 1 else f"{start},{count}"


def _picked(old: Sequence[str], new: Sequence[str]) -> tuple[dict[int, tuple[Span, ...]], dict[int, tuple[Span, ...]]]:
    """The words that changed, in lines that stand for each other: by their order, as far as they are alike."""
    gone: dict[int, tuple[Span, ...]] = {}
    come: dict[int, tuple[Span, ...]] = {}
    start = 0
    for i, text in enumerate(old):
        for j in range(start, len(new)):
            found = _word_spans(text.removesuffix("\n"), new[j].removesuffix("\n"))
            if found is not None:
                gone[i], come[j] = found
                start = j + 1
                break
            if j - start >= 8:  # its counterpart is near, if it has one
                break
    return gone, come


def _word_spans(old: str, new: str) -> tuple[tuple[Span, ...], tuple[Span, ...]] | None:
    """What of each line the other one has not; None if they have little in common."""
    if max(len(old), len(new)) > LONGEST_COMPARED:
        return None
    mine, theirs = _WORDS.findall(old), _WORDS.findall(new)
    matcher = SequenceMatcher(None, mine, theirs, autojunk=False)
    if matcher.quick_ratio() < MIN_ALIKE:
        return None
    codes = matcher.get_opcodes()
    same = sum(len("".join(mine[a:b]).strip()) for tag, a, b, _, _ in codes if tag == "equal")
    if 2 * same < MIN_ALIKE * (len(old.strip()) + len(new.strip())):
        return None
    return _spans(mine, [(a, b) for tag, a, b, _, _ in codes if tag != "equal"]), _spans(
        theirs, [(c, d) for tag, _, _, c, d in codes if tag != "equal"]
    )


def _spans(words: Sequence[str], ranges: Iterable[tuple[int, int]]) -> tuple[Span, ...]:
    """Ranges of words as spans of characters."""
    starts = [0]
    for word in words:
        starts.append(starts[-1] + len(word))
    return tuple((starts[first], starts[last]) for first, last in ranges if first < last)
