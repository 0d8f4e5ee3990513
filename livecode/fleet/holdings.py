"""What a worker runs that the log of its service is about, and how it gets from there to what the log wants.

arrive()     compares what is wanted with what is held, module by module
               loaded              one push of all that differ
               not imported yet    patched when it is imported (`livecode.live.overlay`)
               being imported      as soon as that is done (`livecode.live.finishing`)
               another file        stale: it runs what it runs, and that is reported
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, replace
from types import CodeType
from typing import Any

from livecode.errors import StoreError
from livecode.fleet.store import Store
from livecode.live import overlay
from livecode.live.finishing import is_initializing, when_imported
from livecode.live.measurable import codes_of
from livecode.live.measure import Measuring
from livecode.live.process import Process
from livecode.live.saving import adopt_file
from livecode.model.log import Action, Held, Patch, Stage, State, Trial
from livecode.model.nouns import ModuleSource, Push, Version, Worker, checksum
from livecode.model.report import ModuleOutcome, Outcome, Verdict


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the log wants of one module."""

    digest: str
    version: int
    base: str
    author: str
    reason: str
    at: float
    also: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """SHA-256 of the sources that the module's file may have."""
        return (self.base, *self.also)


class Holdings:
    """What one worker holds.

    Args:
        process: What is changed.
        store: Where sources are.
        worker: Who holds it.

    Attributes:
        incomplete: True while something must be tried again.
        when_complete: Called when what was waited for can be done, in whatever thread that is known.
    """

    def __init__(self, process: Process, store: Store, worker: Worker) -> None:
        self._process, self._store, self.worker = process, store, worker
        self.incomplete = self._starting = False
        self.when_complete: Callable[[], None] = lambda: None
        self._held: dict[str, Held] = {}
        self._before: dict[str, ModuleSource] = {}  # what ran of a module before the log was about it
        self._reran = self._position = 0
        self._deferred: set[str] = set()  # modules that were being imported when this worker started

    def arrive(
        self, state: State, position: int, *, starting: bool = False, told_otherwise: bool = False
    ) -> Outcome | None:
        """What became of a state here; None where it asks nothing of this worker.

        Args:
            state: Where to go.
            position: The generation that this worker is at.
            starting: True for a worker that replays what is live, before it serves.
            told_otherwise: True if the pusher asks at the door what this worker would do.

        Raises:
            StoreError: A source cannot be read; nothing was changed.
        """
        self.incomplete, self._position, self._starting = False, position, starting
        trial = state.trial
        mine = trial if trial is not None and self.worker.key in trial.workers else None
        self._note_saved(state.patches)
        if trial is not None and not starting and (refused := self._refused(trial, state)) is not None:
            self._apply(state, self._target(state, None), None)
            return refused
        outcome = self._apply(state, self._target(state, mine), mine)
        if trial is None or mine is not None or trial.stage is not Stage.TRIAL or starting or told_otherwise:
            return outcome
        return replace(self._process.push(self._push_of(trial, state), dry_run=True), worker=self.worker)

    def skip(self, state: State) -> None:
        """Takes what is live for what runs here, whatever runs: it is left alone until it changes."""
        self._held |= {p.module: Held(p.module, p.version, p.digest, p.base) for p in state.patches}

    def held(self) -> tuple[Held, ...]:
        """What runs here that the log is about, without what is stale."""
        stale = overlay.stale()
        return tuple(held for held in self._held.values() if held.module not in stale)

    def sources(self) -> dict[str, bytes]:
        """The sources that run, will run or ran here of what the log is about, by digest, as a store keeps them."""
        running = [self._process.source(held.module) for held in self._held.values() if held.digest]
        before = [item.source for item in self._before.values()]  # what an undo brings back
        sources = (*running, *before, *overlay.sources())
        return {checksum(source): encoded(source) for source in sources if source is not None}

    def measuring(self, state: State) -> Measuring:
        """What measures the calls of the modules that a state is about; not begun."""
        codes: dict[str, tuple[CodeType, ...]] = {}
        for name in state.modules:
            codes |= codes_of(self._process, name)
        return Measuring(codes)

    def copy(self, store: Store, worker: Worker) -> Holdings:
        """The same in a forked child."""
        child = Holdings(self._process, store, worker)
        child._held, child._before, child._reran = dict(self._held), dict(self._before), self._reran
        return child

    def _refused(self, trial: Trial, state: State) -> Outcome | None:
        """The answer to an agent whose push is on trial, where this worker does not let it."""
        if trial.agent is None:
            return None
        from livecode.fleet.permission import refuse_agent, refused_outcome

        push = self._push_of(trial, state)
        running = self._process.checksums(push.names)
        why = refuse_agent(self.worker.service, self.worker.agents, push, running)
        return None if why is None else refused_outcome(why, push, self.worker, self._process)

    def _target(self, state: State, trial: Trial | None) -> dict[str, _Wanted]:
        """What the log wants of each module here."""
        wanted = {
            p.module: _Wanted(p.digest, p.version, p.base, p.author, p.reason, p.at, p.also) for p in state.patches
        }
        for name, digest in trial.sources if trial else ():
            version = dict(trial.versions)[name] if trial else 0
            base, *also = wanted[name].files if name in wanted else ("",)
            wanted[name] = _Wanted(digest, version, base, state.author, state.reason, state.at, tuple(also))
        return wanted

    def _apply(self, state: State, target: Mapping[str, _Wanted], trial: Trial | None) -> Outcome | None:
        """What became of the difference between what is wanted and what is held."""
        differ = [name for name in _in_order(state, target, self._held) if self._differs(name, target.get(name))]
        now = self._for_now(differ, target, state)
        rerun = self._rerun(state, trial)
        if not now and not rerun:
            return self._as_it_is(state)
        for name in now:
            self._remember(name)
        sources = self._sources(target[name].digest for name in now if name in target)
        origins = dict(trial.origins) if trial else {}
        items = tuple(
            replace(self._item(name, target.get(name), sources), origin=origins.get(name, "")) for name in now
        )
        fresh = state.began > self._position or trial is not None
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
            self.incomplete = True
        return outcome

    def _note_saved(self, patches: Iterable[Patch]) -> None:
        """Where what ran was saved to the file, that is what the patches of the module are for from now on."""
        for patch in patches:
            held = self._held.get(patch.module)
            if held is None or held.base == patch.base or patch.module not in sys.modules:
                continue
            adopt_file(self._process, patch.module)
            digest = self._process.checksum_of_file(patch.module)
            versions = self._process.history(patch.module).versions
            saved = next((each for each in versions if each.source is not None and each.checksum == digest), None)
            if saved is not None and digest in (patch.base, *patch.also):
                self._held[patch.module] = replace(held, base=digest)
                self._before[patch.module] = ModuleSource(patch.module, saved.source, version=saved.number)

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
            elif name in sys.modules or self._is_new(name, state):
                if self._fits(name, wanted, state):
                    chosen.append(name)
            elif wanted is None or not wanted.digest:
                overlay.remove(name)
                self._hold(name, wanted)
            else:
                self._put(name, wanted)
        return chosen

    def _is_new(self, name: str, state: State) -> bool:
        """True for a module of a push that began after this worker did: it is for all, also where nobody imported."""
        if self._starting or name in self._deferred:
            return False
        return name in state.modules and state.action is not Action.TAKE_BACK

    def _fits(self, name: str, wanted: _Wanted | None, state: State) -> bool:
        """False for a patch of which another file was loaded here: it is stale. What is pushed now is for all."""
        if wanted is None or name in self._held or self._is_new(name, state):
            return True
        self._deferred.discard(name)
        known = self._process.known(name)
        running = known.checksum if known else ""
        if running in (wanted.digest, *wanted.files):
            return True
        if wanted.digest != wanted.base:  # else it is what was on disk, which has changed: nothing is missed
            overlay.mark_stale(name)
        self._hold(name, wanted)
        return False

    def _later(self, name: str) -> None:
        """Comes back to a module that is being imported at this moment, when that is done."""
        self.incomplete = True
        if self._starting:
            self._deferred.add(name)
        when_imported(name, self.when_complete)  # where that cannot be arranged, the next tick sees to it

    def _put(self, name: str, wanted: _Wanted) -> None:
        sources = self._sources([wanted.digest])
        version = Version(wanted.version, sources[wanted.digest], wanted.author, wanted.reason, wanted.at)
        overlay.put(overlay.PatchedModule(name, wanted.base, version, wanted.also))
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
            overlay.remove(name)  # it is neither stale any more, nor to be patched when it is imported
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
            if versions and versions[0].source is not None:
                self._before[name] = ModuleSource(name, versions[0].source, version=versions[0].number)

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
        how = trial.force, trial.safe_part, trial.rerun, trial.agent
        return Push(items, state.author, state.reason, *how)

    def _rerun(self, state: State, trial: Trial | None) -> tuple[str, ...]:
        if trial is not None:
            return trial.rerun
        came_in_time = self._reran != state.began and state.began > self._position > 0
        return state.rerun if came_in_time else ()

    def _as_it_is(self, state: State) -> Outcome | None:
        """SAME, if the state asks something of this worker."""
        if state.trial is not None and self.worker.key not in state.trial.workers:
            return None
        held = (self._held.get(name) for name in state.modules)
        modules = tuple(ModuleOutcome(h.module, h.version, h.version, h.digest) for h in held if h is not None)
        return Outcome(self.worker, Verdict.SAME, modules)

    def _remembered(self, wanted: Container[str]) -> dict[str, str]:
        """Those of the sources that ran here before."""
        versions = (version for name in self._held for version in self._process.history(name).versions)
        return {v.checksum: v.source for v in versions if v.source is not None and v.checksum in wanted}

    def _sources(self, digests: Iterable[str]) -> dict[str, str]:
        """Sources by their digests, from the store; checked.

        Raises:
            StoreError: One is missing, or is not what its digest says.
        """
        wanted = tuple(dict.fromkeys(digest for digest in digests if digest))
        try:
            found = self._store.get(wanted) if wanted else {}
        except StoreError:
            found = {}
        sources = {digest: found[digest].decode("utf-8", "surrogatepass") for digest in found}
        if len(sources) < len(wanted):
            sources |= self._remembered(set(wanted) - set(sources))
        for digest in wanted:
            if digest not in sources or checksum(sources[digest]) != digest:
                what = "lacks" if digest not in sources else "has something else under the name of"
                raise StoreError(f"{self._store.url} {what} source {digest[:7]}: push the module again")
        return sources


def encoded(source: str) -> bytes:
    """A source as the store keeps it; one with lone surrogates too."""
    return source.encode("utf-8", "surrogatepass")


def _in_order(state: State, target: Mapping[str, Any], held: Mapping[str, Any]) -> list[str]:
    """Names of modules: those of the push in its order, then the others; what is taken back comes last first."""
    names = dict.fromkeys([*state.modules, *target, *held])
    return list(reversed(names)) if state.action is Action.TAKE_BACK else list(names)
