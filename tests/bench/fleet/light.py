"""Workers that only listen: how long a push to many takes, and what they cost while nothing happens."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from livecode.fleet.service import Service
from tests.bench.fleet.saturated import Pusher, percentile, wait_for_workers
from tests.bench.fleet.service import end, environment, text
from tests.services import many_descriptors

COUNTS = (4, 64, 256)
PUSHES_S = 10.0
MOST_PUSHES = 100
IDLE_COUNT = 64
IDLE_S = 20.0

PROGRAM = """
import os, signal, sys
import livecode
livecode.listen("bench")
import pricing
from livecode.fleet.service import here
here().dry_run({"pricing": open("pricing.py").read() + "\\n"})
for _ in range(int(sys.argv[1]) - 1):
    if not os.fork():
        break
signal.pause()
"""
"""One process that listens, and the others forked from it: each has a door of its own.

What a push imports is there before the fork: 256 processes that import it for themselves keep two cores busy for a
minute. What the first push of a process takes is in the rows of restarts.
"""


@dataclass(frozen=True, slots=True)
class Light:
    """So many workers: ms of the first push to them, and of those after it; how many were taken back."""

    workers: int
    first_ms: float
    push_ms: tuple[float, ...]
    taken_back: int


@contextmanager
def listening(number: int) -> Iterator[tuple[Service, int]]:
    """That many workers, from when all listen; and the process that started them."""
    with tempfile.TemporaryDirectory(prefix="lc", dir="/tmp") as name:
        os.environ["LIVECODE_DIR"] = f"{name}/d"
        Path(name, "workers.py").write_text(PROGRAM)
        Path(name, "pricing.py").write_text(text(0))
        command = [sys.executable, "-W", "ignore", "workers.py", str(number)]
        process = subprocess.Popen(command, cwd=name, env=environment(), process_group=0)
        try:
            yield wait_for_workers(number), process.pid
        finally:
            end(process)


def measure(number: int) -> Light:
    """Pushes to that many workers, one after the other, for some seconds."""
    with many_descriptors(4 * number + 256), listening(number) as (service, _):
        pusher = Pusher(service)
        first, taken, until = pusher.push(), list[float](), time.monotonic() + PUSHES_S
        while time.monotonic() < until and len(taken) < MOST_PUSHES:
            taken.append(pusher.push())
        return Light(number, first, tuple(taken), pusher.taken_back)


def idle_percent() -> float:
    """Percent of a core that one worker takes while nothing happens, after a push; the mean of many, over 20 s."""
    with many_descriptors(1024), listening(IDLE_COUNT) as (service, pid):
        Pusher(service).push()
        main = psutil.Process(pid)
        before = _cpu_s(main)
        time.sleep(IDLE_S)
        return (_cpu_s(main) - before) / IDLE_S / IDLE_COUNT * 100


def _cpu_s(main: psutil.Process) -> float:
    times = [process.cpu_times() for process in (main, *main.children(recursive=True))]
    return sum(each.user + each.system for each in times)


def show(found: tuple[Light, ...], idle: float) -> None:
    """Prints the table."""
    print("\n| workers that only listen | push to all live, p50 ms | p99 ms | pushes | the first, ms | taken back |")
    print("|---|---|---|---|---|---|")
    for row in found:
        p50, p99 = percentile(row.push_ms, 50), percentile(row.push_ms, 99)
        print(f"| {row.workers} | {p50:.1f} | {p99:.1f} | {len(row.push_ms)} | {row.first_ms:.0f} | {row.taken_back} |")
    print(f"\nidle: {idle:.4f} % of a core a worker (mean of {IDLE_COUNT} over {IDLE_S:.0f} s)")
