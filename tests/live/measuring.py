"""What is measured of calls: cases that `python -m tests.live.measuring` runs in any interpreter, and prints as JSON.

Each returns plain values; the tests say what they should be. Nothing but livecode and the standard library is needed.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import importlib
import json
import os
import sys
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from types import CodeType
from typing import Any

from livecode.engine.canary import changed_in, decide
from livecode.live.measurable import codes_of
from livecode.live.measure import MAX_CALLS, Measuring, why_not
from livecode.model.codec import from_plain, to_plain
from livecode.model.measured import FunctionMeasure, Measured
from tests.live.processes import push, tracked

SHOP = """
import functools


def traced(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)
    return wrapper


def quote(price):
    return 100 / price


@traced
def taxed(price):
    return price * 2


@functools.lru_cache
def cached(price):
    return price


def make():
    def inner(price):
        return price
    class Local:
        def deep(self):
            return [x for x in range(3)]
    return inner, Local, lambda: 1


class Order:
    rate = 1

    def total(self):
        return self.rate

    @classmethod
    def empty(cls):
        return cls()

    @staticmethod
    def fee():
        return 3

    @property
    def tax(self):
        return 4

    @tax.setter
    def tax(self, value):
        self.rate = value
"""


def said(measured: Measured) -> dict[str, list[Any]]:
    """Of every function that was called: calls, errors, calls under way, latencies."""
    return {
        each.name.removeprefix("m."): [each.calls, dict(each.errors), each.under_way, each.latencies]
        for each in measured.functions
        if each.calls or each.under_way or each.latencies or each.errors
    }


def of(*functions: Any) -> Measuring:
    """Measures these functions."""
    return Measuring({function.__name__: [function.__code__] for function in functions})


def attempt(work: Callable[[], object]) -> str:
    """Does something, and says which error left it."""
    try:
        work()
    except BaseException as error:
        return type(error).__name__
    return ""


def divide(number: int) -> float:
    if number == 3:
        raise KeyError(number)
    return 1 / number


def countdown(number: int) -> int:
    return countdown(number - 1) if number else 0


def forever() -> int:
    return forever() + 1


def ended_iteration() -> int:
    raise StopIteration


def left() -> None:
    raise SystemExit(1)


def functions() -> dict[str, Any]:
    """Functions that return, raise, call themselves."""
    with of(divide, countdown, ended_iteration, left) as measuring:
        for number in (1, 2, 3, 0, 3):
            attempt(lambda number=number: divide(number))
        countdown(4)
        attempt(ended_iteration)
        attempt(left)
    divide(1)
    return said(measuring.snapshot())


def every_kind() -> dict[str, Any]:
    """What a module made: methods, properties, what is behind decorators, functions in functions."""
    process, _ = tracked({"kinds.py": SHOP})
    kinds = importlib.import_module("kinds")
    codes = codes_of(process, "kinds")
    with Measuring(codes) as measuring:
        attempt(lambda: kinds.quote(0))
        kinds.taxed(1)
        kinds.cached(1), kinds.cached(1)
        inner, local, anonymous = kinds.make()
        inner(1), local().deep(), anonymous()
        order = kinds.Order.empty()
        order.total(), order.fee(), order.tax
        order.tax = 5
    return {
        "named": sorted(name.removeprefix("kinds.") for name in codes),
        "said": {name.removeprefix("kinds."): each for name, each in said(measuring.snapshot()).items()},
        "unknown": codes_of(process, "no_such_module"),
    }


def steps(number: int) -> Iterator[int]:
    for step in range(number):
        try:
            yield step
        except KeyError:
            yield -1


def generators() -> dict[str, Any]:
    """One that is exhausted, one that is let go, one that is closed, one that is thrown into, one that fails."""
    with of(steps) as measuring:
        list(steps(3))
        next(iter(steps(3)))
        gc.collect()
        closed = steps(3)
        next(closed)
        closed.close()  # type: ignore[attr-defined]
        thrown = steps(3)
        next(thrown)
        thrown.throw(KeyError)  # type: ignore[attr-defined]
        attempt(lambda: thrown.throw(OSError))  # type: ignore[attr-defined]
        unmeasured = steps(3)
        suspended = steps(2)
        next(suspended)
        seen = said(measuring.snapshot())
    list(unmeasured), list(suspended)
    (measure,) = measuring.snapshot().functions
    return {"seen": seen, "timed": measure.timed.value}


async def fetch(go: asyncio.Event, bad: bool = False) -> int:
    await go.wait()
    if bad:
        raise ValueError
    return 1


async def stream(count: int) -> AsyncIterator[int]:
    for item in range(count):
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        yield item


def coroutines() -> dict[str, Any]:
    """Three that wait at the same time: one returns, one raises, one is cancelled; and one that is never awaited."""

    async def main(measuring: Measuring) -> list[Any]:
        go = asyncio.Event()
        tasks = [asyncio.ensure_future(fetch(go, bad)) for bad in (False, True, False)]
        await asyncio.sleep(0)
        waiting = said(measuring.snapshot())
        tasks[2].cancel()
        go.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        fetch(go).close()
        return [waiting, said(measuring.snapshot())]

    with of(fetch) as measuring:
        return {"said": asyncio.run(main(measuring))}


def asynchronous_generators() -> dict[str, Any]:
    """One that gives three items and waits twice before each, and one that is left after its first."""

    async def main() -> None:
        assert [item async for item in stream(3)] == [0, 1, 2]
        given_up = stream(3)
        await anext(given_up)
        await given_up.aclose()  # type: ignore[attr-defined]

    with of(stream) as measuring:
        asyncio.run(main())
    (measure,) = measuring.snapshot().functions
    return {"said": said(measuring.snapshot()), "timed": measure.timed.value}


def in_threads() -> dict[str, Any]:
    """Calls in eight threads at a time, while somebody asks all the time."""

    def work() -> None:
        for number in range(2500):
            attempt(lambda number=number: divide(number % 5 + 1))
            countdown(2)

    with of(divide, countdown) as measuring:
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            measuring.snapshot()
        for thread in threads:
            thread.join()
    return said(measuring.snapshot())


def begun_before() -> dict[str, Any]:
    """Calls, generators and coroutines that began before; a call that has not ended when it stops."""
    measuring = of(outer, steps)
    ticks = steps(3)
    next(ticks)
    outer(lambda: (measuring.start(), outer(lambda: next(ticks))))
    seen = [said(measuring.snapshot())]
    outer(measuring.stop)
    return {"said": [*seen, said(measuring.snapshot())]}


def outer(work: Callable[[], object]) -> None:
    work()


def deep() -> dict[str, Any]:
    """The end of the stack comes as it comes without a measure: as the program's own error."""
    without = attempt(forever)
    with of(forever) as measuring:
        with_it = attempt(forever)
    (measure,) = measuring.snapshot().functions
    still = attempt(forever)
    return {
        "errors": [without, with_it, still],
        "types": [name for name, _ in measure.errors],
        "open": measure.under_way,
    }


