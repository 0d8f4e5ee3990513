"""The servers that the README names: every process that serves has a door, takes pushes while it serves, and goes."""

from __future__ import annotations

import ast
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import pytest

from livecode.fleet.client import Presence
from livecode.fleet.discovery import look
from livecode.fleet.service import attach
from livecode.model.report import Verdict
from tests.services import ASGI, RunningService, Services, wait_until

WORKERS = 2
OLD = {"pricing.py": "import os\ndef quote():\n    return os.getpid(), 'old'\n"}
NEW = {"pricing": "import os\ndef quote():\n    return os.getpid(), 'new'\n"}


@dataclass(frozen=True, slots=True)
class Server:
    """One server, set up as the README says.

    Attributes:
        start: Starts it with `WORKERS` workers; its application listens as "shop" and imports `pricing`.
        parent: True if the process that starts the workers listens, too.
    """

    start: Callable[[Services], RunningService]
    parent: bool = False


def gunicorn(*arguments: str) -> Server:
    return Server(lambda services: services.gunicorn("shop", OLD, "--workers", str(WORKERS), *arguments))


def gunicorn_asgi(*arguments: str) -> Server:
    kind = ("--worker-class", "uvicorn_worker.UvicornWorker")
    return Server(
        lambda services: services.gunicorn("shop", OLD, "--workers", str(WORKERS), *kind, *arguments, app=ASGI)
    )


def children(method: str) -> Server:
    return Server(lambda services: services.children("shop", OLD, method, WORKERS), parent=True)


SERVERS = {
    "uvicorn": Server(lambda services: services.uvicorn("shop", OLD, "--workers", str(WORKERS))),
    "gunicorn sync": gunicorn(),
    "gunicorn sync preload": gunicorn("--preload"),
    "gunicorn gthread": gunicorn("--threads", "2"),
    "gunicorn gthread preload": gunicorn("--threads", "2", "--preload"),
    "gunicorn uvicorn": gunicorn_asgi(),
    "gunicorn uvicorn preload": gunicorn_asgi("--preload"),
    "granian": Server(lambda services: services.granian("shop", OLD, "--workers", str(WORKERS))),
    "celery": Server(lambda services: services.celery("shop", OLD, "--concurrency", str(WORKERS)), parent=True),
    "multiprocessing fork": children("fork"),
    "multiprocessing spawn": children("spawn"),
    "multiprocessing forkserver": children("forkserver"),
}


class Traffic:
    """Customers who ask all the time for a quote, and note which process answered what."""

    def __init__(self, server: RunningService, customers: int = 2) -> None:
        self.answered: dict[str, set[int]] = {}
        self.complaints: list[str] = []
        self._server, self._open = server, True
        self._threads = [threading.Thread(target=self._ask) for _ in range(customers)]

    def who(self, answer: str) -> set[int]:
        """The processes that answered that."""
        return set(self.answered.get(answer, ()))

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._open = False
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        latest: dict[int, str] = {}
        while self._open:
            try:
                pid, answer = ast.literal_eval(self._server.get("pricing.quote()"))
            except Exception as error:
                self.complaints.append(repr(error))
                return
            if (latest.get(pid), answer) == ("new", "old"):
                self.complaints.append(f"{pid} went back")
            latest[pid] = answer
            self.answered.setdefault(answer, set()).add(pid)


def pids() -> set[int]:
    """The processes that answer as the service."""
    return {door.worker.pid for door in look("shop").workers if door.meet()[0] is Presence.ANSWERS}


def ask(running: RunningService) -> int:
    """The process that answers; 0 if one ended instead."""
    try:
        pid, _ = ast.literal_eval(running.get("pricing.quote()"))
    except OSError:
        return 0
    return int(pid)


def started(services: Services, server: Server) -> tuple[RunningService, set[int]]:
    """The server, and the processes that serve, all of which have a door; no other has one."""
    running = server.start(services)
    wait_until(lambda: len(pids()) >= WORKERS + server.parent, "all workers listen", running)
    found = pids()
    assert (len(found), running.pid in found) == (WORKERS + server.parent, server.parent)
    return running, found - {running.pid}


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


REPLACING = {
    "uvicorn": SERVERS["uvicorn"],
    "gunicorn sync": SERVERS["gunicorn sync"],
    "gunicorn sync preload": SERVERS["gunicorn sync preload"],
    "gunicorn uvicorn": SERVERS["gunicorn uvicorn"],
    "granian": Server(
        lambda services: services.granian("shop", OLD, "--workers", str(WORKERS), "--respawn-failed-workers")
    ),
    "celery": SERVERS["celery"],
}
"""Servers that start another worker when one has died."""


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


RECYCLING = {
    "uvicorn": Server(
        lambda services: services.uvicorn("shop", OLD, "--workers", str(WORKERS), "--limit-max-requests", "5")
    ),
    "gunicorn sync": gunicorn("--max-requests", "5"),
    "gunicorn sync preload": gunicorn("--max-requests", "5", "--preload"),
    "gunicorn gthread": gunicorn("--max-requests", "5", "--threads", "2"),
    "gunicorn uvicorn": gunicorn_asgi("--max-requests", "5"),
    "celery": Server(
        lambda services: services.celery("shop", OLD, "--concurrency", str(WORKERS), "--max-tasks-per-child", "5"),
        parent=True,
    ),
}
"""Servers that replace a worker after some requests."""


@pytest.mark.parametrize("server", RECYCLING.values(), ids=RECYCLING)
def test_recycled_worker(services: Services, server: Server) -> None:
    """A worker that takes over after some requests has a door, and is pushed to as well."""
    running, workers = started(services, server)
    wait_until(lambda: ask(running) not in {0, *workers}, "a new worker answers", running)

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
