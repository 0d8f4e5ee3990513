"""All rows and all ways side by side, each in a process of its own: milliseconds and ratios of one run.

    python -m tests.bench.table
    python -m tests.bench.table "200 lines" "imported by 1,000 modules"

"×" is of compiling and executing the whole file, for the peers also how much slower than `livecode.push` they are.
"waits" is how long another thread waits at most during a push: median and maximum, and the same without a push. "CPU"
is the time that `livecode.push` has the processor, median and maximum: what another thread waits beyond that is owed to
the machine.
"""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.bench.engines import ENGINES, NEEDS
from tests.bench.rows import MEMORY, ROWS

ROOT = str(Path(__file__).parents[2])
REFERENCE, OURS, INSIDE = "compile and exec", "livecode.push", "Process.push"
PATIENCE_S = 900

Measured = Mapping[str, float]


def measured(engine: str, row: str) -> Measured | None:
    """One row, one way; None if it fails."""
    command = [sys.executable, "-m", "tests.bench.rows", engine, row]
    environment = {**os.environ, "PYTHONPATH": ROOT}
    run = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S)
    if run.returncode:
        print(f"{engine}, {row}: {run.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
        return None
    found: Measured = json.loads(run.stdout.splitlines()[-1])
    return found


def peers() -> list[str]:
    """The peers that are installed."""
    return [name for name, package in NEEDS.items() if importlib.util.find_spec(package) is not None]


def line(row: str, found: Mapping[str, Measured | None]) -> str:
    """One line of the table."""
    reference, ours = found[REFERENCE], found[OURS]
    assert reference is not None
    assert ours is not None
    cells = [f"{reference['ms']:.2f}"]
    for name in (OURS, INSIDE, *peers()):
        got = found[name]
        times = "" if got is None or name in (OURS, INSIDE) else f", {got['ms'] / ours['ms']:.1f} of ours"
        cells.append("failed" if got is None else f"{got['ms']:.2f} ({got['ms'] / reference['ms']:.2f} ×{times})")
    waits = f"{ours['pause_ms']:.1f}, {ours['pause_max_ms']:.1f} ({ours['idle_ms']:.1f}, {ours['idle_max_ms']:.1f})"
    behind = f"{ours['behind']:.0f}"
    cpu = f"{ours['cpu_ms']:.2f}, {ours['cpu_max_ms']:.2f}"
    return " | ".join(("", row, *cells, f"{ours['first_ms']:.0f}", cpu, waits, behind, "")).strip()


def main(rows: Sequence[str]) -> None:
    """Prints the tables."""
    names = [name for name in ENGINES if name not in NEEDS or name in peers()]
    print(f"Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}, ms")
    columns = ["row", REFERENCE, OURS, INSIDE, *peers(), "first", "CPU", "waits (without)", "closures behind"]
    print(f"| {' | '.join(columns)} |")
    print("|---" * len(columns) + "|")
    for row in rows or ROWS:
        if row in ROWS:
            print(line(row, {name: measured(name, row) for name in names}), flush=True)
    print("\n| 10,000 pushes | MB | objects | linecache |\n|---|---|---|---|")
    for row in rows or MEMORY:
        if row in MEMORY and (grown := measured(INSIDE, row)) is not None:
            print(f"| {row} | {grown['mb']:.2f} | {grown['objects']:.0f} | {grown['linecache']:.0f} |", flush=True)
    print(f"\nload {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main(sys.argv[1:])
