"""What follows when `from __future__ import annotations` comes or goes: annotations become text, or values again.

    code             every function is compiled anew, as what it defines and compiles itself inherits the import
    functions        get the annotations that a fresh import gives them; defaults and decorators are left alone
    classes          the same; those that are built from their annotations are built again in place
    who reads them   decorators, and statements that ask for annotations, are executed again
    who cannot       a metaclass that may have read them and cannot be asked again: refused

Whether somebody reads annotations is told by the words of the source; a stranger's decorator may always.
"""

from __future__ import annotations
import __future__

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from livecode.engine.facts import ClassKind, ModuleFacts, Project, absolute
from livecode.engine.forms import Form, Function, Kind, future_flags
from livecode.engine.leaves import first_line
from livecode.engine.purity import HARMLESS_BUILTINS
from livecode.engine.trees import own_nodes

READERS = frozenset(
    {
        *("__annotations__", "__annotate__", "get_type_hints", "get_annotations", "signature", "Signature"),
        *("getfullargspec", "TypeAdapter", "create_model", "validate_call"),
    }
)
"""Words of who asks for annotations."""

BLIND = frozenset({"functools", "contextlib", "abc", "typing", "typing_extensions", "types", "enum", "inspect"})
"""Modules of which no decorator looks at annotations, but for `register` of functools.singledispatch."""

FROM_ANNOTATIONS = frozenset(
    {ClassKind.DATACLASS, ClassKind.NAMED_TUPLE, ClassKind.REBUILT, ClassKind.BUILT, ClassKind.MODEL}
)
"""Classes that are built from their annotations, and can be built again."""

REREAD = "reads annotations, which are made again"
"""Why a statement is executed that did not change."""

TEXT_FLAG = __future__.annotations.compiler_flag

MAX_FOLLOWED = 50
"""Functions that are looked at to see whether one of them asks for annotations."""


def annotations_are_text(forms: Sequence[Form]) -> bool:
    """True if the source says `from __future__ import annotations`."""
    return bool(future_flags(forms) & TEXT_FLAG)


class Readers:
    """Tells which statements of one module would see other annotations if they were executed again.

    Args:
        facts: The module.
        project: Where its imports lead.
    """

    def __init__(self, facts: ModuleFacts, project: Project) -> None:
        self._facts, self._project = facts, project

    def has_to_run(self, form: Form) -> bool:
        """True for a statement, or the member of a class, that is executed again."""
        match form.node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() if len(form.nodes) == 1:
                return self._is_read(form.node)
            case ast.ClassDef() if len(form.nodes) == 1:
                return self.is_built_from_them(form)
        if form.kind in (Kind.IMPORT, Kind.FUTURE, Kind.DOC):
            return False
        if asks(form) or any(self._reads(name, strangers=False) for name in form.names.calls):
            return True
        return any(self._is_read(node) for node in _inside(form.nodes, ast.FunctionDef, ast.AsyncFunctionDef))

    def is_built_from_them(self, form: Form) -> bool:
        """True for a class that has to be built again, whatever its members."""
        kind = self._facts.classes.get(".".join((*form.scope, form.name)))
        node = form.node
        assert isinstance(node, ast.ClassDef)
        if not annotates(node):
            return False
        return kind in FROM_ANNOTATIONS or (
            kind in (ClassKind.PLAIN, ClassKind.SLOTTED)
            and (any(map(self._looks, node.decorator_list)) or self._is_told(node))
        )

    def cannot_be_asked(self, form: Form) -> bool:
        """True for a class whose metaclass may have read its annotations, and cannot build it again."""
        kind = self._facts.classes.get(".".join((*form.scope, form.name)))
        return kind is ClassKind.CUSTOM and isinstance(form.node, ast.ClassDef) and annotates(form.node)

    def _is_read(self, node: ast.AST) -> bool:
        """True for a function whose decorators may have read its annotations."""
        assert isinstance(node, Function)
        return bool(node.decorator_list and hints_of(node) and any(map(self._looks, node.decorator_list)))

    def _looks(self, decorator: ast.expr) -> bool:
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        match target:
            case ast.Attribute(value=ast.Name(), attr="setter" | "getter" | "deleter"):
                return False
            case ast.Attribute(value=ast.Name(id=owner), attr=attribute) if attribute != "register":
                return self._module(owner) not in BLIND
            case ast.Name(id=name):
                return self._reads(name, strangers=True)
        return True

    def _is_told(self, node: ast.ClassDef) -> bool:
        """True if a base that stands in the project reads the annotations of the classes derived from it."""
        return any(isinstance(base, ast.Name) and self._reads(base.id, strangers=False) for base in node.bases)

    def _reads(self, name: str, *, strangers: bool) -> bool:
        """True if what a name stands for asks for annotations, itself or by what it mentions."""
        waiting, seen = [(self._facts, name)], set[tuple[str, str]]()
        while waiting and len(seen) < MAX_FOLLOWED:
            facts, here = waiting.pop()
            if (facts.module, here) in seen:
                continue
            seen.add((facts.module, here))
            form = next((form for form in reversed(facts.forms) if here in form.names.binds), None)
            if form is None:
                if strangers and here == name and here not in HARMLESS_BUILTINS:
                    return True
                continue
            for item in form.names.imports:
                if item.bound == here and item.name is not None:
                    module = absolute(facts.package, item.module, item.level)
                    there = self._project.facts(module) if module not in BLIND else None
                    if there is not None:
                        waiting.append((there, item.name))
                    elif strangers and here == name and module not in BLIND:
                        return True
            if not form.names.imports:
                if asks(form):
                    return True
                waiting += [(facts, other) for other in form.shape.mentions]
        return bool(waiting)

    def _module(self, name: str) -> str:
        items = [item for form in self._facts.forms for item in form.names.imports if item.bound == name]
        return next((item.module for item in items if item.name is None), "")


