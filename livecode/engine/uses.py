"""How statements use the names of their module when they are executed: where they look them up, and what for.

    TABLE = build(RATE)             build is CALLED, RATE is GIVEN to a call
    PAIR = (Order, config.RATE)     Order is NAMED; config is looked INTO, as config.RATE
    SQUARES = [RATE * x for x in y] RATE is looked up by an inner scope: a comprehension, or a class body
    KEY = lambda: RATE              RATE is looked up by a function, later

An inner scope that is executed at once looks names up in the module itself, not where the statement does.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Place(StrEnum):
    """What a name is used for."""

    NAMED = "kept as it is"
    CALLED = "called"
    GIVEN = "given to a call, or to an operator"
    RUN = "given to a builtin that calls it"
    BASE = "a base of a class"


@dataclass(frozen=True, slots=True, eq=False)
class Use:
    """One use of a name of the module.

    Attributes:
        node: The name, or the chain of attributes that begins with it.
        path: The chain in parts; one part for a name alone.
        place: What it is used for.
        inner: True if a comprehension or class body looks it up.
        later: True if a lambda looks it up that is given to a call, which may call it at once.
        annotates: True in an annotation, which may be evaluated later or never.
        shadowed: True if the class body around it binds the name too: before that, it reads the module's.
    """

    node: ast.expr
    path: tuple[str, ...]
    place: Place
    inner: bool
    later: bool
    annotates: bool
    shadowed: bool


RUNNING = frozenset({"map", "filter", "sorted", "min", "max", "reduce"})
"""Builtins that call what they are given."""

KEPT = frozenset({"default_factory", "factory"})
"""Keywords of calls that keep a function for later, as `dataclasses.field` does."""

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_CATCHING = (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)
_WITH_BODIES = (
    *(ast.AugAssign, ast.If, ast.While, ast.For, ast.AsyncFor, ast.With, ast.AsyncWith, ast.Try, ast.TryStar),
    *(ast.Match, ast.match_case, ast.ExceptHandler, ast.Delete, ast.Raise, ast.Assert),
)
_KEEPING = (ast.Tuple, ast.List, ast.Set, ast.Dict, ast.Starred, ast.IfExp)


def uses_of(
    nodes: Iterable[ast.AST], local: Iterable[str] = (), class_names: Iterable[str] | None = None
) -> tuple[Use, ...]:
    """Every use of a name that is not bound by an inner scope; bodies of functions are left out.

    Args:
        nodes: Statements or expressions.
        local: Names that they do not look up in the module.
        class_names: Of the class whose body they are part of; None if they are no part of one.
    """
    finder = _Finder()
    finder.scopes = [_Scope(frozenset(local), is_class=False)]
    if class_names is not None:
        finder.scopes.append(_Scope(frozenset(class_names), is_class=True))
    for node in nodes:
        finder.visit(node, Place.NAMED)
    return tuple(finder.found)


def uses_in(function: ast.FunctionDef | ast.AsyncFunctionDef) -> tuple[Use, ...]:
    """The same for the body of a function: what calling it, and the lambdas that it makes, uses of its module."""
    finder = _Finder()
    finder.scopes = [_Scope(frozenset(_locals_of(function)), is_class=False)]
    finder.thorough = True
    finder.visit_all(function.body, Place.NAMED)
    return tuple(finder.found)


def calls_of(nodes: Iterable[ast.AST]) -> Iterator[ast.expr]:
    """What the statements call when they are executed, decorators included; bodies of functions do not count."""
    waiting = list(nodes)
    while waiting:
        item = waiting.pop()
        if isinstance(item, ast.Call):
            yield item.func
        if isinstance(item, _FUNCTIONS):
            yield from (each for each in item.decorator_list if not isinstance(each, ast.Call))
            waiting += [*item.decorator_list, *_defaults(item.args)]
        elif isinstance(item, ast.Lambda):
            waiting += _defaults(item.args)
        else:
            if isinstance(item, ast.ClassDef):
                yield from (each for each in item.decorator_list if not isinstance(each, ast.Call))
            waiting += ast.iter_child_nodes(item)


@dataclass(frozen=True, slots=True)
class _Scope:
    names: frozenset[str]
    is_class: bool


class _Finder:
    def __init__(self) -> None:
        self.found: list[Use] = []
        self.scopes: list[_Scope] = []
        self.inner = self.later = self.annotates = False
        self.thorough = False  # lambdas that are only made count too

    def visit_all(self, nodes: Iterable[ast.AST | None], place: Place) -> None:
        for node in nodes:
            if node is not None:
                self.visit(node, place)

    def visit(self, node: ast.AST, place: Place) -> None:
        path = _chain(node)
        if self.thorough and isinstance(node, ast.Name):
            path = (node.id,)  # what a function binds and is not its own is the module's, by `global`
        if path:
            self._note(node, path, place)
        elif isinstance(node, _FUNCTIONS):
            self._function(node)
        elif isinstance(node, ast.ClassDef):
            self._class(node)
        elif isinstance(node, ast.Lambda):
            self._lambda(node, place)
        elif isinstance(node, _COMPREHENSIONS):
            self._comprehension(node)
        elif isinstance(node, ast.Call):
            self._call(node)
        elif isinstance(node, ast.AnnAssign):
            self._annotations([node.annotation])
            self.visit_all([node.value, node.target], Place.NAMED)
        elif isinstance(node, ast.Subscript):
            self.visit(node.value, Place.GIVEN)
            self.visit(node.slice, Place.NAMED)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            self.visit_all([node.left, node.right], Place.NAMED)  # a union of types
        elif isinstance(node, _WITH_BODIES):
            self._statement(node)
        elif isinstance(node, (*_KEEPING, ast.stmt, ast.keyword)):
            self.visit_all(ast.iter_child_nodes(node), place)
        else:
            self.visit_all(ast.iter_child_nodes(node), Place.GIVEN)

    def _statement(self, node: ast.AST) -> None:
        """What a statement looks at, and the statements in it."""
        for child in ast.iter_child_nodes(node):
            inside = isinstance(child, (ast.stmt, *_WITH_BODIES))
            self.visit(child, Place.NAMED if inside else Place.GIVEN)

    def _note(self, node: ast.AST, path: tuple[str, ...], place: Place) -> None:
        assert isinstance(node, ast.expr)
        if any(path[0] in scope.names for scope in self.scopes if not scope.is_class):
            return
        shadowed = self.scopes[-1].is_class and path[0] in self.scopes[-1].names
        self.found.append(Use(node, path, place, self.inner, self.later, self.annotates, shadowed))

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.visit_all(node.decorator_list, Place.CALLED)
        self.visit_all(_defaults(node.args), Place.NAMED)
        arguments = [item for item in ast.walk(node.args) if isinstance(item, ast.arg)]
        self._annotations([*(item.annotation for item in arguments), node.returns])

    def _annotations(self, nodes: Sequence[ast.AST | None]) -> None:
        around, self.annotates = self.annotates, True
        self.visit_all(nodes, Place.NAMED)
        self.annotates = around

    def _class(self, node: ast.ClassDef) -> None:
        self.visit_all(node.decorator_list, Place.CALLED)
        self.visit_all(node.bases, Place.BASE)
        self.visit_all([word.value for word in node.keywords], Place.CALLED)
        named = {item.name for item in getattr(node, "type_params", ())}
        self.scopes.append(_Scope(frozenset(named), is_class=False))
        self._inside(_Scope(frozenset(bound_in(node.body)), is_class=True), node.body, Place.NAMED)
        self.scopes.pop()

    def _call(self, node: ast.Call) -> None:
        self.visit(node.func, Place.CALLED)
        runs = isinstance(node.func, ast.Name) and node.func.id in RUNNING
        self.visit_all(node.args, Place.RUN if runs else Place.GIVEN)
        for word in node.keywords:
            self.visit(word.value, Place.NAMED if word.arg in KEPT else Place.RUN if runs else Place.GIVEN)

    def _lambda(self, node: ast.Lambda, place: Place) -> None:
        self.visit_all(_defaults(node.args), Place.NAMED)
        if place is Place.NAMED and not self.thorough:
            return  # it is made, and called later
        later, self.later = self.later, True
        given = frozenset(item.arg for item in ast.walk(node.args) if isinstance(item, ast.arg))
        self._inside(_Scope(given, is_class=False), [node.body])
        self.later = later

    def _comprehension(self, node: ast.AST) -> None:
        generators: list[ast.comprehension] = node.generators  # type: ignore[attr-defined]
        self.visit(generators[0].iter, Place.GIVEN)
        results = [getattr(node, name) for name in ("elt", "key", "value") if hasattr(node, name)]
        rest = [each for part in generators for each in (*part.ifs, part.target)]
        iterated = [part.iter for part in generators[1:]]
        targets = (item for part in generators for item in ast.walk(part.target))
        own = _Scope(frozenset(item.id for item in targets if isinstance(item, ast.Name)), is_class=False)
        self._inside(own, results, Place.NAMED)
        self._inside(own, [*rest, *iterated])

    def _inside(self, own: _Scope, nodes: Iterable[ast.AST], place: Place = Place.GIVEN) -> None:
        inner, self.inner = self.inner, True
        self.scopes.append(own)
        self.visit_all(nodes, place)
        self.scopes.pop()
        self.inner = inner


def bound_in(body: Sequence[ast.AST]) -> set[str]:
    """Names that statements bind in their own scope."""
    bound: set[str] = set()
    waiting = list(body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            bound.add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            bound |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            bound.add(node.name)
        elif name := getattr(node, "name", None) if isinstance(node, _CATCHING) else None:
            bound.add(name)
        elif isinstance(node, ast.MatchMapping) and node.rest:
            bound.add(node.rest)
        if isinstance(node, _COMPREHENSIONS):
            waiting += [item for item in ast.walk(node) if isinstance(item, ast.NamedExpr)]
        elif not isinstance(node, (*_FUNCTIONS, ast.ClassDef, ast.Lambda)):
            waiting += ast.iter_child_nodes(node)
    return bound


def _locals_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    declared = {name for node in ast.walk(function) if isinstance(node, ast.Global) for name in node.names}
    given = {item.arg for item in ast.walk(function.args) if isinstance(item, ast.arg)}
    return (bound_in(function.body) | given) - declared


def _chain(node: ast.AST) -> tuple[str, ...]:
    """`a.b.c` in parts; empty for what is no such chain, or is bound."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or not isinstance(node.ctx, ast.Load):
        return ()
    return (node.id, *reversed(parts))


def _defaults(arguments: ast.arguments) -> list[ast.expr]:
    return [item for item in (*arguments.defaults, *arguments.kw_defaults) if item is not None]
