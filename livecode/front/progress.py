"""What is seen of a push while it is under way: one row a worker, and the canary's figures.

A push that is over at once shows nothing of this: the Report is there before anybody could read it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from livecode.model.measured import CanaryResult
from livecode.model.nouns import Worker
from livecode.model.progress import progress_sheet
from livecode.model.report import Outcome, Report
from livecode.model.sheet import Sheet

PATIENCE_S = 0.3
"""How long a push takes before it is worth showing."""


class Screen(Protocol):
    """Where progress is shown: each sheet in place of the one before."""

    def show(self, sheet: Sheet) -> None: ...

    def close(self, report: Report | None) -> None:
        """Leaves what became of it; None if that was an error."""


class Progress:
    """What is known of one push so far, drawn whenever more is.

    Args:
        screen: Where.
        modules: What is pushed.
    """

    def __init__(self, screen: Screen | None, modules: Sequence[str]) -> None:
        self.report: Report | None = None
        self._screen, self._modules = screen, tuple(modules)
        self._workers: dict[str, Worker] = {}
        self._outcomes: dict[str, Outcome] = {}
        self._canary: CanaryResult | None = None
        self._lock, self._shown = threading.Lock(), False
        self._timer = threading.Timer(PATIENCE_S, self._begin)
        self._timer.daemon = True

    def expect(self, workers: Sequence[Worker]) -> None:
        """These workers will answer."""
        self._workers = {worker.name: worker for worker in workers}

    def outcome(self, outcome: Outcome) -> None:
        """A worker has answered."""
        with self._lock:
            self._workers[outcome.worker.name] = outcome.worker
            self._outcomes[outcome.worker.name] = outcome
            self._draw()

    def canary(self, result: CanaryResult) -> None:
        """This was measured so far."""
        with self._lock:
            self._canary = result
            self._draw()

    def open(self) -> None:
        """Shows it from now on, if it takes long enough."""
        if self._screen is not None:
            self._timer.start()

    def close(self) -> None:
        """Leaves the report on the screen, if anything was shown."""
        self._timer.cancel()
        with self._lock:
            screen, self._screen = self._screen, None
            if screen is not None and self._shown:
                screen.close(self.report)

    def _begin(self) -> None:
        with self._lock:
            self._shown = True
            self._draw()

    def _draw(self) -> None:
        if self._screen is not None and self._shown:
            workers, outcomes = tuple(self._workers.values()), tuple(self._outcomes.values())
            self._screen.show(progress_sheet(self._modules, workers, outcomes, self._canary))


@contextmanager
def followed(screen: Screen | None, modules: Sequence[str]) -> Iterator[Progress]:
    """The progress of a push, shown on the screen, if there is one, until its `report` is known."""
    progress = Progress(screen, modules)
    progress.open()
    try:
        yield progress
    finally:
        progress.close()
