"""Which statements of a plan are executed late, when the rest is visible, and what the others see on the stage."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from livecode.engine.annotating import REREAD
from livecode.engine.bodies import root
from livecode.engine.facts import ClassKind
from livecode.engine.forms import Form, Kind
from livecode.engine.kinds import decorators_of
from livecode.engine.planned import Run, made_by
from livecode.engine.reach import asked_of_unknown
from livecode.engine.sight import Sight
from livecode.engine.spread import Spread
from livecode.engine.staging import Staging


def staged(
    found: Mapping[str, Spread],
    runs_of: Mapping[str, tuple[Run, ...]],
    withdrawn: Mapping[str, tuple[Form, ...]],
    begin: Callable[[], Staging],
) -> dict[str, tuple[Run, ...]]:
    """The same, with what each sees on the stage, and the late ones marked.

    Args:
        found: The modules in which something is executed.
        runs_of: Module → what is executed.
        withdrawn: Module → the statements that go, of which the registrations are taken back.
        begin: Begins to decide anew.

    Of a name that several forms bind, all are late if one is, or a reader: then all is decided anew, knowing that.
    """
    waiting = {id(run.form) for name, runs in runs_of.items() for run in runs if _waits(found[name], run)}
    waiting |= {*_asking_members([run for runs in runs_of.values() for run in runs])}
    waiting |= {
        number
        for name, runs in runs_of.items()
        for number in _reading_registries(found[name], runs, withdrawn.get(name, ()))
    }
    while True:
        staging, decided = begin(), dict[str, tuple[Run, ...]]()
        for name, runs in runs_of.items():
            decided[name] = tuple(_decided(name, run, staging, id(run.form) in waiting) for run in runs)
        together = {number for name, runs in decided.items() for number in _late_together(found[name], runs, staging)}
        if together <= waiting:
            return decided
        waiting |= together


def _asking_members(runs: Sequence[Run]) -> Iterator[int]:
    """Values that ask what they do not name for members of classes that change: `[a.speed for a in ALL]`."""
    members = {name for run in runs if run.edit for member in run.edit.members for name in member.names.binds}
    for run in runs if members else ():
        if run.form.kind in (Kind.VALUE, Kind.OTHER) and not members.isdisjoint(asked_of_unknown(run.form)):
            yield id(run.form)


def _reading_registries(here: Spread, runs: Sequence[Run], withdrawn: Sequence[Form]) -> Iterator[int]:
    """Values made from what decorators of the push register into, or take back: seen when the rest is visible."""
    registering = [*(run.form for run in runs if run.registers), *withdrawn]
    decorators = [each for form in registering for each in decorators_of(form.nodes)]
    names = {root(each.func if isinstance(each, ast.Call) else each) for each in decorators}
    if not names:
        return
    bodies = (body for form in here.forms for name, body in form.shape.bodies if name in names)
    names |= {name for body in bodies for name in body.changes}
    for run in runs:
        reads = run.form.kind in (Kind.VALUE, Kind.OTHER) and not names.isdisjoint(run.form.names.reads)
        if reads and not run.registers:
            yield id(run.form)


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
        made = {name for form in late for name in made_by(form)}
        together = often & (made | {name for form in late for name in needs[id(form)]})
        runs = [
            run if run.late else replace(run, late=bool(made_by(run.form) & together or run.form.names.reads & made))
            for run in runs
        ]
    return {id(run.form) for run in runs if run.late}


def _is_often_bound(here: Spread, name: str) -> bool:
    return sum(name in form.names.binds for form in here.forms) > 1


LIBRARY_BUILT = frozenset({ClassKind.MODEL, ClassKind.BUILT})
"""Classes of which more is made in place than the statement says."""


def _waits(here: Spread, run: Run) -> bool:
    """True for what sees more of the new source than can be staged.

    A class that its library completes in place; one of which a member reads a class inside that changes too; a
    statement that asks for annotations, which are made again when the new code is visible.
    """
    edit = run.edit
    if edit is None:
        return run.why == REREAD and run.form.kind not in (Kind.FUNCTION, Kind.CLASS)
    if edit.rebuild:
        return here.facts.classes.get(".".join(edit.path)) in LIBRARY_BUILT
    nested = {inner.form.name for inner in edit.nested}
    return any(not nested.isdisjoint(member.shape.mentions) for member in edit.members)
