"""The pusher's side of the log: a push is tried, goes live or is taken back, each as a generation of its own.

    Log.state() ── attempt() ── settle()          live for all
                       └─────── take_back()       for nobody

Between an attempt and its end the pusher says that it is there; if it stops, the workers take the push back.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from livecode.errors import StaleBaseError, StoreError
from livecode.fleet import generations
from livecode.fleet import holders as processes
from livecode.fleet.generations import Applied, Author
from livecode.fleet.store import Head, Store, Topic
from livecode.model.log import (
    NOTHING_YET,
    Action,
    CanaryNow,
    Holder,
    Patch,
    Stage,
    State,
    Tried,
    Wish,
    Wished,
    WorkerReport,
    read_reports,
    read_state,
    report_in,
)
from livecode.model.nouns import Push, Worker, checksum

PUSHER_TTL_S = 90.0
"""How long workers of other machines believe that a pusher is there which says nothing more."""
HISTORY = 1000
RETRY_S = 0.1
PATIENCE_S = 5.0
"""How long a decision is offered to a store that does not answer: the workers wait for it."""
LOOK_S = 0.25
LINGER_S = 5.0


class Log:
    """The log of one service, as somebody who pushes uses it.

    Args:
        store: Where it is.
    """

    def __init__(self, store: Store) -> None:
        self.store, self.now = store, NOTHING_YET
        host, pid = socket.gethostname(), os.getpid()
        self._me = Worker("pusher", pid, host, "", key=f"pusher-{host}-{pid}-{secrets.token_hex(4)}")
        self._holders = tuple(Holder(pid, born) for pid, born in processes.holders()[:1])
        self._author, self._patches = Author("", "", 0.0, self._me.key), tuple[Patch, ...]()
        self._said, self._said_at = False, 0.0
        self._canary: CanaryNow | None = None

    def state(self) -> State:
        """The newest generation.

        Raises:
            StoreError: The store cannot be reached, or says what this livecode cannot read.
        """
        self.now = self._read(self.store.head())
        return self.now

    def history(self, limit: int = HISTORY) -> tuple[State, ...]:
        """What happened, newest first."""
        return tuple(self._read(head) for head in self.store.history(limit))

    def reports(self) -> dict[str, WorkerReport]:
        """What workers and pushers say of themselves, by their keys."""
        return read_reports(self.store.reports())

    def report_of(self, key: str) -> WorkerReport | None:
        """What one of them says."""
        return report_in(self.store.reports(), key)

    def source(self, digest: str) -> str | None:
        """The source with that digest; None if the store lacks it."""
        found = self.store.get([digest]) if digest else {}
        return found[digest].decode("utf-8", "surrogatepass") if digest in found else None

    def undecided(self) -> bool:
        """True if somebody else, who is still there, has a push on trial at this moment."""
        trial = self.now.trial
        report = self.report_of(trial.pusher) if trial is not None else None
        if trial is None or report is None or trial.pusher == self._me.key:
            return False
        here = report.worker.host == self._me.host
        return not here or any(is_alive(each) for each in report.holders)

    def clear(self) -> None:
        """Takes back what a pusher left undecided that went away."""
        if self.now.trial is not None:
            who = self.now.author or "the pusher"
            author = Author(self._me.host, f"{who} went away before it was decided", time.time(), self._me.key)
            self._publish(generations.taken_back(self.now, self.now.patches, author))

    def attempt(
        self, push: Push, stage: Stage, workers: Sequence[str], running: Mapping[str, int], crew: int = 0
    ) -> State:
        """The generation in which a push is on trial; `crew` is how many workers the service has.

        Raises:
            StaleBaseError: Somebody else published since `state` was asked.
            StoreError: The store could not be reached for a while; whoever tries it will take it back.
        """
        if not self._said:
            self._author = Author(push.author, push.reason, time.time(), self._me.key)
            self._patches = self.now.patches
            self._say()
        blobs = {checksum(item.source): item.source for item in push.modules if item.source is not None}
        self.store.put({digest: source.encode("utf-8", "surrogatepass") for digest, source in blobs.items()})
        state = generations.tried(self.now, push, self._author, stage, workers, running)
        self._decide(replace(state, workers=crew))
        return self.now

    def settle(
        self, action: Action, applied: Mapping[str, Applied], outcomes: tuple[Tried, ...], restores: Mapping[str, int]
    ) -> State:
        """The generation in which what was on trial is for all.

        Raises:
            StaleBaseError: Somebody took it back meanwhile.
            StoreError: The store could not be reached for a while; the workers will take the push back.
        """
        self._decide(generations.went_live(self.now, action, applied, outcomes, restores))
        return self.now

    def take_back(self, reason: str, outcomes: tuple[Tried, ...]) -> State:
        """The generation in which all run again what they ran before the push.

        Raises:
            StaleBaseError: Somebody published meanwhile.
            StoreError: The store could not be reached for a while.
        """
        author = Author(self._author.name, reason, time.time(), self._me.key)
        self._decide(generations.taken_back(self.now, self._patches, author, outcomes))
        return self.now

    def note(self, outcomes: tuple[Tried, ...]) -> State:
        """The generation that says that what is live runs on some workers only, as somebody allowed."""
        self._decide(generations.mixed(self.now, outcomes))
        return self.now

    def drop(self, modules: Sequence[str], author: str, reason: str) -> State:
        """The generation without these patches."""
        self._publish(generations.dropped(self.state(), modules, Author(author, reason, time.time(), self._me.key)))
        return self.now

    def note_saved(self, digests: Mapping[str, str], written: Collection[str], author: str, reason: str) -> None:
        """Says what the files of modules say by now; waits for a push on trial.

        Args:
            digests: Module → SHA-256 of the source that its file says.
            written: Those of the modules whose files were written now. Of others that is said only if it is news.
            author: Who saved.
            reason: Why.

        Raises:
            StoreError: The store cannot be reached, or others push without a pause.
        """
        deadline = time.monotonic() + PATIENCE_S
        while True:
            patches = self.state().by_module
            known = {name: digest for name, digest in digests.items() if name in patches}
            if all(name not in written and patches[name].base == digest for name, digest in known.items()):
                return
            try:
                if not self.undecided():
                    self.clear()
                    author_ = Author(author, reason, time.time(), self._me.key)
                    self._publish(generations.saved(self.now, known, author_))
                    return
            except StaleBaseError:
                if time.monotonic() > deadline:
                    raise
            if time.monotonic() > deadline:
                raise StoreError(f"{self.store.url} has a push on trial for {PATIENCE_S:g} s")
            time.sleep(RETRY_S)

    def end(self) -> None:
        """The pusher has decided, or never will."""
        if self._said:
            self._said, deadline = False, time.monotonic() + PATIENCE_S
            keys = [*([_wish_key(self._me.key)] if self._canary is not None else []), self._me.key]
            self._canary = None
            while time.monotonic() < deadline:
                try:
                    for key in keys:
                        self.store.withdraw(key)
                    return
                except StoreError:  # if it stays away, what this said will expire
                    time.sleep(RETRY_S)

    def close(self) -> None:
        """Lets the store go."""
        self.end()
        self.store.close()

    def stay(self) -> None:
        """Says again that this pusher is there, if it said so long ago: workers would take it for dead."""
        if self._said and time.monotonic() - self._said_at > PUSHER_TTL_S / 4:
            with suppress(StoreError):  # there is time to try it again
                self._say()

    def show(self, canary: CanaryNow) -> None:
        """Lets others know how the canary of this pusher is doing."""
        self._canary = canary
        with suppress(StoreError):  # it goes on whether others see it or not
            self._say()

    def wished(self) -> Wished | None:
        """What somebody else wants of the canary of this pusher."""
        with suppress(StoreError):
            report = self.report_of(_wish_key(self._me.key))
            if report is not None and report.wished is not None and report.wished.began == self.now.began:
                return report.wished
        return None

    def wish(self, state: State, wish: Wish, author: str, reason: str) -> None:
        """Lets the pusher of what is on trial in that generation know what is wanted of its canary."""
        if state.trial is None:
            raise ValueError(f"generation {state.generation} tries nothing")
        wished = Wished(wish, state.began, author, reason)
        report = WorkerReport(self._me, holders=self._holders, pusher=True, wished=wished)
        self.store.report(_wish_key(state.trial.pusher), report.to_json(), PUSHER_TTL_S)

    def _say(self) -> None:
        report = WorkerReport(self._me, holders=self._holders, pusher=True, canary=self._canary)
        self.store.report(self._me.key, report.to_json(), PUSHER_TTL_S)
        self._said, self._said_at = True, time.monotonic()

    def _publish(self, state: State) -> None:
        self.store.publish(self.now.generation, Head(state.generation, state.to_json()))
        self.now = state

    def _decide(self, state: State) -> None:
        """Publishes what workers wait for, again and again for a while: the store may only be away for a moment."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                self._publish(state)
                return
            except StaleBaseError:
                if self.store.head().text == state.to_json():  # an answer was lost, not the publication
                    self.now = state
                    return
                raise
            except StoreError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(RETRY_S)

    def _read(self, head: Head) -> State:
        try:
            return read_state(head.text)
        except ValueError as error:
            raise StoreError(f"{self.store.url} says what this livecode cannot read: {error}") from error


