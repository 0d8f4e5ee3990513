"""The rollout's decisions, as tables: what each worker answers, phase by phase, and what becomes of the push."""

from __future__ import annotations

import pytest

from livecode.fleet.rollout import BEST_TO_WORST, Goal, Phase, Policy, advance, judged, start
from livecode.model.nouns import Worker
from livecode.model.report import Failure, ModuleOutcome, Outcome, Refusal, Verdict

WORDS = {
    "same": Verdict.SAME,
    "ready": Verdict.READY,
    "live": Verdict.LIVE,
    "refused": Verdict.REFUSED,
    "notsent": Verdict.NOT_SENT,
    "rolled": Verdict.ROLLED_BACK,
    "lost": Verdict.UNKNOWN,
    "undone": Verdict.UNDONE,
    "halted": Verdict.HALTED,
}


def outcome(name: str, word: str) -> Outcome | None:
    """What worker `name` answers; "differs" stands for other source running there, "ended" for nobody."""
    if word in ("differs", "ended"):
        return None
    module = ModuleOutcome("m", before=7, after=8 if word == "live" else 7)
    return Outcome(Worker(name, 1, "h", "3.11.0"), WORDS[word], (module,))


TRIED_3 = "COMPARE w1=differs | TRY w1=live w2=ready w3=ready"
TRIED_2 = "COMPARE w1=differs | TRY w1=live w2=ready"

# goal | who answers what, phase by phase | verdict | what became of each worker
TABLE = [
    ("push", "COMPARE w1=same | COMPARE w2=same", "same", "w1=same w2=same"),
    ("push", "COMPARE w1=differs | FIRST w1=live", "live", "w1=live"),
    ("push", "COMPARE w1=differs | FIRST w1=rolled", "rolled", "w1=rolled"),
    ("push", "COMPARE w1=differs | FIRST w1=refused", "refused", "w1=refused"),
    ("push", "COMPARE w1=same | COMPARE w2=differs | FIRST w2=live", "live", "w1=same w2=live"),
    ("push", "COMPARE w1=lost | OTHERS w2", "lost", "w1=lost"),
    ("push", f"{TRIED_3} | REST w2=live w3=live", "live", "w1=live w2=live w3=live"),
    ("push", "COMPARE w1=differs | TRY w1=live w2=same w3=ready | REST w3=live", "live", "w1=live w2=same w3=live"),
    ("push", "COMPARE w1=differs | TRY w1=live w2=refused | BACK w1=live", "undone", "w1=undone w2=refused"),
    ("push", "COMPARE w1=differs | TRY w1=refused w2=refused", "refused", "w1=refused w2=refused"),
    ("push", "COMPARE w1=differs | TRY w1=notsent w2=notsent", "notsent", "w1=notsent w2=notsent"),
    ("push", "COMPARE w1=differs | TRY w1=live w2=lost | BACK w1=live", "lost", "w1=undone w2=lost"),
    ("push", "COMPARE w1=differs | TRY w1=rolled w2=ready", "rolled", "w1=rolled"),
    ("push", "COMPARE w1=differs | TRY w1=lost w2=ready", "lost", "w1=lost"),
    ("push", "COMPARE w1=differs | TRY w1=same w2=same", "same", "w1=same w2=same"),
    (
        "push",
        "COMPARE w1=differs | TRY w1=same w2=ready w3=ready | FIRST w2=live | REST w3=live",
        "live",
        "w1=same w2=live w3=live",
    ),
    (
        "push",
        f"{TRIED_3} | REST w2=rolled w3=live | BACK w1=live w3=live",
        "undone",
        "w1=undone w2=rolled w3=undone",
    ),
    ("push", f"{TRIED_2} | REST w2=lost | BACK w1=live", "lost", "w1=undone w2=lost"),
    ("push", f"{TRIED_2} | REST w2=refused | BACK w1=rolled", "halted", "w1=halted w2=refused"),
    ("push", f"{TRIED_2} | REST w2=rolled | BACK w1=lost", "lost", "w1=lost w2=rolled"),
    (
        "push",
        "COMPARE w1=same | COMPARE w2=differs w3=differs | TRY w2=live w3=ready | REST w3=rolled | BACK w2=live",
        "undone",
        "w1=same w2=undone w3=rolled",
    ),
    ("dry run", "COMPARE w1=same w2=same", "same", "w1=same w2=same"),
    ("dry run", "COMPARE w1=differs | PREPARE w1=ready", "ready", "w1=ready"),
    ("dry run", "COMPARE w1=same w2=differs | PREPARE w2=ready", "ready", "w1=same w2=ready"),
    ("dry run", "COMPARE w1=differs w2=differs | PREPARE w1=ready w2=refused", "refused", "w1=ready w2=refused"),
]


