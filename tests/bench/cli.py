"""How long commands take from their start to their end, beside a Python that does nothing, in the same run.

    python -m tests.bench.cli

Milliseconds of processes of their own, taken in turn: median, least, and the median of their processor time, which
other work on the machine disturbs least. Four workers listen, and were pushed to. Wanted are 150 ms for --help and
300 ms for ps.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = str(Path(__file__).parents[2])
RUNS = 9
WORKERS = 4
SERVICE = "import livecode, sys, time; livecode.listen('bench'); import changed; print(flush=True); sys.stdin.read()"
COMMAND = "from livecode.front.cli import main; main()"
REFERENCE = "reference: python -c pass"
WAYS = {
    "livecode --help": ["-c", COMMAND, "--help"],
    "livecode ps": ["-c", COMMAND, "ps"],
    "livecode ps --workers": ["-c", COMMAND, "ps", "--workers"],
    "livecode status bench": ["-c", COMMAND, "status", "bench"],
    "livecode eval bench 1": ["-c", COMMAND, "eval", "bench", "1"],
    "livecode push, the same again": ["-c", COMMAND, "push", "bench", "changed"],
    "reference: import click": ["-c", "import click"],
    REFERENCE: ["-c", "pass"],
}


@contextmanager
def service(folder: str, environment: dict[str, str]) -> Iterator[None]:
    """Workers that listen, and have been pushed to once."""
    Path(folder, "changed.py").write_text("X = 1\n")
    with ExitStack() as stack:
        for _ in range(WORKERS):
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            worker = stack.enter_context(
                subprocess.Popen([sys.executable, "-c", SERVICE], cwd=folder, env=environment, **pipes)
            )
            assert worker.stdout is not None
            worker.stdout.readline()
        Path(folder, "changed.py").write_text("X = 2\n")
        took_ms(["-c", COMMAND, "push", "bench", "changed"], folder, environment)
        yield


def took_ms(arguments: list[str], folder: str, environment: dict[str, str]) -> tuple[float, float]:
    """How long a command took, and its processor time."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    quiet = {"stdout": subprocess.DEVNULL}
    subprocess.run([sys.executable, *arguments], cwd=folder, env=environment, check=True, **quiet)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return (time.perf_counter() - began) * 1000, cpu_s * 1000


def main() -> None:
    """Print the table."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in WAYS}
    with tempfile.TemporaryDirectory(prefix="lc") as folder:
        environment = {**os.environ, "PYTHONPATH": ROOT, "LIVECODE_DIR": os.path.join(folder, "doors")}
        with service(folder, environment):
            for _ in range(RUNS):
                for name, arguments in WAYS.items():
                    taken[name].append(took_ms(arguments, folder, environment))
    reference = statistics.median(cpu for _, cpu in taken[REFERENCE])
    print(f"{WORKERS} workers, load {os.getloadavg()[0]:.1f}")
    print(f"{'':34} {'median':>7} {'least':>7} {'CPU':>7}   × of a Python that does nothing")
    for name, each in taken.items():
        wall, cpu = [statistics.median(column) for column in zip(*each, strict=True)]
        print(f"{name:34} {wall:7.0f} {min(each)[0]:7.0f} {cpu:7.0f}   {cpu / reference:.1f}")


if __name__ == "__main__":
    main()