def left_behind(*codes: CodeType) -> list[Any]:
    """Tool ids in use, and events that a tool would find which takes the ids now."""
    monitoring: Any = sys.monitoring  # type: ignore[attr-defined]
    found: list[Any] = [monitoring.get_tool(number) for number in range(6) if monitoring.get_tool(number)]
    for number in range(6):
        monitoring.use_tool_id(number, "tests")
        found += [monitoring.get_local_events(number, code) for code in codes]
        found.append(monitoring.get_events(number))
        found += [
            callback
            for event in ("PY_START", "PY_RETURN", "PY_YIELD", "PY_RESUME", "PY_UNWIND")
            if (callback := monitoring.register_callback(number, getattr(monitoring.events, event), None))
        ]
        monitoring.free_tool_id(number)
    return [thing for thing in found if thing]


def nothing_stays() -> dict[str, Any]:
    """After the end, after an error, after stopping twice, after an error in the start."""
    codes = (divide.__code__, steps.__code__)
    while_measuring = []
    with of(divide, steps) as measuring:
        divide(1)
        monitoring: Any = sys.monitoring  # type: ignore[attr-defined]
        while_measuring = [monitoring.get_tool(number) for number in range(6) if monitoring.get_tool(number)]
    found = [left_behind(*codes)]
    measuring.stop()
    attempt(lambda: raise_in(of(divide, steps)))
    found.append(left_behind(*codes))
    failing = of(divide, steps)
    failing._watch = fail_to_watch(failing._watch)  # type: ignore[method-assign]
    found.append([attempt(failing.start), *left_behind(*codes)])
    return {"while": while_measuring, "after": found, "said": said(measuring.snapshot())}


