"""What must hold after every fault: the workers are on one generation, and answer alike."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from livecode.errors import StoreError
from livecode.fleet.log import Log
from livecode.fleet.rundir import store_path
from livecode.fleet.store import open_store
from livecode.model.log import WorkerReport
from tests.services import RunningService, wait_until

OLD = "def quote():\n    return 'old'\n"
NEW = "def quote():\n    return 'new'\n"
NEXT = "def quote():\n    return 'next'\n"


@contextmanager
def opened_log(url: str = "") -> Iterator[Log]:
    """The log of the service `shop`; without a URL, the embedded one."""
    log = Log(open_store(url or f"sqlite://{store_path(os.environ['LIVECODE_DIR'], 'shop')}", "shop"))
    try:
        yield log
    finally:
        log.close()


def reported(log: Log, started: Sequence[RunningService]) -> list[WorkerReport]:
    """What these workers say of themselves in the store."""
    pids = {service.pid for service in started}
    return [each for each in log.reports().values() if each.worker.pid in pids and not each.left and not each.pusher]


def check_agreed(started: Sequence[RunningService], answer: str, url: str = "") -> None:
    """Returns when all workers report the newest generation and no trouble, nothing is on trial, and all answer so."""

    def agreed(log: Log) -> bool:
        try:
            state, reports = log.state(), reported(log, started)
        except StoreError:
            return False
        settled = {(each.generation, each.trouble) for each in reports} == {(state.generation, "")}
        return settled and state.trial is None and len(reports) == len(started)

    with opened_log(url) as log:
        wait_until(lambda: agreed(log), "all workers report the newest generation")
        generations = [state.generation for state in log.history()]
    assert [service.get("pricing.quote()") for service in started] == [repr(answer)] * len(started)
    assert generations == list(range(generations[0], 0, -1))
