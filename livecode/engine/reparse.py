"""Parses an edited source by its edit: what stands before it and below it is not even looked at.

    lines    common ……………………   edit   ………………………… common
    forms    kept │ last one, gap, … , gap, first one │ kept, some lines further down
                  └────────── the middle ───────────┘

In the middle, statements whose text stands at the left margin again are not parsed again, and the gaps between them
are parsed alone. A gap that does not parse alone (a string or a bracket was opened there, an `else` belongs to what
was reused) makes the whole source be parsed, so the result is always what `parse` gives.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence

from livecode.engine.edit import Edit, common_run, edit_between, normal
from livecode.engine.forms import Form, Kind, Shape, common_ends, parse, parse_lines
from livecode.engine.pieces import CONTINUES, split_lines


def reparse(source: str, before: Sequence[Form], running: str) -> tuple[Form, ...]:
    """The forms of `source`; those that `before` has too share their shapes.

    Args:
        source: The new source.
        before: The forms of the source that runs.
        running: The source that runs.

    Raises:
        SyntaxError, ValueError: As `livecode.engine.forms.parse`.
    """
    if not before:
        return parse(source)
    try:
        forms = _by_edit(before, normal(running), normal(source))
    except (SyntaxError, ValueError):
        return parse(source)
    return forms if "__future__" not in source or _future_first(forms) else parse(source)


def fresh_shapes(forms: Sequence[Form], before: Sequence[Form]) -> list[Form]:
    """The forms that were parsed: only these can fail to compile."""
    first, last = common_ends(before, forms)
    known = {id(form.shape) for form in before[first : len(before) - last]}
    return [form for form in forms[first : len(forms) - last] if id(form.shape) not in known]


def _by_edit(before: Sequence[Form], running: str, source: str) -> tuple[Form, ...]:
    edit = edit_between(running, source)
    begin = _ends_alone(before, bisect_right(before, edit.first, key=lambda form: form.end) - 1, -1)
    until = _ends_alone(before, bisect_left(before, edit.old_last + 1, key=lambda form: form.start) + 1, 1)
    top = before[begin - 1].end if begin else 0
    bottom = before[until - 1].end if until < len(before) else None
    forms = _Middle(before[begin:until], edit, top, bottom, first=not begin).forms()
    below = before[until:]
    if edit.shift:
        below = [Form(form.shape, form.start + edit.shift) for form in below]
    return (*before[:begin], *forms, *below)


def _ends_alone(forms: Sequence[Form], number: int, step: int) -> int:
    """`number`, or the next one in this direction, such that the line does not go on behind the form before it."""
    while 0 < number < len(forms) and _goes_on(forms[number - 1].shape):
        number += step
    return min(max(number, 0), len(forms))


def _goes_on(shape: Shape) -> bool:
    """True if the next statement may stand on the same logical line: `x = 1; \\`."""
    return shape.text.endswith("\\\n")


class _Middle:
    """The lines around the edit, and the old forms that may stand in them.

    Args:
        before: The old forms.
        edit: Where the sources differ.
        top: How many lines stand above.
        bottom: The number of the last line in the old source; None for the end.
        first: True if no statement stands above.
    """

    def __init__(self, before: Sequence[Form], edit: Edit, top: int, bottom: int | None, *, first: bool) -> None:
        self._before, self._top, self._first = before, top, first
        self._old = split_lines(edit.old_text(top, bottom))
        self._lines = split_lines(edit.new_text(top, None if bottom is None else bottom + edit.shift))
        self._index: dict[str, list[int]] = defaultdict(list)
        for number, form in enumerate(before):
            self._index[form.text[: form.text.index("\n") + 1]].append(number)

    def forms(self) -> list[Form]:
        """The forms of the new lines."""
        forms: list[Form] = []
        line, gap = 0, 0
        while line < len(self._lines):
            number = self._standing_at(line, forms, gap) if self._lines[line] in self._index else None
            if number is None:
                line += 1
                continue
            forms += self._gap(gap, line, first=self._first and not forms)
            forms += self._run(number, line)
            line = gap = forms[-1].end - self._top
        return [*forms, *self._gap(gap, len(self._lines), first=self._first and not forms)]

    def _standing_at(self, line: int, above: Sequence[Form], gap: int) -> int | None:
        """The old form that stands at a line, if one does; above are these forms, and then the lines from `gap` on."""
        first = self._first and not above and not _says(self._lines[gap:line])
        for number in self._index[self._lines[line]]:
            shape = self._before[number].shape
            end = line + shape.height
            if shape.first == first and "".join(self._lines[line:end]) == shape.text and not _goes_on(shape):
                if not self._next_said(end).startswith(CONTINUES):
                    return number
        return None

    def _run(self, number: int, line: int) -> list[Form]:
        """The old form that stands at a line, and those after it as long as all lines are as they were.

        The last one of them is looked at alone, as something else may follow it now.
        """
        start = self._before[number].start
        same = common_run(self._old, start - self._top - 1, self._lines, line)
        until = bisect_right(self._before, start + same - 1, key=lambda form: form.end) - 1
        shift = self._top + line + 1 - start
        return [Form(form.shape, form.start + shift) for form in self._before[number : max(until, number + 1)]]

    def _next_said(self, line: int) -> str:
        while line < len(self._lines) and not _says((self._lines[line],)):
            line += 1
        return self._lines[line] if line < len(self._lines) else ""

    def _gap(self, start: int, end: int, *, first: bool) -> tuple[Form, ...]:
        lines = self._lines[start:end]
        return parse_lines(lines, self._top + start, first=first) if _says(lines) else ()


def _says(lines: Sequence[str]) -> bool:
    """True if there is more than blank lines and comments."""
    return any((text := line.strip(" \t\f\n")) and not text.startswith("#") for line in lines)


def _future_first(forms: Sequence[Form]) -> bool:
    """`from __future__` imports stand before everything else; otherwise the whole has to be compiled to say so."""
    last = max((number for number, form in enumerate(forms) if "__future__" in form.text), default=-1)
    return all(form.kind in (Kind.FUTURE, Kind.DOC) for form in forms[: last + 1])