def names_in(phases: str) -> list[str]:
    """All workers that a row of a table names, in order."""
    return sorted({pair.split("=")[0] for line in phases.split(" | ") for pair in line.split()[1:] if pair[0] == "w"})


@pytest.mark.parametrize(("goal", "phases", "verdict", "expected"), TABLE)
def test_table(goal: str, phases: str, verdict: str, expected: str) -> None:
    """Exactly the workers of the table are asked in each phase, and the rollout ends as it says."""
    rollout = start(names_in(phases), Goal(goal))
    for line in phases.removesuffix(" | OTHERS w2").split(" | "):
        phase, *pairs = line.split()
        answers = {name: outcome(name, word) for name, word in (pair.split("=") for pair in pairs)}
        assert (rollout.phase.name, set(rollout.asked)) == (phase, set(answers))
        rollout = advance(rollout, answers)
    ended = " ".join(f"{found.worker.name}={_word(found.verdict)}" for found in rollout.report_outcomes)
    assert (rollout.phase, _word(rollout.verdict), ended) == (Phase.DONE, verdict, expected)


def _word(verdict: Verdict) -> str:
    return next(word for word, known in WORDS.items() if known is verdict)


def test_every_verdict_has_a_rank() -> None:
    """Every verdict is somewhere between best and worst, once."""
    assert sorted(BEST_TO_WORST) == sorted(Verdict)


def test_undone_says_what_ran_before_and_what_runs_now() -> None:
    """An undone worker went from the version before the push to the one that brought it back."""
    rollout = _until_back()
    taken = Outcome(Worker("w1", 1, "h", "3"), Verdict.LIVE, (ModuleOutcome("m", before=8, after=9, checksum="old"),))
    module = advance(rollout, {"w1": taken}).outcome("w1").modules[0]
    assert (module.before, module.after, module.checksum) == (7, 9, "old")


def test_halted_says_why_it_could_not_be_taken_back() -> None:
    """A worker that cannot take back keeps the new version, and carries what prevented it."""
    failure, refusals = Failure("ValueError", "no"), (Refusal("LC406", "busy"),)
    back = Outcome(Worker("w1", 1, "h", "3"), Verdict.REFUSED, refusals=refusals, failure=failure)
    halted = advance(_until_back(), {"w1": back}).outcome("w1")
    assert (halted.modules[0].after, halted.failure, halted.refusals) == (8, failure, refusals)


def _until_back():
    rollout = start(["w1", "w2"])
    for word in ({"w1": "differs"}, {"w1": "live", "w2": "ready"}, {"w2": "rolled"}):
        rollout = advance(rollout, {name: outcome(name, answer) for name, answer in word.items()})
    assert rollout.phase is Phase.BACK
    return rollout


@pytest.mark.parametrize("answers", [{}, {"w1": None, "w2": None}, {"w2": None}])
def test_wrong_answers(answers: dict[str, None]) -> None:
    """Answers from others than were asked are an error, never a guess."""
    with pytest.raises(ValueError, match="asked"):
        advance(start(["w1"]), answers)


def test_nothing_after_the_end() -> None:
    """A rollout that is over stays over."""
    over = advance(start(["w1"]), {"w1": outcome("w1", "same")})
    with pytest.raises(ValueError, match="DONE"):
        advance(over, {})


