"""Decorators that may hand their function to a registry: executing them again would register it twice.

A decorator counts as harmless if it is one of the standard library's that only wrap, or a function of the project
whose body does nothing but make and return functions. Everything else may register.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

from livecode.engine.facts import ModuleFacts, Project, absolute
from livecode.engine.forms import Form, Kind

HARMLESS_MODULES = frozenset(
    {"functools", "contextlib", "typing", "typing_extensions", "abc", "dataclasses", "enum", "types"}
)
HARMLESS_BUILTINS = frozenset({"staticmethod", "classmethod", "property"})
REGISTERING = frozenset({"register"})
"""Attributes that register although their owner is harmless: `f.register` of functools.singledispatch."""


def may_register(form: Form, facts: ModuleFacts, project: Project) -> str:
    """Which decorator of the form may register it somewhere, as ``@app.get``; empty if none may."""
    decorators: list[ast.expr] = getattr(form.node, "decorator_list", [])
    for decorator in decorators:
        if not _harmless(decorator, facts, project, 3):
            return "@" + ast.unparse(decorator.func if isinstance(decorator, ast.Call) else decorator)
    return ""


def _harmless(decorator: ast.expr, facts: ModuleFacts, project: Project, depth: int) -> bool:
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    match target:
        case ast.Attribute(value=ast.Name(), attr="setter" | "getter" | "deleter"):
            return True
        case ast.Attribute(value=ast.Name(id=owner), attr=attribute) if attribute not in REGISTERING:
            return _module_of(owner, facts) in HARMLESS_MODULES
        case ast.Name(id=name):
            return _harmless_name(name, facts, project, depth)
    return False


def _harmless_name(name: str, facts: ModuleFacts, project: Project, depth: int) -> bool:
    binders = [form for form in facts.forms if name in form.names.binds]
    if not binders:
        return name in HARMLESS_BUILTINS and hasattr(builtins, name)
    last = binders[-1]
    if last.kind is Kind.FUNCTION:
        return only_wraps(last.node)
    for item in last.names.imports:
        if item.bound == name and item.name is not None:
            module = absolute(facts.package, item.module, item.level)
            other = project.facts(module) if depth else None
            if module in HARMLESS_MODULES:
                return True
            return other is not None and _harmless_name(item.name, other, project, depth - 1)
    return False


def _module_of(name: str, facts: ModuleFacts) -> str:
    for form in facts.forms:
        for item in form.names.imports:
            if item.bound == name and item.name is None:
                return item.module
    return ""


def only_wraps(function: ast.AST) -> bool:
    """True if a decorator's own body only makes functions and returns one, touching nothing but its locals.

    >>> only_wraps(ast.parse("def deco(f):\\n def w(): return f()\\n return w").body[0])
    True
    >>> only_wraps(ast.parse("def deco(f): ALL.append(f); return f").body[0])
    False
    """
    if not isinstance(function, ast.FunctionDef):
        return False
    mine = {item.arg for item in ast.walk(function.args) if isinstance(item, ast.arg)}
    mine |= {node.name for node in function.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    for node in _own_nodes(function.body):
        if isinstance(node, ast.Global | ast.Nonlocal | ast.Delete | ast.AugAssign | ast.Import | ast.ImportFrom):
            return False
        if isinstance(node, ast.Assign) and not all(_local_target(target, mine) for target in node.targets):
            return False
        if isinstance(node, ast.Call) and not _harmless_call(node, mine):
            return False
    return all(
        only_wraps(node) or not _is_returned(node, function)
        for node in function.body
        if isinstance(node, ast.FunctionDef) and _takes_a_function(node, function)
    )


def _own_nodes(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """All nodes that run when the function is called: not those in the functions that it makes."""
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting += [*node.decorator_list, *node.args.defaults]
        elif not isinstance(node, ast.Lambda):
            waiting += ast.iter_child_nodes(node)


def _local_target(target: ast.expr, mine: set[str]) -> bool:
    if isinstance(target, ast.Name):
        mine.add(target.id)
        return True
    return isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id in mine


def _harmless_call(call: ast.Call, mine: set[str]) -> bool:
    """`functools.wraps(fn)` and calls of builtins that only look; a decorator's argument may be called too."""
    match call.func:
        case ast.Attribute(value=ast.Name(id="functools" | "inspect")):
            return True
        case ast.Name(id=name):
            return name in {"wraps", "update_wrapper", "lru_cache", "cache", "partial"} or (
                name in {"getattr", "isinstance", "callable", "hasattr", "len", "type", "str", "repr", "tuple", "dict"}
            )
        case ast.Call():
            return _harmless_call(call.func, mine)
    return False


def _takes_a_function(inner: ast.FunctionDef, outer: ast.FunctionDef) -> bool:
    """A factory of decorators returns a decorator, whose body runs at decoration too: one positional argument."""
    arguments = inner.args
    return len(arguments.args) == 1 and not arguments.vararg and not arguments.kwarg and bool(outer.args)


def _is_returned(inner: ast.FunctionDef, outer: ast.FunctionDef) -> bool:
    return any(
        isinstance(node, ast.Return) and isinstance(node.value, ast.Name) and node.value.id == inner.name
        for node in outer.body
    )
