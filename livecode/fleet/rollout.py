"""The decisions of a push to many workers, without the push: which workers are asked what, and when it is over.

    phase     asks                            then
    COMPARE   the first one: what runs?       the same: the others · one worker: FIRST · else TRY
    TRY       the first one to commit, the    any cannot: BACK · the first one need not: FIRST · a canary: CANARY
              others for a dry run            · else REST
    FIRST     one that differs to commit      failed: DONE · nobody left: DONE · a canary: CANARY · else REST
    CANARY    nobody: its measures decide     no good: BACK · else REST
    REST      the others to commit            any failed: BACK · else DONE
    BACK      all that committed: undo        DONE
    DONE

    A dry run is COMPARE of all, then PREPARE of those that differ, then DONE.

A policy changes that: `canary` makes the first one several, `mixed` goes on where some fail and takes nothing back,
`now` asks all at once and takes nothing back. Workers that ended before the push reached them (None in PREPARE, TRY,
FIRST and REST) are no part of it any more.

    start ─► Rollout ─► advance(rollout, answers) ─► Rollout ─► … ─► DONE

Pure: who asks, and how, is `livecode.fleet.driver`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from math import ceil, inf

from livecode.errors import UsageError
from livecode.model.report import Outcome, Verdict


class Goal(Enum):
    """What is wanted of the workers."""

    PUSH = "push"
    DRY_RUN = "dry run"


@dataclass(frozen=True, slots=True)
class Policy:
    """How a push goes to many workers. As it is, one worker tries it first, and any failure takes all back.

    Attributes:
        canary: How many workers run it for a time before it goes to all; a share of them if below 1; 0 is no canary.
        canary_s: How long they do, seconds.
        mixed: Why some workers may run it and others not; empty where they may not.
        now: All at once, with nothing taken back: for an undo in an emergency.

    Raises:
        UsageError: There is no such number or share of workers, or no such time; or a canary is to be something else,
            too.
    """

    canary: float = 0
    canary_s: float = 60.0
    mixed: str = ""
    now: bool = False

    def __post_init__(self) -> None:
        if not (0 <= self.canary < 1 or (float(self.canary).is_integer() and self.canary > 0)):
            raise UsageError(
                "a canary is a number of workers, such as 2, or a share of them below 1, such as 0.25; "
                f"not {self.canary!r}"
            )
        if not 0 < self.canary_s < inf:
            raise UsageError(f"a canary takes a number of seconds above 0, not {self.canary_s!r}")
        if self.canary and (self.mixed or self.now):
            raise UsageError("a canary goes to all workers or to none: it can be neither mixed nor for all at once")

    def first(self, workers: int) -> int:
        """How many of these workers try it first: a canary leaves at least one that does not."""
        if not self.canary:
            return 1
        wanted = ceil(self.canary * workers) if self.canary < 1 else int(self.canary)
        return max(1, min(wanted, workers - 1))


DEFAULT = Policy()


class Phase(Enum):
    """Where a rollout stands."""

    COMPARE = "compare"
    PREPARE = "prepare"
    TRY = "try"
    FIRST = "first"
    CANARY = "canary"
    REST = "rest"
    BACK = "back"
    DONE = "done"


BEST_TO_WORST = (
    Verdict.SAME,
    Verdict.READY,
    Verdict.LIVE,
    Verdict.CANARY,
    Verdict.NOT_SENT,
    Verdict.REFUSED,
    Verdict.ROLLED_BACK,
    Verdict.UNDONE,
    Verdict.UNKNOWN,
    Verdict.HALTED,
)


@dataclass(frozen=True, slots=True)
class Rollout:
    """How far a push has come.

    Attributes:
        goal: What is wanted.
        workers: Names of all workers, in order.
        phase: What the workers in `asked` are asked now.
        asked: Names of the workers whose answers `advance` needs.
        waiting: Workers whose turn comes later.
        outcomes: What became of the others, by name.
        policy: How it goes to many.
        trying: Those of `asked` that commit; the others say what they would do.
    """

    goal: Goal
    workers: tuple[str, ...]
    phase: Phase
    asked: tuple[str, ...]
    waiting: tuple[str, ...] = ()
    outcomes: tuple[tuple[str, Outcome], ...] = ()
    policy: Policy = DEFAULT
    trying: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The verdict of the whole: that of the worst outcome."""
        return max((outcome.verdict for _, outcome in self.outcomes), key=BEST_TO_WORST.index, default=Verdict.SAME)

    @property
    def report_outcomes(self) -> tuple[Outcome, ...]:
        """The outcomes in the order of the workers."""
        by_name = dict(self.outcomes)
        return tuple(by_name[name] for name in self.workers if name in by_name)

    def outcome(self, name: str) -> Outcome:
        """What became of one worker."""
        return dict(self.outcomes)[name]


