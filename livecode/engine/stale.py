"""What functions made whose bodies were edited: it is kept, and said to be of the old make.

    def build(): …        edited
    MODEL = build()       kept: nobody's model is computed again because a line of build() changed
                          reported as stale, with the way to make it again

What a function computes is its code, and its author decides when what it made is made again. A value that it reads is
another matter: who is made from a value that changed is made again (`livecode.engine.dependents`).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from livecode.engine.bodies import called_at_once, dotted
from livecode.engine.definitions import decorated, keeps_identity
from livecode.engine.diff import Diff, Pair, diff
from livecode.engine.facts import ClassKind, ModuleFacts, OldMake, Project, absolute
from livecode.engine.forms import Form, Kind
from livecode.engine.given import calls_given
from livecode.engine.outline import Outline, importing, outlines
from livecode.engine.reach import Places, Reach, called_by
from livecode.engine.reading import Reading
from livecode.engine.spread import Spread
from livecode.model.report import Change, ChangeKind

MADE_FROM_FIELDS = frozenset({ClassKind.DATACLASS, ClassKind.NAMED_TUPLE, ClassKind.REBUILT})


@dataclass(frozen=True, slots=True)
class Told:
    """What a push says of the values of one module that are not made again.

    Attributes:
        changes: For the report.
        left: All values that are of an old make then, by the first name that their statement binds.
    """

    changes: tuple[Change, ...]
    left: Mapping[str, OldMake]


Path = tuple[str, str]
"""Module and qualified name of a function."""

AT_ONCE = "<lambda>"
"""The maker of a value whose own statement gives a lambda to what calls it at once."""

MAX_TRACED = 50
"""Edited functions in one push up to which it is found out which of them made a value; of more, all may have."""


@dataclass(frozen=True, slots=True)
class Edits:
    """The functions that their author edited.

    Attributes:
        edited: Those functions.
        reached: Module → what is reached in it by them.
    """

    edited: Sequence[Path]
    reached: Mapping[str, Reach]


def edits_of(found: Mapping[str, Spread], diffs: Mapping[str, Diff], project: Project) -> Edits:
    """What a push edits, and whom that reaches."""
    edited = [(name, path) for name, change in diffs.items() for path in _edited(change, found[name].facts)]
    edited = list(dict.fromkeys(edited))
    return Edits(edited, _reached(edited, found, project))


def old_makes(found: Mapping[str, Spread], edits: Edits, project: Project) -> dict[str, Told]:
    """Module → what is said of its values, where something is.

    An edit that makes the maker again what it was when it made the value, as an undo does, ends it.

    Args:
        found: What is executed.
        edits: What the push edits.
        project: The other modules.
    """
    makers = _Makers(edits.edited, found, project, edits.reached)
    return {name: told for name in makers.modules() if (told := _told(name, makers)) is not None}


class _Makers:
    """The functions that a push edits, and the values that they made.

    Args:
        edited: Those functions.
        found: What is executed.
        project: The other modules.
        reached: What they reach.
    """

    def __init__(
        self,
        edited: Sequence[Path],
        found: Mapping[str, Spread],
        project: Project,
        reached: Mapping[str, Reach],
    ) -> None:
        self.found, self._project, self._edited = found, project, edited
        self._old = _old_in(reached, found)
        self._alone: dict[Path, dict[str, dict[Form, str]]] = {}

    def modules(self) -> list[str]:
        """Those that have such values, or in which something is executed."""
        return list(dict.fromkeys([*self._old, *self.found]))

    def old(self, module: str) -> Mapping[Form, str]:
        """Statement → which of the edited functions it called, for those that are not executed again."""
        return self._old.get(module, {})

    def name(self, module: str, form: Form) -> str:
        """Under which name the value of a statement is known."""
        return first_made(form, self._forms_then(module))

    def known(self, module: str) -> Mapping[str, OldMake]:
        """The values that are of an old make already."""
        facts = self._project.facts(module)
        return facts.old_makes if facts is not None else {}

    def left(self, module: str, form: Form, maker: str) -> OldMake | None:
        """What a value was made by that says something else now; None if all of that is as it was then."""
        earlier = self.known(module).get(self.name(module, form))
        by = {path: said(self._forms(path[0]), path[1]) for path in self._reaching(module, form)}
        by.update(earlier.by if earlier is not None else {})
        by = {path: then for path, then in by.items() if said(self._forms_then(path[0]), path[1]) != then}
        return OldMake(maker, by) if by else None

    def _reaching(self, module: str, form: Form) -> Sequence[Path]:
        """The edited functions that made the value of a statement."""
        if not 1 < len(self._edited) <= MAX_TRACED:
            return self._edited
        for path in self._edited:
            if path not in self._alone:
                self._alone[path] = self._old_of([path])
        return [path for path in self._edited if form in self._alone[path].get(module, {})]

    def _forms(self, module: str) -> Sequence[Form]:
        facts = self._project.facts(module)
        return facts.forms if facts is not None else ()

    def _forms_then(self, module: str) -> Sequence[Form]:
        return self.found[module].forms if module in self.found else self._forms(module)

    def _old_of(self, edited: Sequence[Path]) -> dict[str, dict[Form, str]]:
        return _old_in(_reached(edited, self.found, self._project), self.found)


def _old_in(reached: Mapping[str, Reach], found: Mapping[str, Spread]) -> dict[str, dict[Form, str]]:
    return {name: dict(_old(now, found.get(name))) for name, now in reached.items()}


def first_made(form: Form, forms: Sequence[Form]) -> str:
    """The name of what a statement made: the first that it binds, or that what it calls sets by `global`."""
    if form.names.binds:
        return form.names.binds[0]
    bodies = (body for each in forms for path, body in each.shape.bodies if path in form.names.calls)
    return min((name for body in bodies for name in body.assigns), default="")


def said(forms: Sequence[Form], path: str) -> str:
    """What a function of a source says, or the class or statement that makes it: the same for the same trees."""
    reading, name = Reading(), path.partition(".")[0]
    for form in forms:
        if name in form.names.binds:
            leaves: list[ast.AST] = [leaf.node for leaf in form.leaves if ".".join(leaf.path) == path]
            reading.read(leaves or list(form.nodes))
    return reading.digest()


def _told(module: str, makers: _Makers) -> Told | None:
    here, known = makers.found.get(module), makers.known(module)
    left = dict(known) if here is None else {name: known[name] for name in known if _is_kept(name, here)}
    changes = []
    for form, maker in makers.old(module).items():
        make, name = makers.left(module, form, maker), makers.name(module, form)
        left.pop(name, None)
        if make is not None:
            left[name] = make
            what = f"was made by {maker}() as it was before"
            label = form.label() if form.names.binds else name
            changes.append(Change(ChangeKind.STALE, label, what, form.start, f"{module}.{name}"))
    changes += _shared(here) if here is not None else ()
    return Told(tuple(changes), left) if changes or left != known else None


def _is_kept(name: str, here: Spread) -> bool:
    """True for a name that is still bound, and not bound anew."""
    makers = [
        number for number, f in enumerate(here.forms) if name in f.names.binds or first_made(f, here.forms) == name
    ]
    return bool(makers) and here.runs.keys().isdisjoint(makers)


def _reached(edited: Sequence[Path], found: Mapping[str, Spread], project: Project) -> dict[str, Reach]:
    """Module → what is reached in it by functions that compute something else now."""
    reaches: dict[str, Reach] = {}
    for name, path in edited:
        if name not in reaches:
            reaches[name] = _nothing_yet(found[name].facts, project)
        reaches[name].taint((path,))
    to_come = outlines((name, here.facts.package, here.forms) for name, here in found.items())
    waiting = dict.fromkeys(reaches)
    while waiting:
        name = next(iter(waiting))
        del waiting[name]
        for importer in dict.fromkeys((*project.makers(name, reaches[name].words), *importing(to_come, name))):
            outline = to_come.get(importer) or project.outline(importer)
            if outline is None:
                continue
            facts = found[importer].facts if importer in found else project.facts(importer)
            if facts is None:
                continue
            there = reaches.get(importer) or _nothing_yet(facts, project)
            size = len(there.tainted)
            _import(outline, there, name, reaches[name])
            if len(there.tainted) > size:
                reaches[importer] = there
                waiting[importer] = None
    return reaches


def _nothing_yet(facts: ModuleFacts, project: Project) -> Reach:
    return Reach(Places(facts.forms, partial(calls_given, facts=facts, project=project), facts.enums))


def _edited(change: Diff, facts: ModuleFacts) -> Iterator[str]:
    """Functions and methods that compute something else because their author edited them."""
    for pair in change.edited:
        yield from _edited_bodies(pair)
    for pair in change.changed:
        if pair.new.kind is Kind.CLASS and keeps_identity(pair.old, pair.new):
            yield from _edited_class(pair, facts)
        elif keeps_identity(pair.old, pair.new):
            yield pair.new.name


def _edited_bodies(pair: Pair) -> Iterator[str]:
    differing: Sequence[bool] = pair.differing
    if any(leaf.nested for both in pair.leaf_pairs for leaf in both):
        own = zip(pair.old.shape.own_bodies, pair.new.shape.own_bodies, strict=True)
        differing = [old != new for old, new in own]
    for differs, (_, leaf) in zip(differing, pair.leaf_pairs, strict=True):
        if differs and leaf.name == AT_ONCE and called_at_once(pair.new.nodes):
            yield from (f"{name}.{AT_ONCE}" for name in pair.new.names.binds)
        if differs:
            yield from pair.new.names.binds if leaf.name == "<lambda>" else (".".join(leaf.path),)


def _edited_class(pair: Pair, facts: ModuleFacts) -> Iterator[str]:
    change = diff(pair.old.members, pair.new.members)
    name = ".".join((*pair.new.scope, pair.new.name))
    for inner in change.edited:
        yield from _edited_bodies(inner)
    touched = [*change.added, *change.removed, *(each for p in change.changed for each in (p.old, p.new))]
    for form in touched:
        if form.kind is Kind.FUNCTION:
            yield f"{name}.{form.name}"
        elif form.names.binds and facts.classes.get(name) in MADE_FROM_FIELDS:
            yield f"{name}.__init__"
    bases = [[dotted(base) for base in getattr(form.node, "bases", ())] for form in (pair.old, pair.new)]
    if bases[0] != bases[1]:
        yield f"{name}.__init__"


def _import(outline: Outline, there: Reach, module: str, source: Reach) -> None:
    """Takes over what is tainted elsewhere, under the names that the module has for it."""
    for item in outline.imports.get(module, ()):
        if item.name == "*":
            there.taint(source.tainted)
        elif item.name is not None and absolute(outline.package, item.module, item.level) == module:
            first = {path for path in source.tainted if path.partition(".")[0] == item.name}
            there.taint(item.bound + path[len(item.name) :] for path in first)
        elif len(source.tainted) < 1000:
            prefix = item.bound if item.name or item.bound != item.module.split(".")[0] else module
            there.taint(f"{prefix}.{path}" for path in source.tainted if path.count(".") < 2)


def _old(now: Reach, here: Spread | None) -> Iterator[tuple[Form, str]]:
    """The statements that are not executed although what they called computes something else, and what that was."""
    for number, form in enumerate(now.places.forms):
        if now.words.isdisjoint(form.shape.words) or form.kind is Kind.IMPORT:
            continue
        if here is not None and number in here.runs:
            continue
        if form.kind is Kind.FUNCTION and not decorated(form):
            continue
        if form.kind is Kind.CLASS and not decorated(form):
            if maker := _maker_in_class(now, form):
                yield form, maker
            continue
        if here is not None and not here.reshaped.isdisjoint(form.names.calls):
            continue
        maker = called_by(now, form)
        if not maker and form.names.binds and f"{form.names.binds[0]}.{AT_ONCE}" in now.tainted:
            maker = AT_ONCE
        if maker and first_made(form, now.places.forms):
            yield form, maker


def _maker_in_class(now: Reach, form: Form) -> str:
    """What made a value in the body of a class, or what its bases, its metaclass, an enum's own methods made of it."""
    made = [called_by(now, member) for member in form.members if member.kind is Kind.VALUE]
    hooks = called_by(now, form)
    return hooks if hooks in now.places.makers(form) else next((maker for maker in made if maker), "")


def _shared(here: Spread) -> tuple[Change, ...]:
    if not here.shared:
        return ()
    detail = "is filled by other code too, so what the old statement did to it stays"
    values = [form for form in here.forms if form.kind not in (Kind.FUNCTION, Kind.CLASS, Kind.IMPORT)]
    lines = {name: form.start for form in values for name in form.names.binds}
    return tuple(
        Change(ChangeKind.STALE, name, detail, lines.get(name, 0)) for name in sorted(here.shared) if name in lines
    )
