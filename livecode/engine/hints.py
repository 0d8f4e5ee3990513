"""Compiles the annotations of what a module made earlier, for when they turn (`livecode.engine.annotating`)."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import CodeType
from typing import TYPE_CHECKING

from livecode.engine.annotating import Annotated, annotated_in, annotates, inherits, only_hints
from livecode.engine.classes import ClassEdit
from livecode.engine.forms import Form, Function
from livecode.engine.leaves import first_line
from livecode.engine.planned import ModulePlan
from livecode.engine.trees import own_nodes

if TYPE_CHECKING:
    from livecode.engine.prepare import Compiler


@dataclass(frozen=True, slots=True)
class Hints:
    """The annotations of a function or class that is not executed again, although they turn.

    Attributes:
        path: Its qualified name in parts.
        line: First line of its code, as it will be.
        code: Makes them: a function of that name that does nothing, or a class body.
        is_class: True for those of a class.
    """

    path: tuple[str, ...]
    line: int
    code: CodeType
    is_class: bool

    @property
    def scope(self) -> tuple[str, ...]:
        """The classes around it; empty for what a function makes."""
        return () if "<locals>" in self.path else self.path[:-1]


def inheriting_lines(form: Form) -> frozenset[int]:
    """Lines, within the form, of the functions of which more than the flags changes when annotations turn."""
    functions = (
        item for node in form.nodes for item in ast.walk(node) if isinstance(item, Function) and inherits(item)
    )
    return frozenset(first_line(node) - form.shape.origin for node in functions)


def hints_of_plan(plan: ModulePlan, compiler: Compiler) -> Iterator[Hints]:
    """Those of everything that a plan does not execute again."""
    edits = {id(run.form): run.edit for run in plan.runs}
    for form in plan.forms:
        yield from _hints_of(form, edits, compiler)


def _hints_of(form: Form, edits: Mapping[int, ClassEdit | None], compiler: Compiler) -> Iterator[Hints]:
    """The hints of what a form made earlier, itself not executed; of a class edit, those of the members that stay."""
    edit = edits.get(id(form))
    if id(form) in edits and (edit is None or edit.rebuild):
        return
    if edit is None:
        for found in annotated_in(form.placed(), form.scope):
            yield Hints(found.path, found.line, _hint_code(found, compiler), isinstance(found.node, ast.ClassDef))
        return
    (whole,) = form.placed()
    assert isinstance(whole, ast.ClassDef)
    if annotates(whole):
        found = Annotated(edit.path, whole)
        yield Hints(found.path, found.line, _hint_code(found, compiler), is_class=True)
    executed = {id(member): None for member in edit.members} | {id(inner.form): inner for inner in edit.nested}
    for member in edit.form.members:
        yield from _hints_of(member, executed, compiler)


def _hint_code(found: Annotated, compiler: Compiler) -> CodeType:
    node, scope = found.node, found.scope
    if isinstance(node, ast.ClassDef):
        scope, body = found.path, declared(declarations([*node.body]))
    else:
        body = [only_hints(node)]
    if not scope:
        return compiler.statements(body)
    return compiler.body_in(scope, body)


def declared(found: Sequence[ast.AnnAssign]) -> list[ast.stmt]:
    """The same annotations without values."""
    return [
        ast.copy_location(ast.AnnAssign(target=node.target, annotation=node.annotation, value=None, simple=1), node)
        for node in found
    ]


def declarations(nodes: Sequence[ast.stmt]) -> list[ast.AnnAssign]:
    """The annotations of names that statements make themselves, in order."""
    inside = (item for node in nodes for item in own_nodes(node))
    found = [item for item in inside if isinstance(item, ast.AnnAssign) and item.simple]
    return sorted(found, key=lambda item: (item.lineno, item.col_offset))