def start(workers: Iterable[str], goal: Goal = Goal.PUSH, policy: Policy = DEFAULT) -> Rollout:
    """A rollout over these workers, before anyone was asked."""
    names = tuple(workers)
    if not names:
        raise ValueError("a rollout needs a worker")
    asked = names if goal is Goal.DRY_RUN or policy.now else names[:1]
    return Rollout(goal, names, Phase.COMPARE, asked, names[len(asked) :], policy=policy)


def advance(rollout: Rollout, answers: Mapping[str, Outcome | None]) -> Rollout:
    """The next phase, given the answers of all that were asked.

    Args:
        rollout: Not DONE.
        answers: By worker. None says in COMPARE that other source runs there, and later that the worker has ended
            before it was reached.

    Raises:
        ValueError: Somebody else answered than was asked, or the rollout is over.
    """
    if set(answers) != set(rollout.asked) or rollout.phase is Phase.DONE:
        raise ValueError(f"{rollout.phase}: asked {rollout.asked}, and {tuple(answers)} answered")
    match rollout.phase:
        case Phase.COMPARE:
            return _compared(rollout, answers)
        case Phase.PREPARE:
            return _prepared(*_without_ended(rollout, answers))
        case Phase.TRY:
            return _tried(*_without_ended(rollout, answers))
        case Phase.FIRST:
            return _committed_first(*_without_ended(rollout, answers))
        case Phase.REST:
            return _committed_rest(*_without_ended(rollout, answers))
        case _:
            return _taken_back(rollout, _given(answers))


def judged(rollout: Rollout, *, good: bool) -> Rollout:
    """The phase after CANARY, given whether its measures are good."""
    if rollout.phase is not Phase.CANARY:
        raise ValueError(f"{rollout.phase}: nothing is judged")
    if good:
        return replace(rollout, phase=Phase.REST, asked=rollout.waiting, waiting=())
    live = tuple(name for name, outcome in rollout.outcomes if outcome.verdict is Verdict.LIVE)
    return replace(rollout, phase=Phase.BACK, asked=live, waiting=())


def _compared(rollout: Rollout, answers: Mapping[str, Outcome | None]) -> Rollout:
    settled = {name: outcome for name, outcome in answers.items() if outcome is not None}
    after, policy = _settle(rollout, settled), rollout.policy
    if _any_failed(settled) and not policy.now and not policy.mixed:
        return _done(after)
    differ = tuple(name for name in rollout.asked if answers[name] is None)
    if not differ:  # the first one runs it already: what about the others?
        return replace(after, asked=rollout.waiting, waiting=()) if rollout.waiting else _done(after)
    open_ones = (*differ, *rollout.waiting)
    if rollout.goal is Goal.DRY_RUN:
        return replace(after, phase=Phase.PREPARE, asked=open_ones, waiting=())
    if policy.now:
        return replace(after, phase=Phase.REST, asked=open_ones, waiting=())
    if len(open_ones) == 1:
        return replace(after, phase=Phase.FIRST, asked=open_ones, waiting=())
    trying = open_ones[: policy.first(len(open_ones))]
    return replace(after, phase=Phase.TRY, asked=open_ones, waiting=(), trying=trying)


def _prepared(rollout: Rollout, answers: Mapping[str, Outcome]) -> Rollout:
    return _done(_settle(rollout, answers))


