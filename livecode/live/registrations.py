"""Takes registrations back and makes them again: routes, commands, tasks, entries of a project's own registries.

    rehearse    a statement is executed; what it put into registries is noted, and taken out again at once
    withdraw    what a statement that goes had put there is noted
    steps       everything that was noted becomes visible in one C call, together with the rest of the push

Lists and frameworks keep the old entries while a statement is rehearsed, so that a request finds the old route or the
new one, never none. Only a registry that does not take a function twice has the old one taken out first.
"""

from __future__ import annotations

import ast
import inspect
import sys
import weakref
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from types import CodeType, FunctionType
from typing import Any

from livecode.engine.code import walk
from livecode.engine.diff import Pair
from livecode.engine.forms import Form
from livecode.engine.planned import ModulePlan
from livecode.engine.prepare import PreparedClass, PreparedRun
from livecode.engine.refusals import refusal
from livecode.engine.registrations import decorators_of
from livecode.live.adapters import adapters
from livecode.live.adapters.protocol import Adapter
from livecode.live.contents import attributes_of, slots_of
from livecode.live.journal import Step
from livecode.live.places import NO_KEY, DictPlace, Entry, NamesPlace, Place, SetPlace, identity, is_same, place
from livecode.live.reach import Owner, Reach, held, holds, owner_of, parts_of, reach, resolve, slot_value
from livecode.live.reconcile import Delta, difference, is_in_order, reconciled
from livecode.model.report import Refusal

MAX_REBOUND = 200
"""Objects looked at within one new registration."""


class UnknownRegistrationError(RuntimeError):
    """A decorator did something that cannot be taken back; `refusal` says which."""

    def __init__(self, said: Refusal) -> None:
        super().__init__(said.what)
        self.refusal = said


@dataclass(frozen=True, slots=True)
class Former:
    """True for functions that statements made before, and for these values.

    Attributes:
        filename: Of the module's code.
        where: Qualified names and first lines of the functions.
        values: By identity.
        fresh: Ids of the code that the statements have now.
    """

    filename: str
    where: frozenset[tuple[str, int]]
    values: tuple[object, ...] = ()
    fresh: frozenset[int] = frozenset()

    def __call__(self, thing: object) -> bool:
        code = thing.__code__ if type(thing) is FunctionType else thing
        if type(code) is CodeType:
            if code.co_filename == self.filename and id(code) not in self.fresh:
                return (code.co_qualname, code.co_firstlineno) in self.where
        return any(thing is value for value in self.values)


@dataclass(frozen=True, slots=True)
class Newborn:
    """True for functions and classes that executing a statement has just made."""

    codes: frozenset[int]
    classes: frozenset[str]
    module: str
    former: Former

    def __call__(self, thing: object) -> bool:
        if type(thing) is FunctionType or type(thing) is CodeType:
            return id(getattr(thing, "__code__", thing)) in self.codes
        if not self.classes or not issubclass(type(thing), type):
            return False
        made: Any = thing
        return made.__module__ == self.module and made.__qualname__ in self.classes and not self.former(thing)


def former_of(forms: Iterable[Form], filename: str, namespace: Mapping[str, Any]) -> Former:
    """What these statements made when they were executed."""
    where, values = set(), []
    for form in forms:
        where |= {(".".join(leaf.path), form.start + leaf.line) for leaf in form.leaves}
        if isinstance(form.node, ast.ClassDef) and not form.scope:
            values += [value for value in [namespace.get(form.name)] if isinstance(value, type)]
    return Former(filename, frozenset(where), tuple(values))


def can_take_back(form: Form, decorator: str, filename: str, namespace: Mapping[str, Any]) -> bool:
    """True if what a decorator did with the function that it decorates can be found, and so be taken back.

    Args:
        form: The statement that was executed.
        decorator: As written, ``app.get``.
        filename: Of the module's code.
        namespace: Of the module.
    """
    former = former_of([form], filename, namespace)
    roots = resolve(ast.parse(decorator, mode="eval").body, _in_class(form, namespace))
    if any(owner_of(root) is not None for root in roots):
        return True
    found = reach([*roots[-2:], *_arguments(form, decorator, namespace)], former)
    return bool(found.owners) or any(
        holds(entry.value, former, found.seen) or former(entry.key) for where in found.places for entry in where.read()
    )


