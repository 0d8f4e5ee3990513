"""What syntax trees say, wherever they stand: as text that is the same for the same trees."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection
from operator import attrgetter
from typing import Any

_MAKERS = frozenset({ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda})
_NOTED = _MAKERS | {ast.Name}


class Reading:
    """Reads trees once and notes what it met.

    Args:
        blank: `id` of the functions and lambdas whose bodies are left out.

    Attributes:
        names: The names that were met as names, not as attributes.
        made: Names of the functions, lambdas and classes that were met, in order.
    """

    def __init__(self, blank: Collection[int] = ()) -> None:
        self.names: set[str] = set()
        self.made: list[str] = []
        self._blank = blank
        self._said: list[str] = []

    def read(self, tree: ast.AST | list[ast.AST]) -> None:
        """Reads a tree or several. Without recursion: the compiler allows deeper trees than Python calls."""
        said, waiting = self._said, list[Any]([tree])
        while waiting:
            item = waiting.pop()
            kind = type(item)
            fields = (_FIELDS_BUT_BODY if kind in _MAKERS and id(item) in self._blank else _FIELDS)[kind]
            if fields is not None:
                said.append(kind.__name__)
                if kind in _NOTED:
                    self._note(item)
                waiting += fields(item)
            elif kind is list:
                said.append(f"[{len(item)}")
                waiting += reversed(item)
            else:
                said.append(repr(item))

    def digest(self) -> str:
        """All that was read: equal for equal trees."""
        return "\n".join(self._said)

    def _note(self, node: Any) -> None:
        if isinstance(node, ast.Name):
            self.names.add(node.id)
        else:
            self.made.append("<lambda>" if isinstance(node, ast.Lambda) else node.name)


def alike(one: object, other: object) -> bool:
    """True for two trees, or lists of trees, that say the same; found out up to the first difference."""
    waiting: list[tuple[Any, Any]] = [(one, other)]
    while waiting:
        mine, theirs = waiting.pop()
        kind = type(mine)
        if kind is not type(theirs):
            return False
        fields = _FIELDS[kind]
        if fields is not None:
            waiting += zip(fields(mine), fields(theirs), strict=True)
        elif kind is list:
            if len(mine) != len(theirs):
                return False
            waiting += zip(reversed(mine), reversed(theirs), strict=True)
        elif mine is not theirs and repr(mine) != repr(theirs):
            return False
    return True


class _Fields(dict[type, Callable[[Any], tuple[Any, ...]] | None]):
    """What reads the fields of a node that count, last first, by the kind of node; None for what is no node.

    Args:
        silent: Fields that are left out.
    """

    def __init__(self, *silent: str) -> None:
        super().__init__()
        self._silent = silent

    def __missing__(self, kind: type) -> Callable[[Any], tuple[Any, ...]] | None:
        names = [name for name in reversed(getattr(kind, "_fields", ())) if name not in self._silent]
        found = self[kind] = _getter(names) if issubclass(kind, ast.AST) else None
        return found


def _getter(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    if len(names) > 1:
        return attrgetter(*names)
    return lambda node: tuple(getattr(node, name) for name in names)


_FIELDS = _Fields("ctx")  # which follows from where a node stands
_FIELDS_BUT_BODY = _Fields("ctx", "body")
