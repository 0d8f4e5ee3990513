"""The servers that the README names: every process that serves has a door, takes pushes while it serves, and goes."""

from __future__ import annotations

import os
import signal

import pytest

from livecode.fleet.service import attach
from livecode.model.report import Verdict
from tests.fleet.served import (
    NEW,
    RECYCLING,
    REPLACING,
    SERVERS,
    WORKERS,
    Server,
    Traffic,
    answer,
    gunicorn,
    pids,
    started,
)
from tests.services import Services, wait_until


@pytest.fixture(params=SERVERS.values(), ids=SERVERS)
def server(request: pytest.FixtureRequest) -> Server:
    """One server after the other."""
    found: Server = request.param
    return found


def test_push_while_it_serves(services: Services, server: Server) -> None:
    """A push is live in every worker, no request fails, none is answered by older code than the one before."""
    running, workers = started(services, server)
    with Traffic(running) as traffic:
        wait_until(lambda: traffic.complaints or traffic.who("old") == workers, "all workers answer", running)
        report = attach("shop").push(NEW)
        assert (report.verdict, report.workers) == (Verdict.LIVE, WORKERS + server.parent), str(report)
        wait_until(lambda: traffic.complaints or traffic.who("new") == workers, "all workers run it", running)
    assert traffic.complaints == []
    assert running.stop() == 0
    assert (pids(), [file.name for file in services.doors.iterdir() if ".sqlite" not in file.name]) == (set(), [])
    assert "Traceback" not in running.printed()


@pytest.mark.parametrize("server", REPLACING.values(), ids=REPLACING)
def test_killed_worker_is_replaced(services: Services, server: Server) -> None:
    """The worker that is started for a killed one has a door, and is pushed to as well."""
    running, workers = started(services, server)
    killed, other = workers
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: len(pids() - {killed}) == WORKERS + server.parent, "another worker listens", running)
    assert other in pids()
    report = attach("shop").push(NEW)
    assert (report.verdict, {outcome.worker.pid for outcome in report.outcomes}) == (Verdict.LIVE, pids())


@pytest.mark.parametrize("server", RECYCLING.values(), ids=RECYCLING)
def test_recycled_worker(services: Services, server: Server) -> None:
    """A worker that takes over after some requests has a door, and is pushed to as well."""
    running, workers = started(services, server)
    wait_until(lambda: answer(running)[0] not in {0, *workers}, "a new worker answers", running)

    def live_in_new_workers() -> bool:
        report = attach("shop").push(NEW)  # may meet a worker that is about to end
        there = {outcome.worker.pid for outcome in report.outcomes} - {running.pid}
        return report.verdict in (Verdict.LIVE, Verdict.SAME) and len(there) == WORKERS and bool(there - workers)

    wait_until(live_in_new_workers, "a push is live in the new worker", running)


def test_gunicorn_reload(services: Services) -> None:
    """A gunicorn that is told to reload has new workers with doors, and still none for the arbiter."""
    running, workers = started(services, gunicorn("--preload"))
    running.process.send_signal(signal.SIGHUP)
    wait_until(lambda: (now := pids()) and not now & workers and len(now) == WORKERS, "new workers listen", running)
    assert running.pid not in pids()