@dataclass
class _Pending:
    """What is to become of a place."""

    place: Place
    owner: Owner | None
    filename: str
    deltas: list[Delta] = field(default_factory=list)

    def is_in_order(self, entries: Sequence[Entry]) -> bool:
        """True if the module's entries are to stand in the order of its source."""
        line = partial(_line, filename=self.filename, owner=self.owner, plan=None, fresh=frozenset())
        in_front = any(delta.in_front for delta in self.deltas)
        return self.place.ordered and is_in_order(entries, line, in_front=in_front)


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

    def rehearse(
        self, prepared: PreparedRun, plan: ModulePlan, filename: str, scope: Any, execute: Callable[[], object]
    ) -> None:
        """Executes a statement, notes what it registered and takes that out again.

        Args:
            prepared: The statement.
            plan: Of its module.
            filename: Of the module's code.
            scope: What the statement is executed in (`livecode.live.execute.Scope`).
            execute: Does it.

        Raises:
            UnknownRegistrationError: It changed something that tells nothing of what it had changed before.
        """
        _Rehearsal(self, prepared, plan, filename, scope).run(execute)

    def withdraw(self, forms: Sequence[Form], filename: str, namespace: Mapping[str, Any]) -> None:
        """Notes that what these statements registered goes away."""
        for form in forms:
            former = former_of([form], filename, namespace)
            for where, owner in reach(_roots([form], namespace), former).every_place():
                old = () if isinstance(where, NamesPlace) else filter(_Holding(former, owner), where.read())
                if found := tuple(old):
                    self.note(where, owner, filename, Delta(found, (), (), False, _no_line))

    def renew(self, folds: Sequence[tuple[FunctionType, FunctionType]], others: Collection[object] = ()) -> None:
        """Notes what has to be made anew, as it was derived from functions or classes that change.

        Args:
            folds: Functions that exist, each with the new one that it takes over from; that may be still to come.
            others: Classes and functions that have changed already.
        """
        changed = [*(stays for stays, _ in folds), *others]
        renewing = [each for each in adapters() if type(each).renewed is not Adapter.renewed] if changed else []
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
                self.note(where, owner, "", Delta((entry,), (Entry(made, entry.key),), (), False, _no_line))

    def note(self, where: Place, owner: Owner | None, filename: str, delta: Delta) -> None:
        """Remembers what a place needs."""
        self._pending.setdefault(identity(where), _Pending(where, owner, filename)).deltas.append(delta)
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
                added = tuple(Entry(_stay(entry.value, stays), _stay(entry.key, stays)) for entry in delta.added)
                entries = reconciled(entries, replace(delta, added=added), in_order=in_order)
            if not is_same(before, entries):
                steps += pending.place.fill(entries)
        for owner in self._touched.values():
            steps += owner.adapter.derived(owner.thing)
        self._pending, self._touched = {}, {}
        return steps


@dataclass(frozen=True, slots=True)
class _Holding:
    """True for entries that hold what is looked for."""

    wanted: Callable[[object], bool]
    owner: Owner | None
    outside: frozenset[int] = frozenset()

    def __call__(self, entry: Entry) -> bool:
        if self.owner is None:
            return holds(entry.value, self.wanted, self.outside) or self.wanted(entry.key)
        return any(holds(item, self.wanted) for item in self.owner.entries_of(entry))


