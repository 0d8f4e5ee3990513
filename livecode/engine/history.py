"""Which statements made what a name stands for at a place of a module, before and after an edit.

    T = 1          at "X = T" the name T was made by (T = 1)
    X = T
    T += 1         in the end it was made by (T = 1, T += 1)

What made a name at a place is its *version* there: everything since the last statement that binds it in any case.
A statement that did not change reads something else than before if a version that it reads is another one: a binder
was added, removed or moved, or the statement itself was.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from livecode.engine.diff import Diff
from livecode.engine.forms import Form, Kind

Brings = Callable[[Form], Iterable[str]]
"""Names that a statement binds although it does not name them: by a star import, or by a function that it calls."""


@dataclass(frozen=True, slots=True)
class Event:
    """A statement that binds a name, or changes what it stands for.

    Attributes:
        place: Its index among the forms.
        identity: Equal for the same statement before and after the edit.
        surely: True if nothing that was there before remains.
        binds: False if it only changes the object.
    """

    place: int
    identity: object
    surely: bool
    binds: bool


class Timeline:
    """The events of every name of one source, in order."""

    def __init__(self, forms: Sequence[Form], identities: Mapping[int, object], brings: Brings) -> None:
        self._events: dict[str, list[Event]] = defaultdict(list)
        for place, form in enumerate(forms):
            names = form.names
            identity = identities[id(form)]
            sources = _sources(form)
            for name in dict.fromkeys((*names.binds, *brings(form), *names.touches)):
                if name in sources or name not in _packages(form):
                    binds = name in names.binds or name not in names.touches
                    sure = binds and name in names.surely and name not in names.reads
                    self._events[name].append(Event(place, sources.get(name, identity), sure, binds))

    def __iter__(self) -> Iterator[str]:
        return iter(self._events)

    def events(self, name: str) -> Sequence[Event]:
        """All that happens to a name."""
        return self._events.get(name, ())

    def version(self, name: str, place: int | None = None) -> tuple[Event, ...]:
        """What made the name, as the statement at `place` finds it, or in the end."""
        events = self._events.get(name, [])
        until = len(events) if place is None else bisect_left(events, place, key=lambda event: event.place)
        start = until
        while start and not events[start - 1].surely:
            start -= 1
        return tuple(events[max(0, start - 1) : until])


class History:
    """Both timelines of an edited module.

    Args:
        old: The forms that run.
        new: The forms to come.
        change: What became of each.
        brings: See `Brings`; asked for forms of both.
        moved: What `reordered` says of the change.
    """

    def __init__(
        self, old: Sequence[Form], new: Sequence[Form], change: Diff | None, brings: Brings, *, moved: bool
    ) -> None:
        identities, self._was = _identities(old, new, change)
        self._old = Timeline(old, identities, brings)
        self.new = Timeline(new, identities, brings)
        self._places = {id(form): place for place, form in enumerate(old)}
        self._forms = new
        self.doubtful = self._doubtful(change, moved=moved)

    def _doubtful(self, change: Diff | None, *, moved: bool) -> frozenset[str]:
        """Names of which a version may be another one than before."""
        if change is None:
            return frozenset()
        every = {*self._old, *self.new}
        if moved:
            return frozenset(every)
        return frozenset(name for name in every if not _agree(self._old.events(name), self.new.events(name)))

    def live(self, name: str) -> tuple[Event, ...]:
        """What made the name as it is now, before the push."""
        return self._old.version(name)

    def differs(self, name: str, place: int) -> bool:
        """True if an unchanged statement finds another version of the name than it did before."""
        was = self._was.get(id(self._forms[place]))
        if was is None:
            return False
        return not _agree(self._old.version(name, self._places[id(was)]), self.new.version(name, place))

    def ends_differently(self, name: str) -> bool:
        """True if the name is made by other statements in the end."""
        return name in self.doubtful and not _agree(self.live(name), self.new.version(name))


def reordered(change: Diff) -> bool:
    """True if a statement that is in both sources stands before one that it stood after."""
    pairs = sorted((*change.between, *change.edited, *change.changed), key=lambda pair: pair.new.start)
    before = [pair.old.start for pair in pairs]
    return before != sorted(before)


def _agree(one: Sequence[Event], other: Sequence[Event]) -> bool:
    return [event.identity for event in one] == [event.identity for event in other]


def _identities(
    old: Sequence[Form], new: Sequence[Form], change: Diff | None
) -> tuple[dict[int, object], dict[int, Form]]:
    """Form → what identifies it; new form → the old one it comes from."""
    pairs = () if change is None else (*change.same, *change.edited, *change.changed)
    was = {id(pair.new): pair.old for pair in pairs} if change is not None else {id(form): form for form in new}
    identities: dict[int, object] = {id(form): ("was", id(form)) for form in old}
    identities |= {id(form): identities[id(was[id(form)])] if id(form) in was else ("new", id(form)) for form in new}
    return identities, was


def _sources(form: Form) -> Mapping[str, object]:
    """Bound name → where an import takes it from: the same import is the same, wherever it stands."""
    if form.kind is not Kind.IMPORT:
        return {}
    named = [item for item in form.names.imports if item.name is not None or item.bound != item.module.split(".")[0]]
    whole = [item for item in form.names.imports if item.name is None and item.bound == item.module]
    return {item.bound: (item.module, item.name, item.level) for item in (*named, *whole)}


def _packages(form: Form) -> frozenset[str]:
    """Names that `import a.b` binds: always the package, whatever else is imported from it."""
    whole = [item for item in form.names.imports if item.name is None]
    return frozenset(item.bound for item in whole if item.module.startswith(f"{item.bound}."))
