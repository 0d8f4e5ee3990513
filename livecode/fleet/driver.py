"""The rollout of one push over real workers: asks what `livecode.fleet.rollout` decides, and says who was lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from livecode.errors import LivecodeError, WorkerLostError
from livecode.fleet.client import Presence, RemoteWorker, WorkerClient, nobody_listens
from livecode.fleet.interrupts import interrupts_deferred
from livecode.fleet.rollout import Goal, Phase, Rollout, advance, start
from livecode.fleet.together import ask_all
from livecode.model.nouns import ModuleSource, Push, checksum
from livecode.model.report import Failure, ModuleOutcome, Outcome, Verdict

UNDO = "undo"
"""How the reason of a push begins that brings back an earlier version: histories tell it from a new one by that."""


def roll_out(
    clients: Sequence[WorkerClient],
    push: Push,
    goal: Goal = Goal.PUSH,
    on_outcome: Callable[[Outcome], None] | None = None,
) -> Rollout:
    """A push, rolled out until it is over.

    Args:
        clients: The workers, each under another name.
        push: What is pushed.
        goal: For real, or as a dry run.
        on_outcome: Told each outcome as it arrives, in the caller's thread. What it raises is raised when all is
            over: a broken display must not leave a push half way.

    Raises:
        ProtocolError: A worker does not understand this side. Nothing was applied.
    """
    by_name = {client.worker.name: client for client in clients}
    teller, rollout = _Teller(on_outcome, goal), start(by_name, goal)
    while rollout.phase in (Phase.COMPARE, Phase.PREPARE):
        rollout = _next(rollout, by_name, push, teller)
    with interrupts_deferred():  # from here on, an interrupt would leave the workers different from each other
        while rollout.phase is not Phase.DONE:
            rollout = _next(rollout, by_name, push, teller)
    teller.raise_first()
    return rollout


def _next(asked: Rollout, by_name: Mapping[str, WorkerClient], push: Push, teller: _Teller) -> Rollout:
    """The rollout after one phase."""
    tell = teller.ignore if asked.phase is Phase.BACK else teller.tell
    answers = ask_all(lambda name: _ask(by_name[name], push, asked), asked.asked, tell)
    rollout = advance(asked, dict(zip(asked.asked, answers, strict=True)))
    if asked.phase is Phase.BACK:
        for name in asked.asked:
            teller.tell(rollout.outcome(name))
    return rollout


class _Teller:
    """Tells outcomes to who wants them, and keeps what goes wrong there for later."""

    def __init__(self, on_outcome: Callable[[Outcome], None] | None, goal: Goal) -> None:
        self._on_outcome, self._goal = on_outcome, goal
        self._errors: list[Exception] = []

    def tell(self, outcome: Outcome | None) -> None:
        if self._on_outcome is None or outcome is None:
            return
        if self._goal is Goal.PUSH and outcome.verdict is Verdict.READY:
            return
        try:
            self._on_outcome(outcome)
        except Exception as error:
            self._errors.append(error)

    def ignore(self, outcome: Outcome | None) -> None:
        """For answers that are not yet what became of a worker."""

    def raise_first(self) -> None:
        if self._errors:
            raise self._errors[0]


def _ask(client: WorkerClient, push: Push, rollout: Rollout) -> Outcome | None:
    """One worker's answer in this phase; a worker that is lost has one too."""
    try:
        match rollout.phase:
            case Phase.COMPARE:
                return _compare(client, push)
            case Phase.PREPARE:
                return client.prepare(push)
            case Phase.FIRST | Phase.REST:
                return client.push(push)
            case _:
                return client.push(_undoing(client, push, rollout.outcome(client.worker.name)))
    except WorkerLostError as error:
        return _unknown(client, error, what_is_known(client, rollout.phase, error))
    except LivecodeError as error:
        if rollout.phase in (Phase.COMPARE, Phase.PREPARE):
            raise
        return _unknown(client, error, f"{error}; look at %hotstatus for what it runs")


def _compare(client: WorkerClient, push: Push) -> Outcome | None:
    """SAME if all sources run there already; an unload always goes the whole way, so that a wrong name is refused."""
    wanted = {item.module: None if item.source is None else checksum(item.source) for item in push.modules}
    if push.rerun:
        return None
    running = client.checksums(push.names)
    if any(digest is None or running[name].checksum != digest for name, digest in wanted.items()):
        return None
    modules = (ModuleOutcome(name, now.version, now.version, now.checksum) for name, now in running.items())
    return Outcome(client.worker, Verdict.SAME, tuple(modules))


def _undoing(client: WorkerClient, push: Push, committed: Outcome) -> Push:
    """The push that brings back what this worker ran before `committed`."""
    before = {module.module: module.before for module in committed.modules if module.before != module.after}
    modules = tuple(
        ModuleSource(name, client.source(name, before[name]) if before[name] else None)
        for name in reversed(push.names)
        if name in before
    )
    reason = f"{UNDO}, because another worker failed: {push.reason}".removesuffix(": ")
    return replace(push, modules=modules, reason=reason, force=True, safe_part=False)


def _unknown(client: WorkerClient, error: LivecodeError, message: str) -> Outcome:
    return Outcome(client.worker, Verdict.UNKNOWN, failure=Failure(type(error).__name__, message))


def what_is_known(client: WorkerClient, phase: Phase, error: WorkerLostError) -> str:
    """What can be said of a worker that was lost in this phase, and what to do."""
    worker = client.worker
    who = f"{worker.name} (pid {worker.pid})"
    presence = client.meet()[0] if isinstance(client, RemoteWorker) else Presence.ANSWERS
    if phase in (Phase.COMPARE, Phase.PREPARE):
        return f"{who} was lost before anything was applied to any worker ({error}; {presence.value}): push again"
    if nobody_listens(error):
        return f"{who} ended before the push reached it; a process started in its place runs what is on disk"
    if presence is Presence.GONE:
        return (
            f"{who} was killed in the middle of the push, and what it ran is gone with it; "
            "a process started in its place runs what is on disk"
        )
    if isinstance(error.__cause__, TimeoutError):
        return f"{error}; it may still apply the push: look at %hotstatus for what it runs"
    return f"{error} ({presence.value}); it may have applied the push: look at %hotstatus for what it runs"
