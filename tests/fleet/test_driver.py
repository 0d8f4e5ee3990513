"""The rollout over workers that do as told: what is asked, what is undone, what is said of the lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from livecode.errors import DoorError, ProtocolError, WorkerLostError
from livecode.fleet.client import Running
from livecode.fleet.driver import roll_out
from livecode.fleet.rollout import Goal, Phase
from livecode.model.nouns import History, ModuleSource, ProcessStatus, Push, Worker, checksum
from livecode.model.report import Failure, ModuleOutcome, Outcome, Verdict

NEW = Push((ModuleSource("m", "new"),), author="ann", reason="why")


class Fake:
    """A worker that runs one module and keeps all of its versions; `on_commit` may fail instead."""

    def __init__(self, name: str, source: str = "old", on_commit: Callable[[Push], None] | None = None) -> None:
        self.worker = Worker(name, 100 + int(name[1:]), "host", "3.11.0")
        self.versions, self.on_commit = [source], on_commit
        self.asked: list[str] = []

    def checksums(self, modules: Sequence[str]) -> dict[str, Running]:
        self.asked.append("checksums")
        return dict.fromkeys(modules, Running(checksum(self.versions[-1]), len(self.versions)))

    def prepare(self, push: Push) -> Outcome:
        self.asked.append("prepare")
        return Outcome(self.worker, Verdict.READY)

    def push(self, push: Push) -> Outcome:
        self.asked.append(f"push {push.modules[0].source}")
        if self.on_commit is not None and push.modules[0].source == "new":
            try:
                self.on_commit(push)
            except ZeroDivisionError as error:
                return Outcome(self.worker, Verdict.ROLLED_BACK, failure=Failure("ZeroDivisionError", str(error)))
        self.versions.append(push.modules[0].source or "")
        number = len(self.versions)
        return Outcome(
            self.worker, Verdict.LIVE, (ModuleOutcome("m", number - 1, number, checksum(self.versions[-1])),)
        )

    def source(self, module: str, version: int | None = None) -> str | None:
        return self.versions[(version or 0) - 1]

    def status(self) -> ProcessStatus:
        raise NotImplementedError

    def history(self, module: str) -> History:
        raise NotImplementedError


def fails(_push: Push) -> None:
    """A source that raises while it is loaded."""
    raise ZeroDivisionError("division by zero")


def is_lost(_push: Push) -> None:
    """A worker that is not heard of again."""
    raise WorkerLostError("w2 (pid 102) did not answer within 30 s") from TimeoutError()


def test_live_everywhere() -> None:
    """One worker first, then the others; the dry run before, on all."""
    workers = [Fake(f"w{number}") for number in (1, 2, 3)]
    rollout = roll_out(workers, NEW)
    assert (rollout.verdict, [worker.versions[-1] for worker in workers]) == (Verdict.LIVE, ["new"] * 3)
    assert {tuple(worker.asked) for worker in workers} == {("checksums", "prepare", "push new")}


def test_same_source_is_not_sent() -> None:
    """Where the source runs already, nothing is sent, and the version is said."""
    workers = [Fake("w1", "new"), Fake("w2")]
    rollout = roll_out(workers, NEW)
    assert (rollout.verdict, workers[0].asked) == (Verdict.LIVE, ["checksums"])
    same = rollout.outcome("w1")
    assert (same.verdict, same.modules) == (Verdict.SAME, (ModuleOutcome("m", 1, 1, checksum("new")),))


def test_unload_is_never_same() -> None:
    """An unload goes the whole way, so that one of a module that is not there is refused."""
    worker = Fake("w1", "")
    roll_out([worker], Push((ModuleSource("m", None),)))
    assert worker.asked == ["checksums", "push None"]


def test_first_fails() -> None:
    """Where the first worker rolls back, the others never see the push."""
    workers = [Fake("w1", on_commit=fails), Fake("w2")]
    rollout = roll_out(workers, NEW)
    assert (rollout.verdict, len(rollout.outcomes)) == (Verdict.ROLLED_BACK, 1)
    assert workers[1].asked == ["checksums", "prepare"]


def test_second_fails() -> None:
    """Where a later worker rolls back, the source that ran before is pushed to all that committed."""
    workers = [Fake("w1", "old1"), Fake("w2", on_commit=fails), Fake("w3", "old3")]
    rollout = roll_out(workers, NEW)
    assert [worker.versions for worker in workers] == [["old1", "new", "old1"], ["old"], ["old3", "new", "old3"]]
    assert [outcome.verdict for outcome in rollout.report_outcomes] == [
        Verdict.UNDONE,
        Verdict.ROLLED_BACK,
        Verdict.UNDONE,
    ]
    assert rollout.verdict is Verdict.UNDONE


def test_taking_back_says_why() -> None:
    """The undo is the author's, says why it was, and is forced: what it brings back was accepted before."""
    seen: list[Push] = []
    first = Fake("w1")
    push, first.push = first.push, lambda item: seen.append(item) or push(item)  # type: ignore[method-assign,func-returns-value]
    roll_out([first, Fake("w2", on_commit=fails)], NEW)
    back = seen[-1]
    assert (back.author, back.reason, back.force) == ("ann", "undo, because another worker failed: why", True)


