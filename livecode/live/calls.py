"""Takes back what call statements did that change, go or run again, and makes what they do now visible in its place.

    log.addHandler(logging.StreamHandler())    the handler of the old line goes, the new one stands where it stood
    app.include_router(users, prefix="/v2")    the routes of the new line stand where those of the old one stood
    atexit.register(close, pool)               the exit function is registered again, and so called first

What a statement did is found by its traces (`livecode.live.traces`). Entries of one module stand in the order of its
source afterwards, if they did so before.
"""

from __future__ import annotations

import ast
import atexit
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

from livecode.engine.forms import Form
from livecode.engine.planned import ModulePlan
from livecode.engine.registrations import CallSite, calls_in
from livecode.live import handlers
from livecode.live.adapters.atexit import ExitFunctions, register_once
from livecode.live.adapters.foreign import implements
from livecode.live.asked import Asked, asked_by
from livecode.live.journal import Journal, Step
from livecode.live.known import UNKNOWN, is_it, value_of
from livecode.live.order import Order
from livecode.live.places import DictPlace, Entry, Place, SetPlace, fill, identity, is_same
from livecode.live.reach import Owner
from livecode.live.reconcile import Delta, difference, no_line
from livecode.live.registrations import Registrations
from livecode.live.traces import Source, Trace, places_of, traces_of


@dataclass(frozen=True, slots=True)
class AtExit:
    """A function that a statement registered for the end of the process, and what it is called with."""

    function: Any
    arguments: tuple[Any, ...]
    keywords: tuple[tuple[str, Any], ...]

    def back(self) -> None:
        """Registers it again, if it is not there."""
        register_once(self.function, *self.arguments, **dict(self.keywords))


Effect = tuple[Trace, ...] | AtExit


def can_undo(form: Form, source: Source) -> bool:
    """True if what a statement of a running module put into a registry is known for certain.

    Args:
        form: The statement.
        source: Its module: a name must have stood for one thing only.
    """
    calls = list(calls_in(form))
    names = {node.id for site in calls for node in ast.walk(site.call) if isinstance(node, ast.Name)}
    names -= set(form.names.binds)  # variables of loops
    often = any(sum(name in other.names.binds for other in source.forms) > 1 for name in names)
    return bool(calls) and not often and effect_of(form, source) is not None


def effect_of(form: Form, source: Source) -> Effect | None:
    """What a statement has put into a registry; None if that is not certain."""
    for site in calls_in(form):
        if _registers_exit(site.call, source):
            return _at_exit(site.call, form, source)
    return traces_of(form, source)


def _registers_exit(call: ast.Call, source: Source) -> bool:
    return isinstance(call.func, ast.Attribute | ast.Name) and value_of(call.func, source.namespace) is atexit.register


def _at_exit(call: ast.Call, form: Form, source: Source) -> AtExit | None:
    if not call.args or len(list(calls_in(form))) > 1:
        return None
    first = CallSite(ast.Call(call.func, call.args[:1], []))
    wanted = asked_by(first, form, source.filename, source.namespace)
    twins = [other for each in source.forms for other in source.asked(each) if _is_twin(other, call, source)]
    meant = [each for each in ExitFunctions(atexit).entries() if wanted is not None and wanted.gives(each)]
    arguments = tuple(value_of(item, source.namespace) for item in call.args[1:])
    keywords = tuple((word.arg or "", value_of(word.value, source.namespace)) for word in call.keywords)
    given = [*arguments, *(value for _, value in keywords)]
    unknown = any(value is UNKNOWN for value in given) or any(word.arg is None for word in call.keywords)
    return None if unknown or len(meant) != 1 or len(twins) != 1 else AtExit(meant[0], arguments, keywords)


def _is_twin(other: Asked, call: ast.Call, source: Source) -> bool:
    return _registers_exit(other.call, source) and ast.dump(other.call.args[0]) == ast.dump(call.args[0])


