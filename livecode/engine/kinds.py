"""What a statement is, as far as the engine treats it differently: its kind, its decorators, the mark in a comment."""

from __future__ import annotations

import ast
import tokenize
from collections.abc import Iterator, Sequence
from enum import StrEnum

from livecode.engine.pieces import split_lines

KEEP_MARK = "# livecode: keep"
"""On a line of a statement: its value stays even if the statement changed."""


class Kind(StrEnum):
    """What a form is, as far as the engine treats it differently."""

    FUNCTION = "function"
    CLASS = "class"
    IMPORT = "import"
    FUTURE = "future"
    DOC = "doc"
    VALUE = "value"
    OTHER = "other"


def kind_of(nodes: Sequence[ast.stmt], *, first: bool) -> Kind:
    """What a statement is; several that share a line are nothing special.

    Args:
        nodes: Its trees.
        first: True if nothing stands before it.
    """
    if len(nodes) > 1:
        return Kind.OTHER
    match nodes[0]:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return Kind.FUNCTION
        case ast.ClassDef():
            return Kind.CLASS
        case ast.ImportFrom(module="__future__"):
            return Kind.FUTURE
        case ast.Import() | ast.ImportFrom():
            return Kind.IMPORT
        case ast.Expr(value=ast.Constant(value=str())) if first:
            return Kind.DOC
        case ast.Assign() | ast.AnnAssign():
            return Kind.VALUE
    return Kind.OTHER


def decorators_of(nodes: Sequence[ast.AST]) -> Iterator[ast.expr]:
    """Those of the functions and classes that the statements make, methods included."""
    for node in nodes:
        yield from getattr(node, "decorator_list", ())
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from decorators_of(list(ast.iter_child_nodes(node)))


def is_kept(text: str) -> bool:
    """True if a comment in the lines of a statement is the mark."""
    return KEEP_MARK in text and any(KEEP_MARK in comment for comment in _comments(text))


def _comments(text: str) -> Iterator[str]:
    try:
        for token in tokenize.generate_tokens(iter(split_lines(text)).__next__):
            if token.type == tokenize.COMMENT:
                yield token.string
    except (tokenize.TokenError, SyntaxError):  # the lines of a member are indented: what was said stands
        return
