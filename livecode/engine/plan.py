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

from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import partial

from livecode.engine.annotating import TEXT_FLAG, Readers, annotations_are_text
from livecode.engine.bodies import dotted
from livecode.engine.classes import ClassEdit, class_edit
from livecode.engine.dependents import run_order, spread
from livecode.engine.diff import Diff, diff
from livecode.engine.facts import ModuleFacts, Project
from livecode.engine.forms import Form, Kind, future_flags, says_nothing
from livecode.engine.late import staged
from livecode.engine.planned import ModulePlan, Plan, Run, made_by
from livecode.engine.reach import Reach, reason_to_run
from livecode.engine.refusals import refusal
from livecode.engine.registrations import calls_in, registering
from livecode.engine.spread import Spread
from livecode.engine.staging import Staging
from livecode.engine.stale import Told, edits_of, old_makes
from livecode.engine.told import changes_of, rerun_reason
from livecode.engine.welcome import reads_any, welcomes
from livecode.model.report import Change, ChangeKind, Refusal


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
    diffs = {name: _difference(running[name].forms, forms) for name, forms in sources.items()}
    after = {name: running[name].with_forms(forms) for name, forms in sources.items()}
    reached = spread(diffs, after, project, again)
    found = {name: here for name, here in reached.items() if name in diffs or here.runs or here.lost}
    edits = edits_of(found, diffs, project)
    old_make = old_makes(found, edits, project)
    runs_of, plans, refusals = dict[str, tuple[Run, ...]](), [], list[Refusal]()
    for name in run_order(found):
        runs_of[name], refused = _runs(found[name], diffs.get(name, Diff()), project)
        refusals += refused
    swapped = {name: _bodies(change) for name, change in diffs.items()}
    withdrawn = {name: _withdrawn(change, running[name], project) for name, change in diffs.items()}
    if any(runs_of.values()):
        runs_of = staged(found, runs_of, withdrawn, lambda: Staging(found, swapped, arriving, project))
    for name, runs in runs_of.items():
        here, change = found[name], diffs.get(name, Diff())
        if name in diffs:
            refusals += _refuse_module(here, running[name], change, project)
            plans.append(
                _pushed(here, change, runs, withdrawn[name], _undone(here, change, project), old_make.get(name))
            )
        else:
            plans.append(_only_run(here, runs, old_make.get(name)))
    plans += [_only_told(name, project, said) for name, said in old_make.items() if name not in found]
    other = {name: here.tainted for name, here in reached.items() if here.tainted}
    other |= {name: here.tainted | other.get(name, set()) for name, here in edits.reached.items()}
    return Plan(() if refusals else tuple(plans), tuple(refusals), other)


def _difference(old: tuple[Form, ...], new: tuple[Form, ...]) -> Diff:
    change = diff(old, new)
    turned = annotations_are_text(old) is not annotations_are_text(new)
    return replace(change, turned=True) if turned else change


def _bodies(change: Diff) -> set[str]:
    """The functions and classes of which a body changes: they are other than before when the push is visible."""
    return {leaf.path[0] for pair in change.edited for leaf in pair.changed_leaves}


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

    before = _known(project, here.facts.module)  # what ran is judged by what its names stood for then
    runs: list[Run] = []
    refusals: list[Refusal] = []
    for number in sorted(here.runs):
        form = here.forms[number]
        if says_nothing(form):
            continue
        old = None if id(form) in added else old_of.get(id(form), form)
        edit: ClassEdit | None = None
        if form.kind is Kind.CLASS and old is not None and old.kind is Kind.CLASS:
            built_from = here.runs[number] if number in here.rebuilt else ""
            asked = here.runs[number] == "asked for"
            stale = _is_value if asked else partial(_is_stale, here.seen.get(number), here.reread)
            edit, refused = class_edit(here.facts, old, form, stale, built_from)
            edit = _welcomed(here, number, edit, project)
            refusals += refused
        else:
            refused = []
        again = [] if refused else [each for each in _again(old, edit) if registering(each, before, project)]
        for each in again:
            found_again = _refuse_twice(each, before, project, "would run twice")
            refusals += (replace(item, line=form.start) for item in found_again)
        registers = bool(again or registering(form, here.facts, project))
        undoes, why = _undoes(here, old, project), here.runs[number]
        runs.append(Run(form, old, why, edit, registers=registers, takes_back=tuple(again), undoes=undoes))
    return tuple(runs), refusals


def _undoes(here: Spread, old: Form | None, project: Project) -> tuple[Form, ...]:
    """The statement as it ran, if what it put into a registry is taken back; containers that are refilled are not."""
    if old is None or next(calls_in(old), None) is None or here.refilled & made_by(old):
        return ()
    return (old,) if project.can_undo(here.facts.module, old) else ()


