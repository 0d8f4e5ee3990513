"""The leaves of a statement: functions and lambdas that executing it makes, but whose bodies are not run then."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from livecode.engine.reading import Reading, alike


class Grown(Protocol):
    """What leaves grow on: it can forget their trees, and has them again when it is asked."""

    @property
    def leaves(self) -> Sequence[tuple[tuple[str, ...], Any]]:
        """The names of the leaves, in parts, and their trees."""

    @property
    def lines(self) -> Sequence[str]:
        """The lines that the statement stands in."""


@dataclass(frozen=True, eq=False)
class Leaf:
    """A function or lambda that executing the form makes.

    Attributes:
        path: Qualified name in parts, ``("Order", "total")``; a lambda is ``<lambda>``.
        line: Its code's first line (decorators count), relative to the first line of its form.
        text: The full lines that it stands in.
        within: The trees of its form.
        number: How many leaves stand before it there.
    """

    path: tuple[str, ...]
    line: int
    text: str
    within: Grown
    number: int

    @property
    def node(self) -> ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda:
        """Its syntax tree."""
        node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda = self.within.leaves[self.number][1]
        return node

    @property
    def name(self) -> str:
        """Last part of the path: the `co_name` of its code."""
        return self.path[-1]

    @property
    def body(self) -> Any:
        """What calling it executes: statements, or an expression."""
        return self.node.body

    @cached_property
    def nested(self) -> tuple[str, ...]:
        """Names of the functions and lambdas made by the body, in order."""
        if self.text.count("def") < 2 and "class" not in self.text and "lambda" not in self.text:
            return ()
        return self._said[0]

    @cached_property
    def knows_class(self) -> bool:
        """True if the body uses `super()`, `__class__` or a type parameter, which makes it a closure."""
        scoped = {"super", "__class__", *(item.name for item in getattr(self.node, "type_params", ()))}
        said = not self.text.isascii() or any(name in self.text for name in scoped)
        return said and not scoped.isdisjoint(self._said[1])

    def differs(self, other: Leaf) -> bool:
        """True if the bodies are not the same; statements that are written alike are not compared further."""
        mine, theirs = self.body, other.body
        if not isinstance(mine, list) or not isinstance(theirs, list) or len(mine) != len(theirs):
            return not alike(mine, theirs)
        pairs, here, there = zip(mine, theirs, strict=True), self.within.lines, other.within.lines
        return any(not alike(a, b) for a, b in pairs if self._written(a, here) != other._written(b, there))

    def _written(self, statement: ast.stmt, lines: Sequence[str]) -> tuple[int, Sequence[str]]:
        """The column at which a statement of the body begins, and its lines of all those."""
        origin = first_line(self.node) - self.line
        last: int = statement.end_lineno or statement.lineno
        return statement.col_offset, lines[first_line(statement) - origin : last - origin + 1]

    @cached_property
    def _said(self) -> tuple[tuple[str, ...], frozenset[str]]:
        """What the body makes, and the names in it."""
        reading = Reading()
        reading.read(self.body)
        return tuple(reading.made), frozenset(reading.names)


def first_line(node: ast.AST) -> int:
    """The line of a statement's first decorator, or its own: `co_firstlineno` of the code it makes."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    own: int = node.lineno  # type: ignore[attr-defined]
    return min([own, *(item.lineno for item in decorators)])


def leaf_nodes(nodes: Sequence[ast.AST], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The trees of the leaves of some statements, in order of the source, with their qualified names in parts."""
    waiting = [(path, node, False) for node in reversed(nodes)]
    while waiting:
        where, node, open_already = waiting.pop()
        if open_already:
            yield where, node
        else:
            waiting += reversed(_opened(node, where))


def _opened(node: ast.AST, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], ast.AST, bool]]:
    """Where leaves may be inside of a node, in order, under the names of the classes around; itself if it is one."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            around = [(path, item, False) for item in (*node.decorator_list, *_defaults(node.args))]
            return [*around, ((*path, node.name), node, True)]
        case ast.Lambda():
            return [*((path, item, False) for item in _defaults(node.args)), ((*path, "<lambda>"), node, True)]
        case ast.ClassDef():
            outer = [*node.decorator_list, *node.bases, *(word.value for word in node.keywords)]
            inner = [((*path, node.name), item, False) for item in node.body]
            return [*((path, item, False) for item in outer), *inner]
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            return []  # one lambda here makes many functions: they are made again
    return [(path, item, False) for item in ast.iter_child_nodes(node)]


def _defaults(args: ast.arguments) -> list[ast.AST]:
    return [item for item in (*args.defaults, *args.kw_defaults) if item is not None]
