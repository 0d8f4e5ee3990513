"""The traces that call statements have left in registries: which entries they put there.

Nothing at import time wrote down what a statement put where. So an entry counts as a statement's if it is, or holds,
what the statement gave, and if as many entries do so as statements of the module gave that; then they stand in the
order of these statements. Where more or fewer are found, or none, nothing is certain, and the report says so.

    BUS.append(send)             the one entry that is the function
    app.include_router(users)    the one entry that was registered for the router
    log.addHandler(Stream())     the one handler of that class that came with the module (`livecode.live.handlers`)
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import FunctionType
from typing import Any

from livecode.engine.code import walk
from livecode.engine.forms import Form, Kind
from livecode.engine.kinds import decorators_of
from livecode.engine.registrations import calls_in
from livecode.live.asked import Asked, asked_by
from livecode.live.contents import attributes_of, slots_of
from livecode.live.handlers import came_with, has_origin
from livecode.live.known import is_it
from livecode.live.places import NO_KEY, Entry, NamesPlace, Place, identity, place
from livecode.live.reach import Owner, holds, reach, resolve, slot_value


@dataclass(frozen=True, slots=True)
class Trace:
    """An entry that a statement put somewhere."""

    where: Place
    entry: Entry
    owner: Owner | None


@dataclass(frozen=True, slots=True)
class Source:
    """A module as it runs, as far as its call statements are looked at.

    Attributes:
        module: Its name.
        forms: Its statements.
        filename: Of its code.
        namespace: Of the module.
    """

    module: str
    forms: Sequence[Form]
    filename: str
    namespace: Mapping[str, Any]

    def asked(self, form: Form) -> Iterator[Asked]:
        """What the calls of a statement ask for, those left out that nobody can follow."""
        yield from (asked for asked in self.followed(form) if asked.is_known)

    def followed(self, form: Form) -> Iterator[Asked]:
        """The same, with those of which nobody knows what they were given."""
        for site in calls_in(form):
            asked = asked_by(site, form, self.filename, self.namespace)
            if asked is not None and asked.many:
                yield from (replace(asked, things=(thing,), said=(), many=False) for thing in asked.things)
            elif asked is not None:
                yield asked


def traces_of(form: Form, source: Source) -> tuple[Trace, ...] | None:
    """The entries that a statement of a running module has put somewhere; None if that is not certain."""
    asked = list(source.asked(form))
    alone = len(form.nodes) == 1 and isinstance(form.nodes[0], ast.Expr)
    found: list[Trace] = []
    for each in asked:
        traces = _traces(each, form, source)
        if traces is None or (alone and not traces):
            return None
        found += traces
    return tuple(found) if asked else None


def places_of(asked: Asked) -> list[tuple[Place, Owner | None]]:
    """Where a call puts what it is given: attributes and global names are left out, as they are set again anyway."""
    owner = asked.owner
    if asked.is_plain:
        container = place(asked.target)
        return [] if container is None else [(container, None)]
    if owner is not None:
        container = owner.adapter.filled_by(owner.thing, asked.method)
        containers = [container] if container is not None else owner.adapter.registries(owner.thing)
        return [(found, owner) for each in containers if (found := place(each)) is not None]
    led = reach(_roots(asked), asked.gives)
    return [(where, other) for where, other in led.every_place() if not isinstance(where, NamesPlace)]


def _roots(asked: Asked) -> list[Any]:
    """Where a call can lead: of an object, only the attributes that the method names."""
    function = getattr(type(asked.target), asked.method, None) if asked.method else None
    if type(function) is not FunctionType:
        return [asked.target]
    names, waiting = set[str](), [function]
    while waiting:
        new = {name for code in walk(waiting.pop().__code__) for name in code.co_names} - names
        names |= new
        found = [base.__dict__.get(name) for base in type(asked.target).__mro__ for name in new | {asked.method}]
        waiting += [each for each in found if type(each) is FunctionType and new]
    own = attributes_of(asked.target) or {}
    slots = [slot for slot in slots_of(type(asked.target)) if slot.__name__ in names]
    held = [own[name] for name in names if name in own] + [
        value for slot in slots for value in slot_value(slot, asked.target)
    ]
    shared = [base.__dict__[name] for base in type(asked.target).__mro__ for name in names if name in base.__dict__]
    return [*held, *shared, function] if held or shared else [asked.target, function]


def _traces(asked: Asked, form: Form, source: Source) -> list[Trace] | None:
    every = list(_claims(asked, source))
    places = places_of(asked)
    keys = {id(entry.value): entry.key for where, _ in places for entry in where.read() if entry.key is not NO_KEY}
    found: list[Trace] = []
    for where, owner in places:
        claims = [(of, each) for of, each in every if asked.owner is not None or leads_to(each, where)]
        number = next((n for n, (of, each) in enumerate(claims) if of is form and each.call is asked.call), 0)
        entries = _candidates(where, owner, asked, source.module, len(claims))
        spread = _taken_over(owner, asked) if not entries else None
        if spread is not None:
            entries = [entry for entry in where.read() if owner and any(map(spread, owner.entries_of(entry)))]
            if entries and len(claims) > 1:
                return None
        elif entries:
            chosen = _chosen(entries, owner, [other for _, other in claims], number, keys.get(id(where.thing), NO_KEY))
            if chosen is None:
                return None
            entries = chosen
        found += [Trace(where, entry, owner) for entry in entries]
    return found


def _claims(asked: Asked, source: Source) -> Iterator[tuple[Form, Asked]]:
    """The calls of a module that give the same to the same, decorators counted too, in order."""
    for form in source.forms:
        for other in source.asked(form) if form.kind is Kind.OTHER else ():
            if other.same_as(asked):
                yield form, other
        if form.kind is Kind.FUNCTION and any(is_it(source.namespace.get(form.name), each) for each in asked.things):
            for decorator in decorators_of(form.nodes):
                if any(each is asked.target for each in resolve(decorator, source.namespace)):
                    yield form, asked


def leads_to(asked: Asked, where: Place) -> bool:
    """True if a call may put something into a place."""
    return any(identity(each) == identity(where) for each, _ in places_of(asked))


def _candidates(where: Place, owner: Owner | None, asked: Asked, module: str, claims: int) -> list[Entry]:
    """The entries that may be what was given: those that are it, or else those that hold it."""
    entries = where.read()
    if owner is not None:
        entries = [entry for entry in entries if owner.adapter.concerns(owner.thing, _items(entry, owner))]
    if asked.made is not None:
        entries = [entry for entry in entries if type(entry.value) is asked.made]
        if has_origin(asked.made) or not asked.things:
            return [entry for entry in entries if came_with(entry.value, module)]
    exact = [entry for entry in entries if any(map(asked.gives, _items(entry, owner)))]
    if len(exact) >= claims and not asked.within:
        return exact
    return [entry for entry in entries if any(holds(item, asked.gives) for item in _items(entry, owner))]


def _items(entry: Entry, owner: Owner | None) -> Sequence[object]:
    if owner is not None:
        return [item for item in owner.entries_of(entry) if item is not NO_KEY]
    return (entry.value,) if entry.key is NO_KEY else (entry.value, entry.key)


def _taken_over(owner: Owner | None, asked: Asked) -> Callable[[object], bool] | None:
    """True for what the owner has of a thing whose registrations it took over; None if it took over none."""
    if owner is None:
        return None
    tests = [owner.adapter.taken_over(owner.thing, thing) for thing in asked.things]
    known = [test for test in tests if test is not None]
    return (lambda item: any(test(item) for test in known)) if known else None


def _chosen(
    entries: list[Entry], owner: Owner | None, claims: Sequence[Asked], number: int, key: object
) -> list[Entry] | None:
    """The entries of one of several calls that gave the same; None if it is not certain which those are."""
    if len(entries) == len(claims) == 1:
        return entries
    said = [_saying(entries, owner, key, claim.said) for claim in claims]
    unique = {at: found[0] for at, found in enumerate(said) if len(found) == 1 and said.count(found) == 1}
    if number in unique:
        return [entries[unique[number]]]
    left = [entry for at, entry in enumerate(entries) if at not in unique.values()]
    waiting = [at for at in range(len(claims)) if at not in unique]
    if not left:
        return []
    return [left[waiting.index(number)]] if len(left) == len(waiting) else None


def _saying(entries: Sequence[Entry], owner: Owner | None, key: object, said: Sequence[object]) -> list[int]:
    """Which entries have most of the constants of a call, or stand in a container that is named by them."""
    found = []
    for entry in entries:
        items = [entry.value, *_items(entry, owner), key]
        found.append(sum(any(holds(item, partial(_is_equal, word)) for item in items) for word in said))
    best = max(found, default=0)
    return [at for at, count in enumerate(found) if count == best] if best else []


def _is_equal(one: object, other: object) -> bool:
    return type(one) is type(other) and one == other
