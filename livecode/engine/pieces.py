"""Parses a long source piece by piece, so that no single call of the parser is long.

Nothing else runs in an interpreter while its parser does: 5,000 lines at once hold up all other threads for as long as
parsing them takes. A piece ends where a line begins at the left margin that can begin a statement. If the lines up to
there parse alone, they are whole statements, so what follows is parsed as it would be after them; if they do not (a
string or a bracket is open, a decorator waits for its function), the piece is made longer. A long class is parsed in
the same way, a few members at a time within an empty class, and put together again.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

PIECE_LINES = 80
"""So many lines take less than a millisecond to parse."""

CONTINUES = ("else", "elif", "except", "finally", " ", "\t", "\f", ")", "]", "}", "case")
"""How a line begins that belongs to the statement before it, or that cannot begin a statement."""

_NOT_FIRST = (*CONTINUES, "#", "\n")
_AROUND = "class _:\n"
"""Stands around members while they are parsed alone."""


def split_lines(source: str) -> list[str]:
    """The lines as the tokenizer counts them: only a line feed ends one (`str.splitlines` knows others)."""
    lines = source.split("\n")
    return [line + "\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


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
                body = parse_text(lines[start:end])
            except (SyntaxError, ValueError):
                if end == len(lines):
                    raise
                size = 2 * (end - start)
            else:
                break
        yield start, end, body
        start = end


def parse_text(lines: Sequence[str]) -> list[ast.stmt]:
    """The trees of some lines, which count them from 1 on; if they are one long class, they are parsed in pieces.

    Raises:
        SyntaxError, ValueError: They do not parse.
    """
    if len(lines) > 2 * PIECE_LINES and (head := _class_line(lines)) is not None:
        try:
            return [_parse_class(lines, head)]
        except (SyntaxError, ValueError):  # something in it looks like the beginning of a member, and is none
            return ast.parse("".join(lines)).body
    return ast.parse("".join(lines)).body


def _class_line(lines: Sequence[str]) -> int | None:
    """Where the head of a class stands, if decorators are all that stands before it, and members all that follows."""
    head = next((number for number, line in enumerate(lines) if line.startswith("class ")), len(lines))
    above, below = lines[:head], lines[head + 1 :]
    decorated = all(line.startswith(("@", "#", "\n")) for line in above)
    return head if decorated and all(line.startswith((" ", "\t", "\n", "#", ")", "]")) for line in below) else None


def _parse_class(lines: Sequence[str], head: int) -> ast.ClassDef:
    """A class of which all lines but its head's are indented.

    Raises:
        SyntaxError, ValueError: It does not parse in pieces.
    """
    indented = _indentation(lines, head)
    end = _end(lines, PIECE_LINES, indented)
    (made,) = ast.parse("".join(lines[:end])).body
    if not isinstance(made, ast.ClassDef):
        raise SyntaxError("no class")
    while end < len(lines):
        start, end = end, _end(lines, end + PIECE_LINES, indented)
        above = "\n" * (start - 1)
        (around,) = ast.parse(above + _AROUND + "".join(lines[start:end])).body
        assert isinstance(around, ast.ClassDef)
        made.body += around.body
    made.end_lineno, made.end_col_offset = made.body[-1].end_lineno, made.body[-1].end_col_offset
    return made


def _indentation(lines: Sequence[str], head: int) -> str:
    """What stands before the members, as far as the first line below the head tells."""
    first = next((line for line in lines[head + 1 :] if line.strip()), "")
    return first[: len(first) - len(first.lstrip(" \t"))]


def _end(lines: Sequence[str], least: int, indented: str = "") -> int:
    """The first line from `least` on with which a piece may begin, or the number of lines.

    Args:
        lines: All of them.
        least: Counted from 0.
        indented: What stands before every statement.
    """
    depth = len(indented)
    for number in range(least, len(lines)):
        line, before = lines[number], lines[number - 1]
        if line.startswith(indented) and not line.startswith(_NOT_FIRST, depth):
            if not before.startswith("@", depth) and not before.endswith("\\\n"):
                return number
    return len(lines)
