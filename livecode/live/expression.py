"""What is to be evaluated, before it runs: one expression, or a block of statements whose last one is an expression.

    total = sum(order.price for order in shop.orders.OPEN)
    total / len(shop.orders.OPEN)

A block runs with names of its own that are thrown away: it may bind names, and keys of what its names stand for.
Statements that bind something elsewhere (attributes, names of modules that are not loaded) are refused before anything
runs. What it calls, it calls: this keeps mistakes out, not malice.
"""

from __future__ import annotations

import ast
import builtins
import sys
import textwrap
from collections.abc import Iterator
from types import CodeType
from typing import Any

from livecode.errors import UsageError

FILENAME = "<expression>"
VALUE = "<value>"
"""The name that the value of the last line is bound to: none that source can have."""

NOT_COMPILED = (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError)


def tidied(text: str) -> str:
    """The text without what all its lines are indented by, and without empty lines around it."""
    return textwrap.dedent(text.strip("\n").rstrip() if "\n" in text.strip() else text.strip())


def compiled(text: str) -> CodeType:
    """Code that binds the value to `VALUE`; it makes a coroutine where the text awaits something.

    Raises:
        UsageError: The last line is a statement, or one binds what is not the block's own.
        SyntaxError, ValueError, RecursionError, MemoryError, OverflowError: It cannot be compiled.
    """
    flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    tree: ast.Module = compile(text, FILENAME, "exec", flags, dont_inherit=True)
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.Expr):
        compile(tree, FILENAME, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        raise UsageError(_no_value(text, last))
    _check(tree)
    target = ast.copy_location(ast.Name(VALUE, ast.Store()), last)
    tree.body[-1] = ast.copy_location(ast.Assign([target], last.value), last)
    code: CodeType = compile(tree, FILENAME, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    return code


def names_for(code: CodeType, module: str) -> dict[str, Any]:
    """What the names stand for: builtins, the module's own ones, loaded modules; a dict of its own.

    Args:
        code: Made by `compiled`.
        module: The module whose own names it can use; empty for none.

    Raises:
        UsageError: The module is not loaded.
    """
    names: dict[str, Any] = {each: sys.modules[each] for each in _used(code) if each in sys.modules}
    if module:
        loaded = sys.modules.get(module)
        if loaded is None:
            raise UsageError(f"{module} is not loaded here: leave --module out, or name one that livecode status lists")
        names |= vars(loaded)
    return names | {"__builtins__": builtins, "__name__": FILENAME}


def _used(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from _used(each)


def _no_value(text: str, last: ast.stmt | None) -> str:
    if last is None:
        return "an expression is needed, such as 'len(shop.pricing.CACHE)'"
    shown = ast.get_source_segment(text, last) or text
    shown = shown.splitlines()[0]
    lead = "" if last.lineno == 1 else f"the last line must be an expression, and this is none (line {last.lineno}): "
    return (
        f"{lead}{shown!r} is a statement, and only an expression has a value: to change code, push it; "
        "a value is changed by a call, such as shop.CACHE.clear()"
    )


def _check(tree: ast.Module) -> None:
    """Pass if the statements bind nothing but names of the block, and keys of what these stand for.

    Raises:
        UsageError: One would be bound in the service.
    """
    own = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            _check_loaded([each.name for each in node.names], node.lineno)
        elif isinstance(node, ast.ImportFrom):
            module = "" if node.level else node.module or ""
            _check_loaded([module, *(f"{module}.{each.name}" for each in node.names)], node.lineno)
        elif isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
            if isinstance(node, ast.Attribute) or _root(node) not in own:
                raise UsageError(
                    f"line {node.lineno}: {ast.unparse(node)} would be changed in the service, and here only names of "
                    "your own are bound: to change code, push it; a value is changed by a call, such as "
                    "shop.CACHE.clear()"
                )


def _root(node: ast.expr) -> str:
    """The name that a chain of keys begins with; empty if it does not begin with a name."""
    while isinstance(node, ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _check_loaded(modules: list[str], line: int) -> None:
    for name in modules:
        package, _, last = name.rpartition(".")
        if name not in sys.modules and not hasattr(sys.modules.get(package), last):
            raise UsageError(
                f"line {line}: {name or 'a relative module'} is not loaded in the service, and this loads nothing there"
            )
