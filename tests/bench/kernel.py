"""What a notebook inside a service costs: the way in, and the requests of others, each beside a reference of the run.

    python -m tests.bench.kernel

"p50" and "p99" are of requests to a threaded HTTP server on the loopback, one after the other, in milliseconds.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path

from tests.kernel.inside import Notebook, connected, workers
from tests.services import RunningService, Services

REQUESTS = 600
IDLE_S = 10.0


def latencies_ms(service: RunningService) -> list[float]:
    """How long each request took."""
    found = []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        service.get("1")
        found.append((time.perf_counter() - began) * 1000)
    return sorted(found)


def cpu_s(pid: int) -> float:
    """Processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def row(name: str, found: list[float], reference: list[float]) -> None:
    """One line of the table."""
    p50, p99 = statistics.median(found), found[int(len(found) * 0.99)]
    own50, own99 = statistics.median(reference), reference[int(len(reference) * 0.99)]
    print(f"{name:<34} p50 {p50:6.2f} ms ({p50 / own50:.2f} ×)   p99 {p99:6.2f} ms ({p99 / own99:.2f} ×)")


def ways_in(service: Services) -> None:
    """From asking for a kernel to the first value, for the first notebook of a process and the next ones."""
    for name, session in (("the first notebook", "first"), ("the next one", "next")):
        (worker,) = workers("bench", 1)
        began = time.perf_counter()
        information = worker.open_kernel(session)
        opened = time.perf_counter()
        with connected(information) as notebook:
            assert notebook.run("6 * 7").value == "42"
            ended = time.perf_counter()
        print(f"{name:<34} open {(opened - began) * 1000:6.0f} ms   first value {(ended - began) * 1000:6.0f} ms")


def endless(notebook: Notebook, service: RunningService) -> list[float]:
    """The requests while a cell of pure Python never ends."""
    notebook.wait_for_print(notebook.send("print('on')\nwhile True: pass"))
    found = latencies_ms(service)
    notebook.interrupt()
    return found


def main() -> None:
    """Print the table."""
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, {REQUESTS} requests a row")
    with tempfile.TemporaryDirectory() as folder, Services(Path(folder)) as services:
        service = services.threaded("bench")
        latencies_ms(service)
        own = latencies_ms(service)
        ways_in(services)
        (worker,) = workers("bench", 1)
        with connected(worker.open_kernel("next")) as notebook:
            before = cpu_s(service.pid)
            time.sleep(IDLE_S)
            print(f"{'two idle kernels':<34} {(cpu_s(service.pid) - before) / IDLE_S:.3%} of a core")
            row("reference: no notebook", own, own)
            row("two idle kernels", latencies_ms(service), own)
            row("an endless cell of pure Python", endless(notebook, service), own)
            row("reference again, two idle kernels", latencies_ms(service), own)


if __name__ == "__main__":
    main()
