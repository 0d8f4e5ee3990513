"""What a push costs in its process, beside compiling and executing the whole file: milliseconds and ratios of one run.

    python -m tests.bench.push

One function of many changes, and the same with a comment line added above everything. Every figure is the median of
several pushes.
"""

from __future__ import annotations

import importlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from livecode.live.process import Process, this_process
from livecode.model.nouns import ModuleSource, Push

LINES = (200, 1_000, 5_000)
PUSHES = 9


def source(lines: int, version: int, shift: int = 0) -> str:
    """A module of five-line functions, the middle one of which is of this version."""
    count = lines // 5
    functions = (
        f"def f{number}(a, b=1):\n    c = a + b * {number}\n    d = [x for x in range(c)]\n"
        f"    return d, {version if number == count // 2 else 0}\n\n"
        for number in range(count)
    )
    return "# one more line\n" * shift + "".join(functions)


def median_ms(work: Callable[[int], object]) -> float:
    """Median duration of `work(0)`, `work(1)`, …"""
    taken = []
    for number in range(PUSHES):
        start = time.perf_counter()
        work(number)
        taken.append((time.perf_counter() - start) * 1000)
    return statistics.median(taken)


def push(process: Process, name: str, text: str) -> None:
    """Pushes a source that must become live."""
    outcome = process.push(Push((ModuleSource(name, text),)))
    assert outcome.ok, outcome


def measure(process: Process, folder: Path, lines: int) -> tuple[float, float, float, float]:
    """Compile and execute; push one function; push with all lines moved; push the same again."""
    name = f"bench_{lines}"
    (folder / f"{name}.py").write_text(source(lines, 0))
    importlib.import_module(name)
    reference = median_ms(lambda number: exec(compile(source(lines, number), name, "exec"), {}))
    push(process, name, source(lines, 1))
    one = median_ms(lambda number: push(process, name, source(lines, number + 2)))
    moved = median_ms(lambda number: push(process, name, source(lines, number + 50, shift=number + 1)))
    last = source(lines, PUSHES + 49, shift=PUSHES)
    return reference, one, moved, median_ms(lambda _: push(process, name, last))


def main() -> None:
    """Prints the table."""
    folder = Path(tempfile.mkdtemp(prefix="bench"))
    sys.path.insert(0, str(folder))
    process = this_process()
    process.track(folder)
    print(f"Python {sys.version.split()[0]}, ms (of compile and exec)")
    print(f"{'lines':>6} {'compile+exec':>14} {'one function':>18} {'all lines moved':>18} {'the same again':>18}")
    for lines in LINES:
        reference, *others = measure(process, folder, lines)
        cells = "".join(f"{ms:>11.2f} ({ms / reference:.2f})" for ms in others)
        print(f"{lines:>6} {reference:>14.2f} {cells}")


if __name__ == "__main__":
    main()
