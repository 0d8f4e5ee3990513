"""How many lines two sources differ in."""

from __future__ import annotations

from collections import Counter

from livecode.engine.edit import edit_between, normal


def changed_lines(old: str, new: str) -> tuple[int, int]:
    """How many lines `new` has that `old` lacks, and how many it lacks itself.

    Lines that only moved count for neither, so that the cost is that of looking at each line once.
    """
    old, new = normal(old), normal(new)
    edit = edit_between(old, new)
    mine = edit.old_text(edit.first, edit.old_last).splitlines()
    theirs = edit.new_text(edit.first, edit.new_last).splitlines()
    both = (Counter(mine) & Counter(theirs)).total()
    return len(theirs) - both, len(mine) - both
