"""What a push needs, in order, decided before anything is touched.

facts, new sources ── plan ──▶ Plan
    ModulePlan*   in the order in which they are executed
        swaps     forms of which only function bodies changed
        runs      forms to execute: a whole statement, or parts of a class body
        shifts    forms that only moved
        removed   names to take away
    refusals      if there is one, nothing happens at all
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from livecode.engine.classes import ClassEdit, class_edit
from livecode.engine.dependents import Spread, run_order, spread
from livecode.engine.diff import Diff, Pair, diff
from livecode.engine.facts import ClassKind, ModuleFacts, Project
from livecode.engine.forms import Form, Kind, future_flags
from livecode.engine.reach import Reach, reason_to_run
from livecode.engine.refusals import refusal
from livecode.engine.registrations import registering
from livecode.engine.sight import Sight
from livecode.engine.staging import Staging
from livecode.engine.stale import old_makes
from livecode.model.report import Change, ChangeKind, Refusal


@dataclass(frozen=True, slots=True)
class Run:
    """One form to execute.

    Attributes:
        form: As it is in the new source.
        old: As it was, None if it is new.
        why: ``changed``, ``added``, or what it reads.
        edit: For a class that is changed member by member; None where the whole statement is executed.
        late: Executed only when the rest of the push is visible (`livecode.engine.staging`).
        registers: True if a decorator of it may register something.
        takes_back: Statements and members that ran before, of which the registrations are replaced.
        undoes: The call statement that ran before, if what it put into a registry is known and replaced.
        sight: What it sees on the stage otherwise than it is written.
    """

    form: Form
    old: Form | None
    why: str
    edit: ClassEdit | None = None
    late: bool = False
    registers: bool = False
    takes_back: tuple[Form, ...] = ()
    undoes: tuple[Form, ...] = ()
    sight: Sight = field(default_factory=Sight)


@dataclass(frozen=True, slots=True)
class ModulePlan:
    """What happens in one module.

    Attributes:
        module: Its name.
        forms: All its forms as they will be.
        swaps: Pairs of which function bodies (or comments) changed.
        shifts: Pairs that moved by some lines.
        runs: Forms to execute, in order.
        removed: Names to take away.
        parts: Entries and attributes to take away, which removed statements had set: ``(name, key, is attribute)``.
        restored: Names that a statement binds which is executed, but that keep the value that they have.
        refilled: Containers that are filled again in place.
        withdrawn: Statements that go, of which the registrations are taken back.
        undone: Call statements that go, of which is known what they put into a registry.
        annotations: True if the module's annotations have to be made again.
        pushed: False for a module that is not in the push, in which something is re-run.
        changes: What the report says.
    """

    module: str
    forms: tuple[Form, ...]
    swaps: tuple[Pair, ...] = ()
    shifts: tuple[Pair, ...] = ()
    runs: tuple[Run, ...] = ()
    removed: tuple[str, ...] = ()
    parts: tuple[tuple[str, object, bool], ...] = ()
    restored: tuple[str, ...] = ()
    refilled: tuple[str, ...] = ()
    withdrawn: tuple[Form, ...] = ()
    undone: tuple[Form, ...] = ()
    annotations: bool = False
    pushed: bool = True
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What the push needs; nothing at all if there are refusals."""

    modules: tuple[ModulePlan, ...] = ()
    refusals: tuple[Refusal, ...] = ()


