"""What `livecode run` adds to the start of a program: milliseconds and memory, each beside a reference of the same run.

    python -m tests.bench.run

Every figure is the median of processes of their own, taken in turn. Modules come from their bytecode caches.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = str(Path(__file__).parents[2])
RUNS = 15
PROGRAM = """
with open("/proc/self/smaps_rollup") as file:
    print(sum(int(line.split()[1]) for line in file if line.startswith("Private_")))
"""
WAYS = {
    "python program.py": ["program.py"],
    "livecode run program.py": ["-m", "livecode", "run", "program.py"],
    "the same, LIVECODE=0": ["-m", "livecode", "run", "program.py"],
    "reference: a program that imports asyncio": ["-c", f"import asyncio\n{PROGRAM}"],
}


def measure(words: list[str], folder: str, *, off: bool) -> tuple[float, float, float]:
    """Milliseconds of wall and CPU time, private MiB, of one process from its start to its end."""
    environment = {**os.environ, "PYTHONPATH": ROOT, "LIVECODE_DIR": folder, "PYTHONPYCACHEPREFIX": f"{folder}/cache"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    if off:
        environment["LIVECODE"] = "0"
    used, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    run = subprocess.run(
        [sys.executable, *words], env=environment, cwd=folder, capture_output=True, text=True, check=True
    )
    wall, now = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    return wall * 1000, cpu * 1000, int(run.stdout) / 1024


def main() -> None:
    """Print the table."""
    rows: dict[str, list[tuple[float, float, float]]] = {name: [] for name in WAYS}
    with tempfile.TemporaryDirectory(prefix="lc") as folder:
        Path(folder, "program.py").write_text(PROGRAM)
        for turn in range(RUNS + 1):
            for name, words in WAYS.items():
                measured = measure(words, folder, off="LIVECODE=0" in name)
                if turn:  # the first turn fills the caches
                    rows[name].append(measured)
    medians = {name: [statistics.median(column) for column in zip(*runs, strict=True)] for name, runs in rows.items()}
    plain = medians["python program.py"]
    print(f"{'':42} {'ms':>7} {'cpu ms':>7} {'MiB':>6}   more than python: ms, cpu ms, MiB")
    for name, figures in medians.items():
        more = ", ".join(f"{figure - base:.1f}" for figure, base in zip(figures, plain, strict=True))
        print(f"{name:42} {figures[0]:7.1f} {figures[1]:7.1f} {figures[2]:6.1f}   {more}")


if __name__ == "__main__":
    main()
