"""How long a serving event loop stands still while a long module is pushed: the longest gap of a 1 ms ticker.

    python -m tests.bench.stall

A service that only listens runs a ticker on its asyncio loop; the pushes come through its door, from this process.
Beside them, in the same service: nothing at all, compiling the same source inline, and in `asyncio.to_thread`.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import livecode

LINES = 5_000
ROUNDS = 7
TICK_S = 0.001
SERVICE = "bench-stall"
MODULE = "long_module"


def source(lines: int, middle: int = 0, every: int = 0, top: int = 0) -> str:
    """A module of functions and classes; `middle` changes one of them, `every` each, `top` moves all."""
    count = lines // 10
    parts = [
        f"def f{number}(a, b=1):\n    c = a + b * {number}\n    d = [x for x in range(c)]\n    e = {every}\n"
        f"    return d, e, {middle if number == count // 2 else 0}\n\n"
        f"class C{number}:\n    def method(self, value):\n        return self, value, {every}\n\n"
        for number in range(count)
    ]
    return "# one more line\n" * top + "".join(parts)


def one_class(lines: int, middle: int = 0) -> str:
    """A module that is one class; `middle` changes a method."""
    count = lines // 5
    methods = (
        f"    def m{number}(self, a, b=1):\n        c = a + b * {number}\n        d = [x for x in range(c)]\n"
        f"        return d, {middle if number == count // 2 else 0}\n\n"
        for number in range(count)
    )
    return "class Large:\n" + "".join(methods)


class Ticker:
    """The longest time between two ticks of the running loop since it was last asked."""

    def __init__(self) -> None:
        self._longest_s = 0.0

    async def run(self) -> None:
        """Ticks for ever."""
        last = time.perf_counter()
        while True:
            await asyncio.sleep(TICK_S)
            now = time.perf_counter()
            self._longest_s = max(self._longest_s, now - last)
            last = now

    def taken_ms(self) -> float:
        """The longest gap in ms; the next one starts at zero."""
        longest_s, self._longest_s = self._longest_s, 0.0
        return longest_s * 1000


async def serve() -> None:
    """The service: ticks, and answers each line on its standard input with the longest gap, after what it asks for."""
    sys.path.insert(0, os.getcwd())
    importlib.import_module(MODULE)
    livecode.listen(SERVICE)
    ticker = Ticker()
    ticking = asyncio.create_task(ticker.run())
    loop, text = asyncio.get_running_loop(), source(LINES, middle=-1)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    print("ready", flush=True)
    while line := (await reader.readline()).decode().strip():
        match line:
            case "inline":
                compile(text, MODULE, "exec", dont_inherit=True)
            case "thread":
                await asyncio.to_thread(compile, text, MODULE, "exec", dont_inherit=True)
        await asyncio.sleep(5 * TICK_S)
        print(ticker.taken_ms(), flush=True)
    ticking.cancel()


class Served:
    """The service, from outside."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.attached = livecode.attach(SERVICE)

    def gap_ms(self, command: str = "gap") -> float:
        """The longest gap since the last question, what the command does included."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(command, file=self._process.stdin, flush=True)
        return float(self._process.stdout.readline())

    def while_pushed(self, modules: Mapping[str, str]) -> tuple[float, float]:
        """The longest gap in ms while this goes live, and how long that took."""
        self.gap_ms()
        start = time.perf_counter()
        report = self.attached.push(modules)
        taken_ms = (time.perf_counter() - start) * 1000
        assert report.ok, str(report)
        return self.gap_ms(), taken_ms


@contextmanager
def served(caches: str) -> Iterator[Served]:
    """A service of its own, in directories of its own, with livecode's bytecode as an installed package has it."""
    with tempfile.TemporaryDirectory(prefix="stall") as folder:
        Path(folder, f"{MODULE}.py").write_text(source(LINES))
        os.environ["LIVECODE_DIR"] = os.path.join(folder, "doors")
        root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        environment |= {"PYTHONPATH": root, "PYTHONPYCACHEPREFIX": caches}
        command = [sys.executable, "-m", "tests.bench.stall", "serve"]
        with subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            try:
                yield Served(process)
            finally:
                process.stdin.close() if process.stdin else None
                process.terminate()


Case = Callable[[Served], tuple[float, float]]


def rows(service: Served) -> Iterator[tuple[str, tuple[float, float]]]:
    """Each case once, in one service, in this order."""

    def plain(command: str) -> tuple[float, float]:
        service.gap_ms()
        start = time.perf_counter()
        return service.gap_ms(command), (time.perf_counter() - start) * 1000

    time.sleep(0.3)
    yield "nothing for 0.3 s", (service.gap_ms(), 300.0)
    yield "(a) first push, one function", service.while_pushed({MODULE: source(LINES, middle=1)})
    yield "(b) second push, one function", service.while_pushed({MODULE: source(LINES, middle=2)})
    yield "(c) every function", service.while_pushed({MODULE: source(LINES, middle=2, every=1)})
    yield "(d) one line above everything", service.while_pushed({MODULE: source(LINES, middle=2, every=1, top=1)})
    yield "(e) a new module", service.while_pushed({"long_new": source(LINES, middle=5)})
    service.while_pushed({"large_class": one_class(LINES)})
    yield "(f) one method of one class", service.while_pushed({"large_class": one_class(LINES, middle=1)})
    yield "compile inline", plain("inline")
    yield "asyncio.to_thread(compile)", plain("thread")


def main() -> None:
    """Prints the table: median and most of several services."""
    found: dict[str, list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory(prefix="stall") as caches:
        for number in range(ROUNDS + 1):
            with served(caches) as service:
                for name, result in rows(service):
                    found.setdefault(name, []).extend([result] if number else [])
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    print(f"Python {sys.version.split()[0]}, {LINES} lines, {ROUNDS} services, load {load}; ms")
    print(f"{'':<32}{'longest gap: least':>20}{'median':>9}{'most':>9}{'whole push, median':>22}")
    for name, results in found.items():
        gaps, taken = zip(*results, strict=True)
        cells = f"{min(gaps):>20.1f}{statistics.median(gaps):>9.1f}{max(gaps):>9.1f}{statistics.median(taken):>22.1f}"
        print(f"{name:<32}{cells}")


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        asyncio.run(serve())
    else:
        main()
