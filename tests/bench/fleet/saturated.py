"""Pushes into a service that is asked as much as it can answer, beside the same service without pushes."""

from __future__ import annotations

import re
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from livecode.fleet.service import Service, attach
from livecode.model.report import Verdict
from tests.bench.fleet.customers import customers
from tests.bench.fleet.service import NAME, UVICORN, WORKERS, running, text

PAIRS = 3
CONNECTIONS = 256
WINDOW_S = 7
EVERY_S = 0.15
PATIENCE_S = 120.0
TRIES = 5
MS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk saw in one window: answers a second, ms of the slowest percent, requests that failed."""

    per_s: float
    p99_ms: float
    failed: int


@dataclass(frozen=True, slots=True)
class Saturated:
    """The windows without and with pushes, ms of each push, and what the customers with websockets noticed."""

    without: tuple[Load, ...]
    pushing: tuple[Load, ...]
    push_ms: tuple[float, ...]
    taken_back: int
    sockets: int
    dropped: int


class Pusher:
    """Pushes one version after the other while it is let."""

    def __init__(self, service: Service, version: int = 0) -> None:
        self.service, self.version, self.taken_ms, self.taken_back = service, version, list[float](), 0

    def push(self) -> float:
        """ms until the next version was live in all workers, as the one who pushes sees it.

        A push that is taken back, as on a machine that is too slow for so many workers, is counted and tried again,
        and the time is that of all tries.
        """
        self.version += 1
        began = time.perf_counter()
        for _ in range(TRIES):
            report = self.service.push({"pricing": text(self.version)})
            if report.verdict is Verdict.LIVE:
                return (time.perf_counter() - began) * 1000
            self.taken_back += 1
        raise AssertionError(str(report))

    @contextmanager
    def pushing(self) -> Iterator[None]:
        """Pushes every so often meanwhile."""
        over, errors = threading.Event(), list[BaseException]()

        def go_on() -> None:
            try:
                while not over.wait(EVERY_S):
                    self.taken_ms.append(self.push())
            except BaseException as error:
                errors.append(error)

        thread = threading.Thread(target=go_on)
        thread.start()
        yield
        over.set()
        thread.join()
        if errors:
            raise errors[0]


def measure() -> Saturated:
    """One service, windows without and with pushes in turn."""
    with running(UVICORN, "--workers", str(WORKERS)) as service, customers(service.port, asking=1) as holding:
        attached = wait_for_workers()
        pusher = Pusher(attached)
        for _ in range(3):  # the first push of a process imports what the others find
            pusher.push()
        wrk(service.port, 2)
        without, pushing = list[Load](), list[Load]()
        for _ in range(PAIRS):
            without.append(wrk(service.port, WINDOW_S))
            with pusher.pushing():
                pushing.append(wrk(service.port, WINDOW_S))
    noticed = holding.noticed
    return Saturated(
        tuple(without), tuple(pushing), tuple(pusher.taken_ms), pusher.taken_back, noticed.sockets, noticed.dropped
    )


def wait_for_workers(number: int = WORKERS) -> Service:
    """The service, when all its workers listen."""
    while True:
        try:
            service = attach(NAME, answer_s=PATIENCE_S)
            if len(service.workers()) == number:
                return service
        except LookupError:
            pass
        time.sleep(0.05)


def wrk(port: int, seconds: int) -> Load:
    """The load of 256 connections that ask again at once.

    Fewer do not saturate: `uvicorn --workers` answers in two small writes without TCP_NODELAY, so that each connection
    waits 40 ms for the client's delayed acknowledgement, whatever the workers could do.
    """
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", f"http://127.0.0.1:{port}/"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s|m)\b", printed).groups()  # type: ignore[union-attr]
    per_s = float(re.search(r"Requests/sec:\s+([\d.]+)", printed).group(1))  # type: ignore[union-attr]
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", printed)
    other = re.search(r"Non-2xx or 3xx responses: (\d+)", printed)
    failed = sum(map(int, errors.groups())) if errors else 0
    return Load(per_s, float(number) * MS[unit], failed + (int(other.group(1)) if other else 0))


def percentile(values: tuple[float, ...], percent: int) -> float:
    """That percentile, by nearest rank."""
    return sorted(values)[max(0, -(-len(values) * percent // 100) - 1)]


def show(found: Saturated) -> None:
    """Prints the table."""
    p50, p99 = percentile(found.push_ms, 50), percentile(found.push_ms, 99)
    print(f"\n{WORKERS} uvicorn workers, wrk -t1 -c{CONNECTIONS}, {found.sockets} open websockets")
    print(f"{len(found.push_ms)} pushes, {found.taken_back} taken back")
    print(f"push to all live, p50 / p99 / most: {p50:.1f} / {p99:.1f} / {max(found.push_ms):.1f} ms")
    print(f"requests failed: {sum(load.failed for load in found.pushing)} with pushes, ", end="")
    print(f"{sum(load.failed for load in found.without)} without; websockets dropped: {found.dropped}")
    print("\n| window of 7 s | requests/s | p99 ms |\n|---|---|---|")
    for name, loads in (("without pushes", found.without), ("with pushes", found.pushing)):
        each = ", ".join(f"{load.per_s:.0f}" for load in loads), ", ".join(f"{load.p99_ms:.1f}" for load in loads)
        medians = statistics.median(load.per_s for load in loads), statistics.median(load.p99_ms for load in loads)
        print(f"| {name} | {medians[0]:.0f} ({each[0]}) | {medians[1]:.1f} ({each[1]}) |")
