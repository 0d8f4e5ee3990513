"""A worker's side of the log: it runs what the log says, or says why it does not.

    begin()      at the start, and in a forked child: what the service runs is replayed before the first request
    follow()     somebody rang: on to the newest generation, and what came of it
    tick()       every second: notices that were lost, pushes that were left undecided, a store that forgot

Each arrival compares what the log wants with what this worker holds, module by module, so generations that were missed
cost nothing: only the newest counts.
"""

from __future__ import annotations

import os
import secrets
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from livecode.errors import LivecodeError, StaleBaseError, StoreError
from livecode.fleet import generations
from livecode.fleet import holders as processes
from livecode.fleet.generations import Author
from livecode.fleet.store import Head, Store, Topic, Watch, open_store
from livecode.live import overlay
from livecode.live.finishing import is_initializing, when_imported
from livecode.live.process import Process, this_process
from livecode.model.log import (
    NOTHING_YET,
    Action,
    Held,
    Holder,
    Patch,
    Stage,
    State,
    Trial,
    WorkerReport,
    read_report,
    read_state,
)
from livecode.model.nouns import ModuleSource, Push, Version, Worker, checksum
from livecode.model.report import ModuleOutcome, Outcome, Verdict

TICK_S = 1.0
"""How often a worker looks for what it was not told of."""
HEARTBEAT_S = 10.0
REPORT_TTL_S = 60.0
"""Where workers of other machines read it, a report that is not repeated is forgotten after that."""
EMBEDDED_TTL_S = 10 * 365 * 86400.0
"""On one machine the processes themselves are looked at."""
ABANDONED_TICKS = 2


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


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the log wants of one module."""

    digest: str
    version: int
    base: str
    author: str
    reason: str
    at: float


class Follower:
    """This worker in the log of its service.

    Args:
        place: Where the log is.
        worker: Who follows, with the key of its reports.
    """

    def __init__(self, place: Place, worker: Worker) -> None:
        self.place, self.worker = place, worker
        self._process: Process = this_process()
        self._store: Store = open_store(place.url, place.service)
        self._lock = threading.RLock()
        self._state = NOTHING_YET
        self._held: dict[str, Held] = {}
        self._before: dict[str, ModuleSource] = {}  # what ran of a module before the log was about it
        self._outcome: Outcome | None = None
        self._heard = self._reran = 0
        self._trouble = ""
        self._unsaid = self._again = False
        self._abandoned = self._behind = 0
        self._holders = tuple(Holder(pid, born) for pid, born in processes.holders())
        self._beginning = False
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

    def _begin(self) -> None:
        state = self._read()
        if state.patches and self.place.overlay is Overlay.SESSION and not self._is_up():
            state = self._new_session(state)
        if self.place.overlay is Overlay.NONE:
            self._held |= {p.module: Held(p.module, p.version, p.digest, p.base) for p in state.patches}
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
        begun = generations.new_session(state, secrets.token_hex(4), self._author("the service was stopped meanwhile"))
        return begun if self._publish(begun) else self._read()

    # ── following ────────────────────────────────────────────────────────────────────────────────────────────

    def follow(self, generation: int) -> WorkerReport:
        """What came of the newest generation here, which is at least this one.

        Raises:
            StoreError: The store cannot be read, or does not have that generation.
        """
        with self._lock:
            state = self._read()
            if state.generation < generation:
                raise StoreError(f"{self._store.url} is at generation {state.generation}, and {generation} is wanted")
            self._arrive(state)
            self._unsaid = True
            return self.report()

    def report(self) -> WorkerReport:
        """Where this worker is."""
        return WorkerReport(
            self.worker,
            self._state.generation,
            self._heard,
            self._outcome,
            tuple(held for held in self._held.values() if held.module not in overlay.stale()),
            overlay.stale(),
            self._trouble or _failures(),
            self._holders,
        )

    def say(self) -> None:
        """Writes into the store where this worker is, if that has changed since it was last said."""
        with self._lock:
            if not self._unsaid:
                return
            try:
                ttl_s = EMBEDDED_TTL_S if self.place.embedded else REPORT_TTL_S
                self._store.report(self.worker.key, replace(self.report(), outcome=self._short()).to_json(), ttl_s)
                self._unsaid = False
            except StoreError as error:
                self._trouble = str(error)

    def leave(self) -> None:
        """Says that this worker ends in good order, and lets the store go."""
        self._closed.set()
        if self._watch is not None:
            self._watch.close()
        try:
            ttl_s = EMBEDDED_TTL_S if self.place.embedded else REPORT_TTL_S
            self._store.report(self.worker.key, replace(self.report(), outcome=None, left=True).to_json(), ttl_s)
            self._store.close()
        except StoreError:  # it will expire
            return

    def forked(self, worker: Worker) -> Follower:
        """The follower of a forked child, which runs what its parent ran."""
        _inherited.append(self)
        child = Follower(self.place, worker)
        child._state, child._held, child._before = self._state, dict(self._held), dict(self._before)
        return child

    def _arrive(self, state: State) -> None:
        """Goes on to this generation, as far as it is for this worker."""
        now = self._state.generation
        if state.generation < now:
            self._trouble = f"store went back: it is at generation {state.generation}, and this worker runs {now}"
            return
        self._behind = 0
        if state.generation == now and not self._again:
            return
        self._again, self._outcome, self._trouble = False, None, ""
        try:
            outcome = self._go(state)
        except StoreError as error:  # a source is not there, or the store is not: the next tick tries again
            self._trouble, self._again = str(error), True
            return
        self._outcome, self._heard = outcome, state.generation
        if outcome is None or outcome.ok:
            self._state, self._abandoned = state, 0
        else:
            self._trouble = f"generation {state.generation}: {outcome.verdict.value} ({', '.join(state.modules)})"
            self._state = replace(self._state, generation=state.generation, trial=state.trial)

    def _go(self, state: State) -> Outcome | None:
        trial = state.trial
        if trial is not None and trial.stage is Stage.PREPARE:
            self._apply(state, self._target(state, None), None)
            return self._process.push(self._push_of(trial, state), dry_run=True)
        mine = trial if trial is not None and self.worker.key in trial.workers else None
        return self._apply(state, self._target(state, mine), mine)

    def _target(self, state: State, trial: Trial | None) -> dict[str, _Wanted]:
        """What the log wants of each module here."""
        wanted = {p.module: _Wanted(p.digest, p.version, p.base, p.author, p.reason, p.at) for p in state.patches}
        for name, digest in trial.sources if trial else ():
            version = dict(trial.versions)[name] if trial else 0
            base = wanted[name].base if name in wanted else ""
            wanted[name] = _Wanted(digest, version, base, state.author, state.reason, state.at)
        return wanted

    def _apply(self, state: State, target: Mapping[str, _Wanted], trial: Trial | None) -> Outcome | None:
        """What became of the difference between what is wanted and what is held."""
        differ = [name for name in _in_order(state, target, self._held) if self._differs(name, target.get(name))]
        now = self._for_now(differ, target, state)
        rerun = self._rerun(state, trial)
        if not now and not rerun:
            return self._as_it_is(state)
        sources = self._sources(target[name].digest for name in now if name in target)
        origins = dict(trial.origins) if trial else {}
        items = tuple(
            replace(self._item(name, target.get(name), sources), origin=origins.get(name, "")) for name in now
        )
        for name in now:
            self._remember(name)
        fresh = state.began > self._state.generation or trial is not None
        push = Push(
            items,
            state.author,
            state.reason,
            (trial.force if trial else state.force) if fresh else True,
            bool(trial and trial.safe_part),
            rerun,
        )
        outcome = replace(self._process.push(push), worker=self.worker)
        if outcome.ok:
            self._reran = state.began
            self._keep(now, target, outcome, trial)
        elif any(refusal.code == "LC406" for refusal in outcome.refusals) and trial is None:
            self._again = True
        return outcome

    def _differs(self, name: str, wanted: _Wanted | None) -> bool:
        held = self._held.get(name)
        if held is None or wanted is None:
            return held is not None or wanted is not None
        return (held.digest, held.version) != (wanted.digest, wanted.version)

    def _for_now(self, names: Iterable[str], target: Mapping[str, _Wanted], state: State) -> list[str]:
        """Those of the modules that can be pushed now; the others will be patched when they are imported."""
        chosen = []
        for name in names:
            wanted = target.get(name)
            if name in sys.modules and is_initializing(name):
                self._later(name)
            elif name in sys.modules or (name in state.modules and self._is_new(state)):
                if self._fits(name, wanted, state):
                    chosen.append(name)
            elif wanted is None or not wanted.digest:
                overlay.remove(name)
                self._hold(name, wanted)
            else:
                self._put(name, wanted)
        return chosen

    def _is_new(self, state: State) -> bool:
        """True if the push of this state began after this worker did: it is for all, also where nobody imported."""
        return not self._beginning and state.action is not Action.TAKE_BACK

    def _fits(self, name: str, wanted: _Wanted | None, state: State) -> bool:
        """False for a patch of which another file was loaded here: it is stale. What is pushed now is for all."""
        if wanted is None or name in self._held or (name in state.modules and self._is_new(state)):
            return True
        known = self._process.known(name)
        running = known.checksum if known else ""
        if running in (wanted.base, wanted.digest):
            return True
        overlay.mark_stale(name)
        self._hold(name, wanted)
        return False

    def _later(self, name: str) -> None:
        """Comes back to a module that is being imported at this moment, when that is done."""
        self._again = True

        def come_back() -> None:
            with self._lock:
                self._arrive(self._state)
                self._unsaid = True

        when_imported(name, come_back)  # where that cannot be arranged, the next tick sees to it

    def _put(self, name: str, wanted: _Wanted) -> None:
        sources = self._sources([wanted.digest])
        version = Version(wanted.version, sources[wanted.digest], wanted.author, wanted.reason, wanted.at)
        overlay.put(overlay.PatchedModule(name, wanted.base, version))
        self._before.setdefault(name, ModuleSource(name, None))
        self._hold(name, wanted)

    def _hold(self, name: str, wanted: _Wanted | None) -> None:
        if wanted is None:
            self._held.pop(name, None)
        else:
            self._held[name] = Held(name, wanted.version, wanted.digest, wanted.base)

    def _keep(self, names: Iterable[str], target: Mapping[str, _Wanted], outcome: Outcome, trial: Trial | None) -> None:
        """Records what runs now; what others need of it goes into the store."""
        made = {module.module: module.checksum for module in outcome.modules}
        blobs: dict[str, bytes] = {}
        for name in names:
            wanted, before = target.get(name), self._before.get(name)
            if wanted is None:
                self._held.pop(name, None)
                self._before.pop(name, None)
                continue
            digest = made.get(name, wanted.digest) if wanted.digest else ""
            base = self._base(name) or wanted.base
            self._held[name] = Held(name, wanted.version, digest, base)
            if trial and before is not None and before.source is not None:
                blobs[checksum(before.source)] = encoded(before.source)
            if trial and digest and digest != wanted.digest:
                blobs[digest] = encoded(self._process.source(name) or "")
        if blobs:
            self._store.put(blobs)

    def _base(self, name: str) -> str:
        """SHA-256 of the source that the module's file has or had when it was imported; empty without a file."""
        before = self._before.get(name)
        if before is not None and before.source is not None:
            return checksum(before.source)
        return self._process.checksum_of_file(name)

    def _remember(self, name: str) -> None:
        """Keeps what runs of a module before the log is about it, so that it can be brought back."""
        if name not in self._before:
            versions = self._process.history(name).versions
            current = versions[-1] if versions and name in sys.modules else None
            number = current.number if current else 0
            self._before[name] = ModuleSource(name, current.source if current else None, version=number)
        elif self._before[name].source is None and name in sys.modules:  # it was patched when it was imported
            versions = self._process.history(name).versions
            first = next((version for version in versions if version.number <= 1), None)
            if first is not None and first.source is not None:
                self._before[name] = ModuleSource(name, first.source, version=first.number)

    def _item(self, name: str, wanted: _Wanted | None, sources: Mapping[str, str]) -> ModuleSource:
        if wanted is None:
            return self._before.get(name) or ModuleSource(name, None)
        return ModuleSource(name, sources[wanted.digest] if wanted.digest else None, version=wanted.version)

    def _push_of(self, trial: Trial, state: State) -> Push:
        """What is on trial, as a push, for a dry run."""
        sources = self._sources(digest for _, digest in trial.sources if digest)
        origins = dict(trial.origins)
        items = tuple(
            ModuleSource(name, sources[digest] if digest else None, origins.get(name, ""))
            for name, digest in trial.sources
        )
        return Push(items, state.author, state.reason, trial.force, trial.safe_part, trial.rerun)

    def _rerun(self, state: State, trial: Trial | None) -> tuple[str, ...]:
        if trial is not None:
            return trial.rerun
        came_in_time = self._reran != state.began and state.began > self._state.generation > 0
        return state.rerun if came_in_time else ()

    def _as_it_is(self, state: State) -> Outcome | None:
        """SAME, if the state asks something of this worker."""
        if state.trial is not None and self.worker.key not in state.trial.workers:
            return None
        held = (self._held.get(name) for name in state.modules)
        modules = tuple(ModuleOutcome(h.module, h.version, h.version, h.digest) for h in held if h is not None)
        return Outcome(self.worker, Verdict.SAME, modules)

    def _sources(self, digests: Iterable[str]) -> dict[str, str]:
        """Sources by their digests, from the store; checked.

        Raises:
            StoreError: One is missing, or is not what its digest says.
        """
        wanted = tuple(dict.fromkeys(digest for digest in digests if digest))
        found = self._store.get(wanted) if wanted else {}
        sources = {digest: found[digest].decode("utf-8", "surrogatepass") for digest in found}
        for digest in wanted:
            if digest not in sources or checksum(sources[digest]) != digest:
                what = "lacks" if digest not in sources else "has something else under the name of"
                raise StoreError(f"{self._store.url} {what} source {digest[:7]}: push the module again")
        return sources

    # ── by itself ────────────────────────────────────────────────────────────────────────────────────────────

    def tick(self) -> None:
        """Looks for what this worker was not told of, and for pushes that nobody decides any more."""
        with self._lock:
            try:
                state = self._read()
                if state.generation != self._state.generation or self._again:
                    self._arrive(state)
                    self._unsaid = True
                self._look_after(state)
                self.say()
            except (StoreError, ValueError) as error:
                self._trouble = str(error)

    def needs_ticks(self) -> bool:
        """True while something is undecided here, so that the next tick must look even if nothing was written."""
        return self._again or self._unsaid or self._state.trial is not None or self._behind > 0 or bool(self._trouble)

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
            if self._closed.is_set():
                return
            if time.monotonic() - said_at > HEARTBEAT_S:
                self._unsaid, said_at = True, time.monotonic()
            self.tick()

    def _store_watch(self) -> Watch | None:
        try:
            return self._store.watch(Topic.HEAD)
        except StoreError as error:
            self._trouble = str(error)
            return None

    def _look_after(self, state: State) -> None:
        """Decides what its pusher left undecided, and tells a store that forgot what it said."""
        if state.generation < self._state.generation:
            self._behind += 1
            if self._behind >= ABANDONED_TICKS:
                self._restore(state)
        elif state.trial is not None:
            self._abandoned = 0 if self._is_there(state.trial.pusher) else self._abandoned + 1
            if self._abandoned >= ABANDONED_TICKS:
                who = f"{state.author or 'the pusher'} went away before it was decided"
                back = generations.taken_back(state, state.patches, self._author(who))
                if self._publish(back):
                    self._arrive(back)
                    self._unsaid = True

    def _restore(self, found: State) -> None:
        known = self._state
        why = f"the store went back from generation {known.generation} to {found.generation}"
        again = generations.restored(known, found.generation, self._author(why))
        sources = [self._process.source(held.module) for held in self._held.values() if held.digest]
        self._store.put({checksum(source): encoded(source) for source in sources if source is not None})
        if self._publish(again, base=found.generation):
            self._state, self._trouble, self._behind = again, "", 0
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
        if head.generation == self._state.generation and not self._again:
            return self._state
        try:
            return read_state(head.text)
        except ValueError as error:
            raise StoreError(f"{self._store.url} says what this livecode cannot read: {error}") from error

    def _reports(self) -> dict[str, WorkerReport]:
        return {key: read_report(text) for key, text in self._store.reports().items()}

    def _publish(self, state: State, base: int | None = None) -> bool:
        try:
            self._store.publish(state.generation - 1 if base is None else base, Head(state.generation, state.to_json()))
        except StaleBaseError:  # another worker was faster, or somebody pushed
            return False
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


def is_alive(holder: Holder) -> bool:
    """True if that very process runs on this machine."""
    return processes.is_alive(processes.Holder(holder.pid, holder.born))


def encoded(source: str) -> bytes:
    """A source as the store keeps it; one with lone surrogates too."""
    return source.encode("utf-8", "surrogatepass")


def _in_order(state: State, target: Mapping[str, Any], held: Mapping[str, Any]) -> list[str]:
    """Names of modules: those of the push in its order, then the others; what is taken back comes last first."""
    names = dict.fromkeys([*state.modules, *target, *held])
    return list(reversed(names)) if state.action is Action.TAKE_BACK else list(names)


def _failures() -> str:
    return "; ".join(
        f"{name} runs what is on disk, as its patch raised {why}" for name, why in overlay.failed().items()
    )


def patch_words(patch: Patch) -> str:
    """A patch in a few words: ``shop.pricing v8 (3f9a1c2)``."""
    return f"{patch.module} v{patch.version} ({patch.digest[:7] or 'unloaded'})"
