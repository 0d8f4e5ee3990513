"""The rollout of one push over real workers: asks what `livecode.fleet.rollout` decides, and says it in the log.

    COMPARE, PREPARE     through the doors; nothing is written
    TRY, FIRST           the log says that the push is on trial, and on whom
    REST                 the log says that it is for all
    BACK                 the log says that all run again what they ran before

Who is asked goes on to that generation and answers with what became of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from livecode.engine.canary import changed_in, decide
from livecode.errors import LivecodeError, StoreError, WorkerLostError
from livecode.fleet.client import (
    FollowingWorker,
    LocalWorker,
    Presence,
    RemoteWorker,
    WorkerClient,
    nobody_listens,
)
from livecode.fleet.generations import Applied
from livecode.fleet.interrupts import interrupts_deferred
from livecode.fleet.log import Log
from livecode.fleet.rollout import DEFAULT, Goal, Phase, Policy, Rollout, advance, judged, start
from livecode.fleet.together import ask_all
from livecode.model.log import Action, CanaryNow, Stage, Tried, Wish, WorkerReport
from livecode.model.measured import Advice, CanaryResult, merged
from livecode.model.nouns import Push, checksum
from livecode.model.report import Failure, ModuleOutcome, Outcome, Verdict

UNDO = "undo"
"""How the reason of a push begins that brings back an earlier version: histories tell it from a new one by that."""

OnOutcome = Callable[[Outcome], None]
OnCanary = Callable[[CanaryResult], None]

LOOK_S = 1.0
"""How often a canary is looked at."""


def push_alone(
    clients: Sequence[WorkerClient], push: Push, goal: Goal = Goal.PUSH, on_outcome: OnOutcome | None = None
) -> tuple[Outcome, ...]:
    """What became of a push on each of these workers by itself, beside any log."""

    def ask(client: WorkerClient) -> Outcome:
        if (same := compare(client, push)) is not None:
            return same
        try:
            if goal is Goal.DRY_RUN or not isinstance(client, LocalWorker | RemoteWorker):
                return client.prepare(push)
            return client.push(push)
        except WorkerLostError as error:
            return _unknown(client, error, what_is_known(client, Phase.FIRST, error))

    return tuple(ask_all(ask, clients, on_outcome or _ignore))


@dataclass(slots=True)
class Driver:
    """One push on its way to the workers of a service.

    Attributes:
        clients: The workers, each under another name.
        log: The log of the service.
        push: What is pushed.
        action: What it is for: a push, an undo, an unload.
        goal: For real, or as a dry run.
        policy: How it goes to many.
        restores: Module → the version that an undo brings back.
        on_outcome: Told each outcome as it arrives, in the caller's thread. What it raises is raised when all is
            over: a broken display must not leave a push half way.
        on_canary: Told every second what a canary measured so far.
        canary: What a canary measured in the end.
    """

    clients: Sequence[FollowingWorker]
    log: Log
    push: Push
    action: Action = Action.PUSH
    goal: Goal = Goal.PUSH
    policy: Policy = DEFAULT
    restores: Mapping[str, int] = field(default_factory=dict)
    on_outcome: OnOutcome | None = None
    on_canary: OnCanary | None = None
    canary: CanaryResult | None = None
    _by_name: dict[str, FollowingWorker] = field(default_factory=dict)
    _running: dict[str, int] = field(default_factory=dict)
    _reports: dict[str, WorkerReport] = field(default_factory=dict)
    _errors: list[Exception] = field(default_factory=list)

    def roll_out(self) -> Rollout:
        """The push, rolled out until it is over.

        Raises:
            ProtocolError: A worker does not understand this side. Nothing was applied.
            StaleBaseError: Somebody else published before anything was applied.
            StoreError: The log could not be written. What was tried, its worker takes back.
        """
        # those behind doors know what runs, and are asked first
        near_first = sorted(self.clients, key=lambda client: not isinstance(client, RemoteWorker))
        self._by_name = {client.worker.name: client for client in near_first}
        rollout = start(self._by_name, self.goal, self.policy)
        try:
            while rollout.phase in (Phase.COMPARE, Phase.PREPARE):
                rollout = self._next(rollout)
            # from here on, an interrupt would leave the workers different from each other
            with interrupts_deferred() as pressed:
                while rollout.phase is not Phase.DONE:
                    watched = rollout.phase is Phase.CANARY
                    rollout = self._watch_canary(rollout, pressed) if watched else self._next(rollout)
                self._conclude(rollout)
        finally:
            self.log.end()
        if self._errors:
            raise self._errors[0]
        return rollout

    @property
    def was_tried(self) -> bool:
        """True if a worker has applied the push."""
        return bool(self._reports)

    @property
    def wanted(self) -> dict[str, str]:
        """Module → SHA-256 of its new source, empty where it is unloaded."""
        return {item.module: "" if item.source is None else checksum(item.source) for item in self.push.modules}

    def _next(self, asked: Rollout) -> Rollout:
        """The rollout after one phase."""
        self._announce(asked)
        told = _ignore if asked.phase is Phase.BACK else self._tell

        def arrived(outcome: Outcome | None) -> None:
            self.log.stay()  # hundreds of workers on a few cores take longer than a silent pusher is believed in
            told(outcome)

        answers = ask_all(lambda name: self._ask(self._by_name[name], asked), asked.asked, arrived)
        rollout = advance(asked, dict(zip(asked.asked, answers, strict=True)))
        if asked.phase in (Phase.REST, Phase.BACK):  # the others have nothing to do, and so they are not in the way
            self._wake(set(self._by_name) - set(asked.asked))
        if asked.phase is Phase.BACK:
            for name in asked.asked:
                self._tell(rollout.outcome(name))
        return rollout

    def _watch_canary(self, rollout: Rollout, pressed: Sequence[int]) -> Rollout:
        """The rollout after its canary: its time is over, or it is clearly worse, or somebody interrupts it."""
        chosen = [name for name, outcome in rollout.outcomes if outcome.verdict is Verdict.LIVE]
        self.log.attempt(self.push, Stage.CANARY, self._keys(chosen), self._running, len(self.clients))
        until, began = time.monotonic() + self.policy.canary_s, time.time()
        while True:
            self.log.stay()
            result, lost = self._look_at_canary(rollout, chosen)
            worse, wished = lost or result.decision.advice is Advice.TAKE_BACK, self.log.wished()
            bad = worse or bool(pressed) or (wished is not None and wished.wish is Wish.TAKE_BACK)
            over = time.monotonic() >= until or wished is not None
            by = (wished.author or "someone") if wished is not None and not worse and not pressed else ""
            self.canary = replace(result, promoted=over and not bad, decided_by=by)
            self._tell_canary(self.canary, began, self._keys(chosen))
            if bad or over:
                return judged(rollout, good=not bad)
            time.sleep(min(LOOK_S, max(until - time.monotonic(), 0.0)))

    def _look_at_canary(self, rollout: Rollout, chosen: Sequence[str]) -> tuple[CanaryResult, bool]:
        """What was measured so far, and whether a worker was lost that ran the new code."""
        names = [*chosen, *rollout.waiting]
        reports = dict(zip(names, ask_all(lambda name: self._measure(self._by_name[name]), names), strict=True))
        new = merged(each.measured for name in chosen if (each := reports[name]) and each.measured)
        old = merged(each.measured for name in rollout.waiting if (each := reports[name]) and each.measured)
        changed = changed_in(rollout.outcome(chosen[0])) if chosen else ()
        return CanaryResult(new, old, decide(new, old, changed)), any(reports[name] is None for name in chosen)

    def _measure(self, client: FollowingWorker) -> WorkerReport | None:
        try:
            return client.follow(self.log.now.generation)
        except LivecodeError:
            return None

    def _tell_canary(self, result: CanaryResult, began: float, workers: tuple[str, ...]) -> None:
        """Shows what was measured so far to whoever pushes, and to others who look at the service."""
        push, state = self.push, self.log.now
        lasts_s = self.policy.canary_s
        self.log.show(
            CanaryNow(state.began, push.names, push.author, push.reason, workers, began, lasts_s, result),
        )
        if self.on_canary is not None:
            try:
                self.on_canary(result)
            except Exception as error:
                self._errors.append(error)

    def _announce(self, rollout: Rollout) -> None:
        """Says in the log what this phase asks of the workers."""
        match rollout.phase:
            case Phase.TRY:
                self.log.attempt(self.push, Stage.TRIAL, self._keys(rollout.trying), self._running, len(self.clients))
            case Phase.FIRST:
                self.log.attempt(self.push, Stage.TRIAL, self._keys(rollout.asked), self._running, len(self.clients))
            case Phase.REST:
                if self.policy.now:
                    self.log.attempt(self.push, Stage.TRIAL, (), self._running, len(self.clients))
                self._settle(rollout)
            case Phase.BACK:
                self.log.take_back(self._why_back(), tried(rollout))

    def _why_back(self) -> str:
        if self.canary is None or self.canary.promoted:
            return "another worker failed"
        if self.canary.decided_by:
            return f"the canary: {self.canary.decided_by} took it back"
        worse = self.canary.decision.advice is Advice.TAKE_BACK
        return f"the canary: {self.canary.decision.why}" if worse else "the canary was interrupted, or its worker lost"

    def _conclude(self, rollout: Rollout) -> None:
        """Says in the log how it ended, where no phase did."""
        trial = self.log.now.trial
        if trial is None or self.goal is Goal.DRY_RUN:
            self._note_mixed(rollout)
            return
        live = any(outcome.verdict is Verdict.LIVE for outcome in rollout.report_outcomes)
        if live and (self.policy.mixed or not _any_failed(rollout)):
            self._settle(rollout)
        else:
            failed = _any_failed(rollout)
            self.log.take_back("it could not be applied" if failed else "all run it already", tried(rollout))
        self._wake(self._by_name)
        self._note_mixed(rollout)

    def _note_mixed(self, rollout: Rollout) -> None:
        if (self.policy.mixed or self.policy.now) and self.log.now.action is self.action and _any_failed(rollout):
            self.log.note(tried(rollout))

    def _settle(self, rollout: Rollout) -> None:
        self.log.settle(self.action, self._applied(), tried(rollout), self.restores)

    def _applied(self) -> dict[str, Applied]:
        """What those that tried it run now of its modules."""
        pushed = self.wanted
        known = self.log.now.by_module
        applied = {name: Applied(digest, known[name].base if name in known else "") for name, digest in pushed.items()}
        for report in self._reports.values():
            applied |= {held.module: Applied(held.digest, held.base) for held in report.held if held.module in pushed}
        return applied

    def _keys(self, names: Sequence[str]) -> tuple[str, ...]:
        return tuple(self._by_name[name].worker.key for name in names)

    def _wake(self, names: Iterable[str]) -> None:
        for name in names:
            self._by_name[name].wake(self.log.now.generation)

    def _ask(self, client: FollowingWorker, rollout: Rollout) -> Outcome | None:
        """One worker's answer in this phase; a worker that is lost has one too, and one that has ended has none."""
        try:
            match rollout.phase:
                case Phase.COMPARE:
                    return compare(client, self.push, self._running)
                case Phase.PREPARE:
                    return client.prepare(self.push)
                case Phase.TRY if client.worker.name not in rollout.trying and isinstance(client, RemoteWorker):
                    return client.prepare(self.push)
                case _:
                    return self._follow(client, rollout)
        except WorkerLostError as error:
            may_end = rollout.phase is not Phase.BACK and len(rollout.workers) > 1
            if may_end and (has_ended(client, error) or self._has_left(client, error)):
                return None
            only_asked = rollout.phase is Phase.TRY and client.worker.name not in rollout.trying
            if may_end and rollout.phase in (Phase.COMPARE, Phase.PREPARE) and _is_shut(client):
                return None  # it leaves before it followed anything, so no log knows of it
            if only_asked and (isinstance(error.__cause__, ConnectionResetError) or _is_shut(client)):
                return None  # nothing was applied to it
            phase = Phase.PREPARE if only_asked else rollout.phase
            return _unknown(client, error, what_is_known(client, phase, error))
        except LivecodeError as error:
            if rollout.phase in (Phase.COMPARE, Phase.PREPARE):
                raise
            if rollout.phase is not Phase.BACK and len(rollout.workers) > 1 and self._has_left(client, error):
                return None
            return _unknown(client, error, f"{error}; look at %hotstatus for what it runs")

    def _has_left(self, client: FollowingWorker, error: LivecodeError) -> bool:
        """True if a worker has ended in good order while it was asked, or its door is shut and its report withdrawn."""
        with suppress(StoreError):
            report = self.log.report_of(client.worker.key)
            if report is not None or not isinstance(error, WorkerLostError):
                return report is not None and report.left
            return nobody_listens(error)
        return False

    def _follow(self, client: FollowingWorker, rollout: Rollout) -> Outcome | None:
        report = client.follow(self.log.now.generation)
        if report.left and rollout.phase is not Phase.BACK and len(rollout.workers) > 1:
            return None
        if rollout.phase is Phase.FIRST or client.worker.name in rollout.trying:
            self._reports[client.worker.name] = report
        if report.outcome is not None:
            return report.outcome
        raise StoreError(report.trouble or f"{client.worker.name} says nothing of generation {report.heard}")

    def _tell(self, outcome: Outcome | None) -> None:
        if self.on_outcome is None or outcome is None:
            return
        if self.goal is Goal.PUSH and outcome.verdict is Verdict.READY:
            return
        try:
            self.on_outcome(outcome)
        except Exception as error:
            self._errors.append(error)