def _wish_key(pusher: str) -> str:
    return f"wish-{pusher}"


def is_alive(holder: Holder) -> bool:
    """True if that very process runs on this machine."""
    return processes.is_alive(processes.Holder(holder.pid, holder.born))


def is_dead(report: WorkerReport, host: str) -> bool:
    """True if a report is of a process of this machine that is no more; of others only the store knows."""
    return report.worker.host == host and not any(is_alive(each) for each in report.holders[:1])


GONE = WorkerReport(Worker("", 0, "", ""))
"""Stands for the report of a worker that is not heard of any more."""


class Arrivals:
    """What workers of other machines report, as it arrives: read once for all who wait, and only while they do."""

    def __init__(self, log: Log) -> None:
        self._log, self._changed = log, threading.Condition()
        self._reports: dict[str, WorkerReport] = {}
        self._reading = self._have_read = False
        self._waiting, self._waited_at = 0, 0.0

    def wait_for(self, key: str, wanted: Callable[[WorkerReport], bool], timeout_s: float) -> WorkerReport | None:
        """A worker's report as soon as it is as wanted; None if not in time, `GONE` if it had one that expired."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            self._waiting += 1
            try:
                self._begin_to_read()
                while not ((report := self._reports.get(key)) is not None and wanted(report)):
                    if self._have_read and report is None:
                        return GONE
                    if (left := deadline - time.monotonic()) <= 0:
                        return None
                    self._changed.wait(left)
                return report
            finally:
                self._waiting, self._waited_at = self._waiting - 1, time.monotonic()

    def _begin_to_read(self) -> None:
        if not self._reading:
            self._reading, self._have_read, self._reports = True, False, {}
            threading.Thread(target=self._read, name="livecode-reports", daemon=True).start()

    def _is_needed(self) -> bool:
        """True while somebody waits, and for a moment after that: a push waits several times."""
        with self._changed:
            needed = self._waiting > 0 or time.monotonic() < self._waited_at + LINGER_S
            self._reading = needed
            return needed

    def _read(self) -> None:
        watch = None
        while self._is_needed():
            try:
                watch = watch or self._log.store.watch(Topic.REPORTS)
                reports = self._log.reports()
            except StoreError:
                time.sleep(RETRY_S)
                continue
            with self._changed:
                self._reports, self._have_read = reports, True
                self._changed.notify_all()
            watch.wait(LOOK_S)
        if watch is not None:
            watch.close()
