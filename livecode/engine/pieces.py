"""Parses a long source piece by piece, so that no single call of the parser is long.

Nothing else runs in an interpreter while its parser does: 5,000 lines at once hold up all other threads for as long as
parsing them takes. A piece ends where a line begins at the left margin that can begin a statement. If the lines up to
there parse alone, they are whole statements, so what follows is parsed as it would be after them; if they do not (a
string or a bracket is open, a decorator waits for its function), the piece is made longer.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

PIECE_LINES = 100
"""So many lines take about a millisecond to parse."""

CONTINUES = ("else", "elif", "except", "finally", " ", "\t", "\f", ")", "]", "}", "case")
"""How a line begins that belongs to the statement before it, or that cannot begin a statement."""

_NOT_FIRST = (*CONTINUES, "#", "\n")


def parse_pieces(lines: Sequence[str]) -> Iterator[tuple[int, int, list[ast.stmt]]]:
    """The statements of some lines, piece by piece: the first line, the one after the last, counted from 0, the trees.

    The trees count the lines of their piece, from 1 on.

    Raises:
        SyntaxError, ValueError: The lines do not parse. The lines that the error names are those of a piece.
    """
    start = 0
    while start < len(lines):
        size = PIECE_LINES
        while True:
            end = _end(lines, start + size)
            try:
                body = ast.parse("".join(lines[start:end])).body
            except (SyntaxError, ValueError):
                if end == len(lines):
                    raise
                size = 2 * (end - start)
            else:
                break
        yield start, end, body
        start = end


def _end(lines: Sequence[str], least: int) -> int:
    """The first line from `least` on with which a piece may begin, or the number of lines."""
    for number in range(least, len(lines)):
        before = lines[number - 1]
        if not lines[number].startswith(_NOT_FIRST) and not before.startswith("@") and not before.endswith("\\\n"):
            return number
    return len(lines)
