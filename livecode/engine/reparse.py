"""Parses an edited source by its edit: statements whose text stands at the left margin again are not parsed again.

The gaps between them are parsed alone. A gap that does not parse alone (a string or a bracket was opened there, an
`else` belongs to what was reused) makes the whole source be parsed, so the result is always what `parse` gives.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from livecode.engine.forms import Form, Kind, Shape, parse, parse_lines, source_lines

CONTINUES = ("else", "elif", "except", "finally", " ", "\t", "\f", ")", "]", "}", "case")
"""How a line begins that belongs to the statement before it, or that cannot begin a statement."""


def reparse(source: str, before: Sequence[Form]) -> tuple[Form, ...]:
    """The forms of `source`; those that `before` has too share their shapes.

    Raises:
        SyntaxError, ValueError: As `livecode.engine.forms.parse`.
    """
    if not before:
        return parse(source)
    lines = source_lines(source)
    try:
        forms = _by_gaps(lines, _by_first_line(before))
    except (SyntaxError, ValueError):
        return parse(source)
    return forms if _future_first(forms) else parse(source)


def fresh_shapes(forms: Sequence[Form], before: Sequence[Form]) -> list[Form]:
    """The forms that were parsed: only these can fail to compile."""
    known = {id(form.shape) for form in before}
    return [form for form in forms if id(form.shape) not in known]


def _by_first_line(forms: Sequence[Form]) -> Mapping[str, list[Shape]]:
    index: dict[str, list[Shape]] = defaultdict(list)
    for form in forms:
        text = form.text
        index[text[: text.index("\n") + 1]].append(form.shape)
    return index


def _by_gaps(lines: list[str], index: Mapping[str, list[Shape]]) -> tuple[Form, ...]:
    forms: list[Form] = []
    line, gap = 0, 0
    while line < len(lines):
        shape = _standing_at(line, lines, index, first=not forms and not _says(lines[gap:line]))
        if shape is None:
            line += 1
            continue
        forms += _gap(lines, gap, line, first=not forms)
        forms.append(Form(shape, line + 1))
        line = gap = line + shape.height
    forms += _gap(lines, gap, len(lines), first=not forms)
    return tuple(forms)


def _standing_at(line: int, lines: list[str], index: Mapping[str, list[Shape]], *, first: bool) -> Shape | None:
    for shape in index.get(lines[line], ()):
        end = line + shape.height
        if shape.first == first and "".join(lines[line:end]) == shape.text:
            if not _next_said(lines, end).startswith(CONTINUES):
                return shape
    return None


def _next_said(lines: list[str], line: int) -> str:
    while line < len(lines) and not _says((lines[line],)):
        line += 1
    return lines[line] if line < len(lines) else ""


def _gap(lines: list[str], start: int, end: int, *, first: bool) -> tuple[Form, ...]:
    if not _says(lines[start:end]):
        return ()
    return parse_lines(lines, start, end, first=first)


def _says(lines: Sequence[str]) -> bool:
    """True if there is more than blank lines and comments."""
    return any((text := line.strip(" \t\f\n")) and not text.startswith("#") for line in lines)


def _future_first(forms: Sequence[Form]) -> bool:
    """`from __future__` imports stand before everything else; otherwise the whole has to be compiled to say so."""
    last = max((number for number, form in enumerate(forms) if "__future__" in form.text), default=-1)
    return all(form.kind in (Kind.FUTURE, Kind.DOC) for form in forms[: last + 1])
