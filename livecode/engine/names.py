"""Which names a statement binds and reads *when it is executed* (not when the functions it makes are called).

    @deco            reads deco, RATE and X; binds f; calls deco
    def f(a=RATE):   nothing of the body counts
        return X

Rules, after the language reference ("Naming and binding"): comprehension variables are their own, the walrus binds
around them; a class body has its own names, but what it reads and does not bind comes from the module; `del` and
augmented assignment read what they bind; annotations count as read where they are evaluated.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Imported:
    """One name of an import statement.

    Attributes:
        module: Dotted name as written, without the leading dots.
        name: The name taken from it, ``*`` for all, None for ``import module``.
        bound: The name it gets here; ``*`` for a star import.
        level: Number of leading dots.
    """

    module: str
    name: str | None
    bound: str
    level: int


@dataclass(frozen=True, slots=True)
class Names:
    """What executing a statement does with names.

    Attributes:
        binds: Names that it binds, in order.
        reads: Names that it reads from the module or the builtins.
        calls: Names that it calls, as functions or decorators: what these read counts too.
        attributes: ``(owner, attribute)`` for every ``owner.attribute`` that it reads; the owner may be dotted.
        imports: What it imports.
        parts: ``(name, key, is attribute)`` for every `name[key] = …` and `name.key = …` with a constant key.
    """

    binds: tuple[str, ...] = ()
    reads: frozenset[str] = frozenset()
    calls: frozenset[str] = frozenset()
    attributes: frozenset[tuple[str, str]] = frozenset()
    imports: tuple[Imported, ...] = ()
    parts: frozenset[tuple[str, object, bool]] = frozenset()

    @property
    def updates(self) -> frozenset[str]:
        """Names that the statement both reads and binds: `T += 1`, `f = wrap(f)`."""
        return self.reads & frozenset(self.binds)

    def binding(self, name: str) -> Names:
        """The same, binding `name` too."""
        return replace(self, binds=(*self.binds, name))


def names_of(nodes: Sequence[ast.AST]) -> Names:
    """What executing these statements binds and reads."""
    finder = _Finder()
    for node in nodes:
        finder.visit(node)
        finder.sure |= _simply_bound(node)
    return Names(
        tuple(finder.binds),
        frozenset(finder.reads),
        frozenset(finder.calls),
        frozenset(finder.attributes),
        tuple(finder.imports),
        frozenset(part for node in nodes for part in _parts(node)),
    )


def _simply_bound(node: ast.AST) -> set[str]:
    """Names that a statement binds in any case: those after it on the line find them."""
    targets = node.targets if isinstance(node, ast.Assign) else []
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _parts(statement: ast.AST) -> Iterator[tuple[str, object, bool]]:
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    for target in targets:
        match target:
            case ast.Attribute(value=ast.Name(id=name), attr=key):
                yield name, key, True
            case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=key)):
                yield name, key, False


def _dotted(node: ast.expr) -> str:
    """`a.b.c` as text; empty for what is no such chain."""
    if isinstance(node, ast.Name):
        return node.id
    owner = _dotted(node.value) if isinstance(node, ast.Attribute) else ""
    return f"{owner}.{node.attr}" if owner and isinstance(node, ast.Attribute) else ""


def names_in_body(node: ast.AST) -> frozenset[str]:
    """Every name of the module that a statement mentions, bodies of functions included: what calling it may read."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        return _names_in_function(node)
    here = {node.id} if isinstance(node, ast.Name) else set[str]()
    return frozenset(here.union(*map(names_in_body, ast.iter_child_nodes(node))))


def _names_in_function(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> frozenset[str]:
    """Without its parameters and what it assigns, unless it says `global`."""
    body = node.body if isinstance(node.body, list) else [node.body]
    own = [item for statement in body for item in _own_scope(statement)]
    declared = {name for item in own if isinstance(item, ast.Global) for name in item.names}
    local = {item.arg for item in ast.walk(node.args) if isinstance(item, ast.arg)}
    inner = {id(name) for item in own if isinstance(item, _COMPREHENSIONS) for name in _comprehended(item)}
    stored = [item for item in own if isinstance(item, ast.Name) and not isinstance(item.ctx, ast.Load)]
    local |= {item.id for item in stored if id(item) not in inner}
    inside = frozenset().union(*map(names_in_body, body)) if body else frozenset[str]()
    around = [*getattr(node, "decorator_list", ()), *node.args.defaults, *(d for d in node.args.kw_defaults if d)]
    outside = frozenset[str]().union(*map(names_in_body, around))
    return (inside - (local - declared)) | declared | outside


def _comprehended(node: ast.AST) -> Iterator[ast.AST]:
    """The targets of a comprehension, which are its own."""
    for part in getattr(node, "generators", ()):
        yield from ast.walk(part.target)


def _stored(target: ast.AST) -> set[str]:
    return {item.id for item in ast.walk(target) if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store)}


_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def _own_scope(node: ast.AST) -> Iterator[ast.AST]:
    """A statement of a function without the functions and classes that it makes."""
    yield node
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
        for child in ast.iter_child_nodes(node):
            yield from _own_scope(child)