def _undone(here: Spread, change: Diff, project: Project) -> tuple[Form, ...]:
    return tuple(each for form in change.removed for each in _undoes(here, form, project))


def _welcomed(here: Spread, number: int, edit: ClassEdit | None, project: Project) -> ClassEdit | None:
    """The edit, which shows the class to `__init_subclass__` again if that reads what changes of it."""
    form, seen = here.forms[number], here.seen.get(number)
    if edit is None or edit.rebuild or not getattr(form.node, "bases", ()):
        return edit
    values = {name for member in edit.members if _is_value(member) for name in member.names.binds} | {*edit.removed}
    reads = reads_any(form, values, here.facts, project)
    paths = {f"{dotted(base)}.__init_subclass__" for base in getattr(form.node, "bases", ())}
    called = seen is not None and not paths.isdisjoint(seen.tainted)
    again = (edit.bases or here.runs[number] == "asked for") and any(True for _ in welcomes(form, here.facts, project))
    return replace(edit, welcome=True) if reads or called or again else edit


def _is_value(member: Form) -> bool:
    return member.kind is Kind.VALUE


def _is_stale(seen: Reach | None, reread: Collection[int], member: Form) -> bool:
    return id(member.shape) in reread or (seen is not None and bool(reason_to_run(seen, member)))


def _again(old: Form | None, edit: ClassEdit | None) -> tuple[Form, ...]:
    """The statements and members that ran before and run again, as they were."""
    if old is None:
        return ()
    if edit is None or edit.rebuild:
        return (old,)
    return (*edit.again, *(each for inner in edit.nested for each in _again(inner.form, inner)))


def _refuse_module(here: Spread, running: ModuleFacts, change: Diff, project: Project) -> list[Refusal]:
    refusals = []
    before, after = future_flags(running.forms), future_flags(here.forms)
    if before != after:
        refusals += _refuse_future(here, before ^ after, change, project)
    for form in change.removed:
        kept = _refuse_twice(form, running, project, "would keep the function that is removed")
        refusals += (replace(item, line=0, old_line=form.start) for item in kept)
    return refusals


def _refuse_future(here: Spread, flags: int, change: Diff, project: Project) -> list[Refusal]:
    line = next((form.start for form in here.forms if form.kind is Kind.FUTURE), 1)
    if not change.turned or flags & ~TEXT_FLAG:
        return [refusal("LC101", module=here.facts.module, line=line)]
    readers = Readers(here.facts, project)
    return [
        refusal(
            "LC101",
            f"the metaclass of {form.label()} may have read its annotations, and cannot build it again",
            module=here.facts.module,
            line=line,
        )
        for form in here.forms
        if form.kind is Kind.CLASS and readers.cannot_be_asked(form)
    ]


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
    told: Told | None,
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
        shifts=tuple(pair for pair in (change.same if change.turned else change.moved) if id(pair.new) not in executed),
        runs=runs,
        removed=tuple(dict.fromkeys((*(name for name in taken if name not in bound), *sorted(here.lost)))),
        gone=(*change.removed, *(pair.old for pair in change.changed if id(pair.new) not in executed)),
        parts=tuple(part for form in gone for part in form.names.parts if part not in parts | _refilled(here, form)),
        restored=tuple(sorted(here.restored)),
        refilled=tuple(sorted(here.refilled)),
        withdrawn=withdrawn,
        undone=undone,
        annotations=any(form.shape.annotates for form in (here.forms if change.turned else touched)),
        turned=change.turned,
        changes=tuple(changes_of(here, change, runs, undone, told.changes if told is not None else ())),
        old_makes=told.left if told is not None else None,
        before=here.old,
        reordered=here.reordered,
    )


def _refilled(here: Spread, form: Form) -> set[tuple[str, object, bool]]:
    """Entries of containers that are filled again: whatever is not set again is not there."""
    return {part for part in form.names.parts if part[0] in here.refilled}


def _only_run(here: Spread, runs: tuple[Run, ...], told: Told | None) -> ModulePlan:
    changes = tuple(Change(ChangeKind.RERUN, run.form.label(), rerun_reason(here, run), run.form.start) for run in runs)
    return ModulePlan(
        here.facts.module,
        here.forms,
        runs=runs,
        removed=tuple(sorted(here.lost)),
        restored=tuple(sorted(here.restored)),
        refilled=tuple(sorted(here.refilled)),
        pushed=False,
        changes=(*changes, *(told.changes if told is not None else ())),
        old_makes=told.left if told is not None else None,
        before=here.old,
    )


def _only_told(module: str, project: Project, told: Told) -> ModulePlan:
    forms = _known(project, module).forms
    return ModulePlan(module, forms, pushed=False, changes=told.changes, old_makes=told.left)
