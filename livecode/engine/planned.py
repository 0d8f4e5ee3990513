"""The values of a plan, made by `livecode.engine.plan`: what is executed, exchanged, taken away in each module."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from livecode.engine.classes import ClassEdit
from livecode.engine.diff import Pair
from livecode.engine.facts import OldMake
from livecode.engine.forms import Form, Kind
from livecode.engine.sight import Sight
from livecode.model.report import Change, Refusal


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
        gone: Statements that go, without another one in their place that is executed.
        parts: Entries and attributes to take away, which removed statements had set: ``(name, key, is attribute)``.
        restored: Names that a statement binds which is executed, but that keep the value that they have.
        refilled: Containers that are filled again in place.
        withdrawn: Statements that go, of which the registrations are taken back.
        undone: Call statements that go, of which is known what they put into a registry.
        annotations: True if the module's annotations have to be made again.
        turned: True if all annotations become text, or values again.
        pushed: False for a module that is not in the push, in which something is re-run.
        changes: What the report says.
        old_makes: The values that are of an old make when the push is live; None if they are those that were.
        before: All its forms as they are.
        reordered: True if a statement that stays stands before one that it stood after.
    """

    module: str
    forms: tuple[Form, ...]
    swaps: tuple[Pair, ...] = ()
    shifts: tuple[Pair, ...] = ()
    runs: tuple[Run, ...] = ()
    removed: tuple[str, ...] = ()
    gone: tuple[Form, ...] = ()
    parts: tuple[tuple[str, object, bool], ...] = ()
    restored: tuple[str, ...] = ()
    refilled: tuple[str, ...] = ()
    withdrawn: tuple[Form, ...] = ()
    undone: tuple[Form, ...] = ()
    annotations: bool = False
    turned: bool = False
    pushed: bool = True
    changes: tuple[Change, ...] = ()
    old_makes: Mapping[str, OldMake] | None = None
    before: tuple[Form, ...] = ()
    reordered: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What the push needs; nothing at all if there are refusals.

    Attributes:
        modules: What happens in each, in the order in which they are executed.
        refusals: Why nothing happens.
        other: Module → functions and methods of which a call gives another result: what was kept of it is out of date.
    """

    modules: tuple[ModulePlan, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    other: Mapping[str, Collection[str]] = field(default_factory=dict)


def is_call(form: Form) -> bool:
    """True for a statement that is a call and nothing else."""
    return form.kind is Kind.OTHER and isinstance(form.node, ast.Expr) and isinstance(form.node.value, ast.Call)


def made_by(form: Form) -> set[str]:
    """The names that a form binds or whose objects it changes."""
    return {*form.names.binds, *form.names.touches}
