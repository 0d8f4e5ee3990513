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
from dataclasses import replace
from importlib import import_module

from livecode.errors import LivecodeError, StoreError
from livecode.fleet import generations
from livecode.fleet import holders as processes
from livecode.fleet.elsewhere import compile_elsewhere
from livecode.fleet.holdings import Holdings
from livecode.fleet.log import is_alive
from livecode.fleet.mending import Mending
from livecode.fleet.position import Overlay, Place, Position
from livecode.fleet.store import Store, Topic, Watch, open_store
from livecode.live import overlay
from livecode.live.measure import Measuring
from livecode.live.process import Process, this_process
from livecode.model.log import (
    Holder,
    Stage,
    State,
    WorkerReport,
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
LEFT_STAYS_S = 30.0
"""How long it can be read that a worker has left: who was asking it finds the reason why it does not answer."""


_inherited: list[Follower] = []
"""The followers of the parents of a forked process: never used again, and never freed, as that would close what the
parent has open."""


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
        self._position = Position(self._store, worker)
        self._hold(Holdings(self._process, self._store, worker))
        self._outcome: Outcome | None = None
        self._heard = 0
        self._trouble = self._away = ""
        self._unsaid = self._is_known = False
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
        with suppress(StoreError):
            dead = [key for key, report in self._position.reports().items() if self._is_over(key, report)]
            reports = self._position.reports() if dead else {}  # what the dead say now, they say for good
            for key in dead:
                if key in reports and time.time() - reports[key].ended > LEFT_STAYS_S:
                    self._store.withdraw(key)

    def _is_over(self, key: str, report: WorkerReport) -> bool:
        """True if it is of a dead worker of this machine, and all that lives of what started it is known here."""
        is_other = key != self.worker.key and report.worker.host == self.worker.host
        has_ended = is_other and not any(map(is_alive, report.holders[:1]))
        return has_ended and not {*filter(is_alive, report.holders)} - set(self._holders)

    def _begin(self) -> None:
        state = self._position.read()
        if state.patches and self.place.overlay is Overlay.SESSION and not self._is_up():
            state = self._new_session(state)
        if self.place.overlay is Overlay.NONE:
            self._holdings.skip(state)
        self._arrive(state)

    def _is_up(self) -> bool:
        """True if a process lives that was part of the service before this one."""
        mine = {(holder.pid, holder.born) for holder in self._holders}
        reports = self._position.reports().items()
        others = [report for key, report in reports if not report.pusher and key != self.worker.key]
        for report in others:
            if report.worker.host != self.worker.host and not self.place.embedded:
                return True
            if any((each.pid, each.born) in mine or is_alive(each) for each in report.holders):
                return True
        return False

    def _new_session(self, state: State) -> State:
        begun = generations.new_session(state, self._position.author("the service was stopped meanwhile"))
        return begun if self._position.publish(begun) else self._position.read()

    # ── following ────────────────────────────────────────────────────────────────────────────────────────────

    def follow(self, generation: int) -> WorkerReport:
        """What came of the newest generation here, which is at least this one; a worker that leaves says so instead.

        Raises:
            StoreError: The store cannot be read, does not have that generation, or went back.
        """
        with self._lock:
            if self._closed.is_set():
                return replace(self.report(), outcome=None, left=True)
            state = self._position.read()
            if self._position.went_back(state):
                self._arrive(state)
                trouble = self._trouble
                self._mending.have_restored(state)
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
            self._position.state.generation,
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
        state, trial = self._position.state, self._position.state.trial
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
            report = replace(self.report(), outcome=None, left=True, ended=time.time())
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
        child._position.take(self._position)
        child._hold(self._holdings.copy(child._store, worker))
        return child

    def _hold(self, holdings: Holdings) -> None:
        def go_on(state: State) -> None:
            self._arrive(state)
            self._unsaid = True

        def come_back() -> None:
            with self._lock:
                go_on(self._position.state)

        holdings.when_complete = come_back
        self._holdings, self._mending = holdings, Mending(self._position, holdings, go_on)

    def _arrive(self, state: State) -> None:
        """Goes on to this generation, as far as it is for this worker."""
        now = self._position.state.generation
        if self._position.went_back(state):
            other = "another " if state.generation == now else ""
            self._outcome, self._unsaid = None, True
            self._trouble = (
                f"store went back: it is at {other}generation {state.generation}, and this worker runs {now}"
            )
            return
        self._mending.followed()
        if state.generation == now and not self._position.unfinished:
            return
        self._position.unfinished, self._outcome, self._trouble = False, None, ""
        self._stop_measuring()
        try:
            outcome = self._holdings.arrive(
                state, now, starting=self._beginning, told_otherwise=self._is_asked_at_door(state)
            )
            self._position.unfinished = self._holdings.incomplete
        except StoreError as error:  # a source is not there, or the store is not: the next tick tries again
            self._trouble, self._position.unfinished = str(error), True
            return
        self._outcome, self._heard, self._position.state = outcome, state.generation, state
        self._mending.arrived()
        if outcome is None or outcome.ok or not self._is_mine(state):
            if state.trial is not None and state.trial.stage is Stage.CANARY:
                self._measuring = self._holdings.measuring(state).start()
        else:
            self._trouble = f"generation {state.generation}: {outcome.verdict.value} ({', '.join(state.modules)})"
            self._mending.failed(0 if self._beginning else state.generation)

    def _is_asked_at_door(self, state: State) -> bool:
        """True if the pusher is at the door. Another one, of another machine, may push a moment after one who was."""
        is_near = state.trial is None or state.trial.pusher.startswith(f"pusher-{self.worker.host}-")
        return is_near and time.monotonic() < self._rung_until

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
                state = self._position.read()
                if state is not self._position.state or self._position.unfinished:
                    self._arrive(state)
                    self._unsaid = True
                self._import_new()
                self._mending.look_after(state)
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
            self._position.unfinished
            or self._unsaid
            or self._position.state.trial is not None
            or self._mending.under_way
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

    def _go_back_alone(self) -> None:
        """What is on trial here, and cannot be decided as the store does not answer, is taken back after a while."""
        settled = self._mending.give_up()
        if settled is not None:
            self._stop_measuring()
            self._outcome = self._holdings.arrive(settled, settled.generation)
            self._position.state = settled
            self._trouble = "the store did not answer, so what was on trial here was taken back"

    def _import_new(self) -> None:
        """Modules without a file, which nobody imported: where they were pushed they have been, too."""
        for name in overlay.waiting_without_file():
            try:
                import_module(name)
            except Exception as error:
                overlay.give_up(name, f"{type(error).__name__}: {error}")
            self._unsaid = True

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
