"""The rollout over workers that do as the log says: what is asked, what is undone, what is said of the lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from livecode.errors import DoorError, ProtocolError, StaleBaseError, WorkerLostError
from livecode.fleet.client import Running
from livecode.fleet.driver import Driver
from livecode.fleet.log import Log
from livecode.fleet.rollout import Goal, Phase, Policy, Rollout
from livecode.fleet.store import open_store
from livecode.model.log import Held, Stage, WorkerReport, read_state
from livecode.model.nouns import History, ModuleSource, ProcessStatus, Push, Worker, checksum
from livecode.model.report import Failure, ModuleOutcome, Outcome, Verdict

NEW = Push((ModuleSource("m", "new"),), author="ann", reason="why")


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    """The log of a service that nobody has pushed to."""
    opened = Log(open_store(f"sqlite://{tmp_path}/shop.sqlite", "shop"))
    opened.state()
    yield opened
    opened.close()


class Fake:
    """A worker that runs one module as the log says; `on_commit` may fail instead of the new source."""

    def __init__(self, name: str, source: str = "old", on_commit: Callable[[], None] | None = None) -> None:
        self.worker = Worker(name, 100 + int(name[1:]), "host", "3.11.0", key=f"key of {name}")
        self.base, self.versions, self.on_commit = source, [source], on_commit
        self.asked: list[str] = []
        self.log: Log | None = None

    def checksums(self, modules: Sequence[str]) -> dict[str, Running]:
        self.asked.append("checksums")
        return dict.fromkeys(modules, Running(checksum(self.versions[-1]), len(self.versions)))

    def prepare(self, push: Push) -> Outcome:
        self.asked.append("prepare")
        return self.would_do()

    def follow(self, generation: int) -> WorkerReport:
        assert self.log is not None
        state = read_state(self.log.store.head().text)
        assert state.generation >= generation
        self.asked.append(state.action.value)
        digest = state.by_module["m"].digest if "m" in state.by_module else checksum(self.base)
        if state.trial is not None and self.worker.key in state.trial.workers:
            digest = dict(state.trial.sources)["m"]
        source = (self.log.source(digest) or self.base) if digest else ""
        if state.trial is not None and self.worker.key not in state.trial.workers:
            return WorkerReport(self.worker, generation, generation, self.would_do())
        return WorkerReport(self.worker, generation, generation, self._run(source), (Held("m", 2, digest, "base"),))

    def would_do(self) -> Outcome:
        number, running = len(self.versions), checksum(self.versions[-1])
        verdict = Verdict.SAME if self.versions[-1] == "new" else Verdict.READY
        return Outcome(self.worker, verdict, (ModuleOutcome("m", number, number, running),))

    def _run(self, source: str) -> Outcome:
        before = len(self.versions)
        if source == self.versions[-1]:
            return Outcome(self.worker, Verdict.SAME, (ModuleOutcome("m", before, before, checksum(source)),))
        if self.on_commit is not None and source == "new":
            try:
                self.on_commit()
            except ZeroDivisionError as error:
                return Outcome(self.worker, Verdict.ROLLED_BACK, failure=Failure("ZeroDivisionError", str(error)))
        self.versions.append(source)
        return Outcome(self.worker, Verdict.LIVE, (ModuleOutcome("m", before, before + 1, checksum(source)),))

    def wake(self, generation: int) -> None:
        """Nobody is asleep here."""

    def source(self, module: str, version: int | None = None) -> str | None:
        return self.versions[(version or 0) - 1]

    def status(self) -> ProcessStatus:
        raise NotImplementedError

    def history(self, module: str) -> History:
        raise NotImplementedError


def roll_out(log: Log, workers: Sequence[Fake], push: Push = NEW, goal: Goal = Goal.PUSH, **more: object) -> Rollout:
    """The push, rolled out over these workers."""
    for worker in workers:
        worker.log = log
    return Driver(workers, log, push, goal=goal, **more).roll_out()  # type: ignore[arg-type]


def told(log: Log) -> list[str]:
    """What the log says, oldest first."""
    return [state.action.value for state in reversed(log.history())]


def fails() -> None:
    """A source that raises while it is loaded."""
    raise ZeroDivisionError("division by zero")


def is_lost(*_: object) -> None:
    """A worker that is not heard of again."""
    raise WorkerLostError("w2 (pid 102) did not answer within 30 s") from TimeoutError()


def test_live_everywhere(log: Log) -> None:
    """One worker tries it while the others say what they would do; then they follow. That is two generations."""
    workers = [Fake(f"w{number}") for number in (1, 2, 3)]
    rollout = roll_out(log, workers)
    assert (rollout.verdict, [worker.versions[-1] for worker in workers]) == (Verdict.LIVE, ["new"] * 3)
    assert [worker.asked for worker in workers] == [["checksums", "try"]] + [["try", "push"]] * 2
    assert told(log) == ["try", "push"]
    (patch,) = log.now.patches
    assert (patch.module, patch.version, patch.digest, patch.base) == ("m", 2, checksum("new"), "base")
    assert (patch.author, patch.reason, log.now.trial, log.now.began) == ("ann", "why", None, 1)


def test_a_single_worker(log: Log) -> None:
    """A service of one worker needs no dry run, and its log says the same."""
    worker = Fake("w1")
    assert roll_out(log, [worker]).verdict is Verdict.LIVE
    assert (worker.asked, told(log)) == (["checksums", "try"], ["try", "push"])


def test_same_source_is_not_sent(log: Log) -> None:
    """Where the source runs already, nothing is sent, and the version is said."""
    workers = [Fake("w1", "new"), Fake("w2")]
    rollout = roll_out(log, workers)
    assert (rollout.verdict, workers[0].asked) == (Verdict.LIVE, ["checksums"])
    same = rollout.outcome("w1")
    assert (same.verdict, same.modules) == (Verdict.SAME, (ModuleOutcome("m", 1, 1, checksum("new")),))


def test_same_everywhere_writes_nothing(log: Log) -> None:
    """A push that changes nothing is no generation."""
    assert roll_out(log, [Fake("w1", "new"), Fake("w2", "new")]).verdict is Verdict.SAME
    assert told(log) == []


def test_unload_is_never_same(log: Log) -> None:
    """An unload goes the whole way, so that one of a module that is not there is refused."""
    worker = Fake("w1", "")
    roll_out(log, [worker], Push((ModuleSource("m", None),)))
    assert worker.asked == ["checksums", "try"]


def test_first_fails(log: Log) -> None:
    """Where the first worker rolls back, the others never see the push, and the log ends where it began."""
    workers = [Fake("w1", on_commit=fails), Fake("w2")]
    rollout = roll_out(log, workers)
    assert (rollout.verdict, len(rollout.outcomes)) == (Verdict.ROLLED_BACK, 1)
    assert workers[1].asked == ["try"]
    assert (told(log), log.now.patches) == (["try", "take back"], ())
    assert [(tried.worker, tried.verdict) for tried in log.now.tried] == [("host:101", Verdict.ROLLED_BACK)]


def test_second_fails(log: Log) -> None:
    """Where a later worker rolls back, the source that ran before is live again on all that committed."""
    workers = [Fake("w1", "old1"), Fake("w2", on_commit=fails), Fake("w3", "old3")]
    rollout = roll_out(log, workers)
    assert [worker.versions for worker in workers] == [["old1", "new", "old1"], ["old"], ["old3", "new", "old3"]]
    assert [outcome.verdict for outcome in rollout.report_outcomes] == [
        Verdict.UNDONE,
        Verdict.ROLLED_BACK,
        Verdict.UNDONE,
    ]
    assert (rollout.verdict, told(log)) == (Verdict.UNDONE, ["try", "push", "take back"])


def test_taking_back_says_why(log: Log) -> None:
    """The taking back is the author's, says why it was, and what became of the push where."""
    roll_out(log, [Fake("w1"), Fake("w2", on_commit=fails)])
    assert (log.now.author, log.now.reason, log.now.force) == ("ann", "another worker failed", True)
    assert [tried.verdict for tried in log.now.tried] == [Verdict.LIVE, Verdict.ROLLED_BACK]


