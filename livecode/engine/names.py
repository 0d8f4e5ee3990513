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
from collections.abc import Iterator
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
        attributes: ``(owner, attribute)`` for every ``owner.attribute`` or ``owner().attribute`` that it reads; the
            owner may be dotted.
        imports: What it imports.
        parts: ``(name, key, is attribute)`` for every `name[key] = …` and `name.key = …` with a constant key.
        surely: Those of `binds` that it binds whatever branch is taken.
        touches: Names whose object it may change, other than by calling what is not known: `L.append(1)`, `D[k] = 1`.
        whole: Names of whose object it looks at more than an attribute: `len(L)`, `D[k]`, `for x in L`.
        handed: ``(callee, name)``: names that it gives to a call, and those in a lambda that it gives.
    """

    binds: tuple[str, ...] = ()
    reads: frozenset[str] = frozenset()
    calls: frozenset[str] = frozenset()
    attributes: frozenset[tuple[str, str]] = frozenset()
    imports: tuple[Imported, ...] = ()
    parts: frozenset[tuple[str, object, bool]] = frozenset()
    surely: frozenset[str] = frozenset()
    touches: frozenset[str] = frozenset()
    whole: frozenset[str] = frozenset()
    handed: frozenset[tuple[str, str]] = frozenset()

    @property
    def updates(self) -> frozenset[str]:
        """Names that the statement both reads and binds: `T += 1`, `f = wrap(f)`."""
        return self.reads & frozenset(self.binds)

    def binding(self, name: str) -> Names:
        """The same, binding `name` too."""
        return replace(self, binds=(*self.binds, name))


def simply_bound(node: ast.AST) -> set[str]:
    """Names that a statement binds in any case: those after it on the line find them."""
    targets = node.targets if isinstance(node, ast.Assign) else []
    return {target.id for target in targets if isinstance(target, ast.Name)}


def surely_bound(node: ast.AST) -> set[str]:
    """Names that a statement binds whatever branch is taken."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.Import() | ast.ImportFrom():
            return {alias.asname or alias.name.split(".")[0] for alias in node.names}
        case ast.Assign(targets=targets) | ast.Delete(targets=targets):
            return {name for target in targets for name in targeted(target)}
        case ast.AnnAssign(value=ast.expr(), target=target) | ast.AugAssign(target=target):
            return targeted(target)
        case ast.For(target=target) | ast.AsyncFor(target=target):
            return targeted(target)  # a loop that has nothing to go through is not thought of
        case ast.With() | ast.AsyncWith():
            targets = [item.optional_vars for item in node.items if item.optional_vars is not None]
            inner = [surely_bound(item) for item in node.body]
            return set[str]().union(*inner, *map(targeted, targets))
    return {node.name.id} if type(node).__name__ == "TypeAlias" else set()  # type: ignore[attr-defined]


def parts(statement: ast.AST) -> Iterator[tuple[str, object, bool]]:
    """See `Names.parts`."""
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    for target in targets:
        match target:
            case ast.Attribute(value=ast.Name(id=name), attr=key):
                yield name, key, True
            case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=key)):
                yield name, key, False


def targeted(target: ast.AST) -> set[str]:
    """The names that an assignment to this target binds."""
    found = (item for item in ast.walk(target) if isinstance(item, ast.Name))
    return {item.id for item in found if not isinstance(item.ctx, ast.Load)}
