"""Decorators that may hand their function to a registry: executing them again would register it twice.

A decorator counts as harmless if it is one of the standard library's that only wrap, or a function of the project
that `livecode.engine.purity` finds to change nothing. Everything else may register.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from livecode.engine.facts import ModuleFacts, Project
from livecode.engine.forms import Form
from livecode.engine.purity import Purity


def registering(form: Form, facts: ModuleFacts, project: Project) -> tuple[str, ...]:
    """Which decorators that executing the form executes may register something, as ``app.get``."""
    purity = Purity(facts, project)
    found = []
    for decorator in decorators_of(form.nodes):
        calls, target = 0, decorator
        while isinstance(target, ast.Call):
            calls, target = calls + 1, target.func
        if not purity.is_harmless(target, calls):
            found.append(ast.unparse(target))
    return tuple(dict.fromkeys(found))


def decorators_of(nodes: Sequence[ast.AST]) -> Iterator[ast.expr]:
    """Those of the functions and classes that the statements make, methods included."""
    for node in nodes:
        yield from getattr(node, "decorator_list", ())
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from decorators_of(list(ast.iter_child_nodes(node)))
