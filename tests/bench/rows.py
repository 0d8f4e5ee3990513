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
MODULE = "changed"
TICK_S = 0.0002


@dataclass(frozen=True, slots=True)
class Row:
    """What is set up, and what is edited.

    Attributes:
        lines: Of the module that is pushed.
        moved: True if a comment line is added above everything each time.
        modules: How many modules import it.
        objects: How many objects are alive besides.
        closures: True if the function that changes has made closures that are held elsewhere.
        same: True if the source that runs is pushed again.
    """

    lines: int = 200
    moved: bool = False
    modules: int = 0
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
    "1 million objects": Row(objects=1_000_000),
    "10 million objects": Row(objects=10_000_000),
    "closures, no objects": Row(closures=True),
    "closures, 10 million objects": Row(closures=True, objects=10_000_000),
}


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
    """Median ms of a push, and of another thread's longest wait; the first push; the wait without; closures behind."""
    folder = Path(tempfile.mkdtemp(prefix="bench"))
    sys.path.insert(0, str(folder))
    coming = texts(row)
    importers = [f"user{number}" for number in range(row.modules)]
    (folder / f"{MODULE}.py").write_text(next(coming))
    for name in importers:
        (folder / f"{name}.py").write_text(f"from {MODULE} import f0\nimport {MODULE}\n\n\ndef use(): return f0(1)\n")
    engine.begin(folder, [MODULE, *importers])
    module = importlib.import_module(MODULE)
    kept: list[Any] = [importlib.import_module(name) for name in importers]
    kept += [[number] for number in range(row.objects)]
    closures = [module.make(number) for number in range(3)] if row.closures else []
    gc.collect()
    time.sleep(0.1)
    with Ticker() as alone:
        time.sleep(0.3)
    first, *taken = [pushed(engine, module, row, next(coming)) for _ in range(1 + PUSHES)]
    longest = []
    for _ in range(PUSHES):
        with Ticker() as ticker:
            pushed(engine, module, row, next(coming))
        longest.append(ticker.longest_s)
    behind = sum(closure(0) != module.make(number)(0) for number, closure in enumerate(closures))
    return {
        "ms": statistics.median(taken),
        "first_ms": first,
        "pause_ms": statistics.median(longest) * 1000,
        "idle_ms": alone.longest_s * 1000,
        "behind": behind,
    }


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


def measure_memory(engine: Engine, pushes: int = 10_000) -> dict[str, float]:
    """What memory, the collector's objects and `linecache` grow by over many pushes, after the first hundred."""
    folder = Path(tempfile.mkdtemp(prefix="bench"))
    sys.path.insert(0, str(folder))
    (folder / f"{MODULE}.py").write_text(source(200, 0))
    engine.begin(folder, [MODULE])
    importlib.import_module(MODULE)
    before: tuple[float, int, int] = (0.0, 0, 0)
    for number in range(pushes + 100):
        if number == 100:
            before = _held()
        text = source(200, number + 1, number % 3)
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
    print(json.dumps(measure_memory(make()) if row == "memory" else measure(make(), ROWS[row])))


if __name__ == "__main__":
    main(ENGINES[sys.argv[1]], sys.argv[2])
