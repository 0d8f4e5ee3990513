"""A worker of another machine, whose door cannot be reached: it is spoken to through the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from livecode.errors import WorkerLostError
from livecode.fleet.client import ANSWER_S, Running
from livecode.fleet.log import GONE, Arrivals, Log
from livecode.model.log import WorkerReport
from livecode.model.nouns import DiskState, History, ModuleStatus, ProcessStatus, Push, Version, Worker
from livecode.model.report import Outcome, Verdict


class DistantWorker:
    """A worker that follows the same log.

    Args:
        report: What it said of itself last.
        log: The log.
        arrivals: What the workers report.
        answer_s: How long to wait for what it says of a generation.
    """

    def __init__(self, report: WorkerReport, log: Log, arrivals: Arrivals, answer_s: float = ANSWER_S) -> None:
        self.worker: Worker = report.worker
        self._report, self._log, self._arrivals, self.answer_s = report, log, arrivals, answer_s

    def checksums(self, modules: Sequence[str]) -> dict[str, Running]:
        """What runs of the modules that the log is about; of others it is not known here, and empty.

        Those count as version 1, which is the file's: a push that took that number would hide it from an undo.
        """
        held = {item.module: Running(item.digest, item.version) for item in self._report.held}
        return {name: held.get(name, Running("", 1)) for name in modules}

    def prepare(self, push: Push) -> Outcome:
        """READY, as far as it is known here: nobody can be asked through the store without saying it to all."""
        return Outcome(self.worker, Verdict.READY, warnings=("a dry run does not reach other machines",))

    def follow(self, generation: int) -> WorkerReport:
        key = self.worker.key
        report = self._arrivals.wait_for(key, lambda said: said.heard >= generation or said.left, self.answer_s)
        if report is None:
            raise WorkerLostError(f"{self.describe()} did not answer within {self.answer_s:g} s") from TimeoutError()
        if report is GONE:
            raise WorkerLostError(f"{self.describe()} is not heard of any more") from ConnectionResetError()
        if report.left:
            raise WorkerLostError(f"{self.describe()} has ended") from ConnectionRefusedError()
        outcome = replace(report.outcome, worker=self.worker) if report.outcome is not None else None
        self._report = replace(report, worker=self.worker, outcome=outcome)
        return self._report

    def wake(self, generation: int) -> None:
        """The store notifies it."""

    def status(self) -> ProcessStatus:
        modules = tuple(
            ModuleStatus(held.module, held.version, held.digest, _disk(held.digest, held.base))
            for held in self._report.held
        )
        report = self._report
        return ProcessStatus(
            self.worker, modules, generation=report.generation, stale=report.stale, trouble=report.trouble
        )

    def source(self, module: str, version: int | None = None) -> str | None:
        versions = self.history(module).versions
        chosen = [item for item in versions if version in (None, item.number)]
        return chosen[-1].source if chosen else None

    def history(self, module: str) -> History:
        return log_history(self._log, module)

    def describe(self) -> str:
        """Name, process id and machine, for messages."""
        return f"{self.worker.name} (pid {self.worker.pid} on {self.worker.host})"


def log_history(log: Log, module: str) -> History:
    """The versions of a module that the log remembers, with the file's own as version 1."""
    versions: dict[int, Version] = {}
    for state in reversed(log.history()):
        patch = state.by_module.get(module)
        if patch is None:
            continue
        if not versions and patch.base and patch.base != patch.digest:
            versions[1] = Version(1, log.source(patch.base))
        if patch.version not in versions:
            source = log.source(patch.digest) if patch.digest else None
            restores = patch.restores or None
            versions[patch.version] = Version(patch.version, source, patch.author, patch.reason, patch.at, restores)
    return History(module, tuple(versions[number] for number in sorted(versions)))


def _disk(digest: str, base: str) -> DiskState:
    if not base:
        return DiskState.NO_FILE
    return DiskState.SAME if digest == base else DiskState.DIFFERS
