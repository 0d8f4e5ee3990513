"""One change, rolled out in four ways into a service that takes two seconds to start, as its customers notice it."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tests.bench.fleet.customers import Answer, Noticed, customers
from tests.bench.fleet.saturated import Pusher, wait_for_workers
from tests.bench.fleet.service import GUNICORN, UVICORN, WORKERS, Running, answer, running

START_S = 2.0
BEFORE_S = 2.0
SETTLED_S = 3.0
LONGEST_S = 40.0


@dataclass(frozen=True, slots=True)
class Way:
    """One way to roll a change out.

    Attributes:
        name: For the table.
        server: The server, and its arguments.
        workers: How many processes serve.
        change: Rolls version `new` out, and returns when that is under way or done.
        new: The version that the change brings.
    """

    name: str
    server: tuple[str, ...]
    arguments: tuple[str, ...]
    workers: int
    change: Callable[[Running], None]
    new: int = 1


@dataclass(frozen=True, slots=True)
class Rolled:
    """What a change was for the customers.

    Attributes:
        way: How it was rolled out.
        sockets: Websockets that were open before.
        dropped: Of them, those that the service closed.
        failed: Requests without an answer.
        answered: Requests with one.
        stall_s: The longest time between two answers.
        new_s: From the change until old code had answered for the last time, and new code in all processes.
        forgot: Processes that answered after the change with memory of their own start.
    """

    way: Way
    sockets: int
    dropped: int
    failed: int
    answered: int
    stall_s: float
    new_s: float
    forgot: int


def _push(version: int) -> Callable[[Running], None]:
    return lambda service: Pusher(wait_for_workers(), version - 1).push()


def _hang_up(service: Running) -> None:
    service.save(1)
    service.process.send_signal(signal.SIGHUP)


MANY = ("--workers", str(WORKERS))
WAYS = (
    Way("`livecode`, the first push", UVICORN, MANY, WORKERS, _push(1)),
    Way("`livecode`, the next push", UVICORN, MANY, WORKERS, _push(2), new=2),
    Way("gunicorn HUP", GUNICORN, MANY, WORKERS, _hang_up),
    Way("uvicorn HUP", UVICORN, MANY, WORKERS, _hang_up),
    Way("uvicorn --reload", UVICORN, ("--reload",), 1, lambda service: service.save(1)),
)


def measure(way: Way) -> Rolled:
    """One change, rolled out once."""
    with running(way.server, *way.arguments, start_s=START_S) as service:
        wait_for_workers(way.workers)
        for earlier in range(1, way.new):
            _push(earlier)(service)
        with customers(service.port) as came:
            time.sleep(BEFORE_S)
            began = time.time()
            way.change(service)
            _wait_until_settled(way, service.port, began)
        return _rolled(way, came.noticed, began)


def _wait_until_settled(way: Way, port: int, began: float) -> None:
    """Returns when new code has answered in all processes, and it alone for a while."""
    last_old, seen = time.time(), set[float]()
    while time.time() - began < LONGEST_S and (len(seen) < way.workers or time.time() - last_old < SETTLED_S):
        found = answer(port)
        if found.get("version") == way.new:
            seen.add(found["pid"])
        else:
            last_old = time.time()
        time.sleep(0.02)


def _rolled(way: Way, noticed: Noticed, began: float) -> Rolled:
    after = [answer for answer in noticed.answers if answer.at > began]
    times = [began, *(answer.at for answer in after)]
    stall_s = max(later - earlier for earlier, later in pairwise(times))
    known = {answer.born for answer in noticed.answers if answer.at <= began}
    forgot = {answer.pid for answer in after if answer.born not in known}
    return Rolled(
        way, noticed.sockets, noticed.dropped, len(noticed.failed), len(noticed.answers),
        stall_s, _all_new(way, after) - began, len(forgot),
    )  # fmt: skip


def _all_new(way: Way, after: Sequence[Answer]) -> float:
    """When old code had answered for the last time, and new code for the first time in every process."""
    first: dict[int, float] = {}
    for found in after:
        if found.version == way.new:
            first.setdefault(found.pid, found.at)
    old = [found.at for found in after if found.version != way.new]
    return max([*old, *sorted(first.values())[: way.workers]])


def show(found: tuple[Rolled, ...]) -> None:
    """Prints the table."""
    print(f"\nOne change of a service that takes {START_S:.0f} s to start, with {found[0].sockets} open websockets\n")
    print("| | all new after | longest stall | websockets dropped | requests failed | memory lost |")
    print("|---|---|---|---|---|---|")
    for row in found:
        memory = f"{row.forgot} of {row.way.workers} processes" if row.forgot else "none"
        cells = f"{row.new_s:.2f} s | {row.stall_s:.2f} s | {row.dropped} of {row.sockets}"
        print(f"| {row.way.name} | {cells} | {row.failed} of {row.failed + row.answered} | {memory} |", flush=True)
