"""A worker's side of the log: it runs what the log says, or says why it does not.

    begin()      at the start, and in a forked child: what the service runs is replayed before the first request
    follow()     somebody rang: on to the newest generation, and what came of it
    tick()       every second: notices that were lost, pushes that were left undecided, a store that forgot

Each arrival compares what the log wants with what this worker holds, module by module, so generations that were missed
cost nothing: only the newest counts.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from importlib import import_module

from livecode.errors import LivecodeError, StaleBaseError, StoreError
from livecode.fleet import generations
from livecode.fleet import holders as processes
from livecode.fleet.elsewhere import compile_elsewhere
from livecode.fleet.generations import Author
from livecode.fleet.holdings import Holdings
from livecode.fleet.log import is_alive
from livecode.fleet.store import Head, Store, Topic, Watch, open_store
from livecode.live import overlay
from livecode.live.measure import Measuring
from livecode.live.process import Process, this_process
from livecode.model.log import (
    NOTHING_YET,
    Action,
    Holder,
    Stage,
    State,
    WorkerReport,
    read_reports,
    read_state,
)
from livecode.model.nouns import ProcessStatus, Worker
from livecode.model.report import Outcome

TICK_S = 1.0
"""How often a worker looks for what it was not told of."""
HEARTBEAT_S = 4.0
REPORT_TTL_S = 13.0
"""Where workers of other machines read it, a report that is not repeated is forgotten after that."""
UP_TTL_S = 60.0
"""So long a service counts as up on a machine where no worker reports any more: the next one may take its time."""
EMBEDDED_TTL_S = 10 * 365 * 86400.0
"""On one machine the processes themselves are looked at."""
RUNG_S = 2.0
RUNG_PAUSE_S = 0.05
LEAVE_S = 2.0
"""How long a worker that ends waits for a push that is being applied."""
ABANDONED_TICKS = 2
UNDECIDED_TICKS = 5
"""How long a worker that has not heard how a trial ended leaves it to others to tell a store that forgot."""
UNREACHABLE_TICKS = 15
RECENT = 8
"""How many generations back the trial of what is live is looked for."""


_inherited: list[Follower] = []
"""The followers of the parents of a forked process: never used again, and never freed, as that would close what the
parent has open."""


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


class Follower:
    """This worker in the log of its service.

    Args:
        place: Where the log is.
        worker: Who follows, with the key of its reports.
    """

    def __init__(self, place: Place, worker: Worker) -> None:
        self.place, self.worker = place, worker
        self._process: Process = this_process()
        compile_elsewhere(self._process)
        self._store: Store = open_store(place.url, place.service)
        self._lock = threading.RLock()
        self._state, self._text = NOTHING_YET, ""
        self._holdings = self._watched(Holdings(self._process, self._store, worker))
        self._outcome: Outcome | None = None
        self._heard = 0
        self._trouble = self._away = ""
        self._unsaid = self._again = self._is_known = self._is_other = False
        self._abandoned = self._behind = self._failed = 0
        self._holders = tuple(Holder(pid, born) for pid, born in processes.holders())
        self._beginning, self._noted = False, _noted()
        self._rung_until = 0.0
        self._measuring: Measuring | None = None
        self._watch: Watch | None = None
        self._closed = threading.Event()

    # ── at the start ─────────────────────────────────────────────────────────────────────────────────────────

    def begin(self) -> None:
        """Replays what the service runs, as far as it is for this worker; never raises: the service starts."""
        with self._lock:
            try:
                self._beginning = True
                self._begin()
            except (LivecodeError, ValueError, OSError) as error:
                self._trouble = f"nothing could be replayed at the start: {error}"
                self._complain(self._trouble)
            finally:
                self._beginning = False
            self._unsaid = True
            self.say()
            self._tidy()

    def _tidy(self) -> None:
        """Withdraws the reports of dead workers of this machine, if no process is known by them alone."""
        mine = set(self._holders)
        with suppress(StoreError):
            for key, report in self._reports().items():
                here = report.worker.host == self.worker.host and key != self.worker.key
                if (
                    here
                    and not any(map(is_alive, report.holders[:1]))
                    and not {*filter(is_alive, report.holders)} - mine
                ):
                    self._store.withdraw(key)

    def _begin(self) -> None:
        state = self._read()
        if state.patches and self.place.overlay is Overlay.SESSION and not self._is_up():
            state = self._new_session(state)
        if self.place.overlay is Overlay.NONE:
            self._holdings.skip(state)
        self._arrive(state)

    def _is_up(self) -> bool:
        """True if a process lives that was part of the service before this one."""
        mine = {(holder.pid, holder.born) for holder in self._holders}
        reports = self._reports().items()
        others = [report for key, report in reports if not report.pusher and key != self.worker.key]
        for report in others:
            if report.worker.host != self.worker.host and not self.place.embedded:
                return True
            if any((each.pid, each.born) in mine or is_alive(each) for each in report.holders):
                return True
        return False

    def _new_session(self, state: State) -> State:
        begun = generations.new_session(state, self._author("the service was stopped meanwhile"))
        return begun if self._publish(begun) else self._read()

    # ── following ────────────────────────────────────────────────────────────────────────────────────────────

    def follow(self, generation: int) -> WorkerReport:
        """What came of the newest generation here, which is at least this one; a worker that leaves says so instead.

        Raises:
            StoreError: The store cannot be read, does not have that generation, or went back.
        """
        with self._lock:
            if self._closed.is_set():
                return replace(self.report(), outcome=None, left=True)
            state = self._read()
            if self._went_back(state):
                self._arrive(state)
                trouble = self._trouble
                self._have_restored(state)
                raise StoreError(f"{trouble}; it was told again, so push again")
            if state.generation < generation:
                raise StoreError(f"{self._store.url} is at generation {state.generation}, and {generation} is wanted")
            self._arrive(state)
            self._unsaid = True
            if not self._is_known:
                self.say()
            return self.report()

    def rung(self) -> None:
        """Somebody who pushes is at the door: notices of the store only tell what they say, too."""
        self._rung_until = time.monotonic() + RUNG_S

    def report(self) -> WorkerReport:
        """Where this worker is."""
        return WorkerReport(
            self.worker,
            self._state.generation,
            self._heard,
            self._outcome,
            self._holdings.held(),
            overlay.stale(),
            self._trouble or self._away or _failures(),
            self._holders,
            measured=self._measuring.snapshot() if self._measuring is not None else None,
        )

    def described(self, status: ProcessStatus) -> ProcessStatus:
        """A status with where this worker is in the log."""
        state, trial = self._state, self._state.trial
        told = f"{', '.join(state.modules)} by {state.author or 'someone'}" if trial is not None else ""
        trouble = self._away or self._trouble or _failures()
        return replace(status, generation=state.generation, stale=overlay.stale(), trouble=trouble, trial=told)

    def say(self) -> None:
        """Writes into the store where this worker is, if that has changed since it was last said.

        Who rings at the door has it as an answer, so the store hears it at the next tick: with all workers of a machine
        writing at once, the last one would wait for all others. Only the first time nothing is acknowledged before it
        is said: whoever starts next looks in the store for who keeps the service up.
        """
        with self._lock:
            if not self._unsaid:
                return
            noted = _noted()
            try:
                ttl_s = EMBEDDED_TTL_S if self.place.embedded else REPORT_TTL_S
                report = replace(self.report(), outcome=self._short())
                self._store.report(self.worker.key, report.to_json(), ttl_s)
                if not self.place.embedded:
                    self._say_up(report)
                self._unsaid, self._is_known, self._noted = False, True, noted
            except StoreError as error:
                self._away = str(error)

    def _say_up(self, report: WorkerReport) -> None:
        """Keeps the service up on this machine for longer than the report of a worker lives."""
        up = replace(report, outcome=None, held=(), left=True, measured=None)
        self._store.report(f"up/{self.worker.host}", up.to_json(), UP_TTL_S)

    def leave(self) -> None:
        """Says that this worker ends in good order, and lets the store go, after what is under way here."""
        self._closed.set()
        is_idle = self._lock.acquire(timeout=LEAVE_S)
        try:
            self._leave()
        finally:
            if is_idle:
                self._lock.release()

    def _leave(self) -> None:
        if self._watch is not None:
            self._watch.close()
        try:
            report = replace(self.report(), outcome=None, left=True)
            if self.place.embedded:
                self._store.report(self.worker.key, report.to_json(), EMBEDDED_TTL_S)
            else:
                self._say_up(report)
                self._store.report(self.worker.key, report.to_json(), REPORT_TTL_S)  # for who is waiting for it
            self._store.close()
        except StoreError:  # it will expire
            return

    def forked(self, worker: Worker) -> Follower:
        """The follower of a forked child, which runs what its parent ran."""
        _inherited.append(self)
        child = Follower(self.place, worker)
        child._state, child._text = self._state, self._text
        child._holdings = child._watched(self._holdings.copy(child._store, worker))
        return child

    def _watched(self, holdings: Holdings) -> Holdings:
        def come_back() -> None:
            with self._lock:
                self._arrive(self._state)
                self._unsaid = True

        holdings.when_complete = come_back
        return holdings

    def _arrive(self, state: State) -> None:
        """Goes on to this generation, as far as it is for this worker."""
        now = self._state.generation
        if self._went_back(state):
            other = "another " if state.generation == now else ""
            self._outcome, self._unsaid = None, True
            self._trouble = (
                f"store went back: it is at {other}generation {state.generation}, and this worker runs {now}"
            )
            return
        self._behind = 0
        if state.generation == now and not self._again:
            return
        self._again, self._outcome, self._trouble = False, None, ""
        self._stop_measuring()
        try:
            outcome = self._holdings.arrive(
                state, now, starting=self._beginning, told_otherwise=time.monotonic() < self._rung_until
            )
            self._again = self._holdings.incomplete
        except StoreError as error:  # a source is not there, or the store is not: the next tick tries again
            self._trouble, self._again = str(error), True
            return
        self._outcome, self._heard, self._state, self._abandoned = outcome, state.generation, state, 0
        if outcome is None or outcome.ok or not self._is_mine(state):
            if state.trial is not None and state.trial.stage is Stage.CANARY:
                self._measuring = self._holdings.measuring(state).start()
        else:
            self._trouble = f"generation {state.generation}: {outcome.verdict.value} ({', '.join(state.modules)})"
            self._failed = 0 if self._beginning else state.generation

    def _is_mine(self, state: State) -> bool:
        """False for a push on trial elsewhere, of which this worker only says what it would do."""
        return state.trial is None or self.worker.key in state.trial.workers

    def _stop_measuring(self) -> None:
        measuring, self._measuring = self._measuring, None
        if measuring is not None:
            measuring.stop()

    # ── by itself ────────────────────────────────────────────────────────────────────────────────────────────

    def tick(self) -> None:
        """Looks for what this worker was not told of, and for pushes that nobody decides any more."""
        with self._lock:
            if self._closed.is_set():
                return
            try:
                state = self._read()
                if state is not self._state or self._again:
                    self._arrive(state)
                    self._unsaid = True
                self._import_new()
                self._look_after(state)
                self._unsaid = self._unsaid or self._measuring is not None or self._noted != _noted()
                self._unsaid, self._away = self._unsaid or bool(self._away), ""
                self.say()
            except (StoreError, ValueError) as error:
                self._away = str(error)
                with suppress(StoreError):  # a source that only the store has: the next tick tries again
                    self._go_back_alone()

    def needs_ticks(self) -> bool:
        """True while something is undecided here, so that the next tick must look even if nothing was written."""
        return (
            self._again
            or self._unsaid
            or self._state.trial is not None
            or self._behind > 0
            or bool(self._trouble or self._away)
            or self._noted != _noted()
        )

    def run(self) -> None:
        """Follows a store that notifies, until `leave`: the body of a thread."""
        said_at = time.monotonic()
        self._watch = self._store_watch()
        while not self._closed.is_set():
            if self._watch is None:
                self._closed.wait(TICK_S)
                self._watch = self._store_watch()
            else:
                self._watch.wait(TICK_S)
            if time.monotonic() < self._rung_until:  # who rang at the door asks for it in a moment
                self._closed.wait(RUNG_PAUSE_S)
            if self._closed.is_set():
                return
            if time.monotonic() - said_at > HEARTBEAT_S:
                self._unsaid, said_at = True, time.monotonic()
            self.tick()

    def _store_watch(self) -> Watch | None:
        try:
            return self._store.watch(Topic.HEAD)
        except StoreError as error:
            self._away = str(error)
            return None

    def _look_after(self, state: State) -> None:
        """Decides what its pusher left undecided, and tells a store that forgot what it said."""
        if self._went_back(state):
            self._behind += 1
            if self._state.trial is None or self._behind >= UNDECIDED_TICKS:
                self._restore(state)
        elif state.trial is not None:
            self._abandoned = 0 if self._is_there(state.trial.pusher) else self._abandoned + 1
            if self._abandoned >= ABANDONED_TICKS:
                self._take_back(state, state, "went away before it was decided")
        elif self._failed == state.generation and (trial := self._left_behind(state)) is not None:
            self._take_back(state, trial, f"went away, and it failed on {self.worker.host}:{self.worker.pid}")

    def _take_back(self, state: State, before: State, why: str) -> None:
        author = self._author(f"{state.author or 'the pusher'} {why}")
        back = generations.taken_back(state, before.patches, author)
        if self._publish(back):
            self._arrive(back)
            self._unsaid = True

    def _left_behind(self, state: State) -> State | None:
        """The trial of what is live, if its pusher was killed before it knew how the push ended on all workers."""
        states = (read_state(head.text) for head in self._store.history(RECENT))
        tried = next((each for each in states if each.trial is not None and each.began == state.began), None)
        if tried is None or tried.trial is None:
            return None
        report = self._reports().get(tried.trial.pusher)  # who ends in good order withdraws it
        is_dead = report is not None and not self._is_there(tried.trial.pusher)
        return tried if is_dead else None

    def _go_back_alone(self) -> None:
        """What is on trial here, and cannot be decided as the store does not answer, is not kept for long."""
        trial = self._state.trial
        if trial is None or self.worker.key not in trial.workers:
            return
        self._abandoned += 1
        if self._abandoned >= UNREACHABLE_TICKS:
            self._stop_measuring()
            settled = replace(self._state, trial=None, action=Action.TAKE_BACK, force=True)
            self._outcome = self._holdings.arrive(settled, settled.generation)
            self._state = settled
            self._trouble = "the store did not answer, so what was on trial here was taken back"

    def _import_new(self) -> None:
        """Modules without a file, which nobody imported: where they were pushed they have been, too."""
        for name in overlay.waiting_without_file():
            try:
                import_module(name)
            except Exception as error:
                overlay.give_up(name, f"{type(error).__name__}: {error}")
            self._unsaid = True

    def _have_restored(self, found: State) -> None:
        """Returns when a store that forgot was told again, by this worker if it is not one that waits to be told.

        Somebody who asks for what comes next must not get far on a store that forgot: beyond this worker's generation,
        it would be believed.
        """
        until = time.monotonic() + TICK_S
        while self._state.trial is not None and self._went_back(found) and time.monotonic() < until:
            time.sleep(RUNG_PAUSE_S)
            found = self._read()
        if self._went_back(found):
            self._restore(found)
        else:
            self._arrive(found)

    def _restore(self, found: State) -> None:
        """Tells a store that forgot what this worker runs. What is on trial here may be live: others know it better."""
        known = self._state
        why = f"the store went back from generation {known.generation} to {found.generation}"
        again = generations.restored(known, found.generation, self._author(why))
        self._store.put(self._holdings.sources())
        if self._publish(again, base=found.generation):
            self._arrive(again)  # what was on trial here is not, any more
            self._unsaid = True

    def _is_there(self, key: str) -> bool:
        """True if the pusher with this key still says that it is there."""
        report = self._reports().get(key)
        if report is None:
            return False
        return report.worker.host != self.worker.host or any(is_alive(each) for each in report.holders)

    # ── the store ────────────────────────────────────────────────────────────────────────────────────────────

    def _read(self) -> State:
        """The newest state.

        Raises:
            StoreError: The store cannot be reached, or says what is no state.
        """
        head = self._store.head()
        is_known = head.generation == self._state.generation and head.text == self._text
        if is_known and not self._again:
            return self._state
        try:
            state = read_state(head.text)
        except ValueError as error:
            raise StoreError(f"{self._store.url} says what this livecode cannot read: {error}") from error
        if head.generation > self._state.generation:
            self._text = head.text
        self._is_other = head.generation == self._state.generation and not is_known
        return state

    def _went_back(self, state: State) -> bool:
        """True if the store has forgotten what this worker runs: it is below, or as far with something else."""
        return state.generation < self._state.generation or (
            self._is_other and state.generation == self._state.generation and state is not self._state
        )

    def _reports(self) -> dict[str, WorkerReport]:
        return read_reports(self._store.reports())

    def _publish(self, state: State, base: int | None = None) -> bool:
        try:
            self._store.publish(state.generation - 1 if base is None else base, Head(state.generation, state.to_json()))
        except StaleBaseError:  # another worker was faster, or somebody pushed
            return False
        self._text = state.to_json()
        return True

    def _author(self, reason: str) -> Author:
        return Author(f"{self.worker.host}:{self.worker.pid}", reason, time.time(), self.worker.key)

    def _short(self) -> Outcome | None:
        """What became of the last generation, without what only the pusher's report shows."""
        if self._outcome is None:
            return None
        modules = tuple(replace(module, changes=()) for module in self._outcome.modules)
        return replace(self._outcome, modules=modules) if self.place.embedded else self._outcome

    def _complain(self, what: str) -> None:
        print(f"livecode: {self.place.service} (pid {os.getpid()}): {what}", file=sys.stderr)


def _noted() -> tuple[tuple[str, ...], dict[str, str]]:
    """What imports found, whenever they were: patches that do not run, as their file has changed or they raised."""
    return overlay.stale(), overlay.failed()


def _failures() -> str:
    return "; ".join(
        f"{name} runs what is on disk, as its patch raised {why}" for name, why in overlay.failed().items()
    )
