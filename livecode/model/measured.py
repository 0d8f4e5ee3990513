"""What calls of functions did while somebody measured, and what follows from that. Pure.

Measured ── FunctionMeasure*     of one worker, or of several merged
Decision ── FunctionDecision*    new code against old code (`livecode.engine.canary` decides)

Latencies are kept as a histogram of slots that grow by a quarter of an octave, so that those of many workers can be
added up and their quantiles are still right to within 12 %.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

K = TypeVar("K", int, str)

_BOUNDS_NS = tuple(2**octave * (4 + quarter) // 4 for octave in range(10, 40) for quarter in range(4))
"""Where a slot ends and the next one begins: slot 0 is below 1 µs (1024 ns), the last one goes from 16 minutes on."""

LAST_SLOT = len(_BOUNDS_NS)


def slot_of(latency_ns: int) -> int:
    """The slot of a latency."""
    return bisect_right(_BOUNDS_NS, latency_ns)


def count_slots(latencies_ns: Iterable[int]) -> Counter[int]:
    """How many latencies fall into each slot; sorting them costs a third of looking each one up."""
    ordered = sorted(latencies_ns)
    counts = Counter[int]()
    place = 0
    while place < len(ordered):
        slot = slot_of(ordered[place])
        end = bisect_left(ordered, _BOUNDS_NS[slot], place) if slot < LAST_SLOT else len(ordered)
        counts[slot] = end - place
        place = end
    return counts


def lowest_ms(slot: int) -> float:
    """The shortest latency that falls into a slot, in milliseconds; beyond the last slot, the last bound."""
    return _BOUNDS_NS[min(slot, LAST_SLOT) - 1] / 1e6 if slot > 0 else 0.0


class Timed(StrEnum):
    """What the latencies of a function are of."""

    CALL = "call"
    """Until it returns; for a coroutine including what it awaits, which is what its caller waits for."""
    STEP = "step"
    """A generator's run to its next `yield`, or to its end: what its consumer does in between is not its own."""
    ITEM = "item"
    """An asynchronous generator's way to its next item, including what it awaits."""


@dataclass(frozen=True, slots=True)
class FunctionMeasure:
    """What the calls of one function did.

    Attributes:
        name: Module and qualified name, ``shop.pricing.Order.total``.
        calls: Calls that ended, by returning or by an exception; of generators those that began.
        errors: How many of them an exception left, by the name of its type. An end of iteration, a closed generator
            and a cancelled task are no errors.
        total_ms: Sum of all latencies, in milliseconds.
        slots: The histogram: slot → how many, where there are any.
        waiting: The same of calls that have not ended (suspended generators are none): for how long they run.
        timed: What the latencies are of.
    """

    name: str
    calls: int = 0
    errors: tuple[tuple[str, int], ...] = ()
    total_ms: float = 0.0
    slots: tuple[tuple[int, int], ...] = ()
    waiting: tuple[tuple[int, int], ...] = ()
    timed: Timed = Timed.CALL

    @property
    def failed(self) -> int:
        """How many calls an exception left."""
        return sum(count for _, count in self.errors)

    @property
    def latencies(self) -> int:
        """How many latencies were taken."""
        return sum(count for _, count in self.slots)

    @property
    def under_way(self) -> int:
        """How many calls have not ended."""
        return sum(count for _, count in self.waiting)

    def quantile_ms(self, share: float) -> float:
        """The latency, in milliseconds, that this share of all stays below; 0.0 where there are none.

        It is the middle of the slot that it falls into.
        """
        wanted, seen = share * self.latencies, 0
        for slot, count in self.slots:
            seen += count
            if seen >= wanted:
                return (lowest_ms(slot) + lowest_ms(slot + 1)) / 2
        return 0.0

    @property
    def p50_ms(self) -> float:
        """The median."""
        return self.quantile_ms(0.5)

    @property
    def p99_ms(self) -> float:
        """What 99 % stay below."""
        return self.quantile_ms(0.99)

    @property
    def slowest_ms(self) -> float:
        """What every latency stays below."""
        return lowest_ms(self.slots[-1][0] + 1) if self.slots else 0.0

    def slower_than(self, limit_ms: float) -> int:
        """How many latencies were above a limit: those in the slots that lie wholly above it."""
        return _above(self.slots, limit_ms)

    def waiting_longer_than(self, limit_ms: float) -> int:
        """How many calls that have not ended run for longer than a limit, in the same way."""
        return _above(self.waiting, limit_ms)

    def __add__(self, other: FunctionMeasure) -> FunctionMeasure:
        """Both together, of the same function."""
        return replace(
            self,
            calls=self.calls + other.calls,
            errors=_added(self.errors, other.errors),
            total_ms=self.total_ms + other.total_ms,
            slots=tuple(sorted(_added(self.slots, other.slots))),
            waiting=tuple(sorted(_added(self.waiting, other.waiting))),
        )


