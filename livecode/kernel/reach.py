"""From outside: which process of a service a notebook goes into, and how it gets there."""

from __future__ import annotations

import os
import socket
from typing import Any

from livecode.errors import ServiceNotFoundError, UsageError
from livecode.fleet import rundir
from livecode.fleet.client import RemoteWorker
from livecode.fleet.discovery import look
from livecode.kernel import places


def worker_for(service: str, worker: str = "") -> RemoteWorker:
    """The process of a service that notebooks go into: the first one, or the one that is named.

    Args:
        service: The name of the service.
        worker: ``w2``, a process id, or ``host:pid``; empty for the first.

    Raises:
        ServiceNotFoundError: It has no process on this machine; lists the services that have.
        UsageError: It has no such process; lists those that it has.
    """
    doors = look().workers
    found = [door for door in doors if door.worker.service == service]
    if not found:
        raise ServiceNotFoundError(service, tuple(sorted({door.worker.service for door in doors})))
    host, _, pid = worker.rpartition(":")
    if host not in ("", "localhost", socket.gethostname()):
        raise UsageError(
            f"{worker} is on another machine: a notebook goes into a process of {socket.gethostname()} only"
        )
    chosen = next((door for door in found if not worker or pid in (door.worker.name, str(door.worker.pid))), None)
    if chosen is None:
        there = ", ".join(f"{door.worker.name} (pid {door.worker.pid})" for door in found)
        raise UsageError(f"{service} has no worker {worker!r} here; it has {there}")
    return chosen


def connection_of(information: dict[str, Any]) -> dict[str, Any]:
    """What a front end of Jupyter wants to know of a kernel, of a connection file of livecode's."""
    keys = ("transport", "ip", "signature_scheme", *(f"{channel}_port" for channel in places.CHANNELS))
    return {**{key: information[key] for key in keys}, "key": information["key"].encode()}


def pid_of(information: dict[str, Any]) -> int:
    """The process that a kernel is in."""
    return int(information["livecode"]["pid"])


def is_there(information: dict[str, Any]) -> bool:
    """True while the kernel with that connection file listens."""
    return places.is_open(f"{information['ip']}-1")


def kernels_here() -> list[dict[str, Any]]:
    """The connection files of all kernels of this user; each has its path as ``path``."""
    return places.cards(os.path.join(rundir.directory(), places.FOLDER))
