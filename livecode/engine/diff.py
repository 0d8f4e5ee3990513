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
from functools import cached_property
from itertools import chain

from livecode.engine.forms import Form, Kind, common_ends
from livecode.engine.leaves import Leaf


@dataclass(frozen=True)
class Pair:
    """A form before and after the edit."""

    old: Form
    new: Form

    @property
    def shift(self) -> int:
        """How many lines the form moved down."""
        return self.new.start - self.old.start

    @cached_property
    def leaf_pairs(self) -> tuple[tuple[Leaf, Leaf], ...]:
        """The functions of both, side by side; only for forms of the same skeleton."""
        return tuple(zip(self.old.leaves, self.new.leaves, strict=True))

    @cached_property
    def differing(self) -> tuple[bool, ...]:
        """For each of these pairs, whether the bodies differ."""
        return tuple(new.differs(old) for old, new in self.leaf_pairs)

    @cached_property
    def changed_leaves(self) -> tuple[Leaf, ...]:
        """The functions of the new form whose bodies differ."""
        return tuple(new for (_, new), differs in zip(self.leaf_pairs, self.differing, strict=True) if differs)


@dataclass(frozen=True)
class Diff:
    """What an edit did, in the order of the new source (removed: of the old one).

    Attributes:
        edited: Only function bodies differ.
        changed: Must be executed again.
        added: Must be executed.
        removed: Their names go away.
        between: Those of the same text that stand between the ends.
        turned: True if annotations become text, or values again (`livecode.engine.annotating`).
        ends: The forms above and below the edit, which are the same: old ones and new ones, side by side.
    """

    edited: tuple[Pair, ...] = ()
    changed: tuple[Pair, ...] = ()
    added: tuple[Form, ...] = ()
    removed: tuple[Form, ...] = ()
    between: tuple[Pair, ...] = ()
    ends: tuple[tuple[Sequence[Form], Sequence[Form]], ...] = ()
    turned: bool = False

    @cached_property
    def same(self) -> tuple[Pair, ...]:
        """All whose text did not change, perhaps the line: as many as the module has, so made when asked for."""
        top, bottom = (list(map(Pair, old, new)) for old, new in self.ends) if self.ends else ([], [])
        return (*top, *self.between, *bottom)

    @property
    def moved(self) -> tuple[Pair, ...]:
        """Those whose text did not change, but the line."""
        ends = (zip(old, new, strict=True) for old, new in self.ends if old != new)
        pairs = (Pair(*both) for both in chain(*ends) if both[0].start != both[1].start)
        return (*pairs, *(pair for pair in self.between if pair.shift))


def diff(old: Sequence[Form], new: Sequence[Form]) -> Diff:
    """What became of each form of `old` in `new`."""
    first, last = common_ends(old, new)
    ends = (old[:first], new[:first]), (old[len(old) - last :], new[len(new) - last :])
    rest_old, rest_new = old[first : len(old) - last], new[first : len(new) - last]
    same, rest_old, rest_new = _pair_by(rest_old, rest_new, lambda form: (form.text, form.kind is Kind.DOC))
    alike, rest_old, rest_new = _pair_alike(rest_old, rest_new)
    changed, removed, added = _pair_by(rest_old, rest_new, lambda form: form.key)
    edited = tuple(pair for pair in alike if _can_be_swapped(pair))
    changed += [pair for pair in alike if not _can_be_swapped(pair)]
    return Diff(edited, tuple(changed), tuple(added), tuple(removed), tuple(same), ends)


def _pair_alike(old: Sequence[Form], new: Sequence[Form]) -> tuple[list[Pair], Sequence[Form], Sequence[Form]]:
    """Pairs that execute the same, whatever the bodies of their functions are."""
    if len(old) == len(new) == 1 and old[0].shape.head and old[0].shape.head == new[0].shape.head:
        return [Pair(old[0], new[0])], (), ()
    return _pair_by(old, new, lambda form: (form.key, form.skeleton, len(form.leaves)))


def _can_be_swapped(pair: Pair) -> bool:
    """False if the live functions cannot simply get new code.

    That is so where a method becomes a closure (or stops being one), which code alone cannot do.
    """
    return all(old.knows_class == new.knows_class for old, new in pair.leaf_pairs) or not pair.changed_leaves


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
