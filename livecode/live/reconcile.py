"""Which entries a registry has after a statement was executed again: the new ones where the old ones were.

    before    [get /a, get /b, static]      /b is registered again, as /c
    executed  [get /a, get /b, static, get /c]
    after     [get /a, get /c, static]

Entries of one module stand in the order of its source, if they did so before; so a route that is added above another
one goes before it. Entries of other modules stay where they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from livecode.live.places import NO_KEY, Entry

Line = Callable[[Entry], int]
"""The line of the definition that an entry was made for; 0 for what belongs to other modules."""


@dataclass(frozen=True, slots=True)
class Delta:
    """What one statement does to one place.

    Attributes:
        old: The entries of the statement as it was.
        added: What executing it put there, in order.
        dropped: What executing it took away.
        in_front: True if it puts things at the front.
        line: Lines after the push.
    """

    old: tuple[Entry, ...]
    added: tuple[Entry, ...]
    dropped: tuple[Entry, ...]
    in_front: bool
    line: Line


def difference(before: Sequence[Entry], after: Sequence[Entry]) -> tuple[tuple[Entry, ...], tuple[Entry, ...], bool]:
    """What was added, what is gone, and whether the first addition stands before all else."""
    known: dict[tuple[int, object], int] = {}
    for entry in before:
        known[_key(entry)] = known.get(_key(entry), 0) + 1
    added = []
    for entry in after:
        if known.get(_key(entry)):
            known[_key(entry)] -= 1
        else:
            added.append(entry)
    dropped = []
    for entry in before:
        if known.get(_key(entry)):
            known[_key(entry)] -= 1
            dropped.append(entry)
    in_front = bool(added and before) and after[0] is added[0] and added[0].key is NO_KEY
    return tuple(added), tuple(dropped), in_front


def reconciled(entries: Sequence[Entry], delta: Delta, *, in_order: bool) -> list[Entry]:
    """The entries of a place after a statement: `delta` applied to what is there.

    Args:
        entries: What is there.
        delta: What the statement does.
        in_order: The entries of the module stand in the order of its source, and are to stay so.
    """
    gone = Counter(map(_key, dict.fromkeys((*delta.old, *delta.dropped))))
    kept: list[Entry | None] = []
    for entry in entries:
        kept.append(None if gone[_key(entry)] > 0 else entry)
        gone[_key(entry)] -= 1
    replaced = {entry.key: entry for entry in delta.added if entry.key is not NO_KEY}
    for number, entry in enumerate(entries):
        if entry.key is not NO_KEY and entry.key in replaced:
            kept[number] = replaced.pop(entry.key)
    fresh = [entry for entry in delta.added if entry.key is NO_KEY or entry.key in replaced]
    first = next((number for number, entry in enumerate(kept) if entry is None), None)
    place = None if first is None else sum(entry is not None for entry in kept[:first])
    result = [entry for entry in kept if entry is not None]
    if not in_order:
        at = len(result) if place is None else min(place, len(result))
        at = 0 if place is None and delta.in_front else at
        return [*result[:at], *fresh, *result[at:]]
    for entry in reversed(fresh) if delta.in_front else fresh:
        result.insert(_position(result, entry, delta, place), entry)
    return result


def _position(result: Sequence[Entry], entry: Entry, delta: Delta, place: int | None) -> int:
    """Where an entry goes among those of its module."""
    sign = -1 if delta.in_front else 1
    mine = delta.line(entry)
    lines = [(number, delta.line(other)) for number, other in enumerate(result)]
    before = [number for number, line in lines if line and sign * line <= sign * mine]
    if delta.in_front:
        before = [number for number, line in lines if line and line > mine]
    if before and mine:
        return before[-1] + 1
    after = [number for number, line in lines if line]
    if after and mine:
        return after[0]
    if place is not None:
        return min(place, len(result))
    return 0 if delta.in_front else len(result)


def is_in_order(entries: Sequence[Entry], line: Line, *, in_front: bool) -> bool:
    """True if the entries of one module stand in the order of its source, or the other way round if they should."""
    lines = [number for entry in entries if (number := line(entry))]
    return all(one <= two for one, two in pairwise(reversed(lines) if in_front else lines))


def _key(entry: Entry) -> tuple[int, object]:
    key = entry.key
    return id(entry.value), key if type(key) in (str, int, bytes) else id(key)


def no_line(entry: Entry) -> int:
    """The line of entries whose order is not that of a source."""
    return 0
