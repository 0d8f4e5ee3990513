"""The walk through one module, in order, that finds what must be executed again (`livecode.engine.dependents`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property, partial

from livecode.engine.annotating import REREAD, Readers, asks
from livecode.engine.bodies import Inside, dotted
from livecode.engine.definitions import (
    annotated_with,
    changed_attributes,
    decorated,
    keeps_identity,
    other_fields,
    redefines,
)
from livecode.engine.diff import Diff, Pair
from livecode.engine.exports import exported, fills
from livecode.engine.facts import ClassKind, ModuleFacts, Project, absolute, import_targets
from livecode.engine.forms import Form, Kind
from livecode.engine.given import calls_given
from livecode.engine.history import Event, History, reordered
from livecode.engine.names import Imported
from livecode.engine.reach import Places, Reach, called_by, reason_to_run
from livecode.engine.spread import Spread
from livecode.engine.welcome import given_by, reads_any

LOOKED_AT = frozenset({ClassKind.ENUM})
"""Classes that are values themselves: their members are iterated over and looked up."""


BUILT = frozenset({ClassKind.DATACLASS, ClassKind.NAMED_TUPLE, ClassKind.REBUILT, ClassKind.MODEL})
"""Classes whose `__init__` is made from the values in their body."""


BUILT_FROM_OTHERS = frozenset({ClassKind.DATACLASS, ClassKind.REBUILT, ClassKind.MODEL})
"""Classes that take over the fields of their bases when they are built; libraries also look at annotations then."""


REMADE = frozenset({ClassKind.ENUM, ClassKind.BUILT})
"""Classes that are built anew if what builds them reads something that changed: their own methods, their metaclass."""


MAX_DOTS = 2
"""Modules that import each other see their names through each other, without end: this deep they are followed."""


class Walk:
    """Goes through one module in order, again and again while more is known.

    Args:
        facts: The module, with the forms to come.
        change: What the push does to it, None if it is not in the push.
        project: The other modules.
        again: Names to be made again.
    """

    def __init__(
        self, facts: ModuleFacts, change: Diff | None, project: Project, again: frozenset[str] | None = None
    ) -> None:
        self._change, self._project = change, project
        self._places = Places(facts.forms, partial(calls_given, facts=facts, project=project), facts.enums)
        self._own = _own_edits(change)
        self.here = Spread(facts, facts.forms)
        self._turned = set[str]()  # names that come from modules in which annotations turn
        self._came: set[str] = set()  # by star imports, that they did not bring before
        self._stirred = bool(again)
        if change is not None:
            self.here.reordered = reordered(change)
            self._stirred |= bool(change.changed or change.added or change.removed or self.here.reordered)
            self._begin(change)
        if self._stirred and change is not None:
            self.here.old = _old_forms(change)
            bound = {name for form in facts.forms for name in form.names.binds}
            self.here.gone = frozenset({name for form in self.here.old for name in form.names.binds} - bound)
        else:
            self.here.old = facts.forms
        for number, form in enumerate(facts.forms if again else ()):
            if again and not again.isdisjoint(self._made_by(form)):
                self.here.runs[number] = "asked for"

    def _made_by(self, form: Form) -> set[str]:
        """The names that executing a form makes anew: values, and what the functions that it calls set by `global`."""
        return {
            *(() if redefines(form) else form.names.binds),
            *(n for body in self._called(form) for n in body.assigns),
        }

    @cached_property
    def _imported(self) -> set[Imported]:
        return {item for form in self.here.old for item in form.names.imports}

    @cached_property
    def _history(self) -> History:
        change = self._change if self._stirred else None
        return History(self.here.old, self.here.forms, change, self._brings, moved=self.here.reordered)

    def go(self, walks: Mapping[str, Walk]) -> bool:
        """True if more is known than before."""
        before = self.here.size()
        if not self._stirred and not any(walk.here.exports() for walk in walks.values()):
            return False  # bodies changed, or nothing
        size = -1
        while self._size() > size:
            size = self._size()
            self._pass(walks)
            self._makers()
        return self.here.size() > before

    def _size(self) -> int:
        return self.here.size() + len(self.here.refilled)

    def _begin(self, change: Diff) -> None:
        new = change.changed or change.added
        index = {id(form): number for number, form in enumerate(self.here.forms)} if new else {}
        for pair in change.changed:
            if not pair.new.keep:
                self.here.runs[index[id(pair.new)]] = "changed"
        for form in change.added:
            self.here.runs[index[id(form)]] = "added"
        for pair in change.edited:
            self.here.reshaped |= {
                new.name
                for old, new in pair.leaf_pairs
                if new.path == (new.name,) and new.name != "<lambda>" and old.nested != new.nested
            }
        self.here.reshaped |= {
            pair.new.name for pair in change.changed if keeps_identity(pair.old, pair.new) and not pair.new.keep
        }
        if change.turned:
            self.here.turned = True
            self._turn()

    def _turn(self) -> None:
        """All annotations become text, or values again: who reads them runs again."""
        readers = Readers(self.here.facts, self._project)
        for number, form in enumerate(self.here.forms):
            if form.keep:
                continue
            if readers.has_to_run(form):
                self.here.runs.setdefault(number, REREAD)
                if form.kind is Kind.CLASS:
                    self.here.rebuilt.add(number)
            elif again := [member for member in form.members if readers.has_to_run(member)]:
                self.here.runs.setdefault(number, REREAD)
                self.here.reread |= {id(member.shape) for member in again}

    def _pass(self, walks: Mapping[str, Walk]) -> None:
        """Once through the forms, in order."""
        here, now = self.here, Reach(self._places)
        now.dirty(name for name in here.gone if name in self._history.doubtful)
        now.dirty(self._left.get(-1, ()))
        for number, form in enumerate(here.forms):
            if form.kind is Kind.IMPORT:
                now.clean(form.names.surely)
            brought = self._import_dirt(form, now, walks)
            then = self._as_found(number, form, now)
            if number not in here.runs and not form.keep:
                reason = brought or reason_to_run(then, form) or _reshapes(here, form)
                reason = reason or self._built_from(number, form, then) or self._rereads(form)
                if reason:
                    here.runs[number] = reason
            if number in here.runs and self._is_made_otherwise(form, then):
                here.rebuilt.add(number)
            if form.kind is Kind.CLASS and number in here.runs:
                here.seen[number] = then.copy()
            if form.kind is not Kind.IMPORT:
                now.clean(form.names.surely - form.names.reads)
            if number in here.runs:
                self._mark(form, here.runs[number], now, then)
            if number in here.rebuilt:
                now.dirty(f"{form.name}.{what}" for what in ("!*?" if self._kind(form) in REMADE else "!"))
            now.dirty(self._left.get(number, ()))
        now.dirty(name for name in self._history.doubtful if self._history.ends_differently(name))
        here.dirty |= now.dirt
        here.tainted |= now.tainted

    def _is_made_otherwise(self, form: Form, now: Reach) -> bool:
        """True for an enum or a class of a metaclass, if what makes it gives another result."""
        return self._kind(form) in REMADE and called_by(now, form) in self._places.makers(form)

    def _as_found(self, number: int, form: Form, now: Reach) -> Reach:
        """What is dirty for this form: also the names that other statements have made by now than before."""
        if not self._history.doubtful or form.kind is Kind.IMPORT:
            return now
        only_filled = form.names.touches - form.names.whole
        other = [name for name in self._history.doubtful - only_filled if self._history.differs(name, number)]
        if not other:
            return now
        then = now.copy()
        then.dirty(other)
        return then

    def _called(self, form: Form) -> list[Inside]:
        """The bodies of what executing a form calls by name; a class calls the `__init_subclass__` of its bases."""
        bases = map(dotted, getattr(form.node, "bases", ()) if form.kind is Kind.CLASS else ())
        names = (*form.names.calls, *(f"{base}.__init_subclass__" for base in bases))
        return [body for name in names for body in self._bodies(name)]

    def _filled_by(self, form: Form) -> set[str]:
        """The containers of the module that what a form calls has filled."""
        held = self._places.containers()
        return {f"{name}.*" for body in self._called(form) for name in body.changes if name in held}

    @cached_property
    def _left(self) -> dict[int, set[str]]:
        """Index of a form → what statements after it filled that are gone; -1 where there was none before."""
        change = self._change
        found: dict[int, set[str]] = {}
        if change is None or not (change.removed or change.changed):
            return found
        index = {id(form): number for number, form in enumerate(self.here.forms)}
        kept = {id(pair.old): index[id(pair.new)] for pair in (*change.same, *change.edited)}
        again = {id(pair.old): index[id(pair.new)] for pair in change.changed}
        place = -1
        for form in self.here.old:
            place = kept.get(id(form), again.get(id(form), place))
            if id(form) not in kept:
                found.setdefault(place, set()).update(self._filled_by(form))
        return found

    def _mark(self, form: Form, why: str, now: Reach, then: Reach) -> None:
        """What is dirty, and what is tainted, when a form has been executed."""
        pair = self._own.get(id(form))
        names = form.names
        now.dirty(f"{name}.*" for name in names.touches)
        now.dirty(f"{name}.{key}" for name, key, is_attribute in names.parts if is_attribute)
        now.dirty(name for body in self._called(form) for name in body.assigns)
        now.dirty(self._filled_by(form))
        if form.kind is Kind.IMPORT:
            now.dirty(item.bound for item in names.imports if why in ("changed", "added") and self._is_new(item))
        elif pair is not None and keeps_identity(pair.old, pair.new):
            now.dirty(changed := changed_attributes(pair))
            values = {path.rpartition(".")[2] for path in changed}
            if reads_any(form, values, self.here.facts, self._project):
                now.dirty(f"{form.name}.{name}" for name in given_by(form, self.here.facts, self._project))
            if self._kind(form) in BUILT_FROM_OTHERS and other_fields(pair):
                now.dirty([f"{form.name}.!"])
            if self._kind(form) in LOOKED_AT:
                now.dirty([f"{form.name}.*"])
        elif why in ("changed", "added"):
            now.dirty(names.binds)
        elif form.kind is Kind.CLASS:
            self._mark_class(form, now, then)
        elif keeps_identity(form, form):
            now.taint(names.binds)
        elif not why.startswith("makes"):
            now.dirty(name for name in names.binds if name not in self.here.refilled)

    def _mark_class(self, form: Form, now: Reach, then: Reach) -> None:
        """An unchanged class whose body is executed again in parts."""
        if called_by(then, form).endswith(".__init_subclass__"):
            now.dirty(f"{form.name}.{name}" for name in given_by(form, self.here.facts, self._project))
        again = self.here.reread
        stale = [member for member in form.members if id(member.shape) in again or reason_to_run(then, member)]
        bases = {dotted(base) for base in getattr(form.node, "bases", ())}
        if bases & then.dirt:
            now.dirty([f"{form.name}.?"])
        now.dirty(f"{form.name}.{name}" for member in stale for name in member.names.binds)
        if stale and self._kind(form) in BUILT:
            now.taint([f"{form.name}.__init__"])
        if stale and self._kind(form) in LOOKED_AT:
            now.dirty([f"{form.name}.*"])

    def _built_from(self, number: int, form: Form, now: Reach) -> str:
        """Why a class is built again that did not change: one that it takes fields from did."""
        kind = self._kind(form) if form.kind is Kind.CLASS else None
        if kind not in BUILT_FROM_OTHERS:
            return ""
        used = {dotted(base) for base in getattr(form.node, "bases", ())}
        used |= annotated_with(form) if kind is not ClassKind.DATACLASS else set()
        found = min((name for name in used if f"{name}.!" in now.dirt), default="")
        if not found:
            return ""
        self.here.rebuilt.add(number)
        return f"is built from {found}"

    def _rereads(self, form: Form) -> str:
        """Why a statement runs again that asks for annotations of a module in which they turn."""
        if not self._turned or form.kind not in (Kind.VALUE, Kind.OTHER):
            return ""
        return REREAD if not self._turned.isdisjoint(form.shape.mentions) and asks(form) else ""

    def _kind(self, form: Form) -> ClassKind | None:
        return self.here.facts.classes.get(".".join((*form.scope, form.name)))

    def _is_new(self, item: Imported) -> bool:
        return item not in self._imported and item.bound != "*"

    def _import_dirt(self, form: Form, now: Reach, walks: Mapping[str, Walk]) -> str:
        """What an import statement brings in is as dirty as it is where it comes from; says if it has to run."""
        facts, reason = self.here.facts, ""
        for item in form.names.imports:
            for target in import_targets(facts, item):
                there = walks.get(target)
                if there is not None and there is not self:
                    if there.here.turned:
                        self._turned |= there.exports() if item.name == "*" else {item.bound}
                    reason = self._brought(item, target, there, now) or reason
        return reason

    def _brought(self, item: Imported, module: str, there: Walk, now: Reach) -> str:
        source = there.here
        dirt = {path for path in source.dirty if path.partition(".")[0] not in source.gone}
        if item.name is None or module != absolute(self.here.facts.package, item.module, item.level):
            prefix = item.bound if item.name is not None or item.bound != item.module.split(".")[0] else module
            now.dirty(f"{prefix}.{path}" for path in dirt if path.count(".") < MAX_DOTS)
            now.taint(f"{prefix}.{path}" for path in source.tainted if path.count(".") < MAX_DOTS)
            return ""
        names = there.exports() if item.name == "*" else {item.name}
        renamed = {name: name if item.name == "*" else item.bound for name in names}
        now.dirty(_renamed(dirt, renamed))
        now.taint(_renamed(source.tainted, renamed))
        self.here.reshaped |= {renamed[name] for name in source.reshaped & names}
        if item.name == "*":
            self._came |= there.arrivals()
            bound = {name for form in self.here.forms for name in form.names.binds}
            self.here.lost |= exported(source.old, there._star) - there.exports() - bound
        if item.name == "*" and ("__all__" in source.dirty or there.arrivals()):
            now.dirty(there.arrivals())
            return f"imports all names from {module}"
        first = min(dirt & names, default="")
        return f"imports {first} from {module}" if first else ""

    def exports(self) -> set[str]:
        """The names that a star import brings."""
        return exported(self.here.forms, lambda item: self._star(item) | self._came)

    def arrivals(self) -> set[str]:
        """The names that a star import did not bring before."""
        return self.exports() - exported(self.here.old, self._star)

    def _star(self, item: Imported, package: str | None = None, seen: frozenset[str] = frozenset()) -> set[str]:
        """The names that a star import brought so far, also those that came to its module by another one."""
        name = absolute(self.here.facts.package if package is None else package, item.module, item.level)
        facts = self._project.facts(name) if name not in seen else None
        if facts is None:
            return set()
        within = facts.package
        return exported(facts.forms, lambda inner: self._star(inner, within, seen | {name}))

    def _brings(self, form: Form) -> Iterator[str]:
        for item in form.names.imports:
            if item.name == "*":
                yield from self._star(item)
        for name in form.names.calls:
            for body in self._bodies(name):
                yield from body.assigns

    def _bodies(self, name: str) -> Iterator[Inside]:
        for form in self._places.mentioning(name):
            for path, body in form.shape.bodies if form.kind is not Kind.VALUE else ():
                if path == name:
                    yield body

    def _makers(self) -> None:
        """Has run what must run because of what runs: makers of what is needed, and of what stands in the end."""
        here, history = self.here, self._history
        for number in list(here.runs):
            form = here.forms[number]
            needed = form.names.reads | form.names.touches
            for name in needed:
                if len(history.new.events(name)) > 1 or history.ends_differently(name):
                    self._ensure(name, history.new.version(name, number), "which is needed again")
        here.restored = set()
        for name in history.new:
            events = history.new.events(name)
            running = any(event.place in here.runs for event in events)
            if running and self._ends_kept(name, events[-1]):
                here.restored.add(name)
            elif (running and len(events) > 1) or history.ends_differently(name):
                last = history.new.version(name)
                if any(event.place in here.runs for event in last) or history.ends_differently(name):
                    self._ensure(name, last, "in the end")
                elif any(event.place in here.runs and event.binds for event in events):
                    here.restored.add(name)

    def _ends_kept(self, name: str, last: Event) -> bool:
        """True for a name that a statement makes in the end which its author marked: it keeps the value that it has."""
        form = self.here.forms[last.place]
        return form.keep and last.place not in self.here.runs and name in form.names.binds

    def _ensure(self, name: str, version: tuple[Event, ...], why: str) -> None:
        """Has a version of a name made again, unless it is what the name stands for now, or can be had from that."""
        here = self.here
        live = self._history.live(name)
        start = len(live) if live and _begins(version, live) else 0
        if any(event.place in here.runs for event in version[:start]):
            start = 0
        if version and start == len(version):
            return
        idle = [event for event in version[start:] if event.place not in here.runs]
        touched = any(not event.binds for event in (*version, *live))
        if not idle and (start or not touched or _begins(live, version) or name not in self._places.containers()):
            return
        if touched and (self._apart(name, version, live) or not self._may_refill(name)):
            return
        for event in idle:
            form = here.forms[event.place]
            if not form.keep and (event.binds or name in here.refilled):
                here.runs[event.place] = f"makes {name}, {why}"

    def _apart(self, name: str, *versions: tuple[Event, ...]) -> bool:
        """True if each statement sets an entry of its own, and what made the object is the same and stays."""
        for version, forms in zip(versions, (self.here.forms, self.here.old), strict=True):
            keys = [part for event in version for part in forms[event.place].names.parts if part[0] == name]
            fills = [event for event in version if not event.binds]
            if len({repr(key) for key in keys}) < len(fills) or len(keys) != len(fills):
                return False
        makers = [[event.identity for event in version if event.binds] for version in versions]
        return makers[0] == makers[1] and not any(e.binds and e.place in self.here.runs for e in versions[0])

    def _may_refill(self, name: str) -> bool:
        """True for a container that nothing but statements of this module fills; it is noted what is found."""
        if name in self.here.refilled:
            return True
        if name in self.here.shared:
            return False
        own = name in self._places.containers() and not self._filled_elsewhere(name)
        (self.here.refilled if own else self.here.shared).add(name)
        return own

    def _filled_elsewhere(self, name: str) -> bool:
        for form in self._places.mentioning(name):
            if any(name in body.changes for _, body in form.shape.bodies):
                return True
        here = self.here.facts.module
        for importer in self._project.importers(here):
            facts = self._project.facts(importer)
            if facts is not None and fills(facts, here, name):
                return True
        return False


def _begins(version: tuple[Event, ...], live: tuple[Event, ...]) -> bool:
    return [event.identity for event in version[: len(live)]] == [event.identity for event in live]


def _reshapes(here: Spread, form: Form) -> str:
    shaped = sorted(form.names.calls & here.reshaped) if decorated(form) else []
    return f"decorated by {shaped[0]}" if shaped else ""


def _renamed(paths: set[str], names: Mapping[str, str]) -> set[str]:
    """The paths that begin with one of the names, under the names that they have here."""
    found = set()
    for path in paths:
        first, dot, rest = path.partition(".")
        if first in names:
            found.add(f"{names[first]}{dot}{rest}")
    return found


def _own_edits(change: Diff | None) -> dict[int, Pair]:
    return {} if change is None else {id(pair.new): pair for pair in change.changed}


def _old_forms(change: Diff) -> tuple[Form, ...]:
    pairs = [pair.old for pair in (*change.same, *change.edited, *change.changed)]
    return tuple(sorted((*pairs, *change.removed), key=lambda form: form.start))
