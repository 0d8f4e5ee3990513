"""All services: those behind the doors of this machine, and those whose workers report to a store.

No worker is asked more than who it is: what runs is in the log, and a worker that nobody has pushed to has not imported
what it would need to answer.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module

from livecode.errors import LivecodeError, UsageError
from livecode.fleet.discovery import look
from livecode.fleet.log import Log, is_dead
from livecode.fleet.store import HOMES, check_url, open_store, without_password
from livecode.model.log import WorkerReport
from livecode.model.nouns import Worker
from livecode.model.services import ServiceSummary, who_differs

EMBEDDED = "sqlite://"


def services_here() -> tuple[ServiceSummary, ...]:
    """Every service of this user that has a worker on this machine; those of its workers that are elsewhere, too."""
    doors: dict[tuple[str, str], list[Worker]] = {}
    for door in look().workers:
        doors.setdefault((door.worker.service, door.store_url), []).append(door.worker)
    return tuple(_summary(service, url, workers) for (service, url), workers in sorted(doors.items()))


def services_in(url: str, name: str = "") -> tuple[ServiceSummary, ...]:
    """Every service whose workers report to the store at that URL, or only the one of that name.

    Raises:
        UsageError: It is the URL of no store, or of one that does not list what it holds: then a name is needed.
        StoreError: The store cannot be reached.
        MissingExtraError: Its client is not installed.
    """
    doors: dict[str, list[Worker]] = {}
    for door in look().workers:
        if door.store_url == url:
            doors.setdefault(door.worker.service, []).append(door.worker)
    names = (name,) if name else sorted({*doors, *_names(url, doors)})
    found = (_read(each, url, doors.get(each, ())) for each in names)
    return tuple(each for each in found if each.workers)


def _names(url: str, near: Iterable[str]) -> Iterable[str]:
    """The services that a store knows; where it cannot say, those that are known to follow it."""
    scheme = check_url(url)
    home = import_module(HOMES[scheme])
    if hasattr(home, "services"):
        names: Sequence[str] = home.services(url)
        return names
    if scheme == "sqlite" or near:  # a file is of this machine, and so are all who follow it
        return near
    raise UsageError(
        f"a store in {scheme} cannot list its services: name the one that is wanted, "
        f"livecode ps NAME --store {without_password(url)}"
    )


def _summary(service: str, url: str, workers: Sequence[Worker]) -> ServiceSummary:
    """What is known of a service, also where its log cannot be read."""
    if not url or (url.startswith(EMBEDDED) and not os.path.exists(url.removeprefix(EMBEDDED))):
        return ServiceSummary(service, _named(workers))
    try:
        return _read(service, url, workers)
    except LivecodeError as error:
        return ServiceSummary(service, _named(workers), store=_shown(url), trouble=str(error))


def _read(service: str, url: str, near: Sequence[Worker]) -> ServiceSummary:
    """A service as its log tells of it."""
    log = Log(open_store(url, service))
    try:
        state, reports = log.state(), log.reports()
    finally:
        log.close()
    workers = _named([*near, *_far(reports, near)])
    patches = sum(1 for patch in state.patches if patch.digest != patch.base)
    differing = who_differs(workers, state, tuple(reports.values()))
    return ServiceSummary(service, workers, state.generation, patches, differing, _shown(url))


def _far(reports: Mapping[str, WorkerReport], near: Iterable[Worker]) -> list[Worker]:
    """Workers that only the store knows."""
    keys, host = {worker.key for worker in near}, socket.gethostname()
    others = (report for key, report in reports.items() if key not in keys)
    return [each.worker for each in others if not (each.left or each.pusher or is_dead(each, host))]


def _named(workers: Iterable[Worker]) -> tuple[Worker, ...]:
    ordered = sorted(workers, key=lambda worker: (worker.host, worker.pid, worker.key))
    return tuple(replace(worker, name=f"w{number}") for number, worker in enumerate(ordered, 1))


def _shown(url: str) -> str:
    return "" if url.startswith(EMBEDDED) else without_password(url)