def plan(
    sources: Mapping[str, tuple[Form, ...]],
    project: Project,
    arriving: Collection[str] = (),
    again: Mapping[str, frozenset[str]] | None = None,
) -> Plan:
    """The plan for giving each loaded module of `sources` these forms.

    Args:
        sources: Module → the forms of its new source.
        project: What runs now; it knows every module of `sources`.
        arriving: Modules that the push brings in.
        again: Module → names that are to be made again because the author says so.
    """
    running = {name: _known(project, name) for name in sources}
    diffs = {name: diff(running[name].forms, forms) for name, forms in sources.items()}
    after = {name: replace(running[name], forms=forms) for name, forms in sources.items()}
    found = spread(diffs, after, project, again)
    old_make = old_makes(found, diffs, project)
    runs_of, plans, refusals = dict[str, tuple[Run, ...]](), [], list[Refusal]()
    for name in run_order(found):
        runs_of[name], refused = _runs(found[name], diffs.get(name, Diff()), project)
        refusals += refused
    swapped = {name: _bodies(change) for name, change in diffs.items()}
    runs_of = _staged(found, runs_of, lambda: Staging(found, swapped, arriving, project))
    for name, runs in runs_of.items():
        here, change = found[name], diffs.get(name, Diff())
        if name in diffs:
            refusals += _refuse_module(here, running[name], change, project)
            withdrawn = _withdrawn(change, running[name], project)
            plans.append(_pushed(here, change, runs, withdrawn, _undone(here, change, project), old_make.get(name, ())))
        else:
            plans.append(_only_run(here, runs, old_make.get(name, ())))
    plans += [_only_told(name, project, said) for name, said in old_make.items() if name not in found]
    return Plan(() if refusals else tuple(plans), tuple(refusals))


def _bodies(change: Diff) -> set[str]:
    """The functions and classes of which a body changes: they are other than before when the push is visible."""
    return {leaf.path[0] for pair in change.edited for leaf in pair.changed_leaves()}


def _staged(
    found: Mapping[str, Spread], runs_of: Mapping[str, tuple[Run, ...]], begin: Callable[[], Staging]
) -> dict[str, tuple[Run, ...]]:
    """The same, with what each sees on the stage, and the late ones marked.

    Of a name that several forms bind, all are late if one is, or a reader: then all is decided anew, knowing that.
    """
    waiting = {id(run.form) for name, runs in runs_of.items() for run in runs if _waits(found[name], run)}
    while True:
        staging, decided = begin(), dict[str, tuple[Run, ...]]()
        for name, runs in runs_of.items():
            decided[name] = tuple(_decided(name, run, staging, id(run.form) in waiting) for run in runs)
        together = {number for name, runs in decided.items() for number in _late_together(found[name], runs, staging)}
        if together <= waiting:
            return decided
        waiting |= together


def _decided(module: str, run: Run, staging: Staging, waits: bool) -> Run:
    sight = staging.decide(module, run.form, run.edit, replaces=run.old is not None, waits=waits)
    return replace(run, late=sight is None, sight=sight or Sight())


def _late_together(here: Spread, runs: Sequence[Run], staging: Staging) -> set[int]:
    """The late ones; where a late statement makes or needs a name that several make, all of these are late.

    What a late statement makes can be read only by late ones.
    """
    often = here.refilled | {name for run in runs for name in run.form.names.binds if _is_often_bound(here, name)}
    needs = {id(run.form): staging.needs(here, run.form) if often else frozenset() for run in runs}
    size = -1
    while sum(run.late for run in runs) > size:
        size = sum(run.late for run in runs)
        late = [run.form for run in runs if run.late]
        made = {name for form in late for name in _made_by(form)}
        together = often & (made | {name for form in late for name in needs[id(form)]})
        runs = [
            run if run.late else replace(run, late=bool(_made_by(run.form) & together or run.form.names.reads & made))
            for run in runs
        ]
    return {id(run.form) for run in runs if run.late}


def _made_by(form: Form) -> set[str]:
    return {*form.names.binds, *form.names.touches}


def _is_often_bound(here: Spread, name: str) -> bool:
    return sum(name in form.names.binds for form in here.forms) > 1


LIBRARY_BUILT = frozenset({ClassKind.MODEL, ClassKind.BUILT})
"""Classes of which more is made in place than the statement says."""


def _waits(here: Spread, run: Run) -> bool:
    """True for a class that its library completes in place, and if a member reads a class inside that changes too."""
    edit = run.edit
    if edit is None:
        return False
    if edit.rebuild:
        return here.facts.classes.get(".".join(edit.path)) in LIBRARY_BUILT
    nested = {inner.form.name for inner in edit.nested}
    return any(not nested.isdisjoint(member.shape.mentions) for member in edit.members)


def _known(project: Project, module: str) -> ModuleFacts:
    facts = project.facts(module)
    if facts is None:
        raise LookupError(f"{module} is not loaded from known source")
    return facts


