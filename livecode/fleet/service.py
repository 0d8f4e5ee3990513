"""A service as one thing: the verbs of livecode over all of its workers, which are looked for anew at each call."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from types import MappingProxyType
from typing import TypeAlias

from livecode.engine.refusals import refusal
from livecode.errors import NotAllowedError, ServiceNotFoundError, StoreError, UsageError, WorkerLostError
from livecode.fleet.attempts import Attempts
from livecode.fleet.chosen import EVALUATION_S, chosen_workers
from livecode.fleet.client import ANSWER_S, LocalWorker, RemoteWorker, WorkerClient
from livecode.fleet.crew import Alone, Crew, Members
from livecode.fleet.discovery import look, running
from livecode.fleet.driver import UNDO, Driver, OnCanary, push_alone
from livecode.fleet.former import earlier, last_push
from livecode.fleet.permission import check_request
from livecode.fleet.requests import NOTHING, push_of, refused_here
from livecode.fleet.rollout import BEST_TO_WORST, DEFAULT, Goal, Policy
from livecode.fleet.store import Topic, Watch, check_url, without_password
from livecode.fleet.together import ask_all
from livecode.model.agents import Agent
from livecode.model.evaluated import Evaluated
from livecode.model.loaded import LoadedFile, WantedFile
from livecode.model.log import NOTHING_YET, Action, CanaryNow, State, Wish
from livecode.model.nouns import History, ProcessStatus, Push, Version, Worker
from livecode.model.pushes import LoggedPush
from livecode.model.report import Outcome, Refusal, Report, Verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from livecode.model.saving import FileSide, SaveReport

OnOutcome: TypeAlias = Callable[[Outcome], None]
NO_VERSIONS: Mapping[str, int] = MappingProxyType({})


class Service:
    """All workers of one service. Get one from `attach` or `here`.

    No verb raises for what a user must expect: look at the `Report`. They raise `ServiceNotFoundError` when no worker
    is left, `ProtocolError` when one was made for another livecode, and `StoreError` when the log of the service
    cannot be reached: nothing was changed then, or it is taken back.

    Attributes:
        name: As given to `livecode.listen`; empty for the caller's own process.
        seen: What the log said when whoever pushes through this looked last.
        place: Where its workers are looked for, such as ``ssh://host``; empty for this machine.
        agent: The agent on whose behalf all of this is asked; empty where a person asks.
    """

    place = agent = ""

    def __init__(self, name: str, members: Members) -> None:
        self.name, self._members = name, members
        self.seen = NOTHING_YET

    def __repr__(self) -> str:
        return f"<livecode.Service {self.name!r}>" if self.name else "<livecode.Service, this process>"

    def close(self) -> None:
        """Lets go what was needed to speak to it; the service does not notice. The next verb gets it anew."""

    def workers(self) -> tuple[Worker, ...]:
        """Those that are there now, called w1, w2, … by host and process id; none if the service is gone."""
        return tuple(client.worker for client in self._members.look())

    def lost(self) -> tuple[str, ...]:
        """The doors of dead processes that the last look found (and removed), as ``shop (pid 71)``."""
        return self._members.lost

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
        policy: Policy = DEFAULT,
        on_outcome: OnOutcome | None = None,
        on_canary: OnCanary | None = None,
        agent: Agent | None = None,
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
            policy: How it goes to many workers: one first, then all; a canary; or mixed, with a reason.
            on_outcome: Told each worker's outcome as it arrives.
            on_canary: Told every second what a canary measured so far.
            agent: The agent that asks for it; None where a person does.

        Raises:
            UsageError: The policy needs more workers than there are.
        """
        push = replace(push_of(sources, author, reason, force, origins, rerun), safe_part=safe_part, agent=agent)
        return self.roll_out(Action.PUSH, push, on_outcome, policy=policy, on_canary=on_canary)

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
        agent: Agent | None = None,
    ) -> Report:
        """What `push` would say, with nothing touched: READY, SAME, REFUSED or NOT SENT."""
        push = replace(push_of(sources, author, reason, force, origins, rerun), safe_part=safe_part, agent=agent)
        return self.roll_out(Action.PUSH, push, on_outcome, Goal.DRY_RUN)

    def unload(self, *modules: str, force: bool = False, author: str = "", reason: str = "") -> Report:
        """Take modules out of every worker."""
        return self.roll_out(Action.UNLOAD, push_of(dict.fromkeys(modules), author, reason, force))

    def undo(
        self,
        *modules: str,
        to: int | None = None,
        author: str = "",
        reason: str = "",
        force: bool = False,
        now: bool = False,
        on_outcome: OnOutcome | None = None,
        agent: Agent | None = None,
    ) -> Report:
        """Push again what ran before, or the version `to`; without modules, of all that the last push changed.

        What ran before is asked of the first worker that remembers, else of the log, and becomes live on all.

        Args:
            modules: Names; none for those of the last push.
            to: The version to go back to.
            author: Who undoes.
            reason: Why.
            force: Also what is refused for caution only.
            now: For emergencies: on all workers at once, without a first one that tries it; nothing is taken back.
            on_outcome: Told each worker's outcome as it arrives.
            agent: The agent that asks for it; None where a person does.
        """
        clients, policy = self._need_clients(), Policy(now=now)
        self._must_fit(policy, len(clients))
        names = modules or last_push(clients, self._members)
        found = {name: earlier(clients, self._members, name, to) for name in names}
        refusals = tuple(item for item in found.values() if isinstance(item, Refusal))
        if not names:
            refusals = (refusal("LC509", "nothing was pushed, so there is nothing to undo"),)
        if refusals:
            return Report(
                Verdict.REFUSED, names, (), len(clients), 0.0, "undo", self.name, author, reason, None, refusals
            )
        versions = {name: item for name, item in found.items() if isinstance(item, Version)}
        sources = {name: item.source for name, item in versions.items()}
        reason = f"{UNDO}: {reason}" if reason else UNDO
        restores = {name: item.number for name, item in versions.items()}
        push = replace(push_of(sources, author, reason, force), agent=agent)
        return self.roll_out(Action.UNDO, push, on_outcome, policy=policy, restores=restores)

    def status(self) -> tuple[ProcessStatus, ...]:
        """What each worker runs. One that does not answer is in it too, and `busy` says so."""
        found = self.peek()
        self.look_at_log()
        return found

    def peek(self) -> tuple[ProcessStatus, ...]:
        """The same for a program: whoever pushes through this has not seen it, and is told of what others pushed."""
        return tuple(ask_all(lambda client: client.status(), self._need_clients()))

    def source(self, module: str, version: int | None = None) -> str | None:
        """The source of a module as the first worker runs it, or of a version that somebody remembers; else None."""
        self.look_at_log()
        clients = self._need_clients()
        source = clients[0].source(module, version)
        if source is None and version is not None:
            found = earlier(clients, self._members, module, version)
            return found.source if isinstance(found, Version) else None
        return source

    def history(self, module: str) -> History:
        """What the first worker ran before of a module."""
        return self._need_clients()[0].history(module)

    def loaded_files(self, folder: str, wanted: Sequence[WantedFile]) -> tuple[LoadedFile, ...]:
        """The modules that any worker loaded from these files; each worker tracks the folder from now on.

        Workers behind no door of this machine cannot say it, and one that does not answer is left out.

        Raises:
            WorkerLostError: None of them answered.
            UsageError: All of them are on other machines.
        """
        lost: list[WorkerLostError] = []

        def ask(client: LocalWorker | RemoteWorker) -> tuple[LoadedFile, ...]:
            try:
                return client.loaded_files(folder, wanted)
            except WorkerLostError as error:
                lost.append(error)
                return ()

        clients = [each for each in self._need_clients() if isinstance(each, LocalWorker | RemoteWorker)]
        if not clients:
            raise UsageError(
                f"all workers of {self.name} are on other machines, and a store does not tell what they have loaded "
                "from which files: watch where one of them is"
            )
        files = ask_all(ask, clients)
        if len(lost) == len(clients):
            raise lost[0]
        return tuple(dict.fromkeys(file for found in files for file in found))

    def evaluate(
        self,
        expression: str,
        *,
        workers: Sequence[str] = (),
        module: str = "",
        timeout_s: float = EVALUATION_S,
        rich_bytes: int = 0,
    ) -> tuple[Evaluated, ...]:
        """What an expression is in the first worker, or in those that are named: ``"*"`` for all.

        Args:
            expression: Python, one expression, or statements whose last one is; names stand for loaded modules, as in
                ``shop.pricing.CACHE``.
            workers: Names of workers: ``w3``.
            module: The module whose own names it can use, too.
            timeout_s: How long it may take in each.
            rich_bytes: What the tables, pictures, … of all answers together may have; 0 for their text alone.

        Raises:
            UsageError: It is a statement, there is no such worker, or one is behind no door of this machine.
        """
        chosen = chosen_workers(self.name, self._need_clients(), workers)
        each_bytes = rich_bytes // len(chosen)
        return tuple(ask_all(lambda client: client.evaluate(expression, module, timeout_s, each_bytes), chosen))

    def names(self, text: str, module: str = "") -> tuple[str, ...]:
        """How a dotted name in an expression may go on in the first worker that can be asked; none is evaluated.

        Args:
            text: How it begins: ``shop.pri``.
            module: The module whose own names count, too.
        """
        doors = (each for each in self._need_clients() if isinstance(each, LocalWorker | RemoteWorker))
        first = next(doors, None)
        return first.names(text, module) if first is not None else ()

    def canary(self) -> CanaryNow | None:
        """The canary that somebody pushes at this moment, with what it measured so far; None if there is none."""
        from livecode.fleet.canaries import under_way  # few need it

        log = self._members.log() if self._members.look() and self._members.has_log() else None
        return under_way(log) if log is not None else None

    def promote(self, *, author: str = "", reason: str = "") -> LoggedPush:
        """What became of the canary that is under way, after it was let go to all workers before its time was over.

        Raises:
            UsageError: No canary is under way.
            DoorError: Who pushes it does not answer.
        """
        return self._decide(Wish.PROMOTE, author, reason)

    def take_back(self, *, author: str = "", reason: str = "") -> LoggedPush:
        """The same, after all workers went back to what they ran before it."""
        return self._decide(Wish.TAKE_BACK, author, reason)

    def _decide(self, wish: Wish, author: str, reason: str) -> LoggedPush:
        from livecode.fleet.canaries import NO_CANARY, decide

        self._need_clients()
        if self.agent:
            raise NotAllowedError(f"a person decides what becomes of a canary of {self.name}, not {self.agent}")
        log = self._members.log() if self._members.has_log() else None
        if log is None:
            raise UsageError(NO_CANARY)
        return decide(log, wish, author, reason)

    def another(self) -> Service:
        """The same service over connections of its own, for somebody who asks at the same time, in another thread."""
        return Service(self.name, self._members.another())

    def watch_log(self) -> Watch | None:
        """What tells at once that something was pushed; None where the log has to be asked every so often."""
        log = self._members.log() if self._members.has_log() else None
        return log.store.watch(Topic.HEAD) if log is not None else None

    def log(self, limit: int = 50) -> tuple[State, ...]:
        """What happened to the service, newest first: who pushed what, when, why, and what became of it."""
        self._need_clients()
        log = self._members.log() if self._members.has_log() else None
        self.look_at_log()
        return log.history(limit) if log is not None else ()

    def drop(self, *modules: str, author: str = "", reason: str = "") -> tuple[str, ...]:
        """Removes patches from the log, without names all stale ones, and answers with their names.

        A worker that runs one goes back to what its file said.
        """
        self._need_clients()
        log = self._members.log() if self._members.has_log() else None
        if log is None:
            return ()
        stale = {name for status in self.peek() for name in status.stale}
        names = tuple(name for name in modules or sorted(stale) if name in log.state().by_module)
        if not names:
            return ()
        dropped = log.drop(names, author, reason)
        for client in self._members.look():
            if isinstance(client, RemoteWorker):
                client.wake(dropped.generation)
        return dropped.modules

    def save(
        self, *modules: str, file: str = "", force: bool = False, author: str = "", reason: str = ""
    ) -> SaveReport:
        """Writes what runs of modules to their files, on every machine, all of it or nothing.

        Args:
            modules: Names.
            file: The end of the path, for a module that came by a push and could be in several places.
            force: Also write over a file that changed since it was loaded, or is gone.
            author: Who saves.
            reason: Why.
        """
        from livecode.fleet.saving import Saver  # few need it

        members = self._whole_crew()
        clients = members.look() or self._need_clients()
        saver = Saver(self.name, members, clients)
        return saver.save(tuple(dict.fromkeys(modules)), place=file, force=force, author=author, reason=reason)

    def files(self, *modules: str, file: str = "") -> tuple[FileSide, ...]:
        """The files of modules beside what runs, one a file and a source that runs; `file` is as for `save`."""
        from livecode.fleet.saving import sides, survey

        self.look_at_log()
        return sides(survey(self._need_clients(), modules, place=file, force=False), place=file)

    def _whole_crew(self) -> Members:
        """Also where one worker alone was attached, a file is that of all workers."""
        return Crew(self.name) if self.name and isinstance(self._members, Alone) else self._members

    def look_at_log(self) -> None:
        """From now on, what the log says is known to whoever pushes through this."""
        with suppress(StoreError):
            if self._members.has_log() and (log := self._members.log()) is not None:
                self.seen = log.state()

    def _need_clients(self) -> Sequence[WorkerClient]:
        if clients := self._members.look():
            self._name_agent(clients)
            return clients
        raise ServiceNotFoundError(self.name, tuple(sorted({worker.service for worker in running()})))

    def _name_agent(self, clients: Sequence[WorkerClient]) -> None:
        """Lets the workers know that an agent asks; what is asked of the log, no worker hears, so it is checked here.

        Raises:
            NotAllowedError: One of them lets no agent in.
        """
        for client in clients if self.agent else ():
            check_request(self.name, client.worker.agents, "log", self.agent)
            if isinstance(client, RemoteWorker):
                client.agent = self.agent

    def roll_out(
        self,
        action: Action,
        push: Push,
        on_outcome: OnOutcome | None = None,
        goal: Goal = Goal.PUSH,
        policy: Policy = DEFAULT,
        restores: Mapping[str, int] = NO_VERSIONS,
        on_canary: OnCanary | None = None,
    ) -> Report:
        """What became of a push: what `push`, `dry_run`, `unload` and `undo` are made of."""
        began, clients = time.perf_counter(), self._need_clients()
        self._must_fit(policy, len(clients))
        if push.agent is not None and (policy.now or policy.mixed):  # nobody would be asked first
            raise UsageError("what an agent pushes is tried first, and goes to all workers or to none")
        refusals = refused_here(push.modules)
        report = Report(
            Verdict.REFUSED,
            push.names,
            (),
            len(clients),
            action="dry run" if goal is Goal.DRY_RUN else action.value,
            service=self.name,
            author=push.author,
            reason=push.reason,
            refusals=refusals,
        )
        if not refusals:
            log = self._members.log()
            following = [client for client in clients if not isinstance(client, LocalWorker)]
            if log is None:
                outcomes = push_alone(clients, push, goal, on_outcome)
                worst = max((outcome.verdict for outcome in outcomes), key=BEST_TO_WORST.index)
                report = replace(report, verdict=worst, outcomes=outcomes)
            else:
                driver = Driver(following, log, push, action, goal, policy, restores, on_outcome, on_canary)  # type: ignore[arg-type]
                attempts = Attempts(driver, log, self.seen, self._members.has_log, self._need_clients)
                try:
                    report = attempts.run(report)
                finally:
                    self.seen = attempts.seen
        return replace(report, duration_ms=(time.perf_counter() - began) * 1000)

    def _must_fit(self, policy: Policy, workers: int) -> None:
        """A policy is for the workers of a service."""
        if policy != DEFAULT and self._members.log() is None:
            raise UsageError("one process alone has no other workers to try a push first, or to differ from")
        if policy.canary and workers < 2:
            raise UsageError(f"a canary leaves a worker as it is to compare with, and {self.name} has only one")