def _tried(rollout: Rollout, answers: Mapping[str, Outcome]) -> Rollout:
    ready = tuple(name for name in rollout.asked if name in answers and answers[name].verdict is Verdict.READY)
    after = _settle(rollout, {name: outcome for name, outcome in answers.items() if name not in ready})
    live = tuple(name for name in rollout.trying if name in answers and answers[name].verdict is Verdict.LIVE)
    if _any_failed(answers) and not rollout.policy.mixed:
        return replace(after, phase=Phase.BACK, asked=live, waiting=()) if live else _done(after)
    if not ready:
        return _done(after)
    if not live:  # it ended, or had nothing to do: nobody has tried it yet
        first = rollout.policy.first(len(ready))
        return replace(after, phase=Phase.FIRST, asked=ready[:first], waiting=ready[first:])
    if rollout.policy.canary:
        return replace(after, phase=Phase.CANARY, asked=(), waiting=ready)
    return replace(after, phase=Phase.REST, asked=ready, waiting=())


def _committed_first(rollout: Rollout, answers: Mapping[str, Outcome]) -> Rollout:
    after = _settle(rollout, answers)
    if not answers and rollout.waiting:  # it ended before it was reached: the next one tries
        return replace(after, asked=rollout.waiting[:1], waiting=rollout.waiting[1:])
    if _any_failed(answers) and not rollout.policy.mixed:
        live = tuple(name for name, outcome in answers.items() if outcome.verdict is Verdict.LIVE)
        return replace(after, phase=Phase.BACK, asked=live, waiting=()) if live else _done(after)
    if not rollout.waiting:
        return _done(after)
    if rollout.policy.canary:
        return replace(after, phase=Phase.CANARY, asked=())
    return replace(after, phase=Phase.REST, asked=rollout.waiting, waiting=())


def _committed_rest(rollout: Rollout, answers: Mapping[str, Outcome]) -> Rollout:
    after = _settle(rollout, answers)
    live = tuple(name for name, outcome in after.outcomes if outcome.verdict is Verdict.LIVE)
    if not live or not _any_failed(answers) or rollout.policy.mixed or rollout.policy.now:
        return _done(after)
    return replace(after, phase=Phase.BACK, asked=live)


def _without_ended(rollout: Rollout, answers: Mapping[str, Outcome | None]) -> tuple[Rollout, dict[str, Outcome]]:
    """The rollout without the workers that have ended, and what the others answered."""
    given = {name: outcome for name, outcome in answers.items() if outcome is not None}
    there = tuple(name for name in rollout.workers if name in given or name not in answers)
    return replace(rollout, workers=there), given


def _taken_back(rollout: Rollout, answers: Mapping[str, Outcome]) -> Rollout:
    return _done(_settle(rollout, {name: _back(rollout.outcome(name), back) for name, back in answers.items()}))


def _back(committed: Outcome, back: Outcome) -> Outcome:
    """What became of a worker that committed and then took it back: what ran before, and what runs now."""
    before = {module.module: module.before for module in committed.modules}
    modules = tuple(replace(module, before=before.get(module.module, module.before)) for module in back.modules)
    if back.ok:
        return replace(back, verdict=Verdict.UNDONE, modules=modules, timings_ms=committed.timings_ms)
    if back.verdict is Verdict.UNKNOWN:
        return back
    return replace(committed, verdict=Verdict.HALTED, failure=back.failure, refusals=back.refusals)


def _any_failed(answers: Mapping[str, Outcome]) -> bool:
    return not all(outcome.ok for outcome in answers.values())


def _given(answers: Mapping[str, Outcome | None]) -> Mapping[str, Outcome]:
    if missing := [name for name, outcome in answers.items() if outcome is None]:
        raise ValueError(f"no outcome from {missing}")
    return {name: outcome for name, outcome in answers.items() if outcome is not None}


def _settle(rollout: Rollout, outcomes: Mapping[str, Outcome]) -> Rollout:
    merged = dict(rollout.outcomes) | dict(outcomes)
    return replace(rollout, outcomes=tuple((name, merged[name]) for name in rollout.workers if name in merged))


def _done(rollout: Rollout) -> Rollout:
    return replace(rollout, phase=Phase.DONE, asked=(), waiting=())
