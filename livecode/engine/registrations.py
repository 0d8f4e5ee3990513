"""Decorators and call statements that may register something: executing them again would register it twice.

A decorator counts as harmless if it is one of the standard library's that only wrap, or a function of the project
that `livecode.engine.purity` finds to change nothing. Everything else may register.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from livecode.engine.facts import ModuleFacts, Project
from livecode.engine.forms import Form, Kind
from livecode.engine.purity import Purity

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_STATEMENTS = (ast.stmt, ast.ExceptHandler, ast.match_case)


@dataclass(frozen=True, slots=True)
class CallSite:
    """A statement that is a call and nothing else, at module level or in a branch or loop there.

    Attributes:
        call: The call.
        loops: Variable of a loop around it → what that goes through.
    """

    call: ast.Call
    loops: Mapping[str, ast.expr] = field(default_factory=dict)

    def iterable_of(self, argument: ast.expr) -> ast.expr | None:
        """What the loop goes through of which an argument is the variable; None if it is none."""
        return self.loops.get(argument.id) if isinstance(argument, ast.Name) else None


def calls_in(form: Form) -> Iterator[CallSite]:
    """The calls that a statement consists of, those in its branches and loops too."""
    if form.kind is not Kind.OTHER:
        return
    waiting: list[tuple[ast.AST, Mapping[str, ast.expr]]] = [(node, {}) for node in reversed(form.nodes)]
    while waiting:
        node, loops = waiting.pop()
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            yield CallSite(node.value, loops)
        elif not isinstance(node, _SCOPES):
            if isinstance(node, ast.For):
                variables = [item.id for item in ast.walk(node.target) if isinstance(item, ast.Name)]
                loops = {**loops, **dict.fromkeys(variables, node.iter)}
            waiting += reversed([(item, loops) for item in ast.iter_child_nodes(node) if isinstance(item, _STATEMENTS)])


def registering(form: Form, facts: ModuleFacts, project: Project) -> tuple[str, ...]:
    """Which decorators that executing the form executes may register something, as ``app.get``."""
    purity = Purity(facts, project)
    found = []
    for _, decorator in form.shape.decorators:
        calls, target = 0, decorator
        while isinstance(target, ast.Call):
            calls, target = calls + 1, target.func
        if not purity.is_harmless(target, calls):
            found.append(ast.unparse(target))
    return tuple(dict.fromkeys(found))
