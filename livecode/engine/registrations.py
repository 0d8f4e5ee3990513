"""Decorators that may hand their function to a registry: executing them again would register it twice.

A decorator counts as harmless if it is one of the standard library's that only wrap, or a function of the project
that `livecode.engine.purity` finds to change nothing. Everything else may register.
"""

from __future__ import annotations

import ast

from livecode.engine.facts import ModuleFacts, Project
from livecode.engine.forms import Form
from livecode.engine.purity import Purity


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
