"""One process that can be changed: what the door, the notebook and the API all ask.

push ── check ── sort ── plan ── prepare ── commit ── record ──▶ Outcome
         │        │       │        │          │
         └────────┴───────┴────────┘          └─ any error: everything back, ROLLED BACK
          REFUSED, NOT SENT: nothing touched
"""

from __future__ import annotations

import os
import platform
import socket
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace

from livecode import __version__
from livecode.engine.check import refuse_name, refuse_source
from livecode.engine.forms import is_long
from livecode.engine.refusals import refusal
from livecode.errors import UsageError
from livecode.live import tracking
from livecode.live.commit import settle
from livecode.live.committing import Lingering
from livecode.live.compiling import Compiling
from livecode.live.disk import disk_state
from livecode.live.importers import Importers
from livecode.live.inflight import OldCode
from livecode.live.narrow import Narrowing
from livecode.live.running import Running, identify
from livecode.live.safepoint import acquire_or_help
from livecode.live.sourcefile import read_source
from livecode.live.stragglers import Stragglers
from livecode.live.transaction import Transaction
from livecode.live.turns import GUEST_TURN_S, short_turns
from livecode.live.unload import Afterlife
from livecode.model.nouns import History, ModuleSource, ModuleStatus, ProcessStatus, Push, Worker, checksum
from livecode.model.report import ModuleOutcome, Outcome, Refusal, Verdict

LOCK_PATIENCE_S = 1.0
"""How long a push waits for another one that is under way before it is refused."""

LOOKS_PATIENCE_S = 20.0
"""How long it waits for one that only looks: on a busy machine that takes a while, and ends by itself."""


