"""Which doors of this user are alive. Readers clean up after processes that could not.

A socket that refuses a connection is stale: it listens before it gets its name (`livecode.fleet.rundir`). One that
does not refuse is left alone, even where its process id is unknown here: it may belong to another container.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from types import MappingProxyType

from livecode.fleet import rundir
from livecode.fleet.client import ANSWER_S, Presence, RemoteWorker, is_running
from livecode.fleet.together import ask_all
from livecode.model.nouns import Worker

NOBODY: Mapping[str, RemoteWorker] = MappingProxyType({})
SETTLED_S = 60.0
"""Files that are older than this are not being made any more."""

FEW = 16
CROWD_S = 0.3
"""The first push makes each worker import what pushes need, a third of a second of work: every worker of a machine
beyond a few lets each of them have so much longer for its answer."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one look found.

    Attributes:
        workers: Those whose doors are open, in the order of their names.
        lost: Doors of dead processes, as ``shop (pid 71)``; their files are removed.
    """

    workers: tuple[RemoteWorker, ...]
    lost: tuple[str, ...] = ()


def look(
    service: str | None = None, answer_s: float = ANSWER_S, known: Mapping[str, RemoteWorker] = NOBODY
) -> Sighting:
    """The workers of a service, or of all services, and the doors that were found dead.

    Args:
        service: Its name; None for all.
        answer_s: How long a worker may take for an answer.
        known: Workers of an earlier look by the path of their door: whose line is open still is not asked again.

    Raises:
        UnsafeDirectoryError: The directory of the sockets is not this user's alone.
    """
    folder = rundir.directory()
    try:
        rundir.check_directory(folder)
        files = sorted(os.listdir(folder))
    except FileNotFoundError:
        return Sighting(())
    paths = {stem: os.path.join(folder, f"{stem}.sock") for stem in _stems(files, service)}
    expected = [known.get(path) or _expected(folder, stem, answer_s) for stem, path in paths.items()]
    for door in expected:
        door.answer_s = answer_s + CROWD_S * max(len(expected) - FEW, 0)
    unsure = [door for door in expected if not door.is_connected()]
    visited = {id(door): found for door, found in zip(unsure, ask_all(_visit, unsure), strict=True)}
    seen = [visited.get(id(door), door) for door in expected]
    _sweep(folder, files)
    lost = (
        f"{door.worker.service} (pid {door.worker.pid})"
        for door, found in zip(expected, seen, strict=True)
        if not found
    )
    return Sighting(_named(found for found in seen if found is not None), tuple(lost))


def running() -> tuple[Worker, ...]:
    """Every worker of every service of this user on this machine, by service and name."""
    return tuple(door.worker for door in look().workers)


def _stems(files: Iterable[str], service: str | None) -> list[str]:
    """Names of the doors of that service, by their sockets."""
    stems = (file.removesuffix(".sock") for file in files if file.endswith(".sock"))
    return [stem for stem in stems if (found := rundir.split_stem(stem)) and service in (None, found[0])]


def _visit(door: RemoteWorker) -> RemoteWorker | None:
    """The worker behind a door as it introduces itself; None if nobody is there, and then its files are gone."""
    presence, worker = door.meet()
    if presence in (Presence.GONE, Presence.CLOSED):
        rundir.remove(door.path.removesuffix("sock") + "json", door.path)
        return None
    door.worker = worker
    return door


def _expected(folder: str, stem: str, answer_s: float) -> RemoteWorker:
    """The worker that a door's files promise."""
    service, pid = rundir.split_stem(stem) or ("", 0)
    worker = Worker(name="", pid=pid, host=socket.gethostname(), python="", service=service)
    with suppress(OSError, ValueError, KeyError, TypeError):  # a card that cannot be read tells nothing
        with open(os.path.join(folder, f"{stem}.json"), encoding="utf-8") as file:
            card = json.load(file)
        python, livecode, started = str(card["python"]), str(card["livecode"]), float(card["started"])
        worker = replace(worker, python=python, livecode=livecode, started=started)
    return RemoteWorker(worker, os.path.join(folder, f"{stem}.sock"), answer_s)


def _named(workers: Iterable[RemoteWorker]) -> tuple[RemoteWorker, ...]:
    """The workers in order, called w1, w2, … within their service."""
    ordered = sorted(workers, key=lambda door: (door.worker.service, door.worker.host, door.worker.pid, door.path))
    counts: dict[str, int] = {}
    for door in ordered:
        counts[door.worker.service] = number = counts.get(door.worker.service, 0) + 1
        door.worker = replace(door.worker, name=f"w{number}")
    return tuple(ordered)


def _sweep(folder: str, files: Iterable[str]) -> None:
    """Remove what no socket belongs to: cards, and files half made, of processes that are gone."""
    there = set(files)
    for file in there:
        if file.endswith(".json") and f"{file.removesuffix('json')}sock" not in there:
            found = rundir.split_stem(file.removesuffix(".json"))
        elif file.endswith(".new"):
            found = rundir.split_stem(f"half{file.removesuffix('.new').replace('.', '-', 1)}")
        else:
            continue
        path = os.path.join(folder, file)
        if found is not None and not is_running(found[1]) and _age_s(path) > SETTLED_S:
            rundir.remove(path)


def _age_s(path: str) -> float:
    try:
        return time.time() - os.lstat(path).st_mtime
    except FileNotFoundError:
        return 0.0
