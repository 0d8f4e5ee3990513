"""A push and the log of its service: begun anew where somebody else publishes, refused where it would run over.

conflicts?   another push is on trial, or somebody pushed the same module since this side looked
roll out     by the driver; somebody who published before anything was applied makes it begin anew
overtaken    somebody took it back while it was on trial
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from livecode.engine.refusals import refusal
from livecode.errors import StaleBaseError
from livecode.fleet.driver import Driver
from livecode.fleet.generations import meddled
from livecode.fleet.log import Log
from livecode.fleet.rollout import Goal
from livecode.model.conflict import conflict_diff
from livecode.model.log import Patch, State
from livecode.model.report import Failure, Outcome, Refusal, Report, Verdict

RETRIES = 5
"""How often a push starts anew because somebody published something else meanwhile."""


@dataclass(slots=True)
class Attempts:
    """The attempts of one push.

    Attributes:
        driver: Rolls it out.
        log: Of the service.
        seen: What the log said when whoever pushes looked last; as of the end, afterwards.
        has_log: True once there is a log that could be read.
        need_workers: Raises where no worker is left.
    """

    driver: Driver
    log: Log
    seen: State
    has_log: Callable[[], bool]
    need_workers: Callable[[], object]

    def run(self, report: Report) -> Report:
        """What became of it.

        Args:
            report: Of a push that was not tried yet.
        """
        for _ in range(RETRIES):
            if self.has_log() and (refused := self._conflicts(report)):
                return refused
            try:
                rollout = self.driver.roll_out()
            except StaleBaseError as error:
                if self.driver.was_tried:
                    return self._overtaken(report, error)
                continue
            self.seen = self.log.now
            if not rollout.report_outcomes:
                self.need_workers()
                continue
            return replace(report, verdict=rollout.verdict, outcomes=rollout.report_outcomes, canary=self.driver.canary)
        busy = refusal("LC406", f"others push without a pause: {RETRIES} times somebody was faster")
        return replace(report, refusals=(busy,))

    def _conflicts(self, report: Report) -> Report | None:
        """What others do, or did since this side looked, that a push must not run over."""
        state, log, push = self.log.state(), self.log, self.driver.push
        if self.driver.goal is Goal.DRY_RUN:
            return None
        if log.undecided():
            who, what = state.author or "someone", ", ".join(state.modules)
            busy = refusal("LC406", f"another push is under way: {what} by {who}", module=what)
            return replace(report, refusals=(busy,))
        with suppress(StaleBaseError):
            log.clear()
        theirs = () if push.force else meddled(self.seen, log.now, push.names)
        wanted = self.driver.wanted
        theirs = tuple(patch for patch in theirs if patch.digest != wanted.get(patch.module))
        self.seen = log.now
        sources = {item.module: item.source for item in push.modules}
        lines = (conflict_diff(patch, log.source(patch.digest), sources[patch.module]) for patch in theirs)
        return replace(report, refusals=tuple(map(_overrun, theirs)), diff=sum(lines, ())) if theirs else None

    def _overtaken(self, report: Report, error: StaleBaseError) -> Report:
        """Somebody took the push back while it was on trial."""
        state = self.log.state()
        message = (
            f"generation {state.generation} ({state.action}, {state.author or 'someone'}): {state.reason or error}"
        )
        outcomes = tuple(
            Outcome(client.worker, Verdict.UNDONE, failure=Failure("StaleBaseError", message))
            for client in self.driver.clients
        )
        return replace(report, verdict=Verdict.UNDONE, outcomes=outcomes)


def _overrun(patch: Patch) -> Refusal:
    """Somebody pushed this since the pusher looked."""
    what = f"{patch.author or 'someone'} pushed v{patch.version} ({patch.digest[:7] or 'unloaded'}) meanwhile"
    why = f": {patch.reason}" if patch.reason else ""
    return refusal("LC407", what + why, way_out="the same command again replaces it", module=patch.module)
