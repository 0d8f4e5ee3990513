"""Measures the calls of some functions while a canary runs: how many, how they end, how long they take.

    Measuring(codes).start()    the interpreter tells of every call of exactly these code objects
    .snapshot()                 what they did so far
    .stop()                     as if nothing had been: no events, no tool id

What is counted, and what a latency is of (wall time, `livecode.model.measured.Timed`):

    function, method             a call, until it returns or an exception leaves it; a recursive one counts each time
    coroutine                    the same, from when it is first awaited, with all that it awaits
    generator                    a call when its body begins; the latency is of each step from one `yield` to the next
    asynchronous generator       a call when its body begins; the latency is of the way to each item

Calls are told apart by their frames, so threads, tasks and greenlets do not matter. A call that began before is not
counted. The ends of iterations, closed generators and cancelled tasks are no errors.

Cost (tests/bench): about 0.7 µs a call of what is measured, until enough calls of a function were seen (`MAX_CALLS`);
nothing for other calls. Up to Python 3.14 the interpreter tells of exceptions only process-wide: each frame that one
leaves, whoever's it is, costs 0.1 µs while something is measured. From 3.15 on that is local too.

Process-wide changes, all made here: a free tool id of `sys.monitoring` and its callbacks while something is measured;
once, a hook that stops it in forked children.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from types import CodeType
from typing import Self

from livecode.engine.code import CO_ASYNC_GENERATOR, CO_GENERATOR
from livecode.live.stragglers import MONITORING, TOOL_IDS
from livecode.model.measured import FunctionMeasure, Measured, Timed, count_slots, slot_of

TOOL = "livecode canary"

TOO_OLD = "Python {} cannot measure calls without slowing every call; 3.12 can"
NO_TOOL_ID = "every tool id of sys.monitoring is taken, by {}; those of debuggers and of coverage are left to them"

MAX_SAMPLES = 1000
"""Latencies that wait to be put into the histogram; whoever makes one more does it, in a tenth of a millisecond."""

MAX_CALLS = 200_000
"""Latencies of one code object after which it is measured no more: that tells enough, and so its whole cost is bounded
to a fifth of a second."""

MAX_ERROR_TYPES = 30
"""Types of errors told apart for a function; more are counted as `OTHER`."""

OTHER = "other types"

_ENDS = (StopIteration, StopAsyncIteration)
_CANCELLATIONS = frozenset({"GeneratorExit", "CancelledError", "Cancelled", "GreenletExit", "KeyboardInterrupt"})
"""Exceptions beside `Exception` that end a call from outside: asyncio's, trio's, greenlet's."""

_BEGAN = -1
_ITEM = "async_generator_wrapped_value"
"""What an asynchronous generator gives to the interpreter where it yields an item and does not await."""


def why_not() -> str:
    """Why calls cannot be measured in this process now; empty if they can."""
    if MONITORING is None:
        return TOO_OLD.format(".".join(map(str, sys.version_info[:2])))
    takers = [MONITORING.get_tool(number) for number in TOOL_IDS]
    return "" if None in takers else NO_TOOL_ID.format(", ".join(takers))