class _Rehearsal:
    """One statement that is executed to see what it registers."""

    def __init__(
        self, target: Registrations, prepared: PreparedRun, plan: ModulePlan, filename: str, scope: Any
    ) -> None:
        run = prepared.run
        self._target, self._prepared, self._plan, self._filename, self._scope = target, prepared, plan, filename, scope
        codes = frozenset(map(id, _codes(prepared)))
        former = former_of(run.takes_back, filename, scope.namespace)
        self._former = replace(former, fresh=codes)
        classes = {run.form.name} if isinstance(run.form.node, ast.ClassDef) else set()
        self._newborn = Newborn(codes, frozenset(classes), plan.module, former)
        target.fresh |= codes
        self._reach = self._find()

    def _find(self) -> Reach:
        forms = [self._prepared.run.form, *self._prepared.run.takes_back]
        stage = self._scope.stage if self._scope.staged else {}
        namespace = self._scope.namespace
        made_now = {name for name, value in stage.items() if namespace.get(name) is not value}
        found = reach(_roots(forms, namespace, without=made_now), self._former)
        own = frozenset(self._prepared.run.form.names.binds)
        for number, where in enumerate(found.places):
            if isinstance(where, NamesPlace) and where.thing is self._scope.namespace and where.names is not None:
                found.places[number] = NamesPlace(where.thing, where.names - own)
        return found

    def run(self, execute: Callable[[], object]) -> None:
        """Executes the statement, and once more if a registry did not take the function beside the old one."""
        before = self._read()
        keyed = any(isinstance(where, DictPlace) and self._olds(where, owner) for where, owner, _ in before)
        if self._prepared.edited_class is not None:  # its steps are noted already when it fails
            self._note(before, self._attempt(before, execute, emptied=keyed))
            return
        try:
            after = self._attempt(before, execute, emptied=False)
            again = keyed and not self._registered(before, after)
        except Exception:
            if not keyed:
                raise
            again = True  # a registry that refuses what it has already
        if again:
            after = self._attempt(before, execute, emptied=True)
        self._note(before, after)

    def _read(self) -> list[tuple[Place, Owner | None, list[Entry]]]:
        return [(where, owner, where.read()) for where, owner in self._reach.every_place()]

    def _attempt(
        self,
        before: Sequence[tuple[Place, Owner | None, list[Entry]]],
        execute: Callable[[], object],
        *,
        emptied: bool,
    ) -> list[list[Entry]]:
        """What is in the places after the statement was executed; they are as before again then."""
        for where, owner, entries in before:
            if (emptied and isinstance(where, DictPlace)) or _is_of_code(where, entries):
                old = self._holding_old(owner)
                _fill(where, [entry for entry in entries if not old(entry)])
        try:
            with ExitStack() as stack:
                for owner in self._reach.owners:
                    stack.enter_context(owner.adapter.opened(owner.thing))
                execute()
            return [where.read() for where, _, _ in before]
        finally:
            for where, _, entries in before:
                if not is_same(where.read(), entries):
                    _fill(where, entries)

    def _registered(
        self, before: Sequence[tuple[Place, Owner | None, list[Entry]]], after: Sequence[list[Entry]]
    ) -> bool:
        """True if something new was put where something old is."""
        return all(
            difference(entries, now)[0]
            for (where, owner, entries), now in zip(before, after, strict=True)
            if isinstance(where, DictPlace) and self._olds(where, owner)
        )

    def _olds(self, where: Place, owner: Owner | None) -> list[Entry]:
        return list(filter(self._holding_old(owner), where.read()))

    def _holding_old(self, owner: Owner | None) -> _Holding:
        return _Holding(self._former, owner, frozenset(self._reach.seen))

    def _note(self, before: Sequence[tuple[Place, Owner | None, list[Entry]]], after: Sequence[list[Entry]]) -> None:
        plan = self._plan if self._scope.staged else None  # later, what moves has moved
        renamed = self._renamed(before, after)
        for (where, owner, entries), now in zip(before, after, strict=True):
            added, dropped, in_front = difference(entries, now)
            old = tuple(filter(self._holding_old(owner), entries))
            if isinstance(where, NamesPlace):
                dropped, old = (), ()
            elif owner is None and added:
                added, old = self._explained(where, entries, added, old, renamed)
            if isinstance(where, NamesPlace) and owner is None:
                added = tuple(entry for entry in added if self._is_new(entry, owner) or self._unexplained(entry))
            if added or dropped or old:
                line = partial(_line, filename=self._filename, owner=owner, plan=plan, fresh=self._target.fresh)
                self._target.note(where, owner, self._filename, Delta(old, added, dropped, in_front, line))

    def _is_new(self, entry: Entry, owner: Owner | None) -> bool:
        return _Holding(self._newborn, owner)(entry)

    def _renamed(
        self, before: Sequence[tuple[Place, Owner | None, list[Entry]]], after: Sequence[list[Entry]]
    ) -> list[tuple[object, object]]:
        """Keys under which the old function stood, each with that of the new one."""
        pairs: list[tuple[object, object]] = []
        for (where, owner, entries), now in zip(before, after, strict=True):
            if isinstance(where, DictPlace):
                old = [entry.key for entry in entries if self._holding_old(owner)(entry)]
                new = [entry.key for entry in difference(entries, now)[0] if self._is_new(entry, owner)]
                pairs += zip(old, new, strict=False)
        return pairs

    def _explained(
        self,
        where: Place,
        entries: Sequence[Entry],
        added: tuple[Entry, ...],
        old: tuple[Entry, ...],
        renamed: Sequence[tuple[object, object]],
    ) -> tuple[tuple[Entry, ...], tuple[Entry, ...]]:
        """What really is to be added, and what goes for it, where names are listed beside the functions."""
        if not self._prepared.run.takes_back:
            return added, old
        listed: list[Entry] = []
        kept = []
        for entry in added:
            if self._is_new(entry, None):
                kept.append(entry)
                continue
            pair = next((pair for pair in renamed if _is_equal(pair[1], entry.value)), None)
            found = None if pair is None else next((e for e in entries if _is_equal(e.value, pair[0])), None)
            if pair is None or found is None or entry.key is not NO_KEY:
                self._unexplained(entry)
                continue
            kept.append(entry)
            listed.append(found)
        return tuple(kept), (*old, *listed)

    def _unexplained(self, entry: Entry) -> bool:
        """Refuses, if the statement ran before: what it did then cannot be told from what it did now."""
        run = self._prepared.run
        if not run.takes_back:
            return True
        form = run.takes_back[0]
        names = " and ".join("@" + ast.unparse(item) for item in decorators_of(form.nodes))
        name = f"{entry.key!r}" if entry.key is not NO_KEY else f"{entry.value!r}"[:60]
        what = f"{names} on {form.label()} changed more than a registry ({name}), and that cannot be told apart"
        raise UnknownRegistrationError(refusal("LC104", what, module=self._plan.module, line=run.form.start))


