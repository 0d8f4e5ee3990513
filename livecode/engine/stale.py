"""What functions made whose bodies were edited: it is kept, and said to be of the old make.

    def build(): …        edited
    MODEL = build()       kept: nobody's model is computed again because a line of build() changed
                          reported as stale, with the way to make it again

What a function computes is its code, and its author decides when what it made is made again. A value that it reads is
another matter: who is made from a value that changed is made again (`livecode.engine.dependents`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from livecode.engine.bodies import dotted
from livecode.engine.definitions import decorated, keeps_identity
from livecode.engine.diff import Diff, Pair, diff
from livecode.engine.facts import ClassKind, ModuleFacts, Project, absolute, import_targets
from livecode.engine.forms import Form, Kind
from livecode.engine.reach import Places, Reach, called_by
from livecode.engine.spread import Spread
from livecode.model.report import Change, ChangeKind

MADE_FROM_FIELDS = frozenset({ClassKind.DATACLASS, ClassKind.NAMED_TUPLE, ClassKind.REBUILT})


def old_makes(
    found: Mapping[str, Spread], diffs: Mapping[str, Diff], project: Project
) -> dict[str, tuple[Change, ...]]:
    """Module → what the report says of values of the old make.

    Args:
        found: What is executed.
        diffs: What the push does to each of its modules.
        project: The other modules.
    """
    edited = {name: set(_edited(change, found[name].facts)) for name, change in diffs.items()}
    reaches = {name: _reach(found[name].forms, paths) for name, paths in edited.items() if paths}
    waiting = list(reaches)
    while waiting:
        name = waiting.pop()
        for importer in project.importers(name):
            facts = found[importer].facts if importer in found else project.facts(importer)
            if facts is None:
                continue
            there = reaches.get(importer) or Reach(Places(facts.forms))
            size = len(there.tainted)
            _import(facts, there, name, reaches[name])
            if len(there.tainted) > size:
                reaches[importer] = there
                waiting.append(importer)
    told = {name: tuple(_told(name, now, found.get(name))) for name, now in reaches.items()}
    shared = {name: _shared(name, here) for name, here in found.items()}
    return {
        name: both for name in dict.fromkeys([*told, *shared]) if (both := (*told.get(name, ()), *shared.get(name, ())))
    }


def _reach(forms: Sequence[Form], paths: set[str]) -> Reach:
    now = Reach(Places(forms))
    now.taint(paths)
    return now


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


def _import(facts: ModuleFacts, there: Reach, module: str, source: Reach) -> None:
    """Takes over what is tainted elsewhere, under the names that the module has for it."""
    for form in facts.forms:
        for item in form.names.imports:
            if module not in import_targets(facts, item):
                continue
            if item.name == "*":
                there.taint(source.tainted)
            elif item.name is not None and absolute(facts.package, item.module, item.level) == module:
                first = {path for path in source.tainted if path.partition(".")[0] == item.name}
                there.taint(item.bound + path[len(item.name) :] for path in first)
            elif len(source.tainted) < 1000:
                prefix = item.bound if item.name or item.bound != item.module.split(".")[0] else module
                there.taint(f"{prefix}.{path}" for path in source.tainted if path.count(".") < 2)


def _told(module: str, now: Reach, here: Spread | None) -> Iterator[Change]:
    for number, form in enumerate(now.places.forms):
        if now.words.isdisjoint(form.shape.words) or form.kind is Kind.IMPORT:
            continue
        if here is not None and number in here.runs:
            continue
        if (form.kind in (Kind.FUNCTION, Kind.CLASS) and not decorated(form)) or not form.names.binds:
            continue
        if here is not None and not here.reshaped.isdisjoint(form.names.calls):
            continue
        maker = called_by(now, form)
        if maker:
            yield Change(
                ChangeKind.STALE,
                form.label(),
                f"was made by {maker}() as it was before{_way(module, form)}",
                form.start,
            )


def _way(module: str, form: Form) -> str:
    return f": %hotpush {module} --rerun {form.names.binds[0]} makes it again"


def _shared(module: str, here: Spread) -> tuple[Change, ...]:
    if not here.shared:
        return ()
    detail = "is filled by other code too, so what the old statement did to it stays"
    lines = {name: form.start for form in here.forms for name in form.names.binds}
    return tuple(
        Change(ChangeKind.STALE, name, detail, lines.get(name, 0)) for name in sorted(here.shared) if name in lines
    )