class _Tally:
    """What the calls of one code object did. Whatever callbacks change here, they change in one atomic step.

    Attributes:
        name: Under which it is reported.
        timed: What its latencies are of.
        open: When each call, step or item began that is under way, in ns, by `id` of its frame.
        samples: Latencies in ns not yet counted, and `_BEGAN` for each generator that began.
        raised: Types of exceptions that left it, not yet counted.
        full: True when enough was seen.
    """

    __slots__ = (
        *("_calls", "_errors", "_lock", "_slots", "_total_ns"),
        *("full", "name", "open", "raised", "samples", "timed"),
    )

    def __init__(self, name: str, timed: Timed) -> None:
        self.name = name
        self.timed = timed
        self.open: dict[int, int] = {}
        self.samples: list[int] = []
        self.raised: list[str] = []
        self.full = False
        self._calls = 0
        self._total_ns = 0
        self._slots = Counter[int]()
        self._errors = Counter[str]()
        self._lock = threading.Lock()

    def fold(self) -> None:
        """Counts what was noted. Whoever comes while another one does it has nothing to do, and does not wait."""
        if self._lock.acquire(blocking=False):
            try:
                self._fold()
            finally:
                self._lock.release()

    def measure(self, now_ns: int) -> FunctionMeasure:
        """What is known at this time of `perf_counter_ns`."""
        begun = [] if self.full else list(self.open.values())
        waiting = Counter(slot_of(now_ns - began) for began in begun)
        with self._lock:
            self._fold()
            return FunctionMeasure(
                self.name,
                self._calls,
                tuple(self._errors.most_common()),
                self._total_ns / 1e6,
                tuple(sorted(self._slots.items())),
                tuple(sorted(waiting.items())),
                self.timed,
            )

    def begin_in_child(self) -> None:
        """Another thread may have held the lock when the process was forked."""
        self._lock = threading.Lock()

    def _fold(self) -> None:
        samples = self.samples[:]
        del self.samples[: len(samples)]  # others may have added some at the end
        if self.timed is Timed.CALL:
            latencies, calls = samples, len(samples)
        else:
            latencies = [sample for sample in samples if sample != _BEGAN]
            calls = len(samples) - len(latencies)
        self._calls += calls
        self._total_ns += sum(latencies)
        self._slots.update(count_slots(latencies))
        raised = self.raised[:]
        del self.raised[: len(raised)]
        for name in raised:
            self._errors[name if name in self._errors or len(self._errors) < MAX_ERROR_TYPES else OTHER] += 1
        if self._slots.total() >= MAX_CALLS:
            self.full = True
            self.open.clear()


class Measuring:
    """Measures functions from `start` to `stop`, or inside a `with` statement.

    Args:
        codes: Their code objects by name (`livecode.live.measurable.codes_of`). They are not kept alive.

    Attributes:
        reason: Why nothing is measured, once it was started in vain; else empty.
    """

    def __init__(self, codes: Mapping[str, Collection[CodeType]]) -> None:
        self.reason = ""
        self._tally_of: dict[int, _Tally] = {}
        self._tallies: list[_Tally] = []
        self._codes: list[weakref.ref[CodeType]] = []
        self._lock = threading.Lock()
        self._tool: int | None = None
        self._began_s = self._seconds = 0.0
        for name, several in codes.items():
            for code in several:
                self._add(name, code)

    def _add(self, name: str, code: CodeType) -> None:
        tallies, key = self._tally_of, id(code)
        tally = _Tally(name, _timed(code))
        tallies[key] = tally
        self._tallies.append(tally)
        self._codes.append(weakref.ref(code, lambda _: tallies.pop(key, None)))

    def start(self) -> Self:
        """Begins to measure; where that is not possible, `reason` says why. To be called once."""
        with _starting:
            self.reason = why_not()
            if self.reason:
                return self
            _stop_in_children()
            tool = next(number for number in TOOL_IDS if MONITORING.get_tool(number) is None)
            MONITORING.use_tool_id(tool, TOOL)
            self._tool = tool
            self._began_s = time.perf_counter()
            _active.append(self)
        try:
            self._watch(tool)
        except BaseException:
            self.stop()
            raise
        return self

    def snapshot(self) -> Measured:
        """What was measured so far. May be called at any time, from any thread."""
        if not self._began_s:
            return Measured(not_measured=(self.reason,) if self.reason else ())
        now_ns = time.perf_counter_ns()
        functions: dict[str, FunctionMeasure] = {}
        for tally in self._tallies:
            measure = tally.measure(now_ns)
            functions[tally.name] = functions[tally.name] + measure if tally.name in functions else measure
        seconds = self._seconds or time.perf_counter() - self._began_s
        return Measured(tuple(functions.values()), seconds, 1)

    def stop(self) -> None:
        """Takes everything back. What was measured is kept; stopping twice does nothing."""
        with self._lock:
            tool, self._tool = self._tool, None
        if tool is None:
            return
        self._seconds = time.perf_counter() - self._began_s
        _active.remove(self)
        if MONITORING.get_tool(tool) != TOOL:
            return  # somebody else gave it away
        for reference in self._codes:
            if (code := reference()) is not None:
                MONITORING.set_local_events(tool, code, 0)
        MONITORING.set_events(tool, 0)
        for event in _events():
            MONITORING.register_callback(tool, event, None)
        MONITORING.free_tool_id(tool)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def begin_in_child(self) -> None:
        """Stops in a forked child, where nobody will ask."""
        self._lock = threading.Lock()
        for tally in self._tallies:
            tally.begin_in_child()
        self.stop()

    def _watch(self, tool: int) -> None:
        events = _events()
        for event, callback in zip(events, _callbacks(self._tally_of), strict=True):
            MONITORING.register_callback(tool, event, callback)
        start, end, step, resume, unwind = events
        always = start | end | (unwind if _unwinds_locally(tool) else 0)
        if not always & unwind:
            MONITORING.set_events(tool, unwind)
        for reference in self._codes:
            code = reference()
            if code is not None:
                more = 0 if _timed(code) is Timed.CALL else step | resume
                MONITORING.set_local_events(tool, code, always | more)


