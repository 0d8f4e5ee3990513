"""The order in which statements of one module registered their entries, before and after a push.

Routes and the like are looked through in order. So a statement that moves, or that comes between two others, has its
entries move, too. An entry of which the statement is not known stands at the line of the function that it was made for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from livecode.engine.forms import Form
from livecode.engine.planned import ModulePlan
from livecode.engine.registrations import calls_in
from livecode.live.places import Entry, Place, identity
from livecode.live.reach import Owner
from livecode.live.traces import Source, Trace, traces_of

Line = Callable[[Entry], int]
"""The line of an entry's statement; 0 for what belongs to other modules."""


@dataclass(slots=True)
class Order:
    """Lines of the statements of one module.

    Attributes:
        filename: Of the module's code.
        plan: Of the module.
        traces: What the call statements had put where.
        before: Place and value of an entry → lines of the statements that had put it there.
        after: The same in the new source.
        in_front: Places to which entries were added in front.
        standing: Place → its entries before the push, where some have been added since.
    """

    filename: str
    plan: ModulePlan
    traces: tuple[Trace, ...] = ()
    before: dict[object, list[int]] = field(default_factory=lambda: defaultdict(list))
    after: dict[object, list[int]] = field(default_factory=lambda: defaultdict(list))
    in_front: set[object] = field(default_factory=set)
    standing: dict[object, list[Entry]] = field(default_factory=dict)

    @classmethod
    def of(cls, plan: ModulePlan, source: Source) -> Order:
        """The order that a plan changes, found before anything is executed."""
        order, found, moves = cls(source.filename, plan), list[Trace](), _moves(plan)
        for form in source.forms:
            traces = (traces_of(form, source) or ()) if _adds_in_order(form) else ()
            for trace in traces:
                key = _key(trace.where, trace.entry)
                order.before[key].append(form.start)
                order.after[key] += [line for line in [moves.get(form.start, form.start)] if line]
            found += traces
        order.traces = tuple(found)
        return order

    def places(self) -> Iterator[tuple[Place, Owner | None]]:
        """Where the call statements had put something."""
        yield from {identity(trace.where): (trace.where, trace.owner) for trace in self.traces}.values()

    def add(self, where: Place, entry: Entry, form: Form, *, in_front: bool) -> None:
        """Notes that an entry comes, and from which statement of the new source."""
        if not _adds_in_order(form):
            return
        self.after[_key(where, entry)].append(form.start)
        self.in_front |= {identity(where)} if in_front else set()

    def renamed(self, where: Place, entry: Entry, stays: Entry) -> None:
        """Notes that another entry comes in its place."""
        if entry.value is not stays.value:
            self.after[_key(where, stays)] += self.after.pop(_key(where, entry), [])

    def sorted(
        self, where: Place, before: Sequence[Entry], entries: Sequence[Entry], was: Line, will: Line
    ) -> list[Entry]:
        """The entries in the order of the new source, if they were in that of the old one; others stay where they are.

        Args:
            where: The place.
            before: Its entries before the push.
            entries: Those after it, in any order.
            was: The line of the function that an entry was made for, before the push.
            will: The same, after it.
        """
        before = self.standing.get(identity(where), before)
        old = [line for line in _lines(where, before, self.before, was, 1) if line]
        sign = -1 if len(old) > 1 and old[0] > old[-1] else 1
        sign = -1 if len(old) < 2 and identity(where) in self.in_front else sign
        if any(sign * one > sign * two for one, two in pairwise(old)):
            return list(entries)
        lines = _lines(where, entries, self.after, will, sign)
        mine = [number for number, at in enumerate(lines) if at]
        result = list(entries)
        for number, source in zip(mine, sorted(mine, key=lambda number: sign * lines[number]), strict=True):
            result[number] = entries[source]
        return result


def _lines(
    where: Place, entries: Sequence[Entry], known: Mapping[object, list[int]], of_function: Line, sign: int
) -> list[int]:
    """The line of each entry; one that is there several times has them in order."""
    left = {key: sorted(lines, key=lambda line: -sign * line) for key, lines in known.items()}
    found = []
    for entry in entries:
        lines = left.get(_key(where, entry))
        found.append(lines.pop() if lines else of_function(entry))
    return found


def _adds_in_order(form: Form) -> bool:
    """True for calls that add to what is there already; `insert` says itself where its entry goes."""
    sites = list(calls_in(form))
    return bool(sites) and not any(getattr(site.call.func, "attr", "") == "insert" for site in sites)


def _moves(plan: ModulePlan) -> dict[int, int]:
    """Line of a statement before the push → afterwards; 0 for those whose entries are taken back."""
    moves = {pair.old.start: pair.new.start for pair in (*plan.swaps, *plan.shifts)}
    moves |= {run.old.start: run.form.start for run in plan.runs if run.old is not None}
    gone = [*plan.undone, *(form for run in plan.runs for form in run.undoes)]
    return moves | {form.start: 0 for form in gone}


def _key(where: Place, entry: Entry) -> object:
    return identity(where), id(entry.value)
