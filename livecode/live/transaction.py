"""One push in one process: sorted, planned, prepared, committed, recorded, or taken back whole.

Transaction.run
    sort       loaded / new / to be unloaded; what cannot be changed is refused
    plan       of the loaded ones together, with the modules that depend on them
    dispose    hooks of the old code
    commit     swaps in one C call; statements executed; new modules imported; old ones taken out
    hand over  live instances migrate; hooks of the new code
    record     versions, lines, old code: only now, when it is true
"""

from __future__ import annotations

import os
import sys
import time
import traceback
import warnings
import weakref
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from types import CodeType, ModuleType
from typing import TYPE_CHECKING

from livecode.engine.check import compile_failure, syntax_failure
from livecode.engine.definitions import remade
from livecode.engine.forms import Form, are_long, common_ends, forget_trees, is_long
from livecode.engine.hazards import (
    compiled_warnings,
    hazard_warnings,
    refuse_compiled,
    refuse_hazards,
    refuse_unload,
    unload_warnings,
)
from livecode.engine.plan import plan
from livecode.engine.planned import Plan
from livecode.engine.prepare import Compiler, PreparedModule, compiler_of, prepare
from livecode.engine.refusals import refusal
from livecode.engine.reparse import fresh_shapes, reparse
from livecode.live import chunks, ready
from livecode.live.adapters.foreign import AdapterError
from livecode.live.arrival import Arrival, find_arrival
from livecode.live.brought import brought_in
from livecode.live.commit import show, take_away
from livecode.live.committing import Committing
from livecode.live.disk import disk_state
from livecode.live.execute import execute_late
from livecode.live.facts import LoadedModules
from livecode.live.failure import failure_of
from livecode.live.hooks import Handover, hook_refusals
from livecode.live.inflight import codes_of
from livecode.live.instances import Migration
from livecode.live.registrations import Registrations
from livecode.live.rehearsal import UnknownRegistrationError
from livecode.live.running import Running, is_foreign
from livecode.live.swap import clear_caches
from livecode.live.traces import Source
from livecode.live.twins import remember_twins
from livecode.live.unload import Afterlife, forget_imports, holders, importers, submodules, take_out
from livecode.live.young import grow_old, no_collection
from livecode.model.nouns import ModuleSource, Push
from livecode.model.report import Change, ChangeKind, Failure, ModuleOutcome, Outcome, Refusal, Verdict

if TYPE_CHECKING:
    from livecode.live.process import Process


