"""Whether calling a function of the project can change anything but what it makes itself.

What is known to be harmless is listed; everything else is not. A decorator that is wrongly taken for harmful costs a
refusal, one that is wrongly taken for harmless would register a function twice.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

from livecode.engine.facts import ModuleFacts, Project, absolute, import_targets
from livecode.engine.forms import Form, Kind

HARMLESS_MODULES = frozenset(
    {
        *("functools", "contextlib", "typing", "typing_extensions", "abc", "dataclasses", "enum", "types", "inspect"),
        *("attr", "attrs", "pydantic", "pydantic.dataclasses"),
    }
)
"""Modules of which every decorator only wraps, or only builds the class that it is given."""

REGISTERING = frozenset({"register"})
"""Attributes that register although their owner is harmless: `f.register` of functools.singledispatch."""

HARMLESS_BUILTINS = frozenset({"staticmethod", "classmethod", "property"})

LOOKING = frozenset(
    {
        *("getattr", "isinstance", "issubclass", "callable", "hasattr", "len", "type", "str", "repr", "bool", "int"),
        *("float", "tuple", "list", "dict", "set", "frozenset", "super", "zip", "sorted", "enumerate", "range"),
        *("any", "all", "min", "max", "id", "hash", "TypeError", "ValueError", "RuntimeError", "AssertionError"),
        *("NotImplementedError", "DeprecationWarning", *HARMLESS_BUILTINS),
    }
)
"""Builtins that change nothing."""

ASKING = frozenset(
    {
        *("get", "items", "keys", "values", "copy", "format", "startswith", "endswith", "strip", "lstrip", "rstrip"),
        *("split", "join", "lower", "upper", "replace", "union", "difference", "intersection", "count", "index"),
    }
)
"""Methods that change nothing, whoever has them."""

HARMLESS_NODES = (
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.Return, ast.Expr, ast.If, ast.For, ast.While, ast.Try, ast.Pass),
    *(ast.Assign, ast.AnnAssign, ast.Raise, ast.Assert, ast.Import, ast.ImportFrom, ast.ExceptHandler, ast.Break),
    *(ast.Name, ast.Attribute, ast.Constant, ast.JoinedStr, ast.FormattedValue, ast.Call, ast.keyword, ast.IfExp),
    *(ast.Compare, ast.BoolOp, ast.UnaryOp, ast.Tuple, ast.List, ast.Dict, ast.Set, ast.Subscript, ast.Starred),
    *(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.comprehension, ast.Continue, ast.Lambda),
    *(ast.expr_context, ast.boolop, ast.unaryop, ast.cmpop, ast.alias, ast.BinOp, ast.operator, ast.Slice),
)

MAX_DEPTH = 8
"""Functions that call functions are followed this far."""


class Purity:
    """Answers for the names of one module.

    Args:
        facts: The module.
        project: Where its imports lead.
        depth: How far calls are followed still.
    """

    def __init__(self, facts: ModuleFacts, project: Project, depth: int = MAX_DEPTH) -> None:
        self._facts, self._project, self._depth = facts, project, depth

    def is_harmless(self, decorator: ast.expr, calls: int) -> bool:
        """True if a decorator, which is called `calls` times before it decorates, changes nothing else."""
        match decorator:
            case ast.Attribute(value=ast.Name(), attr="setter" | "getter" | "deleter"):
                return True
            case ast.Attribute(value=ast.Name(id=owner), attr=attribute) if attribute not in REGISTERING:
                there = self._module_named(owner)
                harmless = there is not None and there._harmless_name(attribute, calls + 1)
                return harmless or self._imported_module(owner) in HARMLESS_MODULES
            case ast.Name(id=name):
                return self._harmless_name(name, calls + 1)
        return False

    def _harmless_name(self, name: str, levels: int) -> bool:
        form = self._binder(name)
        if form is None:
            return name in HARMLESS_BUILTINS and hasattr(builtins, name)
        if form.kind is Kind.FUNCTION:
            return self.only_makes(form.node, levels)
        for item in form.names.imports:
            if item.bound == name and item.name is not None:
                module = absolute(self._facts.package, item.module, item.level)
                there = self._elsewhere(module)
                return module in HARMLESS_MODULES or (there is not None and there._harmless_name(item.name, levels))
        return False

    def only_makes(self, function: ast.AST, levels: int = 1) -> bool:
        """True if calling a function makes objects and changes no others.

        Args:
            function: Its definition.
            levels: How often it, and what it returns, is called: a decorator once, a factory of decorators twice.
        """
        if not isinstance(function, ast.FunctionDef) or self._depth <= 0:
            return False
        own = list(_own_nodes(function.body))
        if not all(isinstance(node, HARMLESS_NODES) for node in own):
            return False
        arguments = function.args
        given = {item.arg for item in ast.walk(arguments) if isinstance(item, ast.arg)}
        plain = arguments.posonlyargs + arguments.args
        shared = {item.arg for item in plain[len(plain) - len(arguments.defaults) :]} if arguments.defaults else set()
        mine = _made_in(own)
        if not all(self._harmless(node, mine, given - shared) for node in own):
            return False
        if levels < 2:
            return True
        inner = [node for node in own if isinstance(node, ast.FunctionDef)]
        made_otherwise = any(isinstance(node, ast.Lambda | ast.AsyncFunctionDef) for node in own)
        return not made_otherwise and all(self.only_makes(node, levels - 1) for node in inner)

    def _harmless(self, node: ast.AST, mine: set[str], given: set[str]) -> bool:
        match node:
            case ast.Assign(targets=targets):
                return all(_may_set(target, mine, given) for target in targets)
            case ast.AnnAssign(target=target) | ast.For(target=target):
                return _may_set(target, mine, given)
            case ast.BinOp(left=left, right=right):
                return all(
                    isinstance(side, ast.Constant | ast.JoinedStr) or _root(side) in mine for side in (left, right)
                )
            case ast.Call():
                return self._harmless_call(node, mine, given)
        return True

    def _harmless_call(self, call: ast.Call, mine: set[str], given: set[str]) -> bool:
        match call.func:
            case ast.Name(id="setattr"):
                return bool(call.args) and _root(call.args[0]) in mine | given
            case ast.Name(id=name):
                if name in mine | given:
                    return False
                if self._binder(name) is None:
                    return name in LOOKING
                return self._makes_instance(name) or self._harmless_name(name, 1)
            case ast.Attribute(value=ast.Name(id=owner), attr=attribute) if owner not in mine | given:
                return self._imported_module(owner) in HARMLESS_MODULES or self._harmless_method(owner, attribute)
            case ast.Attribute(attr=attribute):
                return attribute in ASKING
            case ast.Call(func=ast.Attribute(value=ast.Name(id=owner))):
                return self._imported_module(owner) in HARMLESS_MODULES
            case ast.Call(func=ast.Name(id=name)):
                return self._comes_from_harmless(name)
        return False

    def _makes_instance(self, name: str) -> bool:
        found = self._class(name)
        if found is None:
            return False
        there, form = found
        assert isinstance(form.node, ast.ClassDef)
        methods = {member.name: member.node for member in form.members if member.kind is Kind.FUNCTION}
        if "__new__" in methods or form.node.keywords or form.node.decorator_list:
            return False
        if "__init__" in methods:
            return there.only_makes(methods["__init__"])
        return not form.node.bases

    def _harmless_method(self, owner: str, attribute: str) -> bool:
        found = self._class(owner)
        if found is None:
            return False
        there, form = found
        methods = [member.node for member in form.members if member.kind is Kind.FUNCTION and member.name == attribute]
        return bool(methods) and there.only_makes(methods[-1])

    def _class(self, name: str) -> tuple[Purity, Form] | None:
        """The class that a name stands for, in this module or another one of the project."""
        form = self._binder(name)
        if form is None or self._depth <= 0:
            return None
        if form.kind is Kind.CLASS:
            return self._deeper(), form
        for item in form.names.imports:
            if item.bound == name and item.name is not None:
                there = self._elsewhere(absolute(self._facts.package, item.module, item.level))
                return there._class(item.name) if there is not None else None
        return None

    def _comes_from_harmless(self, name: str) -> bool:
        form = self._binder(name)
        items = form.names.imports if form is not None else ()
        return any(item.bound == name and item.name is not None and item.module in HARMLESS_MODULES for item in items)

    def _binder(self, name: str) -> Form | None:
        return next((form for form in reversed(self._facts.forms) if name in form.names.binds), None)

    def _imported_module(self, name: str) -> str:
        form = self._binder(name)
        items = form.names.imports if form is not None else ()
        return next((item.module for item in items if item.bound == name and item.name is None), "")

    def _module_named(self, name: str) -> Purity | None:
        """The module of the project that a name stands for: `from . import util`, `import shop.util as util`."""
        form = self._binder(name)
        items = form.names.imports if form is not None else ()
        targets = [import_targets(self._facts, item)[-1] for item in items if item.bound == name and item.name != "*"]
        return self._elsewhere(targets[0]) if targets else None

    def _elsewhere(self, module: str) -> Purity | None:
        facts = self._project.facts(module) if self._depth > 0 else None
        return Purity(facts, self._project, self._depth - 1) if facts is not None else None

    def _deeper(self) -> Purity:
        return Purity(self._facts, self._project, self._depth - 1)


def _made_in(own: list[ast.AST]) -> set[str]:
    """Everything that the body binds by a name alone: it made that, or looked it up."""
    names = {node.name for node in own if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    return names | {node.id for node in own if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def _may_set(target: ast.expr, mine: set[str], given: set[str]) -> bool:
    """A name of its own, an attribute of what it made or was given, an entry of what it made."""
    match target:
        case ast.Name():
            return True
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            return all(_may_set(part, mine, given) for part in parts)
        case ast.Starred(value=value):
            return _may_set(value, mine, given)
        case ast.Attribute():
            return _root(target) in mine | given
        case ast.Subscript():
            return _root(target) in mine
    return False


def _root(target: ast.expr) -> str:
    while isinstance(target, ast.Attribute | ast.Subscript):
        target = target.value
    return target.id if isinstance(target, ast.Name) else ""


def _own_nodes(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """All nodes that run when the function is called: not those in the functions that it makes."""
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting += [*node.decorator_list, *node.args.defaults, *(d for d in node.args.kw_defaults if d)]
        elif isinstance(node, ast.Lambda):
            waiting += [*node.args.defaults, *(d for d in node.args.kw_defaults if d)]
        elif isinstance(node, ast.AnnAssign):
            waiting += [node.target, *([node.value] if node.value else [])]
        else:
            waiting += ast.iter_child_nodes(node)