def asks(form: Form) -> bool:
    """True if a statement asks for annotations, by whatever is called for that."""
    if READERS.isdisjoint(form.shape.words):
        return False
    every = (item for node in form.nodes for item in ast.walk(node))
    return any(
        not READERS.isdisjoint((getattr(item, "id", ""), getattr(item, "attr", ""), _said(item))) for item in every
    )


def _said(item: ast.AST) -> str:
    return item.value if isinstance(item, ast.Constant) and isinstance(item.value, str) else ""


def _inside(nodes: Iterable[ast.AST], *kinds: type[ast.AST]) -> Iterator[ast.AST]:
    return (item for node in nodes for item in own_nodes(node, ast.ClassDef) if isinstance(item, kinds))


def annotates(node: ast.ClassDef) -> bool:
    """True if a class body annotates names of its own."""
    inside = (item for statement in node.body for item in own_nodes(statement))
    return any(isinstance(item, ast.AnnAssign) and item.simple for item in inside)


def hints_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.expr]:
    """The annotations of a function's parameters, and of what it returns."""
    args = node.args
    every = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
    return [*(item.annotation for item in every if item and item.annotation), *([node.returns] if node.returns else [])]


@dataclass(frozen=True, slots=True)
class Annotated:
    """A function or class that annotates, and where.

    Attributes:
        path: Qualified name in parts; classes around it have no `<locals>`.
        node: Its definition, where it stands.
    """

    path: tuple[str, ...]
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef

    @property
    def line(self) -> int:
        """First line of its code, decorators included."""
        return first_line(self.node)

    @property
    def scope(self) -> tuple[str, ...]:
        """The classes around it; empty for what a function makes."""
        return () if "<locals>" in self.path else self.path[:-1]


def annotated_in(nodes: Iterable[ast.AST], scope: tuple[str, ...]) -> Iterator[Annotated]:
    """All functions and classes that statements make and that annotate, those that functions make included."""
    waiting = [(scope, node) for node in nodes]
    while waiting:
        path, node = waiting.pop()
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                if hints_of(node):
                    yield Annotated((*path, node.name), node)
                waiting += [((*path, node.name, "<locals>"), item) for item in node.body]
            case ast.ClassDef():
                if annotates(node) and "<locals>" not in path:
                    yield Annotated((*path, node.name), node)
                waiting += [((*path, node.name), item) for item in node.body]
            case _:
                waiting += [(path, item) for item in ast.iter_child_nodes(node)]


def only_hints(node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.stmt:
    """A function with the same annotations that does nothing: making it executes neither decorators nor defaults."""
    args = node.args
    bare = ast.arguments(
        posonlyargs=args.posonlyargs,
        args=args.args,
        vararg=args.vararg,
        kwonlyargs=args.kwonlyargs,
        kw_defaults=[None] * len(args.kwonlyargs),
        kwarg=args.kwarg,
        defaults=[],
    )
    made = ast.FunctionDef(name=node.name, args=bare, body=[_nothing(node)], decorator_list=[], returns=node.returns)
    if "type_params" in ast.FunctionDef._fields:
        made.type_params = node.type_params  # type: ignore[attr-defined, union-attr]  # from 3.12 on
    return ast.copy_location(made, node)


def _nothing(node: ast.AST) -> ast.stmt:
    return ast.copy_location(ast.Pass(), node)


def inherits(node: ast.AST) -> bool:
    """True if the code of a function differs in more than a flag: it makes what is annotated, or compiles itself."""
    for item in ast.walk(node):
        if item is not node:
            if isinstance(item, Function) and hints_of(item):
                return True
            if isinstance(item, ast.ClassDef) and annotates(item):
                return True
            if isinstance(item, ast.Name) and item.id in ("exec", "eval", "compile"):
                return True
    return False