def test_what_ran_before_was_pushed_too(log: Log) -> None:
    """What is taken back goes back to the push before it, not to the file."""
    workers = [Fake("w1"), Fake("w2")]
    roll_out(log, workers)
    workers[1].on_commit = fails
    workers[1].versions.append("old")  # as if it had been restarted
    newer = Push((ModuleSource("m", "newer"),))
    workers[1]._run = lambda source: Outcome(workers[1].worker, Verdict.REFUSED)  # type: ignore[method-assign]
    assert roll_out(log, workers, newer).verdict is Verdict.UNDONE
    assert (workers[0].versions, [patch.version for patch in log.now.patches]) == (["old", "new", "newer", "new"], [2])


def test_worker_that_ends_meanwhile(log: Log) -> None:
    """A worker that ended before the push reached it is no part of it, and no reason to take it back."""

    def has_ended(*_: object) -> None:
        raise WorkerLostError("w2 is gone") from ConnectionRefusedError()

    workers = [Fake("w1"), Fake("w2", on_commit=has_ended), Fake("w3")]
    rollout = roll_out(log, workers)
    assert (rollout.verdict, rollout.workers, told(log)) == (Verdict.LIVE, ("w1", "w3"), ["try", "push"])


def test_first_ends_meanwhile(log: Log) -> None:
    """Where the one that was to try it has ended, the next one tries it."""

    def has_ended(*_: object) -> None:
        raise WorkerLostError("w1 is gone") from ConnectionRefusedError()

    workers = [Fake("w1", on_commit=has_ended), Fake("w2"), Fake("w3")]
    rollout = roll_out(log, workers)
    assert (rollout.verdict, rollout.workers, told(log)) == (Verdict.LIVE, ("w2", "w3"), ["try", "try", "push"])