class _Finder(ast.NodeVisitor):
    def __init__(self) -> None:
        self.binds: dict[str, None] = {}
        self.reads: set[str] = set()
        self.calls: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()
        self.imports: list[Imported] = []
        # of comprehensions and class bodies around the node, innermost last; True stands for a class body
        self.locals: list[tuple[bool, set[str]]] = []
        self.in_class = 0
        self.sure: set[str] = set()  # bound before by the statement itself, whatever branch is taken

    def bind(self, name: str) -> None:
        if self.in_class:
            self.locals[-1][1].add(name)
        else:
            self.binds[name] = None

    def visit_all(self, nodes: Iterable[ast.AST | None]) -> None:
        for node in nodes:
            if node is not None:
                self.visit(node)

    def is_local(self, name: str) -> bool:
        """True for what a comprehension around binds, and for what the class body binds that the name stands in."""
        for number, (is_class, names) in enumerate(reversed(self.locals)):
            if name in names and (not is_class or number == 0):
                return True
        return False

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            if not self.is_local(node.id) and node.id not in self.sure:
                self.reads.add(node.id)
        elif not (self.locals and not self.locals[-1][0] and self.is_local(node.id)):
            self.bind(node.id)
            if isinstance(node.ctx, ast.Del):
                self.reads.add(node.id)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        owner = _dotted(node.value)
        if owner and isinstance(node.ctx, ast.Load):
            self.attributes.add((owner, node.attr))
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name) and not self.is_local(node.target.id):
            self.reads.add(node.target.id)
        if isinstance(node.target, ast.Attribute) and isinstance(node.target.value, ast.Name):
            self.attributes.add((node.target.value.id, node.target.attr))
        self.visit(node.value)
        self.visit(node.target)

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit_all([node.value, *node.targets])

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.visit_all([node.value, node.annotation])
        if node.value is not None or not isinstance(node.target, ast.Name):
            self.visit(node.target)

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self.visit_all([node.iter, node.target])
        self.visit_knowing(_stored(node.target), node.body)
        self.visit_all(node.orelse)

    visit_AsyncFor = visit_For  # noqa: N815

    def visit_With(self, node: ast.With | ast.AsyncWith) -> None:
        self.visit_all(node.items)
        targets = [item.optional_vars for item in node.items if item.optional_vars is not None]
        self.visit_knowing({name for target in targets for name in _stored(target)}, node.body)

    visit_AsyncWith = visit_With  # noqa: N815

    def visit_match_case(self, node: ast.match_case) -> None:
        self.visit_all([node.pattern])
        captured = {getattr(item, "name", None) or getattr(item, "rest", None) for item in ast.walk(node.pattern)}
        self.visit_knowing({name for name in captured if name}, [*([node.guard] if node.guard else []), *node.body])

    def visit_knowing(self, names: set[str], body: Sequence[ast.AST]) -> None:
        """Visits what finds these names bound."""
        known, self.sure = self.sure, self.sure if self.in_class else self.sure | names
        self.visit_all(body)
        self.sure = known

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Name):
            self.calls.add(node.func.id)
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.visit_decorators(node.decorator_list)
        arguments = node.args
        self.visit_all([*arguments.defaults, *arguments.kw_defaults])
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        self.visit_all([*(item.annotation for item in every if item), node.returns])
        self.bind(node.name)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self.visit_all([*node.args.defaults, *node.args.kw_defaults])

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.visit_decorators(node.decorator_list)
        self.visit_all([*node.bases, *node.keywords])
        self.locals.append((True, set()))
        self.in_class += 1
        self.visit_all(node.body)
        self.in_class -= 1
        self.locals.pop()
        self.bind(node.name)

    def visit_decorators(self, decorators: Sequence[ast.expr]) -> None:
        for decorator in decorators:
            self.visit(decorator)
            root: ast.expr = decorator
            while isinstance(root, ast.Call | ast.Attribute):
                root = root.func if isinstance(root, ast.Call) else root.value
            if isinstance(root, ast.Name):
                self.calls.add(root.id)

    def visit_ListComp(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> None:
        self.visit_comprehension_of(node.generators, [node.elt])

    visit_SetComp = visit_GeneratorExp = visit_ListComp  # noqa: N815

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self.visit_comprehension_of(node.generators, [node.key, node.value])

    def visit_comprehension_of(self, generators: Sequence[ast.comprehension], results: Sequence[ast.expr]) -> None:
        targets = {
            item.id
            for part in generators
            for item in ast.walk(part.target)
            if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store)
        }
        self.visit(generators[0].iter)
        self.locals.append((False, targets))
        in_class, self.in_class = self.in_class, 0
        for index, part in enumerate(generators):
            self.visit_all([part.iter] if index else [])
            self.visit_all(part.ifs)
        self.visit_all(results)
        self.in_class = in_class
        self.locals.pop()

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        self.bind(node.target.id)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        self.visit_all([node.type, *node.body])  # the name is unbound again at the end of the handler

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            bound = alias.asname or alias.name.split(".")[0]
            self.bind(bound)
            self.imports.append(Imported(alias.name, None, bound, 0))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            bound = alias.asname or alias.name
            if bound != "*":
                self.bind(bound)
            self.imports.append(Imported(node.module or "", alias.name, bound, node.level))

    def visit_MatchAs(self, node: ast.MatchAs | ast.MatchStar) -> None:
        self.generic_visit(node)
        if node.name:
            self.bind(node.name)

    visit_MatchStar = visit_MatchAs  # noqa: N815

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        self.generic_visit(node)
        if node.rest:
            self.bind(node.rest)

    def visit_TypeAlias(self, node: ast.AST) -> None:
        self.bind(node.name.id)  # type: ignore[attr-defined]  # the value is evaluated lazily (PEP 695)
