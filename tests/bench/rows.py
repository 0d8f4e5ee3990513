"""One row of the bench, for one engine, in this process: `python -m tests.bench.rows ENGINE ROW` prints JSON."""

from __future__ import annotations

import gc
import importlib
import json
import linecache
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.engines import ENGINES, Engine

PUSHES = 15
WINDOWS = 40
"""Pushes, and as many times without one, in which another thread notes how long it waits at most."""

MODULE = "changed"
TICK_S = 0.0002


@dataclass(frozen=True, slots=True)
class Row:
    """What is set up, and what is edited.

    Attributes:
        lines: Of the module that is pushed.
        moved: True if a comment line is added above everything each time.
        modules: How many modules import it, and use the function that changes.
        bystanders: How many modules are loaded from the same folder that do not import it.
        objects: How many objects are alive besides.
        closures: True if the function that changes has made closures that are held elsewhere.
        same: True if the source that runs is pushed again.
    """

    lines: int = 200
    moved: bool = False
    modules: int = 0
    bystanders: int = 0
    objects: int = 0
    closures: bool = False
    same: bool = False


ROWS = {
    "200 lines": Row(),
    "1,000 lines": Row(1_000),
    "5,000 lines": Row(5_000),
    "200 lines, all lines move": Row(moved=True),
    "1,000 lines, all lines move": Row(1_000, moved=True),
    "5,000 lines, all lines move": Row(5_000, moved=True),
    "5,000 lines, the same again": Row(5_000, same=True),
    "imported by 1 module": Row(modules=1),
    "imported by 100 modules": Row(modules=100),
    "imported by 1,000 modules": Row(modules=1_000),
    "beside 1,000 modules": Row(bystanders=1_000),
    "1 million objects": Row(objects=1_000_000),
    "10 million objects": Row(objects=10_000_000),
    "closures, no objects": Row(closures=True),
    "closures, 10 million objects": Row(closures=True, objects=10_000_000),
}


MEMORY = {"memory": Row(), "memory, imported by 1,000 modules": Row(modules=1_000)}
"""Rows that are pushed many times, to see what grows."""


def source(lines: int, version: int, moved: int = 0) -> str:
    """A module of five-line functions, the middle one of which is of this version."""
    count = lines // 5
    functions = (
        f"def f{number}(a, b=1):\n    c = a + b * {number}\n    d = [x for x in range(c)]\n"
        f"    return d, {version if number == count // 2 else 0}\n\n"
        for number in range(count)
    )
    return "# one more line\n" * moved + "".join(functions)


def with_closures(text: str, version: int) -> str:
    """The same, and a function of this version that returns closures."""
    return f"{text}def make(a):\n    def made(b):\n        return a + b + {version}\n    return made\n"


class Ticker:
    """A thread that notes the longest time in which it was not let run."""

    def __init__(self) -> None:
        self.longest_s = 0.0
        self._going = True
        self._thread = threading.Thread(target=self._tick)

    def __enter__(self) -> Ticker:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._going = False
        self._thread.join()

    def _tick(self) -> None:
        last = time.perf_counter()
        while self._going:
            time.sleep(TICK_S)
            now = time.perf_counter()
            self.longest_s = max(self.longest_s, now - last)
            last = now


def texts(row: Row) -> Iterator[str]:
    """What is pushed, one after the other."""
    number = 0
    while True:
        number += 1
        version = 1 if row.same else number
        text = source(row.lines, version, number if row.moved else 0)
        yield with_closures(text, version) if row.closures else text


