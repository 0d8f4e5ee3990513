"""A service as one thing: the verbs of livecode over all of its workers, which are looked for anew at each call."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from types import MappingProxyType
from typing import TypeAlias

from livecode.engine.check import refuse_name, refuse_source
from livecode.engine.refusals import refusal
from livecode.errors import ServiceNotFoundError, UsageError, WorkerLostError
from livecode.fleet.client import ANSWER_S, LocalWorker, WorkerClient
from livecode.fleet.discovery import look
from livecode.fleet.driver import UNDO, roll_out
from livecode.fleet.rollout import Goal
from livecode.fleet.together import ask_all
from livecode.model.nouns import History, ModuleSource, ProcessStatus, Push, Version, Worker
from livecode.model.report import Outcome, Refusal, Report, Verdict

OnOutcome: TypeAlias = Callable[[Outcome], None]
Look: TypeAlias = Callable[[], tuple[Sequence[WorkerClient], tuple[str, ...]]]
"""Finds the workers that are there now, and says which doors were found dead."""

NOTHING: Mapping[str, str] = MappingProxyType({})


class Service:
    """All workers of one service. Get one from `attach` or `here`.

    No verb raises for what a user must expect: look at the `Report`. They raise `ServiceNotFoundError` when no worker
    is left, and `ProtocolError` when one was made for another livecode.

    Attributes:
        name: As given to `livecode.listen`; empty for the caller's own process.
    """

    def __init__(self, name: str, look_for: Look, lost: tuple[str, ...] = ()) -> None:
        self.name, self._look_for, self._lost = name, look_for, lost

    def __repr__(self) -> str:
        return f"<livecode.Service {self.name!r}>" if self.name else "<livecode.Service, this process>"

    def workers(self) -> tuple[Worker, ...]:
        """Those that are there now, called w1, w2, … by host and process id; none if the service is gone."""
        return tuple(client.worker for client in self._clients())

    def lost(self) -> tuple[str, ...]:
        """The doors of dead processes that the last look found (and removed), as ``shop (pid 71)``."""
        return self._lost

    def push(
        self,
        sources: Mapping[str, str | None],
        *,
        author: str = "",
        reason: str = "",
        force: bool = False,
        safe_part: bool = False,
        origins: Mapping[str, str] = NOTHING,
        rerun: Sequence[str] = (),
        on_outcome: OnOutcome | None = None,
    ) -> Report:
        """What became of these sources, by module, which become live together on every worker or on none.

        Args:
            sources: New source by dotted module name; None takes the module out.
            author: Who pushes.
            reason: Why.
            force: Also what is refused for caution only.
            safe_part: Leave out what is refused, and apply the rest.
            origins: Where each source was written, for people, e.g. ``"cell 12"``.
            rerun: Names to make again though nothing that they read changed: ``MODEL``, or ``shop.model.MODEL``.
            on_outcome: Told each worker's outcome as it arrives.
        """
        push = replace(_push(sources, author, reason, force, origins, rerun), safe_part=safe_part)
        return self._roll_out("push", push, on_outcome)

    def dry_run(
        self,
        sources: Mapping[str, str | None],
        *,
        author: str = "",
        reason: str = "",
        force: bool = False,
        safe_part: bool = False,
        origins: Mapping[str, str] = NOTHING,
        rerun: Sequence[str] = (),
        on_outcome: OnOutcome | None = None,
    ) -> Report:
        """What `push` would say, with nothing touched: READY, SAME, REFUSED or NOT SENT."""
        push = replace(_push(sources, author, reason, force, origins, rerun), safe_part=safe_part)
        return self._roll_out("dry run", push, on_outcome, Goal.DRY_RUN)

    def unload(self, *modules: str, force: bool = False, author: str = "", reason: str = "") -> Report:
        """Take modules out of every worker."""
        return self._roll_out("unload", _push(dict.fromkeys(modules), author, reason, force))

    def undo(
        self,
        *modules: str,
        to: int | None = None,
        author: str = "",
        reason: str = "",
        force: bool = False,
        on_outcome: OnOutcome | None = None,
    ) -> Report:
        """Push again what ran before, or the version `to`; without modules, of all that the last push changed.

        What ran before is asked of the first worker that remembers, and becomes live on all.
        """
        clients = self._need_clients()
        names = modules or _last_push(clients)
        found = {name: _earlier(clients, name, to) for name in names}
        refusals = tuple(item for item in found.values() if isinstance(item, Refusal))
        if not names:
            refusals = (refusal("LC509", "nothing was pushed, so there is nothing to undo"),)
        if refusals:
            return Report(
                Verdict.REFUSED, names, (), len(clients), 0.0, "undo", self.name, author, reason, None, refusals
            )
        sources = {name: item.source for name, item in found.items() if isinstance(item, Version)}
        reason = f"{UNDO}: {reason}" if reason else UNDO
        return self._roll_out("undo", _push(sources, author, reason, force), on_outcome)

    def status(self) -> tuple[ProcessStatus, ...]:
        """What each worker runs. One that does not answer is in it too, and `busy` says so."""
        return tuple(ask_all(lambda client: client.status(), self._need_clients()))

    def source(self, module: str, version: int | None = None) -> str | None:
        """The source of a module as the first worker runs it, or ran it; None where there is none."""
        return self._need_clients()[0].source(module, version)

    def history(self, module: str) -> History:
        """What the first worker ran before of a module."""
        return self._need_clients()[0].history(module)

    def _clients(self) -> Sequence[WorkerClient]:
        clients, self._lost = self._look_for()
        return clients

    def _need_clients(self) -> Sequence[WorkerClient]:
        if clients := self._clients():
            return clients
        raise ServiceNotFoundError(self.name, tuple(sorted({worker.service for worker in running()})))

    def _roll_out(self, action: str, push: Push, on_outcome: OnOutcome | None = None, goal: Goal = Goal.PUSH) -> Report:
        began, clients = time.perf_counter(), self._need_clients()
        refusals = tuple(found for item in push.modules if (found := _refuse(item)) is not None)
        rollout = None if refusals else roll_out(clients, push, goal, on_outcome)
        return Report(
            rollout.verdict if rollout else Verdict.REFUSED,
            push.names,
            rollout.report_outcomes if rollout else (),
            len(clients),
            (time.perf_counter() - began) * 1000,
            action,
            self.name,
            push.author,
            push.reason,
            refusals=refusals,
        )


def attach(name: str | int | None = None, *, answer_s: float = ANSWER_S) -> Service:
    """The service of that name, or the process with that id, on this machine.

    Args:
        name: As given to `livecode.listen`; a process id for one worker alone; None for the only service there is.
        answer_s: How long a worker may take for an answer, before what it did counts as unknown.

    Raises:
        ServiceNotFoundError: There is none, or, without a name, more than one; lists those that there are.
        ProtocolError: A worker was made for another livecode; says both versions.
        UnsafeDirectoryError: The directory of the sockets is not this user's alone.
    """
    if not isinstance(name, str | int | None):
        raise UsageError(f"attach: the name of a service or a process id is needed, not {name!r}")
    seen = look(answer_s=answer_s)
    doors = seen.workers
    services = tuple(sorted({door.worker.service for door in doors}))
    wanted = services[0] if name is None and len(services) == 1 else name
    chosen = [door for door in doors if wanted in (door.worker.service, door.worker.pid)]
    if not chosen:
        raise ServiceNotFoundError(f"pid {name}" if isinstance(name, int) else name, services)
    for door in chosen:
        with suppress(WorkerLostError):  # it is slow, or going: each verb says what becomes of it
            door.hello()
    service = chosen[0].worker.service
    lost = tuple(door for door in seen.lost if door.startswith(f"{service} (pid "))
    return _remote(service, name if isinstance(name, int) else None, answer_s, lost)


def here() -> Service:
    """This process alone, without a socket."""
    workers = (LocalWorker(),)
    return Service("", lambda: (workers, ()))


def running() -> tuple[Worker, ...]:
    """Every worker of every service of this user on this machine, by service and name."""
    return tuple(door.worker for door in look().workers)


def _remote(name: str, pid: int | None, answer_s: float, lost: tuple[str, ...]) -> Service:
    def look_for() -> tuple[Sequence[WorkerClient], tuple[str, ...]]:
        seen = look(name, answer_s)
        return [door for door in seen.workers if pid in (None, door.worker.pid)], seen.lost

    return Service(name, look_for, lost)


def _push(
    sources: Mapping[str, str | None],
    author: str,
    reason: str,
    force: bool,
    origins: Mapping[str, str] = NOTHING,
    rerun: Sequence[str] = (),
) -> Push:
    if not isinstance(sources, Mapping) or not (sources or rerun) or not all(isinstance(name, str) for name in sources):
        raise UsageError("a push needs modules: {'shop.pricing': source}, where None as source unloads")
    modules = (ModuleSource(name, source, origins.get(name, "")) for name, source in sources.items())
    return Push(tuple(modules), author, reason, force, rerun=tuple(rerun))


def _refuse(item: ModuleSource) -> Refusal | None:
    """What can be said before any worker is asked."""
    source: object = item.source
    if not isinstance(source, str | None):
        what = f"the source is {type(source).__name__}, not text"
        return refusal("LC505", what, module=item.module)
    return refuse_name(item.module) or refuse_source(item)


def _last_push(clients: Sequence[WorkerClient]) -> tuple[str, ...]:
    """The modules of the last push, by the first worker that remembers one: a new one does not."""
    return next((status.last_push for client in clients if (status := client.status()).last_push), ())


def _earlier(clients: Sequence[WorkerClient], module: str, to: int | None) -> Version | Refusal:
    """The version that an undo brings back, by the first worker that remembers it."""
    histories = [client.history(module) for client in clients]
    for history in histories:
        numbered = {version.number: version for version in history.versions}
        if (target := history.undo_target() if to is None else numbered.get(to)) is not None:
            return target
    there = ", ".join(f"v{version.number}" for version in histories[0].versions) or "none"
    asked = "nothing older" if to is None else f"no v{to}"
    return refusal("LC509", f"{asked} of {module} is remembered (there: {there})", module=module)
