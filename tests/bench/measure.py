"""What measuring calls costs: ns a call, with and without, and after; in one process, of Python 3.12 or newer.

    python -m tests.bench.measure

Every figure is the least of several rounds.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from livecode.live.measure import Measuring, why_not

ROUNDS = 9
CALLS = 20_000
FUNCTIONS = 300


def function(number: int) -> int:
    return number


class Order:
    def total(self) -> int:
        return 1


def steps(count: int) -> Iterator[int]:
    yield from ()
    while count:
        count -= 1
        yield count


class Once:
    def __await__(self) -> Iterator[None]:
        yield


ONCE = Once()


async def coroutine() -> int:
    await ONCE
    return 1


def other(number: int) -> int:
    return number


def failing(depth: int) -> None:
    if not depth:
        raise ValueError
    failing(depth - 1)


def run_function() -> None:
    for number in range(CALLS):
        function(number)


def run_method() -> None:
    order = Order()
    for _ in range(CALLS):
        order.total()


def run_steps() -> None:
    for _ in steps(CALLS):
        pass


def run_coroutine() -> None:
    for _ in range(CALLS):
        started = coroutine()
        started.send(None)
        with suppress(StopIteration):
            started.send(None)


def run_other() -> None:
    for number in range(CALLS):
        other(number)


def run_failing() -> None:
    """Each round leaves ten frames, of code that is not measured."""
    for _ in range(CALLS // 10):
        with suppress(ValueError):
            failing(9)


MEASURED: tuple[Callable[..., Any], ...] = (function, Order.total, steps, coroutine)
ROWS = {
    "a function that does nothing": run_function,
    "a method that does nothing": run_method,
    "a step of a generator": run_steps,
    "a coroutine that waits once": run_coroutine,
    "a function that is not measured": run_other,
    "the same, for each frame that an exception leaves": run_failing,
}


def least_ns(work: Callable[[], None]) -> float:
    """ns of one call."""
    taken = []
    for _ in range(ROUNDS):
        start = time.perf_counter_ns()
        work()
        taken.append((time.perf_counter_ns() - start) / CALLS)
    return min(taken)


def many(count: int) -> dict[str, Any]:
    """That many functions of ten lines, in a namespace."""
    namespace: dict[str, Any] = {}
    body = "".join(f"    x{line} = number + {line}\n" for line in range(10))
    exec("".join(f"def f{number}(number):\n{body}    return number\n" for number in range(count)), namespace)
    return {name: made for name, made in namespace.items() if name.startswith("f")}


def spent_us(work: Callable[[], object]) -> float:
    """Microseconds of one call."""
    start = time.perf_counter_ns()
    work()
    return (time.perf_counter_ns() - start) / 1000


def once_around(functions: dict[str, Any]) -> float:
    """Microseconds a call, when each of them is called once."""
    return spent_us(lambda: [made(1) for made in functions.values()]) / len(functions)


def main() -> None:
    """Prints the table."""
    if reason := why_not():
        raise SystemExit(reason)
    print(f"Python {sys.version.split()[0]}, ns")
    print(f"{'':52}{'without':>9}{'with':>9}{'more':>9}{'after':>9}")
    for name, work in ROWS.items():
        without = least_ns(work)
        with Measuring({made.__qualname__: [made.__code__] for made in MEASURED}):
            measured = least_ns(work)
        print(f"{name:52}{without:>9.0f}{measured:>9.0f}{measured - without:>9.0f}{least_ns(work):>9.0f}")
    functions, others = many(FUNCTIONS), many(5_000)
    for _ in range(3):
        before = once_around(others)
    measuring = Measuring({name: [made.__code__] for name, made in functions.items()})
    start = spent_us(measuring.start)
    first, then = once_around(others), once_around(others)
    for _ in range(50):
        once_around(functions)
    seen = spent_us(measuring.snapshot)
    stop = spent_us(measuring.stop)
    after, last = once_around(others), once_around(others)
    print(f"{FUNCTIONS} functions: start {start:.0f} µs, snapshot {seen:.0f} µs, stop {stop:.0f} µs")
    print(f"5,000 other functions, µs a call: {before:.2f}; first call after start {first:.2f}, then {then:.2f};")
    print(f"    first call after stop {after:.2f}, then {last:.2f}")


if __name__ == "__main__":
    main()
