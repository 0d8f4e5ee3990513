"""What `livecode.listen` costs a service: milliseconds, memory and threads, each beside a reference of the same run.

    python -m tests.bench.listen

Every figure is the median of processes of their own. "server" has imported what every server has (socket, threading,
json, asyncio, http); "bare" is a script that has imported nothing.
Modules come from their bytecode caches, as they do where livecode is installed.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = str(Path(__file__).parents[2])
RUNS = 15
SERVER = "import asyncio, http.server, json, socket, socketserver, threading"
LISTEN = "import livecode; livecode.listen('bench')"
WAYS = {
    "server: listen()": (SERVER, LISTEN),
    "server: the same, tracking nothing": (SERVER, "import livecode; livecode.listen('bench', track=())"),
    "server: import livecode alone": (SERVER, "import livecode"),
    "bare: listen()": ("", LISTEN),
    "bare: import socket, threading": ("", "import socket, threading"),
    "reference: import asyncio": ("", "import asyncio"),
}
PROGRAM = """
import json, os, sys, time
{before}
def private_kib():
    with open("/proc/self/smaps_rollup") as file:
        return sum(int(line.split()[1]) for line in file if line.startswith("Private_"))
private_kib()
kib, wall, cpu = private_kib(), time.perf_counter(), time.process_time()
{measured}
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
threads = len(os.listdir("/proc/self/task")) - 1
print(json.dumps([wall * 1000, cpu * 1000, (private_kib() - kib) / 1024, threads]))
"""


def measure(before: str, measured: str, folder: str) -> list[float]:
    """Milliseconds of wall and CPU time, MiB, threads, of one process."""
    environment = {**os.environ, "PYTHONPATH": ROOT, "LIVECODE_DIR": folder, "PYTHONPYCACHEPREFIX": f"{folder}/cache"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    program = PROGRAM.format(before=before, measured=measured)
    run = subprocess.run(
        [sys.executable, "-c", program], env=environment, cwd=folder, capture_output=True, text=True, check=True
    )
    return [float(value) for value in json.loads(run.stdout)]


def main() -> None:
    """Print the table."""
    rows: dict[str, list[list[float]]] = {name: [] for name in WAYS}
    with tempfile.TemporaryDirectory(prefix="lc") as folder:
        for before, measured in WAYS.values():
            measure(before, measured, folder)  # fills the caches
        for _ in range(RUNS):
            for name, (before, measured) in WAYS.items():
                rows[name].append(measure(before, measured, folder))
    medians = {name: [statistics.median(column) for column in zip(*runs, strict=True)] for name, runs in rows.items()}
    reference = medians["reference: import asyncio"]
    print(f"{'':34} {'ms':>7} {'cpu ms':>7} {'MiB':>6} {'threads':>7}   of importing asyncio: time, memory")
    for name, (wall, cpu, mib, threads) in medians.items():
        shares = f"{wall / reference[0]:.2f}, {mib / reference[2]:.2f}"
        print(f"{name:34} {wall:7.2f} {cpu:7.2f} {mib:6.2f} {threads:7.0f}   {shares}")


if __name__ == "__main__":
    main()
