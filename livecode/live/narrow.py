"""Finds the part of a refused push that can be applied: what is refused is put back, until nothing is refused.

    refusals ──▶ modules that cannot be changed at all are left out
             ──▶ statements that are refused get their old text back, with what needs them
             ──▶ what is left is planned again

Every step takes at least one statement or module out of the push, so it ends. Planning touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from livecode.engine.forms import Form, parse
from livecode.engine.refusals import refusal
from livecode.engine.safe_part import Edit, Version, orphans, refused, without
from livecode.live.running import package_of
from livecode.live.transaction import Transaction
from livecode.model.nouns import ModuleSource, Push
from livecode.model.report import ChangeKind, Outcome, Refusal, Verdict

if TYPE_CHECKING:
    from livecode.live.process import Process

MAX_TRIALS = 40
"""Edits that are planned one by one where a refusal does not say which of them it comes from."""

WHOLE_MODULE = frozenset({"LC2", "LC4", "LC5"})
"""Native code, drift, what the module is: there is no statement to leave out."""

COUNTED = frozenset({ChangeKind.ADDED, ChangeKind.CHANGED, ChangeKind.REMOVED})


@dataclass
class Narrowed:
    """What is left of a push.

    Attributes:
        push: The part of it that can be applied; without modules if there is none.
        left_out: What is not in it, and why.
        changes: How many changes it makes.
    """

    push: Push
    left_out: list[Refusal] = field(default_factory=list)
    changes: int = 0


class Narrowing:
    """The search for the safe part of one push.

    Args:
        process: The process, which is locked.
        push: It was refused.
    """

    def __init__(self, process: Process, push: Push) -> None:
        self._process = process
        self._wished: dict[str, tuple[Form, ...]] = {}
        self._found = Narrowed(push)

    def run(self, outcome: Outcome) -> Narrowed:
        """What is left when nothing is refused any more.

        Args:
            outcome: Of the whole push.
        """
        found = self._found
        while outcome.verdict is Verdict.REFUSED and found.push.modules:
            found.push = self._smaller(outcome.refusals)
            outcome = self._try(found.push) if found.push.modules else outcome
        if outcome.verdict is not Verdict.READY:
            found.push = replace(found.push, modules=())
        found.changes = sum(change.kind in COUNTED for module in outcome.modules for change in module.changes)
        return found

    def _try(self, push: Push) -> Outcome:
        return Transaction(self._process, push).run(dry_run=True)

    def _smaller(self, refusals: Sequence[Refusal]) -> Push:
        """The push without what these refusals are about."""
        versions = self._versions()
        edits = {name: refused(name, version.edits(), refusals) for name, version in versions.items()}
        whole = {item.module for item in refusals if item.code[:3] in WHOLE_MODULE}
        whole &= set(self._found.push.names) - {name for name, about in edits.items() if about}
        if whole:
            self._found.left_out += [item for item in refusals if item.module in whole]
            return self._keeping(item for item in self._found.push.modules if item.module not in whole)
        if not any(edits.values()):
            edits = self._by_trial(versions)
        self._found.left_out += [self._as_wished(item) for item in refusals]
        return self._without(versions, edits) if any(edits.values()) else replace(self._found.push, modules=())

    def _without(self, versions: dict[str, Version], edits: dict[str, tuple[Edit, ...]]) -> Push:
        """The push without these edits, and without what cannot stand without them."""
        push = self._found.push
        while any(edits.values()):
            push = self._found.push = self._compose(versions, edits)
            versions = self._versions()
            edits = orphans(versions, self._wished)
            self._found.left_out += [
                self._as_wished(_with_it(name, edit)) for name, about in edits.items() for edit in about
            ]
        return push

    def _compose(self, versions: dict[str, Version], edits: dict[str, tuple[Edit, ...]]) -> Push:
        made = []
        for item in self._found.push.modules:
            about = edits.get(item.module, ())
            if about and item.source is not None:
                old = self._process.source(item.module) or ""
                item = replace(item, source=without(old, item.source, versions[item.module], about))
            made.append(item)
        return self._keeping(made)

    def _keeping(self, items: Iterable[ModuleSource]) -> Push:
        """The push of these modules, as far as they differ from what runs."""
        kept = [item for item in items if item.source is None or item.source != self._process.source(item.module)]
        return replace(self._found.push, modules=tuple(kept))

    def _by_trial(self, versions: dict[str, Version]) -> dict[str, tuple[Edit, ...]]:
        """The edits that are refused even if each is the only one; all of them if that does not tell."""
        edits = {name: version.edits() for name, version in versions.items()}
        refused_alone: dict[str, tuple[Edit, ...]] = {}
        for name, edit in [(name, edit) for name, about in edits.items() for edit in about][:MAX_TRIALS]:
            others = {each: tuple(e for e in about if e is not edit) for each, about in edits.items()}
            alone = self._compose(versions, others)
            if alone.modules and self._try(alone).verdict is not Verdict.READY:
                refused_alone[name] = (*refused_alone.get(name, ()), edit)
        return refused_alone or edits

    def _versions(self) -> dict[str, Version]:
        found = {}
        for item in self._found.push.modules:
            running = self._process.known(item.module)
            if item.source is not None and running is not None and running.module is not None:
                forms = parse(item.source)
                self._wished.setdefault(item.module, forms)
                found[item.module] = Version(package_of(running.module), running.forms, forms)
        return found

    def _as_wished(self, item: Refusal) -> Refusal:
        """The refusal with the line that its statement has in the source that was pushed."""
        wished = self._wished.get(item.module, ())
        now = next((form for form in self._now(item.module) if form.start <= item.line <= form.end), None)
        there = next((form for form in wished if now is not None and form.text == now.text), None)
        return item if now is None or there is None else replace(item, line=item.line - now.start + there.start)

    def _now(self, module: str) -> tuple[Form, ...]:
        source = next((item.source for item in self._found.push.modules if item.module == module), None)
        return parse(source) if source is not None else ()


def _with_it(module: str, edit: Edit) -> Refusal:
    what = f"{edit.form.label()} goes with what is left out"
    if edit.new is None:
        return refusal("LC108", what, module=module, old_line=edit.form.start)
    return refusal("LC108", what, module=module, line=edit.new.start)
