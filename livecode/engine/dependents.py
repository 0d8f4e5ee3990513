"""Which unchanged statements must be executed again, because they read what a push changes.

    config.py    RATE = 1  ──▶ 2                 the push
    pricing.py   from config import RATE          reads config.RATE       → re-run
                 BASE = RATE * 100                reads RATE              → re-run
                 def price(): return BASE         reads it when called    → not re-run

A name is *dirty* if it will be bound to another value. A function is *tainted* if calling it reads a dirty name, and a
decorator is *reshaped* if it makes other functions than before. Dirt spreads to statements that read it while they
are executed, from there to the names that they bind, and along imports to other modules, until nothing is added.
A function or class that is only redefined keeps its identity, so it dirties nobody; of a class, the attributes that
change are dirty, as ``Class.attribute``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from livecode.engine.diff import Diff, diff
from livecode.engine.facts import ModuleFacts, Project, absolute
from livecode.engine.forms import Form, Kind
from livecode.engine.names import Imported


@dataclass
class Spread:
    """What is known so far of one module while the dirt spreads.

    Attributes:
        facts: The module.
        forms: Its forms as they will be after the push.
        runs: Index in `forms` → why that form is executed.
        dirty: Names that get another value.
        tainted: Functions whose call gives another result at import time.
        reshaped: Decorators that make other functions.
    """

    facts: ModuleFacts
    forms: tuple[Form, ...]
    runs: dict[int, str] = field(default_factory=dict)
    dirty: set[str] = field(default_factory=set)
    tainted: set[str] = field(default_factory=set)
    reshaped: set[str] = field(default_factory=set)

    def size(self) -> int:
        """Grows while there is something new to spread."""
        return len(self.runs) + len(self.dirty) + len(self.tainted) + len(self.reshaped)


def spread(diffs: Mapping[str, Diff], edited: Mapping[str, ModuleFacts], project: Project) -> dict[str, Spread]:
    """Every module in which something is executed, with the reason for each form.

    Args:
        diffs: What the push does to each of its loaded modules.
        edited: The same modules as they run now, with the forms of the new source.
        project: The other loaded modules.
    """
    found = {name: _start(diffs[name], facts) for name, facts in edited.items()}
    waiting = list(found)
    while waiting:
        name = waiting.pop(0)
        here = found[name]
        before = here.size()
        _spread_inside(here, found)
        if here.size() == before and not (here.dirty or here.tainted or here.reshaped):
            continue
        for importer in project.importers(name):
            there = found.get(importer) or _untouched(project, importer)
            if there is None:
                continue
            size = there.size()
            _spread_inside(there, found | {importer: there})
            if there.size() > size:
                found[importer] = there
                waiting.append(importer)
    return found


def run_order(found: Mapping[str, Spread]) -> list[str]:
    """The modules in an order in which each comes after those it imports from; cycles keep the order given."""
    if len(found) == 1:
        return list(found)
    order: list[str] = []
    visiting: set[str] = set()

    def visit(name: str) -> None:
        if name in visiting:
            return
        visiting.add(name)
        here = found[name]
        for form in here.forms:
            for item in form.names.imports:
                for target in _targets(here.facts, item):
                    if target in found:
                        visit(target)
        order.append(name)

    for name in found:
        visit(name)
    return order


def _untouched(project: Project, module: str) -> Spread | None:
    facts = project.facts(module)
    return None if facts is None else Spread(facts, facts.forms)


def _start(diff: Diff, facts: ModuleFacts) -> Spread:
    here = Spread(facts, facts.forms)
    new = bool(diff.changed or diff.added)
    index = {id(form): number for number, form in enumerate(facts.forms)} if new else {}
    old_forms = _old_forms(diff) if new else ()
    imported = {item for old in old_forms if old.kind in (Kind.IMPORT, Kind.OTHER) for item in old.names.imports}
    for pair in diff.changed:
        if pair.new.keep:
            continue  # its author wants the value that is there
        here.runs[index[id(pair.new)]] = "changed"
        if pair.new.kind is Kind.IMPORT:
            here.dirty |= {item.bound for item in pair.new.names.imports if item not in imported}
        elif _keeps_identity(pair.old, pair.new):
            here.reshaped.add(pair.new.name)
            here.dirty |= _changed_attributes(pair.old, pair.new)
        else:
            here.dirty |= {*pair.new.names.binds, *pair.old.names.binds}
    for form in diff.added:
        here.runs[index[id(form)]] = "added"
        if form.kind is Kind.IMPORT:
            here.dirty |= {item.bound for item in form.names.imports if item not in imported}
        else:
            here.dirty |= set(form.names.binds)
    for form in diff.removed:
        here.dirty |= set(form.names.binds) - {item.bound for item in form.names.imports}
    for pair in diff.edited:
        here.reshaped |= {
            new.name
            for old, new in pair.leaf_pairs()
            if new.path == (new.name,) and new.name != "<lambda>" and old.nested != new.nested
        }
    _rebind_last(here, diff)
    return here


def _changed_attributes(old: Form, new: Form) -> set[str]:
    """Attributes of a class that will have another value, methods left out."""
    change = diff(old.members, new.members)
    touched = [*change.added, *change.removed, *(form for pair in change.changed for form in (pair.old, pair.new))]
    values = [form for form in touched if form.kind is not Kind.FUNCTION]
    return {f"{new.name}.{name}" for form in values for name in form.names.binds}


def _rebind_last(here: Spread, diff: Diff) -> None:
    """Where several forms bind a name, the last one decides: it runs again if the others, or their order, changed."""
    touched = {name for form in (*diff.removed, *diff.added) for name in form.names.binds}
    touched |= {name for pair in diff.changed for form in (pair.old, pair.new) for name in form.names.binds}
    touched |= _moved_names(diff)
    if not touched:
        return
    last: dict[str, int] = {}
    for number, form in enumerate(here.forms):
        if form.kind is not Kind.IMPORT:
            last.update(dict.fromkeys(form.names.binds, number))
    for name, number in last.items():
        form = here.forms[number]
        if name in touched and number not in here.runs and not isinstance(form.node, ast.For) and not form.keep:
            here.runs[number] = f"binds {name} last"
            if not _keeps_identity(form, form):
                here.dirty.add(name)


def _moved_names(diff: Diff) -> set[str]:
    """Names of which the binding statements stand in another order than before."""
    pairs = sorted((*diff.same, *diff.edited), key=lambda pair: pair.new.start)
    before = [pair.old.start for pair in pairs]
    if before == sorted(before):
        return set()
    order: dict[str, list[int]] = {}
    for pair in pairs:
        for name in pair.new.names.binds if pair.new.kind is not Kind.IMPORT else ():
            order.setdefault(name, []).append(pair.old.start)
    return {name for name, lines in order.items() if lines != sorted(lines)}


def _old_forms(diff: Diff) -> Iterator[Form]:
    for pair in (*diff.same, *diff.edited, *diff.changed):
        yield pair.old
    yield from diff.removed


def _keeps_identity(old: Form, new: Form) -> bool:
    if old.kind is not new.kind or new.kind not in (Kind.FUNCTION, Kind.CLASS):
        return False
    return new.kind is Kind.CLASS or not (_decorated(old) or _decorated(new))


def _decorated(form: Form) -> bool:
    return bool(getattr(form.node, "decorator_list", ()))


def _spread_inside(here: Spread, found: Mapping[str, Spread]) -> None:
    size = -1
    dirt = any(other.dirty or other.tainted or other.reshaped for other in found.values())
    while dirt and here.size() > size:
        size = here.size()
        _taint(here)
        for number, form in enumerate(here.forms):
            _import_dirt(here, form, found)
            if number not in here.runs:
                reason = reason_to_run(here, form, found)
                if reason and not form.keep:
                    here.runs[number] = reason
                    here.dirty |= _dirtied(here, form, found)
        _rebuild_accumulators(here)


def _dirtied(here: Spread, form: Form, found: Mapping[str, Spread]) -> set[str]:
    """The names that get another value because an unchanged form runs again."""
    if form.kind is Kind.CLASS:
        stale = [member for member in form.members if reason_to_run(here, member, found)]
        return {f"{form.name}.{name}" for member in stale for name in member.names.binds}
    return set() if form.kind is Kind.IMPORT or _keeps_identity(form, form) else set(form.names.binds)


def _taint(here: Spread) -> None:
    """Functions that mention a dirty name, or another tainted function, give another result."""
    if not (here.dirty or here.tainted):
        return
    for form in here.forms:
        if form.kind is Kind.FUNCTION and form.name not in here.tainted:
            mentioned = form.shape.mentions
            if not mentioned.isdisjoint(here.dirty) or not mentioned.isdisjoint(here.tainted):
                here.tainted.add(form.name)
        elif form.kind is Kind.VALUE and form.names.reads & here.tainted:
            here.tainted |= set(form.names.binds)  # an alias, a partial: calling it calls the function


def _import_dirt(here: Spread, form: Form, found: Mapping[str, Spread]) -> None:
    """What an import statement brings in is as dirty as it is where it comes from."""
    for item in form.names.imports:
        source = found.get(absolute(here.facts.package, item.module, item.level))
        if source is None or item.name is None:
            continue
        for mine, theirs in (
            (here.dirty, source.dirty),
            (here.tainted, source.tainted),
            (here.reshaped, source.reshaped),
        ):
            if item.name == "*":
                mine |= {name for name in theirs if not name.startswith("_")}
            elif item.name in theirs:
                mine.add(item.bound)
        prefix = f"{item.name}."
        here.dirty |= {item.bound + name[len(item.name) :] for name in source.dirty if name.startswith(prefix)}


def reason_to_run(here: Spread, form: Form, found: Mapping[str, Spread]) -> str:
    """Why an unchanged form (or class member) must be executed again; empty if it need not."""
    names = form.names
    imported = _import_reason(here, form, found)
    if imported or form.kind is Kind.IMPORT:
        return imported
    read = sorted(names.reads & here.dirty)
    if read:
        return f"reads {read[0]}"
    shaped = sorted(names.calls & here.reshaped) if _decorated(form) else []
    if shaped:
        return f"decorated by {shaped[0]}"
    called = sorted(names.calls & here.tainted - here.reshaped) if not _decorated(form) else []
    if called and form.kind is not Kind.FUNCTION:
        return f"calls {called[0]}(), which reads what changed"
    for owner, attribute in sorted(names.attributes):
        if f"{owner}.{attribute}" in here.dirty:
            return f"reads {owner}.{attribute}"
        there = found.get(module_bound_to(here, owner))
        if there is not None and attribute in there.dirty:
            return f"reads {owner}.{attribute}"
        if there is not None and attribute in there.tainted and form.kind is not Kind.FUNCTION:
            return f"calls {owner}.{attribute}(), which reads what changed"
    return ""


def _import_reason(here: Spread, form: Form, found: Mapping[str, Spread]) -> str:
    for item in form.names.imports:
        module = absolute(here.facts.package, item.module, item.level)
        source = found.get(module)
        if source is not None and item.name is not None:
            public = {name for name in source.dirty if not name.startswith("_") and "." not in name}
            if item.name == "*" and "__all__" in source.dirty:
                return f"imports all names from {module}"
            dirty = public if item.name == "*" else source.dirty & {item.name}
            if dirty:
                return f"imports {min(dirty)} from {module}"
    return ""


def module_bound_to(here: Spread, owner: str) -> str:
    """The module that a dotted name of this module may stand for; empty if no import statement binds its beginning.

    `import a.b as c` binds c to a.b, `import a.b` binds a, `from . import c` binds c.
    """
    first, _, rest = owner.partition(".")
    for form in here.forms:
        for item in form.names.imports:
            if item.bound == first:
                whole = _targets(here.facts, item)[-1]
                base = first if item.name is None and item.module.partition(".")[0] == first else whole
                return f"{base}.{rest}" if rest else base
    return ""


def _targets(facts: ModuleFacts, item: Imported) -> list[str]:
    module = absolute(facts.package, item.module, item.level)
    if item.name is None or item.name == "*":
        return [module]
    return [module, f"{module}.{item.name}"]


def _rebuild_accumulators(here: Spread) -> None:
    """Statements that have to run again because a statement that runs again needs the earlier value of a name.

    Either it reads and binds the name itself (`T += 1`), or the name is gone by now (`del setup`).
    """
    deleted = {name for form in here.forms if isinstance(form.node, ast.Delete) for name in form.names.binds}
    for number in list(here.runs):
        form = here.forms[number]
        needed = form.names.reads & deleted
        if form.kind not in (Kind.FUNCTION, Kind.CLASS):
            needed |= form.names.updates
        for earlier, other in enumerate(here.forms if needed else ()):
            if earlier not in here.runs and needed & set(other.names.binds):
                here.runs[earlier] = f"binds {min(needed & set(other.names.binds))}, which is needed again"
