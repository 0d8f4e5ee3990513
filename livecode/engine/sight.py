"""What a statement on the stage sees through: names that are not what the module says, until the push is visible.

The statement itself looks names up on the stage. What looks them up elsewhere is written anew before it is compiled:

    [RATE for _ in y]     RATE becomes ‹stage of this module›.RATE     a comprehension looks up the module's names
    config.RATE           config becomes ‹stage of config›             the module object has no RATE yet
    build()               build becomes ‹clones›.build                 the function still does what it did

‹…› is a constant, which is replaced by the real thing just before the statement is executed.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import CodeType
from typing import Any

from livecode.engine.uses import Place, Use, uses_of

Named = tuple[str, str]
"""A module and a name of it."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What one statement sees otherwise than its module.

    Attributes:
        inner: Names of the module that its comprehensions and class bodies look up.
        owners: Module as the statement writes it → its name, where an attribute of it is on the stage.
        calls: Function as the statement writes it → which function it calls, as a clone.
        clones: Functions of which these calls need clones that see the stage.
        fresh: Functions of which they need clones in the live namespace: all that is new about them is their own code.
    """

    inner: frozenset[str] = frozenset()
    owners: Mapping[str, str] = field(default_factory=dict)
    calls: Mapping[str, Named] = field(default_factory=dict)
    clones: frozenset[Named] = frozenset()
    fresh: frozenset[Named] = frozenset()

    @property
    def is_plain(self) -> bool:
        """True if the statement can be compiled as it stands."""
        return not (self.inner or self.owners or self.calls)


def marker(kind: str, module: str) -> str:
    """The constant that stands for the stage (``stage``) or the clones (``clones``) of a module."""
    return f"\0livecode {kind} of {module}"


def seen_through(
    nodes: Sequence[ast.stmt], sight: Sight, module: str, class_names: frozenset[str] | None = None
) -> list[ast.stmt]:
    """The statements as they are compiled; nothing is changed in place.

    Args:
        nodes: As they stand in the source.
        sight: What they see.
        module: Where they stand.
        class_names: Of the class whose body they are part of.
    """
    written: dict[int, ast.expr] = {}
    for use in uses_of(nodes, class_names=class_names):
        other = _otherwise(use, sight, module)
        if other is not None:
            written[id(use.node)] = other
    return [_copy(node, written) for node in nodes]


def _otherwise(use: Use, sight: Sight, module: str) -> ast.expr | None:
    whole = ".".join(use.path)
    if not isinstance(getattr(use.node, "ctx", None), ast.Load):
        return None
    if use.place is Place.CALLED and whole in sight.calls:
        there, name = sight.calls[whole]
        return _attributes(use.node, marker("clones", there), (name,))
    for length in range(len(use.path) - 1, 0, -1):
        owner = ".".join(use.path[:length])
        if owner in sight.owners:
            return _attributes(use.node, marker("stage", sight.owners[owner]), use.path[length:])
    if use.inner and not use.shadowed and use.path[0] in sight.inner:
        return _attributes(use.node, marker("stage", module), use.path)
    return None


def _attributes(place: ast.expr, constant: str, path: Sequence[str]) -> ast.expr:
    made: ast.expr = ast.copy_location(ast.Constant(constant), place)
    for name in path:
        made = ast.copy_location(ast.Attribute(value=made, attr=name, ctx=ast.Load()), place)
    return made


def _copy(node: Any, written: Mapping[int, ast.expr]) -> Any:
    if isinstance(node, list):
        return [_copy(item, written) for item in node]
    if not isinstance(node, ast.AST):
        return node
    if id(node) in written:
        return written[id(node)]
    fields = {name: _copy(getattr(node, name, None), written) for name in node._fields}
    return ast.copy_location(type(node)(**fields), node)


def filled(code: CodeType, thing: Callable[[str], object]) -> CodeType:
    """The code with its markers replaced by what they stand for."""
    constants = tuple(
        filled(item, thing)
        if isinstance(item, CodeType)
        else thing(item)
        if isinstance(item, str) and item.startswith("\0livecode ")
        else item
        for item in code.co_consts
    )
    if all(new is old for new, old in zip(constants, code.co_consts, strict=True)):
        return code
    return code.replace(co_consts=constants)