def test_mixed(log: Log) -> None:
    """Where the author allows it, what runs on some stays there, and the log says that and why."""
    workers = [Fake("w1"), Fake("w2", on_commit=fails), Fake("w3")]
    rollout = roll_out(log, workers, policy=Policy(mixed="w2 is special"))
    assert [worker.versions[-1] for worker in workers] == ["new", "old", "new"]
    assert (rollout.verdict, told(log)) == (Verdict.ROLLED_BACK, ["try", "push", "mixed"])
    assert [patch.digest for patch in log.now.patches] == [checksum("new")]


def test_now(log: Log) -> None:
    """In an emergency all are asked at once, and nothing is taken back."""
    workers = [Fake("w1"), Fake("w2", on_commit=fails)]
    roll_out(log, workers, policy=Policy(now=True))
    assert [worker.asked for worker in workers] == [["checksums", "push"], ["checksums", "push"]]
    assert (workers[0].versions[-1], told(log)) == ("new", ["try", "push", "mixed"])


def test_somebody_else_was_faster(log: Log) -> None:
    """Where the head is not the one that was built on, nothing is applied."""
    workers = [Fake("w1")]
    workers[0].log = log
    other = Log(log.store)
    other.state()
    other.attempt(NEW, Stage.TRIAL, (), {})
    with pytest.raises(StaleBaseError, match="generation 1, not 0"):
        roll_out(log, workers)
    assert workers[0].versions == ["old"]


def test_second_is_lost(log: Log) -> None:
    """A worker that does not answer is UNKNOWN, with what is known of it; the others go back."""
    workers = [Fake("w1"), Fake("w2", on_commit=is_lost)]
    rollout = roll_out(log, workers, NEW)
    failure = rollout.outcome("w2").failure
    assert (rollout.verdict, rollout.outcome("w1").verdict) == (Verdict.UNKNOWN, Verdict.UNDONE)
    assert failure is not None
    assert failure.type == "WorkerLostError"
    assert failure.message.startswith("w2 (pid 102) did not answer within 30 s; what it still applies, it takes back")


