"""A source with the line ends of the text that it takes the place of.

all ends alike      so are all of the new source
several kinds       a line that did not change keeps its own, a changed one that of the line in its place, and a new
                    one has the kind that most lines have
no text, no end     line feeds
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher

_ENDS = re.compile(r"(\r\n|\r|\n)")


def unified(text: str) -> str:
    """The text with line feeds only."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def with_line_ends(source: str, like: str) -> str:
    """The source with the line ends of another text; whether its last line ends stays as it is."""
    source = unified(source)
    ends = _ENDS.findall(like)
    kinds = Counter(ends)
    if len(kinds) <= 1:
        return source.replace("\n", ends[0]) if ends else source
    usual = kinds.most_common(1)[0][0]
    old_lines, new_lines = _ENDS.sub("\n", like).split("\n"), source.split("\n")
    chosen = _chosen(old_lines, new_lines, ends, usual)
    text = "".join(line + end for line, end in zip(new_lines, (*chosen[: len(new_lines) - 1], ""), strict=True))
    if unified(text) != source:  # a carriage return came before a line feed, and the two would be one end
        return source.replace("\n", usual)
    return text


def _chosen(old_lines: Sequence[str], new_lines: Sequence[str], ends: Sequence[str], usual: str) -> list[str]:
    """The end of each new line; the last old line may have none."""
    own = [*ends, usual]
    chosen: list[str] = []
    matcher = SequenceMatcher(None, old_lines, new_lines, autojunk=False)
    for tag, first, last, new_first, new_last in matcher.get_opcodes():
        in_place = tag == "equal" or (tag == "replace" and last - first == new_last - new_first)
        if tag != "delete":
            chosen += own[first:last] if in_place else [usual] * (new_last - new_first)
    return chosen