def attach(name: str | int | None = None, *, store: str = "", answer_s: float = ANSWER_S) -> Service:
    """The service of that name, or the process with that id, on this machine or elsewhere.

    Args:
        name: As given to `livecode.listen`; a process id for one worker alone; None for the only service there is.
            A URL for one elsewhere: ``ssh://host/shop``, ``docker://container/shop``, ``kubectl://pod/shop``
            (`livecode.fleet.remote.address`); its relay is kept until the service is closed.
        store: The URL that its workers follow, where none of them is on this machine; else they say it.
        answer_s: How long a worker may take for an answer, before what it did counts as unknown.

    Raises:
        ServiceNotFoundError: There is none, or, without a name, more than one; lists those that there are.
        ProtocolError: A worker was made for another livecode; says both versions.
        UnsafeDirectoryError: The directory of the sockets is not this user's alone.
        StoreError: The store cannot be reached.
        MissingExtraError: Its client is not installed.
        UsageError: The store is none, or not the one that workers of this machine follow; or the URL is none.
        RelayError: There is no relay where the URL says; says what was tried, and what to do.
    """
    if isinstance(name, str) and "://" in name:
        from livecode.fleet.remote.service import attach_remote  # most services are on this machine

        return attach_remote(name, store, answer_s)
    if not isinstance(name, str | int | None):
        raise UsageError(f"attach: the name of a service or a process id is needed, not {name!r}")
    if store:
        return _attach_by_store(name, store, answer_s)
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
    if isinstance(name, int):
        return Service(chosen[0].worker.service, Alone(name, answer_s))
    crew = Crew(chosen[0].worker.service, answer_s, next((door.store_url for door in chosen if door.store_url), ""))
    crew.lost = tuple(door for door in seen.lost if door.startswith(f"{crew.name} (pid "))
    service = Service(crew.name, crew)
    service.look_at_log()
    return service


def _attach_by_store(name: str | int | None, url: str, answer_s: float) -> Service:
    """The service of that name, wherever its workers are."""
    check_url(url)
    if not isinstance(name, str) or not name:
        raise UsageError("attach: a store may be that of many services, so the name of one is needed with it")
    crew = Crew(name, answer_s, url)
    if crew.has_log():
        crew.log().state()
    if not crew.look():
        raise ServiceNotFoundError(name, tuple(sorted({worker.service for worker in running()})), without_password(url))
    if crew.url != url:
        raise UsageError(
            f"the workers of {name} on this machine follow {without_password(crew.url)}, not {without_password(url)}: "
            "leave the store out, they say it"
        )
    service = Service(name, crew)
    service.look_at_log()
    return service


def here() -> Service:
    """This process alone, without a socket."""
    return Service("", Alone())