def test_no_outcome_where_one_is_needed() -> None:
    """What is asked to take back has an outcome, or is no worker that was asked."""
    with pytest.raises(ValueError, match="no outcome"):
        advance(_until_back(), {"w1": None})


# policy | who answers what ("ended": before it was reached) | verdict | what became of each worker
POLICIES = [
    (Policy(), f"{TRIED_3} | REST w2=ended w3=live", "live", "w1=live w3=live"),
    (
        Policy(),
        "COMPARE w1=differs | TRY w1=ended w2=ready w3=ready | FIRST w2=live | REST w3=live",
        "live",
        "w2=live w3=live",
    ),
    (
        Policy(),
        "COMPARE w1=differs | TRY w1=ended w2=ready w3=ready | FIRST w2=ended | FIRST w3=live",
        "live",
        "w3=live",
    ),
    (Policy(), "COMPARE w1=differs | TRY w1=live w2=ended", "live", "w1=live"),
    (Policy(mixed="why"), f"{TRIED_3} | REST w2=rolled w3=live", "rolled", "w1=live w2=rolled w3=live"),
    (
        Policy(mixed="why"),
        "COMPARE w1=differs | TRY w1=rolled w2=ready w3=ready | FIRST w2=live | REST w3=live",
        "rolled",
        "w1=rolled w2=live w3=live",
    ),
    (Policy(mixed="why"), "COMPARE w1=differs | TRY w1=live w2=refused", "refused", "w1=live w2=refused"),
    (Policy(now=True), "COMPARE w1=differs w2=differs | REST w1=rolled w2=live", "rolled", "w1=rolled w2=live"),
    (Policy(now=True), "COMPARE w1=lost w2=differs | REST w2=live", "lost", "w1=lost w2=live"),
    (
        Policy(canary=2),
        "COMPARE w1=differs | TRY w1=live w2=live w3=ready | CANARY good | REST w3=live",
        "live",
        "w1=live w2=live w3=live",
    ),
    (
        Policy(canary=2),
        "COMPARE w1=differs | TRY w1=live w2=live w3=ready | CANARY bad | BACK w1=live w2=live",
        "undone",
        "w1=undone w2=undone",
    ),
    (
        Policy(canary=2),
        "COMPARE w1=differs | TRY w1=live w2=rolled w3=ready | BACK w1=live",
        "undone",
        "w1=undone w2=rolled",
    ),
]


@pytest.mark.parametrize(("policy", "phases", "verdict", "expected"), POLICIES)
def test_policies(policy: Policy, phases: str, verdict: str, expected: str) -> None:
    """A policy changes who is asked when, and what is taken back."""
    rollout = start(names_in(phases), Goal.PUSH, policy)
    for line in phases.split(" | "):
        phase, *pairs = line.split()
        assert rollout.phase.name == phase
        if phase == "CANARY":
            rollout = judged(rollout, good=pairs == ["good"])
            continue
        answers = {name: outcome(name, word) for name, word in (pair.split("=") for pair in pairs)}
        assert set(rollout.asked) == set(answers)
        rollout = advance(rollout, answers)
    ended = " ".join(f"{found.worker.name}={_word(found.verdict)}" for found in rollout.report_outcomes)
    assert (rollout.phase, _word(rollout.verdict), ended) == (Phase.DONE, verdict, expected)


@pytest.mark.parametrize(("canary", "workers", "first"), [(0, 8, 1), (2, 8, 2), (0.25, 8, 2), (0.3, 8, 3), (9, 8, 7)])
def test_size_of_a_canary(canary: float, workers: int, first: int) -> None:
    """A number of workers, or a share of them rounded up; at least one is left that does not run it."""
    assert Policy(canary=canary).first(workers) == first


def test_only_a_canary_is_judged() -> None:
    """Measures decide nothing in another phase."""
    with pytest.raises(ValueError, match="nothing is judged"):
        judged(start(["w1"]), good=True)


def test_no_workers() -> None:
    """A rollout over nobody is a mistake of the caller."""
    with pytest.raises(ValueError, match="needs a worker"):
        start([])