class Transaction:
    """One push under way.

    Args:
        process: The process, which is locked.
        push: Only modules whose source is not the running one.
    """

    def __init__(self, process: Process, push: Push) -> None:
        self.process = process
        self.push = push
        self.loaded: dict[str, Running] = {}
        self.forms: dict[str, tuple[Form, ...]] = {}
        self.compilers: dict[str, Compiler] = {}
        self.arrivals: dict[str, Arrival] = {}
        self.much: list[str] = []
        self.codes: dict[str, CodeType] = {}
        self.brought: set[str] = set()
        self.leaving: list[str] = []
        self.below: dict[str, tuple[str, ...]] = {}
        self.held: dict[str, tuple[str, ...]] = {}
        self.afterlives: dict[str, Afterlife] = {}
        self.state = Committing(
            registrations=Registrations(process.own_modules), stragglers=process.stragglers, own=process.own_modules
        )
        self.dropped: dict[str, list[weakref.ref[CodeType]]] = {}
        self._modules_before: Collection[str] = ()
        self._other: Mapping[str, Collection[str]] = {}
        self._prepared: list[tuple[PreparedModule, ModuleType]] = []
        self._many: list[object] = []
        self.timings_ms: tuple[tuple[str, float], ...] = ()

    def run(self, *, dry_run: bool) -> Outcome:
        """Does it all, or stops before anything is touched."""
        start = time.perf_counter()
        with no_collection() if self._is_long() else nullcontext():
            made = self._prepare()
            self._forget_trees()
            grow_old()
        if isinstance(made, Outcome):
            return made
        planned = time.perf_counter()
        if dry_run:
            outcomes, said = self._outcomes(made, live=False), tuple(self.state.warnings)
            return Outcome(self.process.worker, Verdict.READY, outcomes, warnings=said)
        outcome = self._commit(made)
        self.timings_ms = ("plan", (planned - start) * 1000), ("commit", (time.perf_counter() - planned) * 1000)
        return outcome

    def _prepare(self) -> Plan | Outcome:
        """What is to be done, compiled, or why it is not."""
        refusals = [found for item in self.push.modules if (found := self._sort(item)) is not None]
        made = Plan()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the author has seen them
            failure = None if refusals else self._read()
        if failure is not None:
            return Outcome(self.process.worker, Verdict.NOT_SENT, self._as_before(), failure=failure)
        again = self._again()
        refusals += () if refusals else self._refuse_again(again)
        if not refusals and (self.loaded or again):
            made = self._plan(again)
            refusals = list(made.refusals)
        refusals = refusals or hook_refusals(self.forms, self._all_leaving(), force=self.push.force)
        if refusals:
            return Outcome(self.process.worker, Verdict.REFUSED, self._as_before(), tuple(refusals))
        return made

    def _is_long(self) -> bool:
        """True for a push of whose trees so many may be made that collecting them holds up all threads."""
        return any(item.source is not None and is_long(item.source) for item in self.push.modules)

    def _forget_trees(self) -> None:
        """Lets go of the trees of long modules of which much has changed, before the collector gets to see them."""
        for name in self.much:
            before, forms = self.loaded[name].forms, self.forms[name]
            first, last = common_ends(before, forms)
            for some in (before[first : len(before) - last], forms[first : len(forms) - last]):
                forget_trees(some)
                self._many += some

    def _again(self) -> dict[str, frozenset[str]]:
        """Module → the names that are to be made again there."""
        found: dict[str, frozenset[str]] = {}
        for path in self.push.rerun:
            module, _, name = path.rpartition(".")
            found[module] = found.get(module, frozenset()) | {name}
        return found

    def _refuse_again(self, again: dict[str, frozenset[str]]) -> list[Refusal]:
        """Names that no statement makes anew, in none of the modules that are asked."""
        made, asked = set[str](), dict[str, str]()
        for module, names in again.items():
            known = self.process.known(module)
            made |= names & remade(self.forms.get(module) or (known.forms if known is not None else ()))
            asked |= dict.fromkeys(names, module)
        return [
            refusal("LC510", f"no statement of {asked[name]} makes a value {name}", module=asked[name])
            for name in sorted(asked.keys() - made)
        ]

    def _sort(self, item: ModuleSource) -> Refusal | None:
        """Puts a module where it belongs, or says why it cannot be changed."""
        name = item.module
        running = self.process.running(name)
        if item.source is None:
            return self._sort_leaving(name, running)
        if running is None:
            arrival = find_arrival(item, {other.module for other in self.push.modules}, force=self.push.force)
            if isinstance(arrival, Refusal):
                return arrival
            self.arrivals[name] = arrival
            return None
        if isinstance(running, Refusal):
            return running
        if is_foreign(running.file) and not self.push.force:
            return refusal("LC504", f"{name} is not the service's own: {running.file}", module=name)
        self.loaded[name] = running
        return None

    def _sort_leaving(self, name: str, running: Running | Refusal | None) -> Refusal | None:
        if running is None:
            return refusal("LC507", f"{name} is not loaded, so it cannot be unloaded", module=name)
        if isinstance(running, Refusal) and running.code in ("LC201", "LC502"):
            return running
        file = getattr(sys.modules[name], "__file__", None) or ""
        if (is_foreign(file) or (not file and name in sys.stdlib_module_names)) and not self.push.force:
            return refusal("LC504", f"{name} is not the service's own: {file or 'built in'}", module=name)
        also_leaving = {item.module for item in self.push.modules if item.source is None}
        users = [user for user in importers(name) if user.split(" ")[0] not in also_leaving]
        if users and not self.push.force:
            return refusal("LC506", f"{name} is still used by {'; '.join(users)}", module=name)
        forms = running.forms if isinstance(running, Running) else ()
        if not self.push.force and (called := refuse_unload(name, forms)):
            return called[0]
        self.state.warnings += unload_warnings(name, forms)
        self.leaving.append(name)
        self.below[name] = submodules(name)
        self.held[name] = holders(name)
        return None

    def _read(self) -> Failure | None:
        """Parses the new sources of loaded modules, as far as they are new; says how a source does not compile."""
        for item in self.push.modules:
            if item.module in self.loaded and item.source is not None:
                running = self.loaded[item.module]
                try:
                    forms = reparse(item.source, running.forms, running.source)
                    compiler = self.compilers[item.module] = compiler_of(forms, running.filename)
                    fresh = fresh_shapes(forms, running.forms)
                    if are_long(fresh):
                        self.much.append(item.module)
                        self.process.compiling.statements(compiler, fresh)
                    for form in fresh:
                        compiler.form(form)  # what did not change cannot fail to compile
                    self.brought |= brought_in(sys.modules[item.module], fresh)
                    if "global" in item.source and any(form.shape.declares for form in forms):
                        compiler.whole(forms)
                except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
                    return self._failure(item) or syntax_failure(item, SyntaxError(str(error)))
                self.forms[item.module] = forms
            elif item.module in self.arrivals and (failure := self._compile(self.arrivals[item.module], item)):
                return failure
        return None

    def _compile(self, arrival: Arrival, item: ModuleSource) -> Failure | None:
        """Compiles a module that comes, once; says how it does not compile."""
        if not is_long(arrival.pushed.source):
            return self._failure(item)
        try:
            self.codes[arrival.name] = self.process.compiling.module(arrival.pushed.source, arrival.filename)
        except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
            return self._failure(item)
        return None

    def _failure(self, item: ModuleSource) -> Failure | None:
        return compile_failure(item, self.process.compiling.module)

    def _plan(self, again: dict[str, frozenset[str]]) -> Plan:
        """The plan, compiled; where livecode itself fails at it, that is a refusal: nothing was touched yet."""
        try:
            project = LoadedModules(self.process.known, self.process.own_modules, self.process.importers)
            made = plan(self.forms, project, (*self.arrivals, *self.brought), again)
            if not made.refusals:
                made = self._weigh(made, project)
            known = {part.module: self.process.known(part.module) for part in made.modules}
            filenames = {name: running.filename for name, running in known.items() if running is not None}
            self._prepared = [
                (part, sys.modules[part.plan.module]) for part in prepare(made, filenames, self.compilers)
            ]
        except AdapterError as error:
            return Plan(refusals=(refusal("LC302", str(error), module=", ".join(self.loaded)),))
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            what = f"{type(error).__name__}: {error} ({os.path.basename(place.filename)}:{place.lineno})"
            names = ", ".join(self.loaded)
            return Plan(
                refusals=(refusal("LC199", f"livecode failed while it planned this change: {what}", module=names),)
            )
        return made

    def _weigh(self, made: Plan, project: LoadedModules) -> Plan:
        """The plan, refused if it does what cannot be undone or changes what it cannot reach; notes what stays."""
        facts = {part.module: found for part in made.modules if (found := project.facts(part.module)) is not None}
        before = {name: found.forms for name, found in facts.items()}
        refusals = (*refuse_hazards(made, before), *refuse_compiled(made, facts))
        self.state.warnings += [*hazard_warnings(made, before), *compiled_warnings(made, facts)]
        return Plan(refusals=refusals) if refusals else made

    def _commit(self, made: Plan) -> Outcome:
        state, prepared, self._other = self.state, self._prepared, made.other
        changing = [part.module for part in made.modules if part.pushed]
        handover = Handover([*self._all_leaving(), *reversed(changing)], state, force=self.push.force)
        migration = Migration(prepared, {name: known.number for name, known in self.loaded.items()}, state)
        self._show_lines()
        self.dropped = {module.__name__: _may_drop(part, module) for part, module in prepared}
        self._modules_before = sys.modules.copy()
        try:
            handover.dispose()
        except BaseException as error:
            running = {name: ModuleSource(name, known.source) for name, known in self.loaded.items()}
            return self._roll_back(error, handover, running)
        try:
            self._take_registrations_back()
            show(prepared, state)
            migration.find()
            for arrival in self.arrivals.values():
                arrival.offer(state.journal, self.codes.pop(arrival.name, None))
            take_away(prepared, state)
            if any(each.run.late for part, _ in prepared for each in part.runs):
                clear_caches(state, made.other)  # late statements call what kept results
            execute_late(prepared, state)
            for arrival in self.arrivals.values():
                state.where = (arrival.name, 1)
                arrival.arrive(state)
            for name in self.leaving:
                self.afterlives[name] = take_out(name, state.journal)
            migration.run()
            handover.accept()
            state.warnings += migration.said()
        except BaseException as error:
            return self._roll_back(error, handover, {item.module: item for item in self.push.modules})
        clear_caches(state, made.other)
        return self._record(made)

    def _take_registrations_back(self) -> None:
        """Those of modules that leave go together with everything else."""
        for name in self._all_leaving():
            known = self.process.known(name)
            if known is None:
                continue
            source = Source(name, known.forms, known.filename, sys.modules[name].__dict__)
            self.state.registrations.withdraw(source.forms, source.filename, source.namespace)
            steps, left = self.state.calls.withdraw(source)
            self.state.journal.do(*steps)
            self.state.warnings += [f"{name}, {form.label()}: what it did is not taken back" for form in left]

    def _all_leaving(self) -> list[str]:
        return [each for name in self.leaving for each in (*self.below[name], name)]

    def _show_lines(self) -> None:
        """Tracebacks of what runs now must not read a file that was saved since."""
        for running in self.loaded.values():
            chunks.show_lines(running.filename, running.source)

    def _roll_back(self, error: BaseException, handover: Handover, sources: dict[str, ModuleSource]) -> Outcome:
        """Takes everything back; `sources` are those that the error speaks of."""
        state = self.state
        where = state.where
        handover.withdraw()
        for name in self.arrivals:
            ready.forget(name)
        steps = state.journal.roll_back()
        clear_caches(state, self._other)
        forget_imports(self._modules_before)
        failed = [*state.journal.failures, *handover.give_back()]
        chunk_names = {running.filename: name for name, running in self.loaded.items()}
        chunk_names |= {arrival.filename: arrival.name for arrival in self.arrivals.values()}
        failure = failure_of(error, where, sources, chunk_names)
        if isinstance(error, UnknownRegistrationError) and not failed:
            return Outcome(self.process.worker, Verdict.REFUSED, self._as_before(), (error.refusal,))
        not_undone = (*state.effects, *failed)
        verdict = Verdict.HALTED if failed else Verdict.ROLLED_BACK
        if isinstance(error, KeyboardInterrupt | SystemExit):
            not_undone = (*not_undone, f"the source raised {type(error).__name__}, which was kept from the service")
        return Outcome(
            self.process.worker,
            verdict,
            self._as_before(),
            failure=failure,
            undone=steps,
            not_undone=tuple(not_undone),
            warnings=tuple(state.warnings),
        )

    def _record(self, made: Plan) -> Outcome:
        """Everything is live: now it may be remembered."""
        author, reason = self.push.author, self.push.reason
        items = {item.module: item for item in self.push.modules}
        before = {name: self._number(name) for name in items}
        for name, running in self.loaded.items():
            self._retire(running)
            item = items[name]
            running.become(item.source, self.forms[name], author=author, reason=reason, number=item.version)
            self.process.remember(name, running)
            chunks.show_lines(running.filename, running.source)
        for arrival in self.arrivals.values():
            version = items[arrival.name].version
            made_now = arrival.running(self.process, author=author, reason=reason, number=version)
            self.process.remember(arrival.name, made_now)
            self.process.afterlives.pop(arrival.name, None)
        for name in self.leaving:
            for each in (*self.below[name], name):
                left = self.process.remembered(each)
                if left is not None and left.module is not None:
                    left.become(None, (), author=author, reason=reason)
                    left.let_go()
                    self.process.remember(each, left)
        for part in made.modules:
            known = self.process.known(part.module)
            if known is not None and part.old_makes is not None:
                known.old_makes = part.old_makes
        self.process.afterlives.update(self.afterlives)
        self.process.lingering += self.state.lingering
        remember_twins(self.state.journal.folds)
        self.process.stragglers.note(self.state.inner, self.state.missing)
        outcomes = self._outcomes(made, live=True, before=before)
        said = (*self.state.warnings, *self.state.journal.remarks, *_late(made))
        return Outcome(self.process.worker, Verdict.LIVE, outcomes, warnings=said)

    def _retire(self, running: Running) -> None:
        """Notes the code that is out of use now: what was replaced, what moved, what a name that changed led to."""
        journal, dropped = self.state.journal, self.dropped.get(running.name, ())
        replaced = (*journal.replaced, *(code for each in dropped if (code := each()) is not None))
        self.process.old_code.retire(
            running.name, running.number, running.source, running.filename, replaced, journal.moved
        )

    def in_use(self) -> Callable[[], dict[str, list[object]]]:
        """What tells, by module of the push, what the names that its source binds stand for then; holds no old code."""
        return partial(_in_use, {name: self.forms[name] for name in self.loaded})

    def heavy(self) -> list[object]:
        """What is freed one by one after a large push: all of it in one go would hold up all threads."""
        swaps = (swap for part, _ in self._prepared for swap in (*part.plan.swaps, *part.swaps))
        return [*self._many, *swaps] if self._many else []

    def _number(self, name: str) -> int:
        known = self.process.remembered(name)
        return known.number if known is not None and name not in self.arrivals else 0

    def _as_before(self) -> tuple[ModuleOutcome, ...]:
        """The modules as they run still."""
        outcomes = []
        for item in self.push.modules:
            known = self.process.known(item.module)
            number, digest = (known.number, known.checksum) if known is not None else (0, "")
            outcomes.append(ModuleOutcome(item.module, number, number, digest))
        return tuple(outcomes)

    def _outcomes(self, made: Plan, *, live: bool, before: dict[str, int] | None = None) -> tuple[ModuleOutcome, ...]:
        """One entry for each module of the push, and for each other one in which something was executed."""
        planned = {part.module: part for part in made.modules}
        outcomes = []
        for item in self.push.modules:
            changes = planned[item.module].changes if item.module in planned else self._whole(item)
            outcomes.append(self._outcome(item, changes, live=live, before=before or {}))
        for part in made.modules:
            if not part.pushed and part.changes:
                known = self.process.known(part.module)
                number = known.number if known else 0
                digest = known.checksum if known else ""
                outcomes.append(ModuleOutcome(part.module, number, number, digest, part.changes))
        return tuple(outcomes)

    def _whole(self, item: ModuleSource) -> tuple[Change, ...]:
        if item.source is None:
            return tuple(Change(ChangeKind.REMOVED, name, "goes with its package") for name in self.below[item.module])
        return (Change(ChangeKind.ADDED, item.module, "new module, executed"),)

    def _outcome(
        self, item: ModuleSource, changes: tuple[Change, ...], *, live: bool, before: dict[str, int]
    ) -> ModuleOutcome:
        name = item.module
        known = self.process.known(name) or self.process.remembered(name)
        number, digest = (known.number, known.checksum) if known is not None else (0, "")
        if not live:
            return ModuleOutcome(name, number, number, digest, changes, held=self.held.get(name, ()))
        if item.source is None or known is None:
            return ModuleOutcome(name, before.get(name, 0), 0, "", changes, held=self.held.get(name, ()))
        disk, added, removed = disk_state(known.file, known.source, checksum_of_source=known.checksum)
        return ModuleOutcome(
            name,
            before.get(name, 0),
            number,
            digest,
            changes,
            disk,
            _short(known.file),
            added,
            removed,
        )


