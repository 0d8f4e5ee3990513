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
MAX_DEPTH = 8
"""Functions that call functions are followed this far."""

REGISTERING = frozenset({"register"})
"""Attributes that register although their owner is harmless: `f.register` of functools.singledispatch."""


def may_register(form: Form, facts: ModuleFacts, project: Project) -> str:
    """Which decorator of the form may register it somewhere, as ``@app.get``; empty if none may."""
    decorators: list[ast.expr] = getattr(form.node, "decorator_list", [])
    for decorator in decorators:
        if not _harmless(decorator, facts, project, MAX_DEPTH):
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
        return Purity(facts, project).only_wraps(last.node, depth)
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


class Purity:
    """Finds out whether calling a function of the project can change anything but what it makes itself.

    Args:
        facts: The module whose names are meant.
        project: Where imported names lead.
    """

    def __init__(self, facts: ModuleFacts, project: Project) -> None:
        self._facts, self._project = facts, project

    def only_wraps(self, function: ast.AST, depth: int) -> bool:
        """True if its own body, and the decorator that it may return, touch nothing but what they make.

        `def deco(f): def w(): return f(); return w` only wraps; `def deco(f): ALL.append(f); return f` does not.
        """
        if not isinstance(function, ast.FunctionDef) or depth <= 0:
            return False
        mine = _locals_of(function)
        own = list(_own_nodes(function.body))
        if any(isinstance(node, ast.Global | ast.Nonlocal | ast.Delete | ast.AugAssign | ast.Await) for node in own):
            return False
        given = {item.arg for item in ast.walk(function.args) if isinstance(item, ast.arg)}
        for target in (target for node in own for target in _targets_of(node)):
            entry = isinstance(target, ast.Subscript)  # a parameter may be a registry
            if _root(target) not in (mine - given if entry else mine):
                return False
        if not all(self._harmless_call(node, mine, depth) for node in own if isinstance(node, ast.Call)):
            return False
        inner = [node for node in own if isinstance(node, ast.FunctionDef) and _takes_one_function(node)]
        return all(self.only_wraps(node, depth - 1) or not _is_returned(node, function) for node in inner)

    def _harmless_call(self, call: ast.Call, mine: set[str], depth: int) -> bool:
        """Calls of builtins that only look or make, of `functools`, of methods of what the function made itself."""
        match call.func:
            case ast.Attribute(value=ast.Name(id=owner)) if owner not in mine:
                return _module_of(owner, self._facts) in HARMLESS_MODULES | {"inspect"} or self._is_class(owner)
            case ast.Attribute(attr=attribute):
                return attribute in ASKING
            case ast.Name(id=name) if name in mine:
                return True
            case ast.Name(id=name):
                known = any(name in form.names.binds for form in self._facts.forms)
                if not known:
                    return name in LOOKING
                return self._is_class(name) or _harmless_name(name, self._facts, self._project, depth - 1)
            case ast.Call():
                return self._harmless_call(call.func, mine, depth)
        return False

    def _is_class(self, name: str) -> bool:
        """A class that stands in the module or in another one of the project: calling it makes an object."""
        for form in self._facts.forms:
            if name in form.names.binds and form.kind is Kind.CLASS:
                return True
            for item in form.names.imports:
                if item.bound == name and item.name is not None:
                    module = absolute(self._facts.package, item.module, item.level)
                    other = self._project.facts(module)
                    if other is not None and any(
                        each.kind is Kind.CLASS and each.name == item.name for each in other.forms
                    ):
                        return True
        return False


LOOKING = frozenset(
    {
        *("getattr", "isinstance", "issubclass", "callable", "hasattr", "len", "type", "str", "repr"),
        *("tuple", "list", "dict", "set", "frozenset", "super", "zip", "map", "filter", "sorted"),
        *("enumerate", "range", "any", "all", "min", "max", "id", "hash", "iter", "next", "bool", "int"),
        *("float", "property", "staticmethod", "classmethod", "setattr", "TypeError", "ValueError"),
        *("RuntimeError", "AssertionError", "NotImplementedError"),
    }
)
"""Builtins that change nothing but, with `setattr`, what they are given."""


ASKING = frozenset(
    {
        *("get", "items", "keys", "values", "copy", "format", "startswith", "endswith", "strip", "lstrip"),
        *("rstrip", "split", "join", "lower", "upper", "replace", "union", "difference", "intersection"),
        *("count", "index", "bind", "signature"),
    }
)
"""Methods that change nothing, whoever has them."""


def _locals_of(function: ast.FunctionDef) -> set[str]:
    """Parameters and everything that the body binds by a name alone."""
    names = {item.arg for item in ast.walk(function.args) if isinstance(item, ast.arg)}
    for node in _own_nodes(function.body):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


def _targets_of(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.Assign):
        return node.targets
    return [node.target] if isinstance(node, ast.AnnAssign) else []


def _root(target: ast.expr) -> str:
    while isinstance(target, ast.Attribute | ast.Subscript | ast.Starred):
        target = target.value
    if isinstance(target, ast.Tuple | ast.List):
        return _root(target.elts[0]) if target.elts else ""
    return target.id if isinstance(target, ast.Name) else ""


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


def _takes_one_function(inner: ast.FunctionDef) -> bool:
    """A factory of decorators returns a decorator, whose body runs at decoration too: one positional argument."""
    arguments = inner.args
    return len(arguments.args) == 1 and not arguments.vararg and not arguments.kwarg


def _is_returned(inner: ast.FunctionDef, outer: ast.FunctionDef) -> bool:
    return any(
        isinstance(node, ast.Return) and isinstance(node.value, ast.Name) and node.value.id == inner.name
        for node in outer.body
    )
