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
from collections.abc import Mapping, Sequence

from livecode.engine.edit import Edit, edit_between, normal
from livecode.engine.forms import Form, Kind, Shape, common_ends, parse, parse_lines, split_lines

CONTINUES = ("else", "elif", "except", "finally", " ", "\t", "\f", ")", "]", "}", "case")
"""How a line begins that belongs to the statement before it, or that cannot begin a statement."""


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
        forms = _by_edit(before, edit_between(normal(running), normal(source)))
    except (SyntaxError, ValueError):
        return parse(source)
    return forms if "__future__" not in source or _future_first(forms) else parse(source)


def fresh_shapes(forms: Sequence[Form], before: Sequence[Form]) -> list[Form]:
    """The forms that were parsed: only these can fail to compile."""
    first, last = common_ends(before, forms)
    known = {id(form.shape) for form in before[first : len(before) - last]}
    return [form for form in forms[first : len(forms) - last] if id(form.shape) not in known]


def _by_edit(before: Sequence[Form], edit: Edit) -> tuple[Form, ...]:
    begin = _ends_alone(before, bisect_right(before, edit.first, key=lambda form: form.end) - 1, -1)
    until = _ends_alone(before, bisect_left(before, edit.old_last + 1, key=lambda form: form.start) + 1, 1)
    top = before[begin - 1].end if begin else 0
    bottom = before[until - 1].end + edit.shift if until < len(before) else None
    middle = before[begin:until]
    forms = _by_gaps(split_lines(edit.text(top, bottom)), _by_first_line(middle), top, first=not begin)
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


def _by_first_line(forms: Sequence[Form]) -> Mapping[str, list[Shape]]:
    index: dict[str, list[Shape]] = defaultdict(list)
    for form in forms:
        text = form.text
        index[text[: text.index("\n") + 1]].append(form.shape)
    return index


def _by_gaps(lines: list[str], index: Mapping[str, list[Shape]], top: int, *, first: bool) -> tuple[Form, ...]:
    """The forms of `lines`, which stand below `top` other lines; `first` is true if no statement is among those."""
    forms: list[Form] = []
    line, gap = 0, 0
    while line < len(lines):
        shape = _standing_at(line, lines, index, first=first and not forms and not _says(lines[gap:line]))
        if shape is None:
            line += 1
            continue
        forms += _gap(lines[gap:line], top + gap, first=first and not forms)
        forms.append(Form(shape, top + line + 1))
        line = gap = line + shape.height
    forms += _gap(lines[gap:], top + gap, first=first and not forms)
    return tuple(forms)


def _standing_at(line: int, lines: list[str], index: Mapping[str, list[Shape]], *, first: bool) -> Shape | None:
    for shape in index.get(lines[line], ()):
        end = line + shape.height
        if shape.first == first and "".join(lines[line:end]) == shape.text and not _goes_on(shape):
            if not _next_said(lines, end).startswith(CONTINUES):
                return shape
    return None


def _next_said(lines: list[str], line: int) -> str:
    while line < len(lines) and not _says((lines[line],)):
        line += 1
    return lines[line] if line < len(lines) else ""


def _gap(lines: list[str], top: int, *, first: bool) -> tuple[Form, ...]:
    return parse_lines(lines, top, first=first) if _says(lines) else ()


def _says(lines: Sequence[str]) -> bool:
    """True if there is more than blank lines and comments."""
    return any((text := line.strip(" \t\f\n")) and not text.startswith("#") for line in lines)


def _future_first(forms: Sequence[Form]) -> bool:
    """`from __future__` imports stand before everything else; otherwise the whole has to be compiled to say so."""
    last = max((number for number, form in enumerate(forms) if "__future__" in form.text), default=-1)
    return all(form.kind in (Kind.FUTURE, Kind.DOC) for form in forms[: last + 1])
