"""Where two sources differ, as one span of lines: found by comparing long slices, not line by line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Edit:
    """The lines between the first and the last that differ.

    Attributes:
        old: The old source.
        new: The new source.
        first: Number of lines before the edit, which are the same in both.
        old_last: Number of lines of the old source up to the end of the edit; what follows is the same in both.
        shift: How much further down the lines below the edit stand in the new source.
        start: Offset of the edit in both.
        below: Number of characters below it in both.
    """

    old: str
    new: str
    first: int
    old_last: int
    shift: int
    start: int
    below: int

    @property
    def new_last(self) -> int:
        """Number of lines of the new source up to the end of the edit."""
        return self.old_last + self.shift

    def old_text(self, top: int, bottom: int | None) -> str:
        """The lines of the old source from `top` up to `bottom` (None: to the end), which enclose the edit."""
        return self._text(self.old, top, None if bottom is None else bottom - self.old_last)

    def new_text(self, top: int, bottom: int | None) -> str:
        """The same of the new source."""
        return self._text(self.new, top, None if bottom is None else bottom - self.new_last)

    def _text(self, text: str, top: int, more: int | None) -> str:
        start, end = self.start, len(text) - self.below
        for _ in range(self.first - top):
            start = text.rfind("\n", 0, start - 1) + 1
        for _ in range(more or 0):
            end = text.index("\n", end) + 1
        return text[start : None if more is None else end]


def normal(source: str) -> str:
    """The source as Python reads it: carriage returns end lines too, and the last line ends."""
    if "\r" in source:
        source = source.replace("\r\n", "\n").replace("\r", "\n")
    return source if source.endswith("\n") or not source else source + "\n"


@lru_cache(maxsize=1)  # one push asks twice for the same
def edit_between(old: str, new: str) -> Edit:
    """The edit that makes `new` of `old`; both are `normal`."""
    start = old.rfind("\n", 0, _alike_at_start(old, new)) + 1
    length = _alike_at_end(old, new, min(len(old), len(new)) - start)
    if length:  # up to the next line's beginning: the line that the edit ends in is part of it
        length = len(old) - (old.index("\n", len(old) - length) + 1)
    first = old.count("\n", 0, start)
    old_lines = old.count("\n", start, len(old) - length)
    new_lines = new.count("\n", start, len(new) - length)
    return Edit(old, new, first, first + old_lines, new_lines - old_lines, start, length)


def common_run(old: Sequence[str], at: int, new: Sequence[str], there: int) -> int:
    """How many lines are the same from these places on: compared in slices, longer and longer, then shorter again."""
    most = min(len(old) - at, len(new) - there)
    run, step, growing = 0, 1, True
    while step and run < most:
        size = min(step, most - run)
        if old[at + run : at + run + size] == new[there + run : there + run + size]:
            run += size
            step = step * 2 if growing else step
        else:
            growing, step = False, size // 2
    return run


def _alike_at_start(old: str, new: str) -> int:
    """How many characters at the beginning are the same."""
    low, high = 0, min(len(old), len(new))
    while low < high:
        middle = (low + high + 1) // 2
        if new.startswith(old[low:middle], low):
            low = middle
        else:
            high = middle - 1
    return low


def _alike_at_end(old: str, new: str, most: int) -> int:
    """How many characters at the end are the same, at most so many."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if new.endswith(old[len(old) - middle : len(old) - low], 0, len(new) - low):
            low = middle
        else:
            high = middle - 1
    return low