def _roots(forms: Iterable[Form], namespace: Mapping[str, Any], without: Collection[str] = ()) -> list[object]:
    """What the decorators of some statements are and are called with.

    Args:
        forms: The statements.
        namespace: Of the module.
        without: Names that stand for something new: nobody but the push itself knows what is registered there.
    """
    roots: list[object] = []
    for form in forms:
        scope = _in_class(form, namespace)
        for decorator in decorators_of(form.nodes):
            if _first_name(decorator) in without:
                continue
            path = resolve(decorator, scope)
            owners = [thing for thing in path if owner_of(thing) is not None]
            roots += owners or [*path[-2:], *_names_in(decorator, scope)]
    return roots


def _first_name(expression: ast.expr) -> str:
    while isinstance(expression, ast.Call | ast.Attribute | ast.Subscript):
        expression = expression.func if isinstance(expression, ast.Call) else expression.value
    return expression.id if isinstance(expression, ast.Name) else ""


def _in_class(form: Form, namespace: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the names of a class member lead to: those of the class come first."""
    thing: Any = namespace.get(form.scope[0]) if form.scope else None
    for name in form.scope[1:]:
        thing = getattr(thing, "__dict__", {}).get(name)
    return {**namespace, **thing.__dict__} if isinstance(thing, type) else namespace


def _arguments(form: Form, decorator: str, namespace: Mapping[str, Any]) -> list[object]:
    scope = _in_class(form, namespace)
    found: list[object] = []
    for each in decorators_of(form.nodes):
        function = each
        while isinstance(function, ast.Call):
            function = function.func
        if ast.unparse(function) == decorator:
            found += _names_in(each, scope)
    return found


def _names_in(expression: ast.expr, namespace: Mapping[str, Any]) -> list[object]:
    """What the arguments of a decorator name."""
    found: list[object] = []
    while isinstance(expression, ast.Call):
        given = [*expression.args, *(word.value for word in expression.keywords)]
        names = [node.id for item in given for node in ast.walk(item) if isinstance(node, ast.Name)]
        found += [namespace[name] for name in names if name in namespace]
        expression = expression.func
    return found


def _codes(prepared: PreparedRun) -> Iterator[CodeType]:
    if prepared.code is not None:
        yield from walk(prepared.code)
    if prepared.edited_class is not None:
        yield from _class_codes(prepared.edited_class)


def _class_codes(edited: PreparedClass) -> Iterator[CodeType]:
    if edited.body is not None:
        yield from walk(edited.body)
    for inner in edited.nested:
        yield from _class_codes(inner)


def _line(entry: Entry, *, filename: str, owner: Owner | None, plan: ModulePlan | None, fresh: Collection[int]) -> int:
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


def _stay(value: Any, stays: Mapping[int, FunctionType]) -> Any:
    """The value, or what holds it, with the functions that exist in place of those that were only made for them."""
    if id(value) in stays:
        return stays[id(value)]
    if issubclass(type(value), weakref.ref):
        return _referring(value, stays)
    waiting, seen = [value], set[int]()
    while waiting and stays and len(seen) < MAX_REBOUND:
        thing = waiting.pop()
        if id(thing) in seen or issubclass(type(thing), type | str):
            continue
        seen.add(id(thing))
        _rebind(thing, stays)
        waiting += [item for item in parts_of(thing) if owner_of(item) is None and type(item) not in (list, dict)]
    return value


def _referring(reference: Any, stays: Mapping[int, FunctionType]) -> Any:
    """A weak reference to the function that exists: a newborn one dies, as nobody else holds it."""
    target = stays.get(id(reference()))
    if target is None:
        return reference
    if type(reference) is weakref.KeyedRef:
        return weakref.KeyedRef(target, reference.__callback__, reference.key)
    return type(reference)(target, reference.__callback__)


def _rebind(thing: Any, stays: Mapping[int, FunctionType]) -> None:
    if type(thing) is list:
        thing[:] = [stays.get(id(item), item) for item in thing]
    namespace: dict[Any, Any] = thing if type(thing) is dict else attributes_of(thing) or {}
    for name, item in list(namespace.items()):
        if id(item) in stays and stays[id(item)] is not thing:
            namespace[name] = stays[id(item)]
    for slot in slots_of(type(thing)):
        held_there = next(slot_value(slot, thing), None)
        if id(held_there) in stays:
            slot.__set__(thing, stays[id(held_there)])
    for cell in thing.__closure__ or () if type(thing) is FunctionType else ():
        try:
            if id(cell.cell_contents) in stays:
                cell.cell_contents = stays[id(cell.cell_contents)]
        except ValueError:  # the cell is empty still
            continue


def _fill(where: Place, entries: Sequence[Entry]) -> None:
    for step in where.fill(entries):
        step.do()


def _is_equal(one: object, other: object) -> bool:
    return type(one) is type(other) and isinstance(one, str | int | bytes) and one == other


def _is_of_code(where: Place, entries: Sequence[Entry]) -> bool:
    """True for a set of code objects: it does not take one that is equal to the old one, though not the same."""
    return isinstance(where, SetPlace) and any(type(entry.value) is CodeType for entry in entries)


def _no_line(entry: Entry) -> int:
    return 0


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