def raise_in(measuring: Measuring) -> None:
    with measuring:
        divide(1)
        raise OSError


def fail_to_watch(watch: Callable[[int], None]) -> Callable[[int], None]:
    @functools.wraps(watch)
    def failing(tool: int) -> None:
        watch(tool)
        raise MemoryError

    return failing


def forked() -> dict[str, Any]:
    """A child that is forked in the middle of a measured call, by a thread of which another one measures."""
    if not hasattr(os, "fork"):
        return {"child": "", "parent": {"countdown": [2, {}, 0, 2]}}
    with of(outer, countdown) as measuring:
        reading, writing = os.pipe()
        found: list[Any] = []

        def fork() -> None:
            if os.fork() == 0:
                countdown(1)
                os.write(writing, json.dumps([left_behind(countdown.__code__), said(measuring.snapshot())]).encode())
                os._exit(0)
            found.append(json.loads(os.read(reading, 10_000)))
            os.wait()

        outer(fork)
        countdown(1)
    return {"child": found[0], "parent": said(measuring.snapshot())}


def replaced() -> dict[str, Any]:
    """A push replaces the code while it is measured, and then the old code is measured no more and kept by nobody."""
    process, _ = tracked({"m.py": "def f():\n    return 1\n\n\ndef g():\n    return 1\n"})
    module = importlib.import_module("m")
    old = weakref.ref(module.f.__code__)
    with Measuring(codes_of(process, "m")) as measuring:
        module.f(), module.g()
        verdict = push(process, {"m": "# moved\ndef f():\n    return 2\n\n\ndef g():\n    return 1\n"}).verdict.value
        values = [module.f(), module.g()]
        gc.collect()
        gone = old() is None or hasattr(sys, "_is_gil_enabled")
        with Measuring(codes_of(process, "m")) as second:
            module.f(), module.f()
    return {
        "verdict": verdict,
        "values": values,
        "gone": gone,
        "said": [said(measuring.snapshot()), said(second.snapshot())],
        "left": left_behind(module.f.__code__, module.g.__code__),
    }


def no_tool_id() -> dict[str, Any]:
    """Every tool id is taken by somebody else."""
    monitoring: Any = sys.monitoring  # type: ignore[attr-defined]
    for number in range(6):
        monitoring.use_tool_id(number, f"tool {number}")
    with of(divide) as measuring:
        divide(1)
        measured = measuring.snapshot()
    taken = [monitoring.get_tool(number) for number in range(6)]
    for number in range(6):
        monitoring.free_tool_id(number)
    return {"reason": measuring.reason, "measured": to_plain(measured), "taken": taken, "now": why_not()}


def other_tools() -> dict[str, Any]:
    """A tool that had events on the same code before has them all, before, while and after something is measured."""
    monitoring: Any = sys.monitoring  # type: ignore[attr-defined]
    seen: list[str] = []
    start = monitoring.events.PY_START
    monitoring.use_tool_id(monitoring.COVERAGE_ID, "other")
    monitoring.register_callback(monitoring.COVERAGE_ID, start, lambda code, _: seen.append(code.co_name))
    monitoring.set_local_events(monitoring.COVERAGE_ID, divide.__code__, start)
    divide(1)
    with of(divide) as measuring:
        divide(1)
    divide(1)
    events = monitoring.get_local_events(monitoring.COVERAGE_ID, divide.__code__)
    monitoring.set_local_events(monitoring.COVERAGE_ID, divide.__code__, 0)
    monitoring.register_callback(monitoring.COVERAGE_ID, start, None)
    monitoring.free_tool_id(monitoring.COVERAGE_ID)
    return {"seen": seen, "kept": events == start, "said": said(measuring.snapshot())}