def _above(slots: Iterable[tuple[int, int]], limit_ms: float) -> int:
    return sum(count for slot, count in slots if lowest_ms(slot) >= limit_ms)


def _added(one: Iterable[tuple[K, int]], other: Iterable[tuple[K, int]]) -> tuple[tuple[K, int], ...]:
    return tuple((Counter(dict(one)) + Counter(dict(other))).items())


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured on one worker, or on several.

    Attributes:
        functions: What was measured, by name; those that were not called are among them.
        seconds: For how long, the longest of all workers.
        workers: On how many.
        not_measured: Why other workers could not measure, each reason once.
    """

    functions: tuple[FunctionMeasure, ...] = ()
    seconds: float = 0.0
    workers: int = 0
    not_measured: tuple[str, ...] = ()

    def function(self, name: str) -> FunctionMeasure | None:
        """The measure of one function, None where it was not measured."""
        return next((each for each in self.functions if each.name == name), None)


def merged(measures: Iterable[Measured]) -> Measured:
    """What several workers measured, as one."""
    functions: dict[str, FunctionMeasure] = {}
    seconds, workers, reasons = 0.0, 0, dict[str, None]()
    for measured in measures:
        seconds = max(seconds, measured.seconds)
        workers += measured.workers
        reasons |= dict.fromkeys(measured.not_measured)
        for each in measured.functions:
            functions[each.name] = functions[each.name] + each if each.name in functions else each
    return Measured(tuple(functions.values()), seconds, workers, tuple(reasons))


class Finding(StrEnum):
    """What new code turned out to be beside old code, for one function."""

    FINE = "fine"
    FEWER_ERRORS = "fewer errors"
    SLOWER = "slower"
    """Told, and no reason to take it back."""
    ERRORS_ROSE = "errors rose"
    MUCH_SLOWER = "much slower"
    HANGS = "does not return"
    TOO_FEW = "too few calls"
    NO_OLD_CALLS = "no old calls"
    """It fails, and how often the old code did is not known."""
    NOT_CALLED = "not called"

    @property
    def is_bad(self) -> bool:
        """True for what takes a canary back."""
        return self in (Finding.ERRORS_ROSE, Finding.MUCH_SLOWER, Finding.HANGS)

    @property
    def is_known(self) -> bool:
        """False where there were not enough calls to say anything."""
        return self not in (Finding.TOO_FEW, Finding.NO_OLD_CALLS, Finding.NOT_CALLED)


class Advice(StrEnum):
    """What to do with a canary."""

    KEEP = "keep"
    TAKE_BACK = "take back"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class FunctionDecision:
    """What was found for one function, and the figures that say so."""

    name: str
    finding: Finding
    why: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do with a canary, why in one sentence, and what was found function by function: the worst first, and
    of these what was changed."""

    advice: Advice
    why: str
    functions: tuple[FunctionDecision, ...] = ()


@dataclass(frozen=True, slots=True)
class CanaryResult:
    """A canary: what was measured, and what follows.

    Attributes:
        new: What the workers that ran the new code measured.
        old: What the others measured meanwhile.
        decision: What follows.
        promoted: True if it went to all workers.
        decided_by: Who decided that before its time was over, in place of the measures; else empty.
    """

    new: Measured
    old: Measured
    decision: Decision
    promoted: bool = False
    decided_by: str = ""