class Process:
    """This interpreter, as livecode sees it. There is one: `this_process`."""

    def __init__(self) -> None:
        self.worker = Worker(
            "here", os.getpid(), socket.gethostname(), platform.python_version(), "", __version__, time.time()
        )
        self.stragglers = Stragglers()
        self.old_code = OldCode(self.stragglers)
        self.afterlives: dict[str, Afterlife] = {}
        self.lingering: list[Lingering] = []
        self.importers = Importers()
        self.compiling = Compiling()
        self._running: dict[str, Running] = {}
        self._other: dict[str, None] = {}  # modules of which another source runs than was loaded first
        self._own: tuple[tuple[str, ...], list[str], tuple[str, ...]] = ((), [], ())  # tracked ones, others, both
        self._lock = threading.Lock()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._begin_in_child)
        self._busy, self._only_looks = "", False
        self._pushes = 0
        self._phases: tuple[tuple[str, float], ...] = ()
        self._last_push: tuple[str, ...] = ()

    def _begin_in_child(self) -> None:
        """A child forked in the middle of a push must not inherit a lock that nobody there will release."""
        self._lock = threading.Lock()
        self._busy = ""
        self.worker = replace(self.worker, pid=os.getpid(), started=time.time())

    def name_service(self, service: str) -> None:
        """Says under which name this process listens."""
        self.worker = replace(self.worker, service=service, pid=os.getpid())

    def track(self, folder: str | os.PathLike[str]) -> None:
        """Remembers the source of every module under `folder` from now on; see `livecode.live.tracking.track`."""
        tracking.track(folder)

    def running(self, module: str) -> Running | Refusal | None:
        """What runs of a module; why it cannot be changed; None if it is not loaded."""
        live = sys.modules.get(module)
        if live is None:
            return None
        known = self._running.get(module)
        if known is not None and known.module is live:
            return known
        found = identify(module, self.compiling.module)
        if isinstance(found, Running):
            self._running[module] = found
            if known is not None:  # it was unloaded and imported again, or replaced behind our back
                found.continue_from(known)
                self.remember(module, found)
            elif len(found.versions) > 1:  # it was imported as it had been pushed
                self.remember(module, found)
        return found

    def own_modules(self) -> tuple[str, ...]:
        """The loaded modules below the tracked folders, and those that were pushed."""
        tracked = self.importers.tracked()
        others = [name for name in self._other if name in sys.modules]
        if tracked is not self._own[0] or others != self._own[1]:
            self._own = tracked, others, tuple(dict.fromkeys([*tracked, *others]))
        return self._own[2]

    def known(self, module: str) -> Running | None:
        """What runs of a module, None where that is not known; for looking at other modules of the project."""
        found = self.running(module)
        return found if isinstance(found, Running) else None

    def push(self, push: Push, *, dry_run: bool = False) -> Outcome:
        """Makes the modules of a push live together, or changes nothing.

        Never raises for what a user must expect: look at the outcome's verdict.

        Args:
            push: What to change.
            dry_run: Stop before anything is touched; the verdict is then READY where a push would go ahead.
        """
        if not self._enter():
            busy = refusal("LC406", f"another push is under way: {self._busy}", module=", ".join(push.names))
            return Outcome(self.worker, Verdict.REFUSED, refusals=(busy,))
        try:
            self.lingering = settle(self.lingering)
            self._busy, self._only_looks = f"{', '.join(push.names)} by {push.author or 'someone'}", dry_run
            with short_turns(GUEST_TURN_S) if _is_long(push) else nullcontext():
                return self._push(push, dry_run=dry_run)
        finally:
            self._busy, self._only_looks = "", False
            self._lock.release()

    def _enter(self) -> bool:
        """True once no other push is under way; False if one is that goes on."""
        until = time.monotonic() + LOOKS_PATIENCE_S
        while not acquire_or_help(self._lock, LOCK_PATIENCE_S):
            if (self._busy and not self._only_looks) or time.monotonic() > until:
                return False
        return True

    def checksums(self, modules: Sequence[str]) -> dict[str, str]:
        """SHA-256 of the running sources, empty for modules that are not loaded or not known."""
        return {name: known.checksum if (known := self.known(name)) else "" for name in modules}

    def checksum_of_file(self, module: str) -> str:
        """SHA-256 of what the module's file says now, empty where it has none that can be read."""
        known = self.known(module)
        try:
            return checksum(read_source(known.file)) if known is not None and known.file else ""
        except UsageError:
            return ""

    def source(self, module: str, version: int | None = None) -> str | None:
        """The running source of a module, or that of an earlier version; None if there is none."""
        versions = self.history(module).versions
        if version is None:
            return versions[-1].source if versions else None
        return next((item.source for item in versions if item.number == version), None)

    def history(self, module: str) -> History:
        """The versions of a module that are remembered, oldest first."""
        known = self._running.get(module) if module not in sys.modules else self.known(module)
        return History(module, tuple(known.versions) if known else ())

    def status(self) -> ProcessStatus:
        """What runs here, module by module."""
        if self._lock.acquire(blocking=False):
            try:
                self.lingering = settle(self.lingering)
            finally:
                self._lock.release()
        names = sorted({*self.own_modules(), *self._other})
        calls = self.old_code.calls()
        modules = tuple(status for name in names if (status := self._module_status(name, calls)) is not None)
        return ProcessStatus(self.worker, modules, self._pushes, tracking.folders(), self._last_push, self._busy)

    def _push(self, push: Push, *, dry_run: bool) -> Outcome:
        start = time.perf_counter()
        self._phases = ()
        changed = tuple(item for item in push.modules if not self._is_same(item))
        if push.modules and not changed and not push.rerun:
            outcome = Outcome(self.worker, Verdict.SAME, tuple(map(self._same, push.names)))
        elif refusals := _refusals(push):
            outcome = Outcome(self.worker, Verdict.REFUSED, refusals=refusals)
        else:
            if push.rerun or len(changed) < len(push.modules):
                push = replace(push, modules=changed, rerun=_qualified(push))
            outcome = self._carry_out(push, dry_run=dry_run)
        if outcome.verdict is Verdict.LIVE:
            self._pushes += 1
            self._last_push = (
                tuple(item.module for item in outcome.modules if item.before != item.after) or self._last_push
            )
        total = ("total", (time.perf_counter() - start) * 1000)
        return replace(outcome, timings_ms=(total, *self._phases))

    def _carry_out(self, push: Push, *, dry_run: bool) -> Outcome:
        transaction = Transaction(self, push)
        outcome = transaction.run(dry_run=dry_run)
        self._phases = transaction.timings_ms
        if outcome.verdict is Verdict.REFUSED:
            return self._narrowed(push, outcome, dry_run=dry_run)
        if outcome.verdict is not Verdict.LIVE:
            return outcome
        in_use, heavy = transaction.in_use(), transaction.heavy()
        del transaction  # its journal holds the old code, and what lives on is asked for now
        while heavy:
            heavy.pop()
        self.old_code.settle(in_use)
        calls = self.old_code.calls()
        if not calls:
            return outcome
        told = (replace(item, still_old=calls.get(item.module, ())) for item in outcome.modules)
        return replace(outcome, modules=tuple(told))

    def _narrowed(self, push: Push, outcome: Outcome, *, dry_run: bool) -> Outcome:
        """What becomes of a refused push: its safe part goes live if that was asked for, else it is only counted."""
        part = Narrowing(self, replace(push, safe_part=False)).run(outcome)
        if not part.push.modules:
            return outcome
        if not push.safe_part:
            return replace(outcome, safe_changes=part.changes)
        return replace(self._carry_out(part.push, dry_run=dry_run), left_out=tuple(dict.fromkeys(part.left_out)))

    def _is_same(self, item: ModuleSource) -> bool:
        if item.source is None:
            return False
        known = self._running.get(item.module)
        if known is None or known.module is not sys.modules.get(item.module):
            known = self.known(item.module)
        return known is not None and known.source == item.source

    def _same(self, name: str) -> ModuleOutcome:
        known = self.known(name)
        assert known is not None
        return ModuleOutcome(name, known.number, known.number, known.checksum)

    def _module_status(self, name: str, calls: Mapping[str, tuple[str, ...]]) -> ModuleStatus | None:
        afterlife = self.afterlives.get(name)
        known = self.known(name) if name in sys.modules else self._running.get(name)
        if known is None:
            return None
        version = known.versions[-1]
        loaded = version.source is not None and name in sys.modules
        disk, _, _ = disk_state(known.file, known.source, checksum_of_source=known.checksum)
        return ModuleStatus(
            name,
            version.number if loaded else 0,
            known.checksum if loaded else "",
            disk,
            known.file,
            version.author,
            version.reason,
            version.since,
            calls.get(name, ()),
            str(afterlife) if afterlife and not loaded else "",
            self.old_code.gone_since(name),
            tuple((value, make.maker) for value, make in known.old_makes.items()) if loaded else (),
        )

    def remember(self, name: str, running: Running) -> None:
        """Keeps what runs of a module; called by a transaction when it is true, for each that it changed."""
        self._running[name] = running
        if len(running.versions) > 1:
            self._other[name] = None
        self.importers.note((name,))

    def remembered(self, name: str) -> Running | None:
        """What was kept of a module, loaded or not."""
        return self._running.get(name)


def _is_long(push: Push) -> bool:
    """True for a push that keeps this thread at work for so long that it should give way more often."""
    return any(item.source is not None and is_long(item.source) for item in push.modules)


def _qualified(push: Push) -> tuple[str, ...]:
    """What is to be made again, each name with its module."""
    bare = [name for name in push.rerun if "." not in name]
    return (*(name for name in push.rerun if "." in name), *(f"{each}.{name}" for each in push.names for name in bare))


def _refusals(push: Push) -> tuple[Refusal, ...]:
    """Everything that can be said against a push without looking at a module."""
    found = [problem for item in push.modules if (problem := refuse_name(item.module) or refuse_source(item))]
    twice = sorted({name for name in push.names if push.names.count(name) > 1})
    return (*found, *(refusal("LC501", f"{name} is in the push twice", module=name) for name in twice))


def this_process() -> Process:
    """The one Process of this interpreter."""
    global _the_process
    with _making:
        if _the_process is None:
            _the_process = Process()
        return _the_process


_the_process: Process | None = None
_making = threading.Lock()
