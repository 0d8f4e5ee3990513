"""Who belongs to a service at this moment, and where its log is.

Alone       the caller's own process, or one worker by its process id: pushes to it go beside the log
Crew        the workers of one name: those behind this machine's doors, and those that report to the same store
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from livecode.errors import StoreError, UsageError
from livecode.fleet.client import ANSWER_S, FollowingWorker, LocalWorker, RemoteWorker, WorkerClient
from livecode.fleet.discovery import look
from livecode.fleet.distant import DistantWorker
from livecode.fleet.log import Arrivals, Log, is_dead
from livecode.fleet.store import open_store


class Members(Protocol):
    """The workers that a Service speaks to.

    Attributes:
        lost: The doors of dead processes that the last look found.
    """

    lost: tuple[str, ...]

    def look(self) -> Sequence[WorkerClient]:
        """The workers that are there now."""

    def log(self) -> Log | None:
        """The log that they follow; None where pushes go beside it."""

    def has_log(self) -> bool:
        """True if something was ever pushed, so that there is a log to be read."""

    def another(self) -> Members:
        """The same ones, over connections of its own."""


class Alone:
    """One worker, whose pushes are for it alone."""

    def __init__(self, pid: int | None = None, answer_s: float = ANSWER_S) -> None:
        self.lost: tuple[str, ...] = ()
        self._pid, self._answer_s = pid, answer_s
        self._here = LocalWorker() if pid is None else None

    def look(self) -> Sequence[WorkerClient]:
        if self._here is not None:
            return (self._here,)
        seen = look(answer_s=self._answer_s)
        self.lost = seen.lost
        return [door for door in seen.workers if door.worker.pid == self._pid]

    def log(self) -> None:
        return None

    def has_log(self) -> bool:
        return False

    def another(self) -> Alone:
        return Alone(self._pid, self._answer_s)


class Crew:
    """All workers of a service.

    Args:
        name: Of the service.
        answer_s: How long a worker may take for an answer.
        url: Of its store, where no worker of this machine says it.
    """

    def __init__(self, name: str, answer_s: float = ANSWER_S, url: str = "") -> None:
        self.name, self.lost = name, tuple[str, ...]()
        self._answer_s, self._url = answer_s, url
        self._doors: dict[str, RemoteWorker] = {}
        self._log: Log | None = None
        self._arrivals: Arrivals | None = None

    @property
    def url(self) -> str:
        """Of the store; empty where nobody has said it yet."""
        return self._url

    def look(self) -> Sequence[FollowingWorker]:
        seen = look(self.name, self._answer_s, self._doors)
        self._doors = {door.path: door for door in seen.workers}
        self.lost = seen.lost
        self._follow_url(seen.workers)
        return _named([*seen.workers, *self._distant(seen.workers)])

    def log(self) -> Log:
        if self._log is None:
            if not self._url:
                raise StoreError(f"no worker of {self.name} says where its log is: restart the service, or look again")
            self._log = Log(open_store(self._url, self.name))
        return self._log

    def has_log(self) -> bool:
        if self._url.startswith("sqlite://"):
            return os.path.exists(self._url.removeprefix("sqlite://"))
        return bool(self._url)

    def another(self) -> Crew:
        return Crew(self.name, self._answer_s, self._url)

    def _follow_url(self, doors: Sequence[RemoteWorker]) -> None:
        """Takes the store from what the workers say; all must say the same."""
        urls = {door.store_url for door in doors if door.store_url}
        if len(urls) > 1:
            raise UsageError(
                f"the workers of {self.name} follow {len(urls)} stores, so no push could reach them all: "
                "give listen() the same store= everywhere, and restart those that have another one"
            )
        if urls and self._url not in urls:
            self._url, self._log = urls.pop(), None

    def _distant(self, doors: Sequence[RemoteWorker]) -> list[DistantWorker]:
        """The workers of other machines, as they reported to the store."""
        if not self._url or self._url.startswith("sqlite://"):
            return []
        log, here = self.log(), socket.gethostname()
        keys = {door.worker.key for door in doors}
        self._arrivals = self._arrivals or Arrivals(log)
        try:
            reports = [report for key, report in log.reports().items() if key not in keys]
        except StoreError:
            if not doors:
                raise
            return []  # those behind doors can still be asked; a push reads the head, and says it
        chosen = [each for each in reports if not (each.left or each.pusher or is_dead(each, here))]
        return [DistantWorker(report, log, self._arrivals, self._answer_s) for report in chosen]


def _named(workers: list[FollowingWorker]) -> list[FollowingWorker]:
    """The workers by host and process id, called w1, w2, …"""
    ordered = sorted(workers, key=lambda each: (each.worker.host, each.worker.pid, each.worker.key))
    for number, client in enumerate(ordered, 1):
        client.worker = replace(client.worker, name=f"w{number}")  # type: ignore[misc]
    return ordered
