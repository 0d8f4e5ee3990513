"""What the decorators of statements lead to, and whether what they did can be found again."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from livecode.engine.forms import Form
from livecode.live.newborn import former_of
from livecode.live.reach import holds, owner_of, reach, resolve


def can_take_back(form: Form, decorator: str, filename: str, namespace: Mapping[str, Any]) -> bool:
    """True if what a decorator did with the function that it decorates can be found, and so be taken back.

    Args:
        form: The statement that was executed.
        decorator: As written, ``app.get``.
        filename: Of the module's code.
        namespace: Of the module.
    """
    former = former_of([form], filename, namespace)
    roots = resolve(ast.parse(decorator, mode="eval").body, _in_class(form, namespace))
    if any(owner_of(root) is not None for root in roots):
        return True
    found = reach([*roots[-2:], *_arguments(form, decorator, namespace)], former)
    return bool(found.owners) or any(
        holds(entry.value, former, found.seen) or former(entry.key) for where in found.places for entry in where.read()
    )


def roots_of(forms: Iterable[Form], namespace: Mapping[str, Any], without: Collection[str] = ()) -> list[object]:
    """What the decorators of some statements are and are called with.

    Args:
        forms: The statements.
        namespace: Of the module.
        without: Names that stand for something new: nobody but the push itself knows what is registered there.
    """
    roots: list[object] = []
    for form in forms:
        scope = _in_class(form, namespace)
        for _, decorator in form.shape.decorators:
            if _first_name(decorator) in without:
                continue
            path = resolve(decorator, scope)
            owners = [thing for thing in path if owner_of(thing) is not None]
            roots += owners or [*path[-2:], *_names_in(decorator, scope)]
    return roots


def _first_name(expression: ast.expr) -> str:
    while isinstance(expression, ast.Call | ast.Attribute | ast.Subscript):
        expression = expression.func if isinstance(expression, ast.Call) else expression.value
    return expression.id if isinstance(expression, ast.Name) else ""


def _in_class(form: Form, namespace: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the names of a class member lead to: those of the class come first."""
    thing: Any = namespace.get(form.scope[0]) if form.scope else None
    for name in form.scope[1:]:
        thing = getattr(thing, "__dict__", {}).get(name)
    return {**namespace, **thing.__dict__} if isinstance(thing, type) else namespace


def _arguments(form: Form, decorator: str, namespace: Mapping[str, Any]) -> list[object]:
    scope = _in_class(form, namespace)
    found: list[object] = []
    for _, each in form.shape.decorators:
        function = each
        while isinstance(function, ast.Call):
            function = function.func
        if ast.unparse(function) == decorator:
            found += _names_in(each, scope)
    return found


def _names_in(expression: ast.expr, namespace: Mapping[str, Any]) -> list[object]:
    """What the arguments of a decorator name."""
    found: list[object] = []
    while isinstance(expression, ast.Call):
        given = [*expression.args, *(word.value for word in expression.keywords)]
        names = [node.id for item in given for node in ast.walk(item) if isinstance(node, ast.Name)]
        found += [namespace[name] for name in names if name in namespace]
        expression = expression.func
    return found