def traced_too() -> dict[str, Any]:
    """`sys.settrace` and `sys.setprofile` see what they saw without it."""
    seen: list[str] = []

    def trace(frame: Any, event: str, _: object) -> Any:
        if frame.f_code is divide.__code__:
            seen.append(event)
        return trace

    def both() -> list[str]:
        seen.clear()
        sys.settrace(trace)
        sys.setprofile(trace)
        attempt(lambda: divide(3))
        sys.settrace(None)
        sys.setprofile(None)
        return list(seen)

    without = both()
    with of(divide) as measuring:
        with_it = both()
    return {"same": without == with_it and bool(without), "said": said(measuring.snapshot())}


TILL = """
RATES = {"gold": 0.8, "iron": 0.9}


def quote(price, metal="tin"):
    return price * rate(metal)


def rate(metal):
    return RATES.get(metal, 1)


def audit():
    return RATES
"""


def new_beside_old() -> dict[str, Any]:
    """Pushes: one that makes an error of what was none, one that does no harm, one that changes what nobody calls."""
    process, _ = tracked({"till.py": TILL})
    till = importlib.import_module("till")

    def served(count: int) -> Measured:
        with Measuring(codes_of(process, "till")) as measuring:
            for number in range(count):
                attempt(functools.partial(till.quote, number, "tin" if number % 10 else "gold"))
        return measuring.snapshot()

    old, found = served(400), []
    texts = (TILL.replace(".get(metal, 1)", "[metal]"), TILL.replace("price * r", "1 * price * r"))
    for text in (*texts, TILL.replace("return RATES\n", "return dict(RATES)\n")):
        outcome = push(process, {"till": text})
        changed = changed_in(outcome)
        decision = decide(served(100), old, changed)
        found.append([sorted(changed), decision.advice.value, decision.why])
        push(process, {"till": TILL})
    return {"found": found}


async def nap() -> None:
    await asyncio.sleep(0)


def left_in_the_middle() -> dict[str, Any]:
    """Coroutines and generators that nobody finishes."""
    with of(nap, steps) as measuring:
        for _ in range(50):
            dropped = nap()
            dropped.send(None)
            del dropped
            next(steps(3))
        gc.collect()
        return said(measuring.snapshot())


def enough() -> dict[str, Any]:
    """A function that is called more often than is of use: another tool is told of all calls, and it can be measured
    again."""
    monitoring: Any = sys.monitoring  # type: ignore[attr-defined]
    seen: list[None] = []
    start = monitoring.events.PY_START
    monitoring.use_tool_id(monitoring.COVERAGE_ID, "other")
    monitoring.register_callback(monitoring.COVERAGE_ID, start, lambda *_: seen.append(None))
    monitoring.set_local_events(monitoring.COVERAGE_ID, divide.__code__, start)
    with of(divide) as measuring:
        for _ in range(MAX_CALLS + 5000):
            divide(1)
        attempt(lambda: divide(3))
        called = said(measuring.snapshot())
    with of(divide) as again:
        divide(1)
    monitoring.set_local_events(monitoring.COVERAGE_ID, divide.__code__, 0)
    monitoring.register_callback(monitoring.COVERAGE_ID, start, None)
    monitoring.free_tool_id(monitoring.COVERAGE_ID)
    told = len(seen) == MAX_CALLS + 5002
    return {"said": [called, said(again.snapshot())], "told": told, "left": left_behind(divide.__code__)}


def in_json() -> dict[str, Any]:
    """What was measured goes through JSON and comes back the same."""
    with of(divide) as measuring:
        for number in (1, 2, 3):
            attempt(lambda number=number: divide(number))
    measured = measuring.snapshot()
    (measure,) = measured.functions
    again = from_plain(Measured, json.loads(json.dumps(to_plain(measured))))
    return {"same": again == measured, "positive": is_sound(measure), "workers": measured.workers}


def is_sound(measure: FunctionMeasure) -> bool:
    """True if times are there, and in order."""
    return 0 < measure.p50_ms <= measure.p99_ms <= measure.slowest_ms and measure.total_ms > 0


CASES = (
    functions,
    every_kind,
    generators,
    coroutines,
    asynchronous_generators,
    in_threads,
    begun_before,
    deep,
    nothing_stays,
    forked,
    replaced,
    no_tool_id,
    other_tools,
    traced_too,
    new_beside_old,
    left_in_the_middle,
    enough,
    in_json,
)


def main() -> None:
    """Prints what every case says."""
    print(json.dumps({case.__name__: case() for case in CASES}))


if __name__ == "__main__":
    main()