def _timed(code: CodeType) -> Timed:
    if code.co_flags & CO_ASYNC_GENERATOR:
        return Timed.ITEM
    return Timed.STEP if code.co_flags & CO_GENERATOR else Timed.CALL


def _events() -> tuple[int, int, int, int, int]:
    """The events, in the order of the callbacks."""
    names = MONITORING.events
    return names.PY_START, names.PY_RETURN, names.PY_YIELD, names.PY_RESUME, names.PY_UNWIND


def _unwinds_locally(tool: int) -> bool:
    """True from Python 3.15 on: before, exceptions are told of for all code or for none."""
    probe = compile("", "<livecode probe>", "exec")
    try:
        MONITORING.set_local_events(tool, probe, MONITORING.events.PY_UNWIND)
    except ValueError:
        return False
    MONITORING.set_local_events(tool, probe, 0)
    return True


def _callbacks(tally_of: Mapping[int, _Tally]) -> tuple[Callable[..., object], ...]:
    """What the interpreter calls. It runs inside of calls of the program: short, and nothing may be raised."""
    frame, now_ns, called, disable = sys._getframe, time.perf_counter_ns, Timed.CALL, MONITORING.DISABLE

    def started(code: CodeType, _offset: int) -> object:
        tally = tally_of.get(id(code))
        if tally is None or tally.full:
            return disable
        if tally.timed is not called:
            tally.samples.append(_BEGAN)
        tally.open[id(frame(1))] = now_ns()
        return None

    def ended(code: CodeType, _offset: int, _value: object) -> object:
        now = now_ns()
        tally = tally_of.get(id(code))
        if tally is None or tally.full:
            return disable
        began = tally.open.pop(id(frame(1)), None)
        if began is not None:  # else it began before, or it was resumed by an exception
            samples = tally.samples
            samples.append(now - began)
            if len(samples) >= MAX_SAMPLES:
                tally.fold()
        return None

    def yielded(code: CodeType, _offset: int, value: object) -> object:
        tally = tally_of.get(id(code))
        if tally is not None and tally.timed is Timed.ITEM and type(value).__name__ != _ITEM:
            return None  # it awaits
        now = now_ns()
        if tally is None or tally.full:
            return disable
        began = tally.open.pop(id(frame(1)), None)
        if began is not None:
            tally.samples.append(now - began)
            if len(tally.samples) >= MAX_SAMPLES:
                tally.fold()
        return None

    def resumed(code: CodeType, _offset: int) -> object:
        tally = tally_of.get(id(code))
        if tally is None or tally.full:
            return disable
        tally.open.setdefault(id(frame(1)), now_ns())
        return None

    def unwound(code: CodeType, _offset: int, error: BaseException) -> None:
        tally = tally_of.get(id(code))
        if tally is None or tally.full:
            return
        began = tally.open.pop(id(frame(1)), None)
        if began is not None:
            tally.samples.append(now_ns() - began)
        elif tally.timed is called:
            return
        if _is_error(type(error)):
            tally.raised.append(type(error).__name__)
        if len(tally.samples) >= MAX_SAMPLES or len(tally.raised) >= MAX_SAMPLES:
            tally.fold()

    return started, ended, yielded, resumed, unwound


def _is_error(kind: type[BaseException]) -> bool:
    if issubclass(kind, Exception):
        return not issubclass(kind, _ENDS)
    return kind.__name__ not in _CANCELLATIONS


_starting = threading.Lock()
_active: list[Measuring] = []
_hooked = False


def _stop_in_children() -> None:
    global _hooked
    if not _hooked and hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_begin_in_child)
    _hooked = True


def _begin_in_child() -> None:
    global _starting
    _starting = threading.Lock()
    for measuring in list(_active):
        measuring.begin_in_child()
