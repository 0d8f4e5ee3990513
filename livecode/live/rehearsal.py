"""Executes one statement to see what it registers; that is taken out again, and noted (`livecode.live.registrations`).

Lists and frameworks keep the old entries meanwhile, so that a request finds the old route or the new one, never none.
Only a registry that does not take a function twice has the old one taken out first.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from types import CodeType
from typing import Any

from livecode.engine.planned import ModulePlan
from livecode.engine.prepare import PreparedRun
from livecode.engine.refusals import refusal
from livecode.live.decorators import roots_of
from livecode.live.newborn import Holding, Newborn, codes_of_run, former_of
from livecode.live.places import NO_KEY, DictPlace, Entry, NamesPlace, Place, SetPlace, fill, is_same
from livecode.live.reach import Owner, Reach, reach
from livecode.live.reconcile import Delta, difference
from livecode.live.registrations import Registrations, entry_line
from livecode.model.report import Refusal


class UnknownRegistrationError(RuntimeError):
    """A decorator did something that cannot be taken back; `refusal` says which."""

    def __init__(self, said: Refusal) -> None:
        super().__init__(said.what)
        self.refusal = said


class Rehearsal:
    """One statement that is executed to see what it registers.

    Args:
        target: Where that is noted.
        prepared: The statement.
        plan: Of its module.
        filename: Of the module's code.
        scope: What the statement is executed in (`livecode.live.execute.Scope`).
    """

    def __init__(
        self, target: Registrations, prepared: PreparedRun, plan: ModulePlan, filename: str, scope: Any
    ) -> None:
        run = prepared.run
        self._target, self._prepared, self._plan, self._filename, self._scope = target, prepared, plan, filename, scope
        codes = frozenset(map(id, codes_of_run(prepared)))
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
        found = reach(roots_of(forms, namespace, without=made_now), self._former)
        own = frozenset(self._prepared.run.form.names.binds)
        for number, where in enumerate(found.places):
            if isinstance(where, NamesPlace) and where.thing is self._scope.namespace and where.names is not None:
                found.places[number] = NamesPlace(where.thing, where.names - own)
        return found

    def run(self, execute: Callable[[], object]) -> None:
        """Executes the statement, and once more if a registry did not take the function beside the old one.

        Args:
            execute: Does it.

        Raises:
            UnknownRegistrationError: It changed something that tells nothing of what it had changed before.
        """
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
                fill(where, [entry for entry in entries if not old(entry)])
        try:
            with ExitStack() as stack:
                for owner in self._reach.owners:
                    stack.enter_context(owner.adapter.opened(owner.thing))
                execute()
            return [where.read() for where, _, _ in before]
        finally:
            for where, _, entries in before:
                if not is_same(where.read(), entries):
                    fill(where, entries)

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

    def _holding_old(self, owner: Owner | None) -> Holding:
        return Holding(self._former, owner, frozenset(self._reach.seen))

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
                line = partial(entry_line, filename=self._filename, owner=owner, plan=plan, fresh=self._target.fresh)
                self._target.note(where, owner, self._filename, Delta(old, added, dropped, in_front, line))

    def _is_new(self, entry: Entry, owner: Owner | None) -> bool:
        return Holding(self._newborn, owner)(entry)

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
        names = " and ".join("@" + text for text, _ in form.shape.decorators)
        name = f"{entry.key!r}" if entry.key is not NO_KEY else f"{entry.value!r}"[:60]
        what = f"{names} on {form.label()} changed more than a registry ({name}), and that cannot be told apart"
        raise UnknownRegistrationError(refusal("LC104", what, module=self._plan.module, line=run.form.start))


def _is_equal(one: object, other: object) -> bool:
    return type(one) is type(other) and isinstance(one, str | int | bytes) and one == other


def _is_of_code(where: Place, entries: Sequence[Entry]) -> bool:
    """True for a set of code objects: it does not take one that is equal to the old one, though not the same."""
    return isinstance(where, SetPlace) and any(type(entry.value) is CodeType for entry in entries)
