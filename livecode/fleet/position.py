"""Where a worker is in the log of its service: what it has read, how far it runs that, and what it says there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from livecode.errors import StaleBaseError, StoreError
from livecode.fleet.generations import Author
from livecode.fleet.log import is_alive
from livecode.fleet.store import Head, Store
from livecode.model.log import NOTHING_YET, State, WorkerReport, read_reports, read_state, report_in
from livecode.model.nouns import Worker


class Overlay(StrEnum):
    """What a worker that starts does with the patches of its service."""

    SESSION = "session"  # replays them while the service has been up; after a stop, what is on disk runs
    UNTIL_DEPLOY = "until-deploy"  # replays them until their files change, also after a stop
    NONE = "none"  # runs what is on disk until the next push


@dataclass(frozen=True, slots=True)
class Place:
    """Where a worker finds the log of its service.

    Attributes:
        service: Its name.
        url: Of the store.
        overlay: What a worker that starts does with what was pushed.
        embedded: True if the store is this machine's own, whose workers ring at each other's doors.
    """

    service: str
    url: str
    overlay: Overlay
    embedded: bool


class Position:
    """A worker's place in the log.

    Args:
        store: Where the log is.
        worker: Who follows it.

    Attributes:
        state: The generation that this worker has arrived at.
        unfinished: True while something of it must be tried again, so that it is read anew.
    """

    def __init__(self, store: Store, worker: Worker) -> None:
        self.store, self.worker = store, worker
        self.state, self.unfinished = NOTHING_YET, False
        self._text, self._is_other = "", False

    def take(self, other: Position) -> None:
        """Goes where another one is: a forked child runs what its parent ran."""
        self.state, self._text = other.state, other._text

    def read(self) -> State:
        """The newest state.

        Raises:
            StoreError: The store cannot be reached, or says what is no state.
        """
        head = self.store.head()
        is_known = head.generation == self.state.generation and head.text == self._text
        if is_known and not self.unfinished:
            return self.state
        try:
            state = read_state(head.text)
        except ValueError as error:
            raise StoreError(f"{self.store.url} says what this livecode cannot read: {error}") from error
        if head.generation > self.state.generation:
            self._text = head.text
        self._is_other = head.generation == self.state.generation and not is_known
        return state

    def went_back(self, state: State) -> bool:
        """True if the store has forgotten what this worker runs: it is below, or as far with something else."""
        return state.generation < self.state.generation or (
            self._is_other and state.generation == self.state.generation and state is not self.state
        )

    def publish(self, state: State, base: int | None = None) -> bool:
        """False if somebody else was faster.

        Args:
            state: What this worker says.
            base: The generation that the store is at; the one before by default.
        """
        before = state.generation - 1 if base is None else base
        try:
            self.store.publish(before, Head(state.generation, state.to_json()))
        except StaleBaseError:  # another worker, or somebody pushed
            return False
        self._text = state.to_json()
        return True

    def author(self, reason: str) -> Author:
        """This worker, as who makes a generation."""
        return Author(f"{self.worker.host}:{self.worker.pid}", reason, time.time(), self.worker.key)

    def recent(self, limit: int) -> Iterator[State]:
        """The last generations, newest first."""
        return (read_state(head.text) for head in self.store.history(limit))

    def reports(self) -> dict[str, WorkerReport]:
        """What all say of themselves, by their keys."""
        return read_reports(self.store.reports())

    def report_of(self, key: str) -> WorkerReport | None:
        """What one of them says."""
        return report_in(self.store.reports(), key)

    def is_there(self, key: str) -> bool:
        """True if the pusher with this key still says that it is there."""
        report = self.report_of(key)
        if report is None:
            return False
        return report.worker.host != self.worker.host or any(is_alive(each) for each in report.holders)