def _ignore(outcome: Outcome | None) -> None:
    """For answers that are not yet what became of a worker."""


def tried(rollout: Rollout) -> tuple[Tried, ...]:
    """What became of a push so far, in short, for the log."""
    return tuple(
        Tried(f"{outcome.worker.host}:{outcome.worker.pid}", outcome.verdict, _why(outcome))
        for outcome in rollout.report_outcomes
    )


def _why(outcome: Outcome) -> str:
    if outcome.failure is not None:
        return f"{outcome.failure.type}: {outcome.failure.message}"[:200]
    return "; ".join(f"{refusal.code} {refusal.what}" for refusal in outcome.refusals)[:200]


def _any_failed(rollout: Rollout) -> bool:
    return not all(outcome.ok for outcome in rollout.report_outcomes)


def compare(client: WorkerClient, push: Push, versions: dict[str, int] | None = None) -> Outcome | None:
    """SAME if all sources run there already; an unload always goes the whole way, so that a wrong name is refused.

    Args:
        client: Who is asked.
        push: What is pushed.
        versions: Where the highest version of each module is noted that runs anywhere.
    """
    wanted = {item.module: None if item.source is None else checksum(item.source) for item in push.modules}
    running = client.checksums(push.names) if push.modules else {}
    for name, now in running.items():
        if versions is not None:
            versions[name] = max(versions.get(name, 0), now.version)
    if push.rerun or any(digest is None or running[name].checksum != digest for name, digest in wanted.items()):
        return None
    modules = (ModuleOutcome(name, now.version, now.version, now.checksum) for name, now in running.items())
    return Outcome(client.worker, Verdict.SAME, tuple(modules))


