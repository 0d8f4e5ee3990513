"""What a commit knows and notes while it is under way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import CodeType, FunctionType
from typing import Any

from livecode.live.calls import Calls
from livecode.live.closures import Inner
from livecode.live.journal import Journal
from livecode.live.registrations import Registrations
from livecode.live.stragglers import Stragglers


class SwapError(RuntimeError):
    """A function that exists cannot take the new code."""


@dataclass(frozen=True, slots=True)
class Lingering:
    """A name that nothing binds any more, but that calls under way still read.

    Attributes:
        namespace: Of its module.
        name: The name.
        value: What it stands for; if that changes, it is somebody else's.
        codes: The old code that reads it.
    """

    namespace: dict[str, Any]
    name: str
    value: object
    codes: frozenset[CodeType]


@dataclass
class Committing:
    """One commit under way.

    Attributes:
        journal: What was done.
        warnings: What could not be brought up to date.
        caches: Result caches of functions whose code changed.
        effects: What executed forms did that cannot be taken back.
        lingering: Names that could not be taken away yet.
        guarded: What a roll back puts back as a whole, by identity.
        reshaped: Functions that become generators or coroutine functions, or stop being such.
        registrations: What statements put into registries, until it may be seen.
        calls: What call statements had put into registries before.
        inner: What functions made, that are held somewhere, of those that moved; then of those that changed, too.
        missing: How many closures were not found, by id of their old code.
        stragglers: Closures that earlier pushes did not find.
        own: Tells the service's own modules.
        postponed: `id` of runs that turned out to need the new code to be visible.
        where: Module and line of the form that is being executed.
    """

    journal: Journal = field(default_factory=Journal)
    warnings: list[str] = field(default_factory=list)
    caches: list[Any] = field(default_factory=list)
    effects: list[str] = field(default_factory=list)
    lingering: list[Lingering] = field(default_factory=list)
    guarded: dict[int, object] = field(default_factory=dict)
    reshaped: list[FunctionType] = field(default_factory=list)
    registrations: Registrations = field(default_factory=Registrations)
    calls: Calls = field(init=False)
    inner: list[Inner] = field(default_factory=list)
    missing: Mapping[int, int] = field(default_factory=dict)
    stragglers: Stragglers = field(default_factory=Stragglers)
    own: Callable[[], Sequence[str]] = tuple
    postponed: set[int] = field(default_factory=set)
    where: tuple[str, int] = ("", 0)

    def __post_init__(self) -> None:
        self.calls = Calls(self.registrations, self.journal)