def _in_use(sources: Mapping[str, Sequence[Form]]) -> dict[str, list[object]]:
    bound = {name: {each for form in forms for each in form.names.binds} for name, forms in sources.items()}
    return {
        name: [value for key, value in list(sys.modules[name].__dict__.items()) if key in names]
        for name, names in bound.items()
    }


def _may_drop(part: PreparedModule, module: ModuleType) -> list[weakref.ref[CodeType]]:
    """The code that the names lead to which the plan takes away or binds anew; not held, as who holds it is counted."""
    bound = (name for run in part.runs if run.run.old is not None for name in run.run.old.names.binds)
    names = dict.fromkeys((*part.plan.removed, *bound))
    return [weakref.ref(code) for name in names for code in codes_of(module.__dict__.get(name))]


def _late(made: Plan) -> tuple[str, ...]:
    """What did not become visible together with the rest, as people read it."""
    labels = [run.form.label() for part in made.modules for run in part.runs if run.late]
    if not labels:
        return ()
    rest = f" and {len(labels) - 3} more" if len(labels) > 3 else ""
    return (f"{', '.join(labels[:3])}{rest}: a moment after the rest, as it needed the new code",)


def _short(file: str) -> str:
    """A path as people write it: relative to the working folder where it is below it."""
    return file.removeprefix(os.path.join(os.getcwd(), ""))
