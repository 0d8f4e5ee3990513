"""What an edit did to a module's forms.

    old forms, new forms ── diff ──▶ Diff
        same      the text did not change, perhaps the line
        edited    only function bodies (or comments) changed: nothing has to be executed
        changed   must be executed again
        added     must be executed
        removed   its names go away

Matching is by text first, then by kind, names and order of occurrence, never by name alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from livecode.engine.forms import Form, Kind, common_ends
from livecode.engine.leaves import Leaf


class Pair(NamedTuple):
    """A form before and after the edit."""

    old: Form
    new: Form

    @property
    def shift(self) -> int:
        """How many lines the form moved down."""
        return self.new.start - self.old.start

    def leaf_pairs(self) -> tuple[tuple[Leaf, Leaf], ...]:
        """The functions of both, side by side; only for forms of the same skeleton."""
        return tuple(zip(self.old.leaves, self.new.leaves, strict=True))

    def changed_leaves(self) -> tuple[Leaf, ...]:
        """The functions of the new form whose bodies differ."""
        return tuple(new for old, new in self.leaf_pairs() if old.body != new.body)


@dataclass(frozen=True, slots=True)
class Diff:
    """What an edit did, in the order of the new source (removed: of the old one)."""

    same: tuple[Pair, ...] = ()
    edited: tuple[Pair, ...] = ()
    changed: tuple[Pair, ...] = ()
    added: tuple[Form, ...] = ()
    removed: tuple[Form, ...] = ()

    @property
    def nothing(self) -> bool:
        """True if not even a line moved."""
        return not (self.edited or self.changed or self.added or self.removed or any(p.shift for p in self.same))


def diff(old: Sequence[Form], new: Sequence[Form]) -> Diff:
    """What became of each form of `old` in `new`."""
    first, last = common_ends(old, new)
    top, bottom = map(Pair, old[:first], new[:first]), map(Pair, old[len(old) - last :], new[len(new) - last :])
    rest_old, rest_new = old[first : len(old) - last], new[first : len(new) - last]
    same, rest_old, rest_new = _pair_by(rest_old, rest_new, lambda form: (form.text, form.kind is Kind.DOC))
    alike, rest_old, rest_new = _pair_by(rest_old, rest_new, lambda form: (form.key, form.skeleton, len(form.leaves)))
    changed, removed, added = _pair_by(rest_old, rest_new, lambda form: form.key)
    edited = tuple(pair for pair in alike if _can_be_swapped(pair))
    changed += [pair for pair in alike if not _can_be_swapped(pair)]
    return Diff((*top, *same, *bottom), edited, tuple(changed), tuple(added), tuple(removed))


def _can_be_swapped(pair: Pair) -> bool:
    """False if the live functions cannot simply get new code.

    That is so where a method becomes a closure (or stops being one), which code alone cannot do.
    """
    return not pair.changed_leaves() or all(old.knows_class == new.knows_class for old, new in pair.leaf_pairs())


def _pair_by(
    old: Sequence[Form], new: Sequence[Form], identity: Callable[[Form], object]
) -> tuple[list[Pair], list[Form], list[Form]]:
    """Pairs of equal identity, first come first served; then what is left of both."""
    waiting: dict[object, list[Form]] = defaultdict(list)
    for form in old:
        waiting[identity(form)].append(form)
    pairs, unmatched = [], []
    for form in new:
        candidates = waiting.get(identity(form))
        if candidates:
            pairs.append(Pair(candidates.pop(0), form))
        else:
            unmatched.append(form)
    taken = {id(pair.old) for pair in pairs}
    return pairs, [form for form in old if id(form) not in taken], unmatched
