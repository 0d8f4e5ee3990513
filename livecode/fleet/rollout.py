"""The decisions of a push to many workers, without the push: which workers are asked what, and when it is over.

    phase     asks                            then
    COMPARE   all: what runs?                 all the same already: DONE · one to go, for real: FIRST · else PREPARE
    PREPARE   those that differ: a dry run    any cannot: DONE · only a dry run: DONE · else FIRST
    FIRST     the first of them to commit     failed, or the only one: DONE · else REST
    REST      the others to commit            any failed: BACK · else DONE
    BACK      all that committed: undo        DONE
    DONE

    start ─► Rollout ─► advance(rollout, answers) ─► Rollout ─► … ─► DONE

Pure: who asks, and how, is `livecode.fleet.service`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from livecode.model.report import Outcome, Verdict


class Goal(Enum):
    """What is wanted of the workers."""

    PUSH = "push"
    DRY_RUN = "dry run"


class Phase(Enum):
    """Where a rollout stands."""

    COMPARE = "compare"
    PREPARE = "prepare"
    FIRST = "first"
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
    """

    goal: Goal
    workers: tuple[str, ...]
    phase: Phase
    asked: tuple[str, ...]
    waiting: tuple[str, ...] = ()
    outcomes: tuple[tuple[str, Outcome], ...] = ()

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


def start(workers: Iterable[str], goal: Goal = Goal.PUSH) -> Rollout:
    """A rollout over these workers, before anyone was asked."""
    names = tuple(workers)
    if not names:
        raise ValueError("a rollout needs a worker")
    return Rollout(goal, names, Phase.COMPARE, asked=names)


def advance(rollout: Rollout, answers: Mapping[str, Outcome | None]) -> Rollout:
    """The next phase, given the answers of all that were asked.

    Args:
        rollout: Not DONE.
        answers: By worker. None says, in COMPARE only, that other source runs there.

    Raises:
        ValueError: Somebody else answered than was asked, or the rollout is over.
    """
    if set(answers) != set(rollout.asked) or rollout.phase is Phase.DONE:
        raise ValueError(f"{rollout.phase}: asked {rollout.asked}, and {tuple(answers)} answered")
    match rollout.phase:
        case Phase.COMPARE:
            return _compared(rollout, answers)
        case Phase.PREPARE:
            return _prepared(rollout, _given(answers))
        case Phase.FIRST:
            return _committed_first(rollout, _given(answers))
        case Phase.REST:
            return _committed_rest(rollout, _given(answers))
        case _:
            return _taken_back(rollout, _given(answers))


def _compared(rollout: Rollout, answers: Mapping[str, Outcome | None]) -> Rollout:
    settled = {name: outcome for name, outcome in answers.items() if outcome is not None}
    differ = tuple(name for name in rollout.asked if answers[name] is None)
    after = _settle(rollout, settled)
    if not differ or _any_failed(settled):
        return _done(after)
    if len(differ) == 1 and rollout.goal is Goal.PUSH:
        return replace(after, phase=Phase.FIRST, asked=differ)  # alone, it refuses as well as a dry run would
    return replace(after, phase=Phase.PREPARE, asked=differ)


def _prepared(rollout: Rollout, answers: Mapping[str, Outcome]) -> Rollout:
    if rollout.goal is Goal.DRY_RUN:
        return _done(_settle(rollout, answers))
    ready = tuple(name for name in rollout.asked if answers[name].verdict is Verdict.READY)
    after = _settle(rollout, {name: answers[name] for name in rollout.asked if name not in ready})
    if not ready or _any_failed(answers):
        return _done(after)
    return replace(after, phase=Phase.FIRST, asked=ready[:1], waiting=ready[1:])


def _committed_first(rollout: Rollout, answers: Mapping[str, Outcome]) -> Rollout:
    after = _settle(rollout, answers)
    if not rollout.waiting or _any_failed(answers):
        return _done(after)
    return replace(after, phase=Phase.REST, asked=rollout.waiting, waiting=())


def _committed_rest(rollout: Rollout, answers: Mapping[str, Outcome]) -> Rollout:
    after = _settle(rollout, answers)
    live = tuple(name for name, outcome in after.outcomes if outcome.verdict is Verdict.LIVE)
    if not live or not _any_failed(answers):
        return _done(after)
    return replace(after, phase=Phase.BACK, asked=live)


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
