"""What a reader needs of a cell that pushes a whole module: the lines that were not there before."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

_AROUND = 1  # lines shown around a change


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an excerpt: `new` marks what was not there before; `text` is "⋮" for lines left out."""

    text: str
    new: bool = False


def excerpt(source: str, before: str) -> tuple[Line, ...]:
    """The lines of `source` that are not in `before`, with their neighbours."""
    lines = source.splitlines()
    fresh = _fresh(before.splitlines(), lines)
    if len(fresh) == len(lines):
        return tuple(Line(line, new=True) for line in lines)
    shown = {near for line in fresh for near in range(line - _AROUND, line + _AROUND + 1)}
    excerpted: list[Line] = []
    for number, line in enumerate(lines):
        if number in shown:
            excerpted.append(Line(line, new=number in fresh))
        elif not excerpted or excerpted[-1].text != "⋮":
            excerpted.append(Line("⋮"))
    return tuple(excerpted)


def _fresh(before: list[str], lines: list[str]) -> set[int]:
    matcher = difflib.SequenceMatcher(None, before, lines, autojunk=False)
    return {
        number
        for tag, _, _, start, end in matcher.get_opcodes()
        if tag in ("replace", "insert")
        for number in range(start, end)
    }
