"""Every server that the README names, set up as it says, and customers who ask it all the time."""

from __future__ import annotations

import ast
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from types import TracebackType
from typing import Self

from livecode.fleet.client import Presence
from livecode.fleet.discovery import look
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


def answer(running: RunningService) -> tuple[int, str]:
    """The process that answers, and what; no process and no answer if one ended instead."""
    try:
        pid, quoted = ast.literal_eval(running.get("pricing.quote()"))
    except (OSError, HTTPException):
        return 0, ""
    return int(pid), str(quoted)


def started(services: Services, server: Server) -> tuple[RunningService, set[int]]:
    """The server, and the processes that serve, all of which have a door; no other has one."""
    running = server.start(services)
    wait_until(lambda: len(pids()) >= WORKERS + server.parent, "all workers listen", running)
    found = pids()
    assert (len(found), running.pid in found) == (WORKERS + server.parent, server.parent)
    return running, found - {running.pid}
