"""The syntax trees of one statement: kept as long as they are few, forgotten where there are many, parsed again.

Trees are many times as large as their text, and those of a long module take long to collect and to free, both of
which happen in one go while nothing else runs. So the trees of long modules are forgotten when a push is planned.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from livecode.engine.leaves import leaf_nodes
from livecode.engine.pieces import parse_text, split_lines

_AROUND = "class _:\n"
"""Stands around a member while it is parsed alone."""


class Syntax:
    """The trees of a statement, and of the functions in it.

    Args:
        text: The full lines.
        scope: Qualified name of the class around it, in parts.
        nodes: The trees, if they are known.
        origin: The line at which they think they start.

    Attributes:
        origin: The same; another one after they were forgotten.
    """

    def __init__(self, text: str, scope: tuple[str, ...], nodes: Sequence[ast.stmt], origin: int) -> None:
        self._text, self._scope, self.origin = text, scope, origin
        self.nodes = tuple(nodes)

    @cached_property
    def nodes(self) -> tuple[ast.stmt, ...]:
        """The trees; several only if they share a line."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the author has seen them
            if not self._scope:
                return tuple(parse_text(self.lines))
            (around,) = ast.parse(_AROUND + self._text).body
        assert isinstance(around, ast.ClassDef)
        return tuple(around.body)

    @cached_property
    def leaves(self) -> tuple[tuple[tuple[str, ...], Any], ...]:
        """The functions and lambdas that it makes: their qualified names in parts, and their trees."""
        return tuple(leaf_nodes(self.nodes, self._scope))

    @cached_property
    def lines(self) -> list[str]:
        """The lines that it stands in."""
        return split_lines(self._text)

    def forget(self) -> None:
        """Lets go of the trees, if its lines parse alone."""
        if "nodes" in self.__dict__ and self.parses_alone():
            self.__dict__.pop("leaves", None)
            self.__dict__.pop("lines", None)
            many = [inner for node in self.__dict__.pop("nodes") for inner in getattr(node, "body", ())]
            while many:  # one after the other: freeing a long class in one go takes long
                many.pop()
            self.origin = 1 + _AROUND.count("\n") if self._scope else 1

    def parses_alone(self) -> bool:
        """False where a statement may follow on the same logical line, and for a member on the line of its class."""
        return not self._text.endswith("\\\n") and (not self._scope or self._text[0] in " \t")