def _runs(here: Spread, change: Diff, project: Project) -> tuple[tuple[Run, ...], list[Refusal]]:
    """The forms to execute, in order of the source, and why some of them cannot be."""
    if not here.runs:
        return (), []
    old_of = {id(pair.new): pair.old for pair in (*change.same, *change.edited, *change.changed)}
    added = {id(form) for form in change.added}

    runs: list[Run] = []
    refusals: list[Refusal] = []
    for number in sorted(here.runs):
        form = here.forms[number]
        if form.kind is Kind.FUTURE or _says_nothing(form):
            continue
        old = None if id(form) in added else old_of.get(id(form), form)
        edit: ClassEdit | None = None
        if form.kind is Kind.CLASS and old is not None and old.kind is Kind.CLASS:
            built_from = here.runs[number] if number in here.rebuilt else ""
            edit, refused = class_edit(here.facts, old, form, partial(_is_stale, here.seen.get(number)), built_from)
            refusals += refused
        else:
            refused = []
        again = [] if refused else [each for each in _again(old, edit) if registering(each, here.facts, project)]
        for each in again:
            found_again = _refuse_twice(each, here.facts, project, "would run twice")
            refusals += (replace(item, line=form.start) for item in found_again)
        registers = bool(again or registering(form, here.facts, project))
        undoes, why = _undoes(here, old, project), here.runs[number]
        runs.append(Run(form, old, why, edit, registers=registers, takes_back=tuple(again), undoes=undoes))
    return tuple(runs), refusals


def _undoes(here: Spread, old: Form | None, project: Project) -> tuple[Form, ...]:
    """The statement as it ran, if what it put into a registry is taken back; containers that are refilled are not."""
    if old is None or not _is_call(old) or here.refilled & _made_by(old):
        return ()
    return (old,) if project.can_undo(here.facts.module, old) else ()


def _undone(here: Spread, change: Diff, project: Project) -> tuple[Form, ...]:
    return tuple(each for form in change.removed for each in _undoes(here, form, project))


def _is_call(form: Form) -> bool:
    return form.kind is Kind.OTHER and isinstance(form.node, ast.Expr) and isinstance(form.node.value, ast.Call)


def _is_stale(seen: Reach | None, member: Form) -> bool:
    return seen is not None and bool(reason_to_run(seen, member))


def _again(old: Form | None, edit: ClassEdit | None) -> tuple[Form, ...]:
    """The statements and members that ran before and run again, as they were."""
    if old is None:
        return ()
    if edit is None or edit.rebuild:
        return (old,)
    return (*edit.again, *(each for inner in edit.nested for each in _again(inner.form, inner)))


def _refuse_module(here: Spread, running: ModuleFacts, change: Diff, project: Project) -> list[Refusal]:
    module = here.facts.module
    refusals = []
    if future_flags(running.forms) != future_flags(here.forms):
        refusals.append(refusal("LC101", module=module, line=1))
    for form in change.removed:
        kept = _refuse_twice(form, running, project, "would keep the function that is removed")
        refusals += (replace(item, line=0, old_line=form.start) for item in kept)
    return refusals


def _refuse_twice(form: Form, facts: ModuleFacts, project: Project, what: str) -> list[Refusal]:
    """Why a statement cannot be executed again, or go: a decorator may have registered it where nobody can tell."""
    return [
        refusal(
            "LC104",
            f"@{decorator} on {form.label()} may register it somewhere: it {what}",
            module=facts.module,
            line=form.start,
        )
        for decorator in registering(form, facts, project)
        if not project.can_take_back(facts.module, form, decorator)
    ][:1]


def _withdrawn(change: Diff, running: ModuleFacts, project: Project) -> tuple[Form, ...]:
    """The statements that go and have registered something."""
    return tuple(form for form in change.removed if registering(form, running, project))


