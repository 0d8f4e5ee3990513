"""What an expression stands for, as far as no code has to run for that.

A call at module level is known by what it was given. Evaluating its arguments again could open a file or start a
thread, so only names, attributes and constants are looked up; of `logging.getLogger("shop")` it is known that it is
always the same one.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping
from types import FunctionType, MethodType, ModuleType
from typing import Any

from livecode.live.reach import resolve

UNKNOWN = object()
"""Code would have to run."""


def value_of(expression: ast.expr, namespace: Mapping[str, Any]) -> Any:
    """What an expression is; `UNKNOWN` where code would have to run."""
    if isinstance(expression, ast.Constant):
        return expression.value
    if isinstance(expression, ast.Call):
        return _logger(expression, namespace)
    path = path_of(expression, namespace)
    if not path:
        return UNKNOWN
    if len(path) > 1 and type(path[-1]) is FunctionType and not isinstance(path[-2], type | ModuleType):
        return MethodType(path[-1], path[-2])
    return UNKNOWN if isinstance(path[-1], property | staticmethod | classmethod) else path[-1]


def path_of(expression: ast.expr, namespace: Mapping[str, Any]) -> list[Any]:
    """What a dotted name leads past, one thing for each of its parts; empty where it is none, or leads nowhere."""
    depth, root = 1, expression
    while isinstance(root, ast.Attribute):
        depth, root = depth + 1, root.value
    path = resolve(expression, namespace) if isinstance(root, ast.Name) else []
    return path if len(path) == depth else []


def is_it(one: Any, other: Any) -> bool:
    """True for the very same thing; every look at a method makes another object."""
    if type(one) is MethodType and type(other) is MethodType:
        return one.__self__ is other.__self__ and one.__func__ is other.__func__
    return one is other


def _logger(call: ast.Call, namespace: Mapping[str, Any]) -> Any:
    """The logger that `logging.getLogger("shop")` gives: it is always the same one."""
    logging = sys.modules.get("logging")  # who has a logger has it
    given = [value_of(item, namespace) for item in call.args]
    named = all(type(value) is str for value in given) and len(given) < 2
    if call.keywords or not named or logging is None or value_of(call.func, namespace) is not logging.getLogger:
        return UNKNOWN
    return logging.getLogger(*given)
