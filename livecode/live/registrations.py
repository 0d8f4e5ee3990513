"""Takes registrations back and makes them again: routes, commands, tasks, entries of a project's own registries.

note        what a statement put into registries (`livecode.live.rehearsal`, `livecode.live.calls`)
withdraw    what a statement that goes had put there
renew       what was derived from functions and classes that change
steps       everything that was noted becomes visible in one C call, together with the rest of the push
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from types import FunctionType
from typing import Any

from livecode.engine.diff import Pair
from livecode.engine.forms import Form
from livecode.engine.planned import ModulePlan
from livecode.live.adapters import adapters
from livecode.live.adapters.foreign import implements
from livecode.live.decorators import roots_of
from livecode.live.journal import Step
from livecode.live.newborn import Holding, former_of
from livecode.live.order import Order
from livecode.live.places import Entry, NamesPlace, Place, identity, is_same, place
from livecode.live.reach import Owner, held, reach
from livecode.live.reconcile import Delta, is_in_order, no_line, reconciled
from livecode.live.stay import stay


@dataclass
class _Pending:
    """What is to become of a place."""

    place: Place
    owner: Owner | None
    filename: str
    deltas: list[Delta] = field(default_factory=list)
    order: Order | None = None

    def is_in_order(self, entries: Sequence[Entry]) -> bool:
        """True if each new entry of the module goes where its source has it."""
        if self.order is not None:
            return False  # all of them are sorted in the end
        line = partial(entry_line, filename=self.filename, owner=self.owner, plan=None, fresh=frozenset())
        in_front = any(delta.in_front for delta in self.deltas)
        return self.place.ordered and is_in_order(entries, line, in_front=in_front)

    def rename(self, entries: Sequence[Entry], standing: Sequence[Entry]) -> None:
        """Notes that other entries come in place of those that were executed."""
        if self.order is not None:
            for entry, stays in zip(entries, standing, strict=True):
                self.order.renamed(self.place, entry, stays)

    def sorted(self, before: Sequence[Entry], entries: Sequence[Entry], fresh: Collection[int]) -> Sequence[Entry]:
        """The entries, in the order of the source that their call statements have in it."""
        if self.order is None or not self.place.ordered:
            return entries
        was = partial(entry_line, filename=self.order.filename, owner=self.owner, plan=None, fresh=frozenset())
        will = partial(was, plan=self.order.plan, fresh=fresh)
        return self.order.sorted(self.place, before, entries, was, will)


class Registrations:
    """What the statements of one push do to registries.

    Args:
        modules: The names of the service's own modules; what they hold may be derived from what changes.
    """

    def __init__(self, modules: Callable[[], Iterable[str]] = tuple) -> None:
        self._modules = modules
        self._pending: dict[object, _Pending] = {}
        self._touched: dict[int, Owner] = {}
        self.fresh: set[int] = set()

    def withdraw(self, forms: Sequence[Form], filename: str, namespace: Mapping[str, Any]) -> None:
        """Notes that what these statements registered goes away."""
        for form in forms:
            former = former_of([form], filename, namespace)
            for where, owner in reach(roots_of([form], namespace), former).every_place():
                old = () if isinstance(where, NamesPlace) else filter(Holding(former, owner), where.read())
                if found := tuple(old):
                    self.note(where, owner, filename, Delta(found, (), (), False, no_line))

    def renew(self, folds: Sequence[tuple[FunctionType, FunctionType]], others: Collection[object] = ()) -> None:
        """Notes what has to be made anew, as it was derived from functions or classes that change.

        Args:
            folds: Functions that exist, each with the new one that it takes over from; that may be still to come.
            others: Classes and functions that have changed already.
        """
        changed = [*(stays for stays, _ in folds), *others]
        renewing = [each for each in adapters() if implements(each, "renewed")] if changed else []
        if not renewing:
            return
        things = [thing for name in self._modules() for thing in _values_of(name)]
        found = {id(thing): Owner(each, thing) for thing in things for each in renewing if each.owns(thing)}
        with _signatures_to_come(folds):
            for owner in found.values():
                for container in owner.adapter.registries(owner.thing):
                    where = place(container)
                    if where is not None:
                        self._renew_in(where, owner, changed)

    def _renew_in(self, where: Place, owner: Owner, changed: Collection[object]) -> None:
        pending = self._pending.get(identity(where))
        replaced = [entry for delta in pending.deltas for entry in delta.old] if pending else []
        for entry in where.read():
            if any(entry.same(old) for old in replaced):
                continue
            made = owner.adapter.renewed(owner.thing, entry.value, changed)
            if made is not None:
                self.note(where, owner, "", Delta((entry,), (Entry(made, entry.key),), (), False, no_line))

    def note(self, where: Place, owner: Owner | None, filename: str, delta: Delta, order: Order | None = None) -> None:
        """Remembers what a place needs, and in which order its entries are to stand if call statements made some."""
        pending = self._pending.setdefault(identity(where), _Pending(where, owner, filename))
        pending.deltas.append(delta)
        pending.order = pending.order or order
        if owner is not None:
            self._touched[id(owner.thing)] = owner

    def steps(self, folds: Sequence[tuple[FunctionType, FunctionType]]) -> list[Step]:
        """The steps that make visible what was noted; nothing is noted any more afterwards.

        Args:
            folds: Functions that exist, each with the new one that it takes over from: registries get the first.
        """
        stays = {id(new): old for old, new in folds}
        steps: list[Step] = []
        for pending in self._pending.values():
            before = entries = pending.place.read()
            in_order = pending.is_in_order(before)
            for delta in pending.deltas:
                added = tuple(Entry(stay(entry.value, stays), stay(entry.key, stays)) for entry in delta.added)
                pending.rename(delta.added, added)
                entries = reconciled(entries, replace(delta, added=added), in_order=in_order)
            entries = list(pending.sorted(before, entries, self.fresh))
            if not is_same(before, entries):
                steps += pending.place.fill(entries)
        for owner in self._touched.values():
            steps += owner.adapter.derived(owner.thing)
        self._pending, self._touched = {}, {}
        return steps


def entry_line(
    entry: Entry, *, filename: str, owner: Owner | None, plan: ModulePlan | None, fresh: Collection[int]
) -> int:
    """The line of the function that an entry was made for; where it stands after the push, if there is a plan."""

    def is_own(thing: object) -> bool:
        return type(thing) is FunctionType and thing.__code__.co_filename == filename

    items = (entry.value,) if owner is None else owner.adapter.registered(owner.thing, entry.value)
    function = next((found for item in items for found in held(item, is_own)), None)
    if function is None:
        return 0
    line: int = function.__code__.co_firstlineno
    if plan is None or id(function.__code__) in fresh:
        return line
    again = [Pair(run.old, run.form) for run in plan.runs if run.old is not None]
    pairs = (pair for pair in (*plan.shifts, *plan.swaps, *again) if pair.old.start <= line <= pair.old.end)
    return next((line + pair.shift for pair in pairs), line)


def _values_of(module: str) -> list[object]:
    return list(getattr(sys.modules.get(module), "__dict__", {}).values())


@contextmanager
def _signatures_to_come(folds: Iterable[tuple[FunctionType, FunctionType]]) -> Iterator[None]:
    """Meanwhile functions that take over later from new ones say that they have the signature of those."""
    marked = []
    try:
        for stays, newborn in folds:
            if stays.__code__ is not newborn.__code__ and "__signature__" not in stays.__dict__:
                marked.append(stays)
                stays.__signature__ = inspect.signature(newborn)  # type: ignore[attr-defined]
        yield
    finally:
        for stays in marked:
            stays.__dict__.pop("__signature__", None)
