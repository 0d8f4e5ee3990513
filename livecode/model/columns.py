"""Text in the columns of a terminal: wide characters take two, combining ones none. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from livecode.model.sheet import Table

GAP = "  "
LEAST = 8
"""No column becomes narrower than this while there is another way to fit."""


def columns_of(text: str) -> int:
    """How many columns a text takes."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def padded(text: str, columns: int) -> str:
    """The text with spaces behind it, up to so many columns."""
    return text + " " * (columns - columns_of(text))


def folded(text: str, columns: int) -> list[str]:
    """The text in lines of so many columns at most, broken between words, within them where one is too long."""
    if columns_of(text) <= columns:
        return [text]
    lines = [""]
    for word in text.split():
        for piece in _pieces(word, max(columns, 2)):
            joined = f"{lines[-1]} {piece}" if lines[-1] else piece
            if columns_of(joined) <= columns or not lines[-1]:
                lines[-1] = joined
            else:
                lines.append(piece)
    return lines


def natural_widths(table: Table) -> list[int]:
    """What each column of a table needs."""
    return [max(map(columns_of, column)) for column in zip(table.header, *table.rows, strict=True)]


def fitted(table: Table, columns: int) -> list[int]:
    """Widths with which a table fits: what prose says is folded first, the widest most, then names and numbers."""
    widths = natural_widths(table)
    every = range(len(widths))
    prose = [i for i in every if i not in table.code]
    words = [min(LEAST, width) for width in _longest_words(table)]
    for some, least in ((prose, [LEAST] * len(widths)), (prose, words), (every, words), (every, [2] * len(widths))):
        while sum(widths) + len(GAP) * (len(widths) - 1) > columns:
            wider = [i for i in some if widths[i] > least[i]]
            if not wider:
                break
            widths[max(wider, key=lambda i: widths[i])] -= 1
    return widths


def _longest_words(table: Table) -> list[int]:
    """What each column needs so that no word of it is broken."""
    columns = zip(table.header, *table.rows, strict=True)
    return [max((columns_of(word) for cell in column for word in cell.split()), default=0) for column in columns]


def _pieces(word: str, columns: int) -> Iterator[str]:
    piece, taken = "", 0
    for character in word:
        width = _columns(character)
        if taken + width > columns:
            yield piece
            piece, taken = "", 0
        piece, taken = piece + character, taken + width
    yield piece


def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