def has_ended(client: FollowingWorker, error: WorkerLostError) -> bool:
    """True if a worker is gone that the push cannot have reached."""
    if not nobody_listens(error):
        return False
    return not isinstance(client, RemoteWorker) or client.meet()[0] is Presence.GONE


def _is_shut(client: WorkerClient) -> bool:
    """True if nobody is behind a worker's door any more, though it may still be on its way out."""
    return isinstance(client, RemoteWorker) and client.meet()[0] in (Presence.GONE, Presence.CLOSED)


def _unknown(client: WorkerClient, error: LivecodeError, message: str) -> Outcome:
    return Outcome(client.worker, Verdict.UNKNOWN, failure=Failure(type(error).__name__, message))


def what_is_known(client: WorkerClient, phase: Phase, error: WorkerLostError) -> str:
    """What can be said of a worker that was lost in this phase, and what to do."""
    worker = client.worker
    who = f"{worker.name} (pid {worker.pid})"
    presence = client.meet()[0] if isinstance(client, RemoteWorker) else Presence.SILENT
    now = f"; {presence.value}" if isinstance(client, RemoteWorker) else ""
    if phase in (Phase.COMPARE, Phase.PREPARE):
        return f"{who} was lost before anything was applied to it ({error}{now}): push again"
    if nobody_listens(error):
        return f"{who} ended before the push reached it; a process started in its place runs what the service runs"
    if presence is Presence.GONE:
        return (
            f"{who} was killed in the middle of the push, and what it ran is gone with it; "
            "a process started in its place runs what the service ran before"
        )
    if isinstance(error.__cause__, TimeoutError):
        return f"{error}; what it still applies, it takes back: look at %hotstatus for what it runs"
    return f"{error}{now}; it may have applied the push: look at %hotstatus for what it runs"