def test_lost_before_anything_was_applied_there(log: Log) -> None:
    """A worker that is lost when it is asked what it would do ends the push; the one that tried it goes back."""
    workers = [Fake("w1"), Fake("w2")]
    workers[1].would_do = is_lost  # type: ignore[method-assign,assignment]
    rollout = roll_out(log, workers)
    failure = rollout.outcome("w2").failure
    assert (rollout.verdict, told(log)) == (Verdict.UNKNOWN, ["try", "take back"])
    assert [worker.versions for worker in workers] == [["old", "new", "old"], ["old"]]
    assert failure is not None
    assert "before anything was applied to it" in failure.message


@pytest.mark.parametrize("error", [ProtocolError("two versions"), DoorError("livecode itself failed there")])
def test_fault_before_anything_was_applied(log: Log, error: DoorError) -> None:
    """A fault before anything was applied is raised: there is no outcome to speak of."""

    def refuse(_modules: object) -> dict[str, Running]:
        raise error

    worker = Fake("w1")
    worker.checksums = refuse  # type: ignore[method-assign]
    with pytest.raises(type(error)):
        roll_out(log, [worker, Fake("w2")], NEW)


def test_fault_of_a_commit(log: Log) -> None:
    """A fault while one worker commits is UNKNOWN for it, and the others go back."""

    def break_down() -> None:
        raise DoorError("w2 (pid 102): livecode itself failed there: KeyError")

    workers = [Fake("w1"), Fake("w2", on_commit=break_down)]
    rollout = roll_out(log, workers, NEW)
    assert [outcome.verdict for outcome in rollout.report_outcomes] == [Verdict.UNDONE, Verdict.UNKNOWN]
    assert "livecode itself failed" in str(rollout.outcome("w2").failure)


def test_dry_run_touches_nothing(log: Log) -> None:
    """A dry run asks all and pushes to none."""
    workers = [Fake("w1"), Fake("w2")]
    assert roll_out(log, workers, NEW, Goal.DRY_RUN).verdict is Verdict.READY
    assert {tuple(worker.asked) for worker in workers} == {("checksums", "prepare")}


@pytest.mark.parametrize(
    ("workers", "said"),
    [
        (lambda: [Fake("w1"), Fake("w2")], {("w1", "LIVE"), ("w2", "LIVE")}),
        (lambda: [Fake("w1", "new")], {("w1", "SAME")}),
        (
            lambda: [Fake("w1"), Fake("w2", on_commit=fails)],
            {("w1", "LIVE"), ("w2", "ROLLED BACK"), ("w1", "UNDONE")},
        ),
    ],
)
def test_outcomes_are_told_as_they_arrive(
    log: Log, workers: Callable[[], list[Fake]], said: set[tuple[str, str]]
) -> None:
    """Who wants to know is told what became of each worker, and no answer on the way there."""
    heard: list[Outcome] = []
    roll_out(log, workers(), NEW, on_outcome=heard.append)
    assert {(outcome.worker.name, outcome.verdict.value) for outcome in heard} == said


def test_broken_display(log: Log) -> None:
    """A display that fails does not leave a push half way; its error is raised at the end."""
    workers = [Fake("w1"), Fake("w2")]

    def show(_outcome: Outcome) -> None:
        raise RuntimeError("no display")

    with pytest.raises(RuntimeError, match="no display"):
        roll_out(log, workers, NEW, on_outcome=show)
    assert [worker.versions[-1] for worker in workers] == ["new", "new"]


def test_phases_are_all_used() -> None:
    """The driver knows every phase that asks somebody."""
    assert {phase.name for phase in Phase} == {"COMPARE", "PREPARE", "TRY", "FIRST", "CANARY", "REST", "BACK", "DONE"}