class Calls:
    """What the call statements of one push had done before it.

    Args:
        registrations: They become visible together with these.
        journal: Of the push.
    """

    def __init__(self, registrations: Registrations, journal: Journal) -> None:
        self._registrations, self._journal = registrations, journal
        self._found: dict[int, Effect] = {}
        self._orders: dict[str, Order] = {}

    def find(self, plan: ModulePlan, filename: str, namespace: Mapping[str, Any]) -> None:
        """Notes what there is of all that is to be taken back, before anything is executed."""
        source = Source(plan.module, plan.before, filename, namespace)
        for form in (*plan.undone, *(each for run in plan.runs for each in run.undoes)):
            effect = effect_of(form, source)
            if effect is not None:
                self._found[id(form)] = effect
        if self._concerns(plan):
            self._orders[plan.module] = Order.of(plan, source)

    def _concerns(self, plan: ModulePlan) -> bool:
        """True if the order in which call statements of the module stand may matter."""
        return (
            plan.reordered or bool(plan.undone) or any(next(calls_in(run.form), None) is not None for run in plan.runs)
        )

    def steps(self, plan: ModulePlan) -> list[Step]:
        """Takes back what statements did that go, and notes where entries move with theirs.

        Returns:
            The steps that are not the registrations' own.
        """
        steps = list(self._withdrawn(plan.undone, plan.module))
        order = self._orders.get(plan.module)
        if order is not None and plan.reordered:
            for where, owner in order.places():
                self._registrations.note(where, owner, order.filename, Delta((), (), (), False, no_line), order)
        return steps

    def withdraw(self, source: Source) -> tuple[list[Step], list[Form]]:
        """Notes that what the call statements of a module registered goes away.

        Returns:
            The steps that are not the registrations' own, and the statements of which nobody knows what they did.
        """
        known = [form for form in source.forms if can_undo(form, source)]
        self._found |= {id(form): effect for form in known if (effect := effect_of(form, source)) is not None}
        left = [form for form in source.forms if form not in known and any(map(_may_register, source.followed(form)))]
        return list(self._withdrawn(known, source.module)), left

    def _withdrawn(self, forms: Iterable[Form], module: str) -> Iterator[Step]:
        for form in forms:
            effect = self._found.get(id(form))
            if isinstance(effect, AtExit):
                yield Step(partial(atexit.unregister, effect.function), effect.back)
            for trace in () if effect is None or isinstance(effect, AtExit) else effect:
                self._note(trace.where, trace.owner, Delta((trace.entry,), (), (), False, no_line), module)

    def redo(self, old: Form | None, form: Form, now: Source, execute: Callable[[], object]) -> None:
        """Executes a statement; what it puts into a registry stands where that of the old one was.

        Args:
            old: The statement as it was, if what it did is known.
            form: The statement.
            now: Its module, with the names that the statement sees.
            execute: Does it.
        """
        effect = self._found.get(id(old))
        traces = () if effect is None or isinstance(effect, AtExit) else effect
        if isinstance(effect, AtExit):
            self._journal.note(effect.back)
            atexit.unregister(effect.function)
        if any(_registers_exit(site.call, now) for site in calls_in(form)):
            self._at_exit(execute)
            execute = _nothing
        sites, open_sites = _sites(traces, form, now)
        before = [where.read() for where, _ in open_sites]
        _Exchange(partial(self._note_redone, form, now.module), traces, sites).run(execute)
        for (where, owner), entries in zip(open_sites, before, strict=True):
            self._note_added(form, now.module, where, owner, entries)

    def _note_added(self, form: Form, module: str, where: Place, owner: Owner | None, before: list[Entry]) -> None:
        """What a statement added to a list of the project's own is there already: it is moved to its place."""
        added, _, in_front = difference(before, where.read())
        order = self._orders.get(module)
        if not added or order is None:
            return
        order.standing.setdefault(identity(where), before)
        for entry in added:
            order.add(where, entry, form, in_front=in_front)
        self._note(where, owner, Delta((), (), (), False, no_line), module)

    def _note_redone(self, form: Form, module: str, where: Place, owner: Owner | None, delta: Delta) -> None:
        order = self._orders.get(module)
        for entry in delta.added:
            handlers.claim(entry.value, module)
            if order is not None:
                order.add(where, entry, form, in_front=delta.in_front)
        self._note(where, owner, delta, module)

    def _at_exit(self, execute: Callable[[], object]) -> None:
        before = ExitFunctions(atexit).entries()
        execute()
        for function in ExitFunctions(atexit).entries():
            if not any(is_it(function, known) for known in before):
                self._journal.note(partial(atexit.unregister, function))

    def _note(self, where: Place, owner: Owner | None, delta: Delta, module: str) -> None:
        order = self._orders.get(module)
        filename = order.filename if order is not None else ""
        self._registrations.note(where, owner, filename, delta, order)


