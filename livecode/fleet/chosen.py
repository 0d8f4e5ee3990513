"""Some of the workers of a service, by their names."""

from __future__ import annotations

from collections.abc import Sequence

from livecode.errors import UsageError
from livecode.fleet.client import LocalWorker, RemoteWorker, WorkerClient

ALL = "*"
"""Stands for the names of all workers."""
EVALUATION_S = 10.0
"""How long an expression may take, unless somebody says something else."""


def chosen_workers(
    service: str, clients: Sequence[WorkerClient], names: Sequence[str]
) -> Sequence[LocalWorker | RemoteWorker]:
    """Those of the workers that are named, ``"*"`` for all, the first one for none.

    Raises:
        UsageError: There is no such worker, or it cannot be asked from this machine.
    """
    known = {client.worker.name: client for client in clients}
    wanted = list(known) if ALL in names else list(names) or list(known)[:1]
    if missing := [name for name in wanted if name not in known]:
        raise UsageError(f"{service} has no worker {missing[0]!r}; it has {', '.join(known)}")
    chosen = [known[name] for name in wanted]
    for client in chosen:
        if not isinstance(client, LocalWorker | RemoteWorker):
            host = client.worker.host
            raise UsageError(f"{client.worker.name} is on {host}, and no door leads there: ask ssh://{host}/{service}")
    return chosen  # type: ignore[return-value]
