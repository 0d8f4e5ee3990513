"""What syntax trees say, wherever they stand: as text that is the same for the same trees."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping

_MAKERS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_SILENT = frozenset({"ctx"})
"""Fields that follow from where a node stands in its tree."""


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
        said, waiting = self._said, list[object]([tree])
        while waiting:
            item = waiting.pop()
            if isinstance(item, ast.AST):
                said.append(type(item).__name__)
                self._note(item)
                waiting += [getattr(item, name, None) for name in self._fields(item)]
            elif type(item) is list:
                said.append(f"[{len(item)}")
                waiting += reversed(item)
            else:
                said.append(repr(item))

    def digest(self) -> str:
        """All that was read: equal for equal trees."""
        return "\n".join(self._said)

    def _note(self, node: ast.AST) -> None:
        if isinstance(node, ast.Name):
            self.names.add(node.id)
        elif isinstance(node, _MAKERS):
            self.made.append(node.name)
        elif isinstance(node, ast.Lambda):
            self.made.append("<lambda>")

    def _fields(self, node: ast.AST) -> tuple[str, ...]:
        """The names of a node's fields that count, last first."""
        fields = _FIELDS[type(node)]
        return tuple(name for name in fields if name != "body") if id(node) in self._blank else fields


class _Fields(dict[type[ast.AST], tuple[str, ...]]):
    def __missing__(self, kind: type[ast.AST]) -> tuple[str, ...]:
        found = self[kind] = tuple(name for name in reversed(kind._fields) if name not in _SILENT)
        return found


_FIELDS: Mapping[type[ast.AST], tuple[str, ...]] = _Fields()