Sites = list[tuple[Place, Owner | None]]


def _sites(traces: Sequence[Trace], form: Form, now: Source) -> tuple[Sites, Sites]:
    """Where a statement had put something, with the registries of frameworks that it may put something into now.

    Returns:
        These, and the project's own containers that it may put something into: what is added there is seen at once, as
        other statements may read them.
    """
    found: Sites = [(trace.where, trace.owner) for trace in traces]
    others: Sites = []
    for asked in now.followed(form):
        places = places_of(asked) if asked.owner is not None or asked.is_known else []
        found += [(where, owner) for where, owner in places if owner is not None]
        others += [(where, owner) for where, owner in places if owner is None]
    known = {identity(where): (where, owner) for where, owner in reversed(found)}
    open_sites = {identity(where): (where, owner) for where, owner in others if identity(where) not in known}
    return list(known.values())[::-1], list(open_sites.values())


def _may_register(asked: Asked) -> bool:
    """True for a call that may put something into a registry: not for `log.info("text")`."""
    adapter = asked.owner.adapter if asked.owner is not None else None
    fills = asked.is_plain or (adapter is not None and not implements(adapter, "filled_by"))
    if adapter is not None and asked.owner is not None and not fills:
        fills = adapter.filled_by(asked.owner.thing, asked.method) is not None
    return fills and (asked.is_known or any(isinstance(item, ast.Call) for item in asked.call.args))


class _Exchange:
    """One statement that is executed to see what it registers now."""

    def __init__(
        self,
        note: Callable[[Place, Owner | None, Delta], None],
        traces: Sequence[Trace],
        sites: Sites,
    ) -> None:
        self._note, self._traces, self._sites = note, traces, sites

    def run(self, execute: Callable[[], object]) -> None:
        """Executes it; once more without what was there, if a registry did not take it beside that."""
        whole = before = [where.read() for where, _ in self._sites]
        keyed = any(isinstance(trace.where, DictPlace | SetPlace) for trace in self._traces)
        try:
            after = self._attempt(before, execute, emptied=False)
            again = self._traces and all(is_same(*pair) for pair in zip(before, after, strict=True))
        except Exception:
            if not self._traces:
                raise
            again = True  # a registry that refuses what it has already
        if again or (keyed and not self._added(before, after)):
            after = self._attempt(before, execute, emptied=True)
            before = [self._without_old(where, entries) for (where, _), entries in zip(self._sites, whole, strict=True)]
        for number, (where, owner) in enumerate(self._sites):
            added, dropped, in_front = difference(before[number], after[number])
            old = self._old(where)
            if added or dropped or old:
                self._note(where, owner, Delta(old, added, dropped, in_front, no_line))

    def _old(self, where: Place) -> tuple[Entry, ...]:
        return tuple(trace.entry for trace in self._traces if identity(trace.where) == identity(where))

    def _without_old(self, where: Place, entries: Sequence[Entry]) -> list[Entry]:
        old, left = list(self._old(where)), list[Entry]()
        for entry in entries:
            known = next((number for number, each in enumerate(old) if entry.same(each)), None)
            if known is None:
                left.append(entry)
            else:
                del old[known]
        return left

    def _added(self, before: Sequence[list[Entry]], after: Sequence[list[Entry]]) -> bool:
        """True if something new was put wherever something old is."""
        pairs = zip(self._sites, before, after, strict=True)
        return all(difference(one, other)[0] for (where, _), one, other in pairs if self._old(where))

    def _attempt(
        self, before: Sequence[list[Entry]], execute: Callable[[], object], *, emptied: bool
    ) -> list[list[Entry]]:
        """What is in the places after the statement was executed; they are as before again then."""
        if emptied:
            for (where, _), entries in zip(self._sites, before, strict=True):
                fill(where, self._without_old(where, entries))
        try:
            with ExitStack() as stack:
                for owner in {id(owner.thing): owner for _, owner in self._sites if owner is not None}.values():
                    stack.enter_context(owner.adapter.opened(owner.thing))
                execute()
            return [where.read() for where, _ in self._sites]
        finally:
            for (where, _), entries in zip(self._sites, before, strict=True):
                if not is_same(where.read(), entries):
                    fill(where, entries)


def _nothing() -> None:
    """What is left to execute when it has been executed."""