def test_second_is_lost() -> None:
    """A worker that does not answer is UNKNOWN, with what is known of it; the others go back."""
    workers = [Fake("w1"), Fake("w2", on_commit=is_lost)]
    rollout = roll_out(workers, NEW)
    failure = rollout.outcome("w2").failure
    assert (rollout.verdict, rollout.outcome("w1").verdict) == (Verdict.UNKNOWN, Verdict.UNDONE)
    assert failure is not None
    assert failure.type == "WorkerLostError"
    assert failure.message.startswith("w2 (pid 102) did not answer within 30 s; it may still apply the push")


def test_lost_before_anything_was_applied() -> None:
    """A worker that is lost at the dry run ends the push, and nothing was applied anywhere."""
    workers = [Fake("w1"), Fake("w2")]
    workers[1].prepare = is_lost  # type: ignore[method-assign,assignment]
    rollout = roll_out(workers, NEW)
    failure = rollout.outcome("w2").failure
    assert (rollout.verdict, [worker.versions for worker in workers]) == (Verdict.UNKNOWN, [["old"], ["old"]])
    assert failure is not None
    assert "before anything was applied to any worker" in failure.message


@pytest.mark.parametrize("error", [ProtocolError("two versions"), DoorError("livecode itself failed there")])
def test_fault_before_anything_was_applied(error: DoorError) -> None:
    """A fault before anything was applied is raised: there is no outcome to speak of."""

    def refuse(_modules: object) -> dict[str, Running]:
        raise error

    worker = Fake("w1")
    worker.checksums = refuse  # type: ignore[method-assign]
    with pytest.raises(type(error)):
        roll_out([worker, Fake("w2")], NEW)


def test_fault_of_a_commit() -> None:
    """A fault while one worker commits is UNKNOWN for it, and the others go back."""

    def break_down(_push: Push) -> None:
        raise DoorError("w2 (pid 102): livecode itself failed there: KeyError")

    workers = [Fake("w1"), Fake("w2", on_commit=break_down)]
    rollout = roll_out(workers, NEW)
    assert [outcome.verdict for outcome in rollout.report_outcomes] == [Verdict.UNDONE, Verdict.UNKNOWN]
    assert "livecode itself failed" in str(rollout.outcome("w2").failure)


def test_dry_run_touches_nothing() -> None:
    """A dry run asks all and pushes to none."""
    workers = [Fake("w1"), Fake("w2")]
    assert roll_out(workers, NEW, Goal.DRY_RUN).verdict is Verdict.READY
    assert {tuple(worker.asked) for worker in workers} == {("checksums", "prepare")}


@pytest.mark.parametrize(
    ("workers", "told"),
    [
        (lambda: [Fake("w1"), Fake("w2")], {("w1", "LIVE"), ("w2", "LIVE")}),
        (lambda: [Fake("w1", "new")], {("w1", "SAME")}),
        (
            lambda: [Fake("w1"), Fake("w2", on_commit=fails)],
            {("w1", "LIVE"), ("w2", "ROLLED BACK"), ("w1", "UNDONE")},
        ),
    ],
)
def test_outcomes_are_told_as_they_arrive(workers: Callable[[], list[Fake]], told: set[tuple[str, str]]) -> None:
    """Who wants to know is told what became of each worker, and no answer on the way there."""
    heard: list[Outcome] = []
    roll_out(workers(), NEW, on_outcome=heard.append)
    assert {(outcome.worker.name, outcome.verdict.value) for outcome in heard} == told


def test_broken_display() -> None:
    """A display that fails does not leave a push half way; its error is raised at the end."""
    workers = [Fake("w1"), Fake("w2")]

    def show(_outcome: Outcome) -> None:
        raise RuntimeError("no display")

    with pytest.raises(RuntimeError, match="no display"):
        roll_out(workers, NEW, on_outcome=show)
    assert [worker.versions[-1] for worker in workers] == ["new", "new"]


def test_phases_are_all_used() -> None:
    """The driver knows every phase that asks somebody."""
    assert {phase.name for phase in Phase} == {"COMPARE", "PREPARE", "FIRST", "REST", "BACK", "DONE"}
