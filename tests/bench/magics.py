"""What a cell magic costs over the push itself: ms from the request of a front end to its reply, in a real kernel.

    python -m tests.bench.magics

A cell that pushes and shows its report, a cell that calls `service.push` with the same source, an empty cell; one after
the other, on a service of one worker and on one of four. The same for an expression.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from jupyter_client import BlockingKernelClient, KernelManager

from tests.services import Services

ROUNDS = 40
WARM = 5
SOURCE = "CACHE = {{}}\ndef quote(x):\n    return x * {0}\n" + "".join(
    f"def f{n}(a, b=1):\n    return a + b * {n}\n\n" for n in range(60)
)


def took_ms(client: BlockingKernelClient, cell: str) -> float:
    """How long the cell took, as its front end sees it."""
    began = time.perf_counter()
    reply = client.execute_interactive(cell, output_hook=lambda _: None, timeout=60)
    taken_ms = (time.perf_counter() - began) * 1000
    assert reply["content"]["status"] == "ok", reply["content"]
    return taken_ms


def medians(client: BlockingKernelClient, *cells: Callable[[int], str]) -> list[float]:
    """The median of each, in turns; every round has its own number."""
    found = [[took_ms(client, cell(len(cells) * turn + at)) for at, cell in enumerate(cells)] for turn in range(ROUNDS)]
    return [statistics.median(column) for column in zip(*found[WARM:], strict=True)]


def rows(client: BlockingKernelClient, workers: int) -> None:
    """Two lines of the table."""
    client.execute_interactive("%load_ext livecode\n%hotattach bench", output_hook=lambda _: None)
    magics = "get_ipython().magics_manager.registry['LivecodeMagics']"
    client.execute_interactive(f"service = {magics}.target", output_hook=lambda _: None)
    pushes = medians(
        client,
        lambda n: f"%%hotpush pricing\n{SOURCE.format(n)}",
        lambda n: f"r = service.push({{'pricing': {SOURCE.format(n)!r}}})\nassert r.ok",
        lambda n: f"{n}",
    )
    values = medians(
        client, lambda n: f"%hoteval --all {n}", lambda n: f"r = service.evaluate('{n}', workers='*')", lambda n: f"{n}"
    )
    for name, (magic, verb, empty) in ((f"push, {workers}", pushes), (f"eval, {workers}", values)):
        print(
            f"{name:<10} magic {magic:6.1f}   verb {verb:6.1f}   empty {empty:5.1f}   over the verb {magic - verb:5.1f}"
        )


def main() -> None:
    """Prints the table."""
    print(f"Python {sys.version.split()[0]}, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, ms, medians")
    for workers in (1, 4):
        with tempfile.TemporaryDirectory() as folder, Services(Path(folder)) as services:
            for _ in range(workers):
                services.threaded("bench", {"pricing.py": SOURCE.format(0)})
            manager = KernelManager()
            manager.kernel_spec.argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
            manager.start_kernel(cwd=folder, env={**services.environment(), "IPYTHONDIR": folder})
            client = manager.client()
            client.start_channels()
            client.wait_for_ready(timeout=60)
            rows(client, workers)
            client.stop_channels()
            manager.shutdown_kernel(now=True)
            manager.cleanup_resources()


if __name__ == "__main__":
    main()