def _pushed(
    here: Spread,
    change: Diff,
    runs: tuple[Run, ...],
    withdrawn: tuple[Form, ...],
    undone: tuple[Form, ...],
    stale: Sequence[Change],
) -> ModulePlan:
    gone = [*change.removed, *(pair.old for pair in change.changed)]
    bound = {name for form in here.forms for name in form.names.binds} if gone else set()
    parts = {part for form in here.forms for part in form.names.parts} if gone else set()
    taken = [name for form in gone for name in form.names.binds]
    touched = [*gone, *(run.form for run in runs)]
    executed = {id(run.form) for run in runs}
    return ModulePlan(
        here.facts.module,
        here.forms,
        swaps=tuple(pair for pair in change.edited if id(pair.new) not in executed),
        shifts=tuple(pair for pair in change.same if pair.new is not pair.old and _moved(pair, executed)),
        runs=runs,
        removed=tuple(dict.fromkeys((*(name for name in taken if name not in bound), *sorted(here.lost)))),
        parts=tuple(part for form in gone for part in form.names.parts if part not in parts | _refilled(here, form)),
        restored=tuple(sorted(here.restored)),
        refilled=tuple(sorted(here.refilled)),
        withdrawn=withdrawn,
        undone=undone,
        annotations=any(form.shape.annotates for form in touched),
        changes=tuple(_changes(here, change, runs, undone, stale)),
    )


def _moved(pair: Pair, executed: Collection[int]) -> bool:
    return pair.shift != 0 and id(pair.new) not in executed


def _refilled(here: Spread, form: Form) -> set[tuple[str, object, bool]]:
    """Entries of containers that are filled again: whatever is not set again is not there."""
    return {part for part in form.names.parts if part[0] in here.refilled}


def _only_run(here: Spread, runs: tuple[Run, ...], stale: Sequence[Change]) -> ModulePlan:
    changes = tuple(Change(ChangeKind.RERUN, run.form.label(), _rerun(here, run), run.form.start) for run in runs)
    return ModulePlan(
        here.facts.module,
        here.forms,
        runs=runs,
        removed=tuple(sorted(here.lost)),
        restored=tuple(sorted(here.restored)),
        refilled=tuple(sorted(here.refilled)),
        pushed=False,
        changes=(*changes, *stale),
    )


def _only_told(module: str, project: Project, said: Sequence[Change]) -> ModulePlan:
    return ModulePlan(module, _known(project, module).forms, pushed=False, changes=tuple(said))


def _says_nothing(form: Form) -> bool:
    """A string or a constant as a statement; executed alone, it would become the module's docstring."""
    return form.kind is not Kind.DOC and all(
        isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        for node in form.nodes
    )


def _changes(
    here: Spread, change: Diff, runs: Sequence[Run], undone: Sequence[Form], stale: Sequence[Change]
) -> list[Change]:
    back = set(map(id, undone))
    said = [
        Change(ChangeKind.REMOVED, form.label(), "" if id(form) in back else _left_behind(form))
        for form in change.removed
    ]
    for pair in change.edited:
        leaves = pair.changed_leaves()
        labels = dict.fromkeys(".".join(leaf.path) + "()" for leaf in leaves)
        said += [Change(ChangeKind.CHANGED, label, "", pair.new.start) for label in labels]
    for run in runs:
        said += run.edit.changes if run.edit else [_run_change(here, run)]
    said += stale
    executed = {id(run.form) for run in runs}
    kept = [form.label() for form in here.forms if form.kind is Kind.VALUE and id(form) not in executed]
    return [*said, *(Change(ChangeKind.KEPT, name) for name in kept)]


def _run_change(here: Spread, run: Run) -> Change:
    kind = {"changed": ChangeKind.CHANGED, "added": ChangeKind.ADDED}.get(run.why, ChangeKind.RERUN)
    detail = _rerun(here, run) if kind is ChangeKind.RERUN else ""
    if kind is ChangeKind.CHANGED and run.form.kind is Kind.OTHER and isinstance(run.form.node, ast.Expr):
        done = "replaces what the old line did" if run.undoes else "what the old line did is not taken back"
        detail = f"executed; {done}"
    return Change(kind, run.form.label(), detail, run.form.start)


def _rerun(here: Spread, run: Run) -> str:
    """Why a statement runs again; if it is only a call, also that what it did stays."""
    stays = run.old is not None and _is_call(run.old) and not run.undoes and not here.refilled & _made_by(run.old)
    return f"{run.why}; what it did before is not taken back" if stays else run.why


def _left_behind(form: Form) -> str:
    calls = any(isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) for node in form.nodes)
    return "what it did is not taken back" if calls else ""