def measure(engine: Engine, row: Row) -> dict[str, float]:
    """Median ms of a push; the first one; how long another thread waits, with a push and without; closures behind."""
    coming = texts(row)
    module = begun(engine, row, next(coming))
    kept = [[number] for number in range(row.objects)]
    closures = [module.make(number) for number in range(3)] if row.closures else []
    gc.collect()
    time.sleep(0.1)
    first, *taken = [pushed(engine, module, row, next(coming)) for _ in range(1 + PUSHES)]
    cpu = [cpu_ms(lambda: pushed(engine, module, row, next(coming))) for _ in range(WINDOWS)]
    waits = [waited(lambda: pushed(engine, module, row, next(coming))) for _ in range(WINDOWS)]
    idle = [waited(lambda: time.sleep(0.003)) for _ in range(WINDOWS)]
    behind = sum(closure(0) != module.make(number)(0) for number, closure in enumerate(closures))
    return {
        "ms": statistics.median(taken),
        "first_ms": first,
        "cpu_ms": statistics.median(cpu),
        "cpu_max_ms": max(cpu),
        "pause_ms": statistics.median(waits),
        "pause_max_ms": max(waits),
        "idle_ms": statistics.median(idle),
        "idle_max_ms": max(idle),
        "behind": behind,
        "objects": len(kept),
    }


def begun(engine: Engine, row: Row, text: str) -> Any:
    """The module, loaded with this text, and the modules around it."""
    folder = Path(tempfile.mkdtemp(prefix="bench"))
    sys.path.insert(0, str(folder))
    name = f"f{row.lines // 5 // 2}"
    user = f"from {MODULE} import {name}\nimport {MODULE}\n\n\ndef use(): return {name}(1), {MODULE}.{name}(2)\n"
    files = {MODULE: text} | {f"user{number}": user for number in range(row.modules)}
    files |= {f"other{number}": "import os\n\n\ndef use(): return os.sep\n" for number in range(row.bystanders)}
    for file, content in files.items():
        (folder / f"{file}.py").write_text(content)
    engine.begin(folder, files)
    return next(iter([importlib.import_module(file) for file in files]))


def cpu_ms(work: Callable[[], object]) -> float:
    """Milliseconds of CPU time; no other thread waits longer for this one, whatever else the machine does."""
    start = time.thread_time()
    work()
    return (time.thread_time() - start) * 1000


def waited(work: Callable[[], object]) -> float:
    """How many ms another thread waits at most while the work is done."""
    with Ticker() as ticker:
        work()
    return ticker.longest_s * 1000


def pushed(engine: Engine, module: Any, row: Row, text: str) -> float:
    """Milliseconds of one push."""
    engine.prepare(MODULE, text)
    start = time.perf_counter()
    engine.push(MODULE, text)
    taken = (time.perf_counter() - start) * 1000
    assert visible(module, row, text), "what was pushed is not visible"
    return taken


def visible(module: Any, row: Row, text: str) -> bool:
    """True if the function that was edited is of this text."""
    middle = row.lines // 5 // 2
    got = getattr(module, f"f{middle}")(0, 0)[1]
    return f"return d, {got}\n" in text.split(f"def f{middle}(")[1].split("def ")[0]


def measure_memory(engine: Engine, row: Row, pushes: int = 10_000) -> dict[str, float]:
    """What memory, the collector's objects and `linecache` grow by over many pushes, after the first hundred."""
    begun(engine, row, source(row.lines, 0))
    before: tuple[float, int, int] = (0.0, 0, 0)
    for number in range(pushes + 100):
        if number == 100:
            before = _held()
        text = source(row.lines, number + 1, number % 3)
        engine.prepare(MODULE, text)
        engine.push(MODULE, text)
    after = _held()
    return {"mb": after[0] - before[0], "objects": after[1] - before[1], "linecache": after[2] - before[2]}


def _held() -> tuple[float, int, int]:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6, len(gc.get_objects()), len(linecache.cache)


def main(make: Callable[[], Engine], row: str) -> None:
    """Prints one row as JSON."""
    print(json.dumps(measure_memory(make(), MEMORY[row]) if row in MEMORY else measure(make(), ROWS[row])))


if __name__ == "__main__":
    main(ENGINES[sys.argv[1]], sys.argv[2])
