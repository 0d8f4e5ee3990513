"""Syntax trees without recursion: an expression that the compiler takes may be deeper than Python's stack.

moved        a copy of a statement, some lines further down
own_nodes    what a statement executes itself, functions and classes that it makes left closed
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TypeVar

_Node = TypeVar("_Node", bound=ast.AST)

_CLOSED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_PLACES = ("lineno", "end_lineno", "col_offset", "end_col_offset")


def moved(node: ast.stmt, lines: int) -> ast.stmt:
    """A copy of a statement, `lines` further down."""
    made: ast.stmt = _bare(node, lines)
    waiting: list[tuple[ast.AST, ast.AST]] = [(node, made)]
    while waiting:
        old, new = waiting.pop()
        for field, value in ast.iter_fields(old):
            if isinstance(value, ast.AST):
                setattr(new, field, copied := _bare(value, lines))
                waiting.append((value, copied))
            elif isinstance(value, list):
                copies = [_bare(item, lines) if isinstance(item, ast.AST) else item for item in value]
                setattr(new, field, copies)
                waiting += [(old, new) for old, new in zip(value, copies, strict=True) if isinstance(old, ast.AST)]
            else:
                setattr(new, field, value)
    return made


def _bare(node: _Node, lines: int) -> _Node:
    made = type(node).__new__(type(node))
    for place in _PLACES:
        value = getattr(node, place, None)
        if value is not None:
            setattr(made, place, value + lines if place.endswith("lineno") else value)
    return made


def own_nodes(node: ast.AST, *opened: type[ast.AST]) -> Iterator[ast.AST]:
    """A statement and all that it executes itself, in no order; the functions and classes that it makes are closed.

    Args:
        node: The statement.
        opened: Those of them that are looked into after all.
    """
    waiting = [node]
    while waiting:
        item = waiting.pop()
        yield item
        if not isinstance(item, _CLOSED) or isinstance(item, opened):
            waiting += ast.iter_child_nodes(item)
