"""What a relative import means."""

from __future__ import annotations

import importlib.util

import pytest

from livecode.engine.facts import absolute


@pytest.mark.parametrize(
    ("package", "module", "level"),
    [
        ("", "a.b", 0),
        ("shop", "a", 0),
        ("shop", "a", 1),
        ("shop", "", 1),
        ("shop.web", "pricing", 2),
        ("shop.web", "", 2),
        ("a.b.c", "d.e", 1),
        ("a.b.c", "d.e", 3),
    ],
)
def test_as_importlib_resolves_it(package: str, module: str, level: int) -> None:
    """A relative import is resolved as importlib does."""
    assert absolute(package, module, level) == importlib.util.resolve_name("." * level + module, package)


@pytest.mark.parametrize(("package", "level"), [("a.b", 4), ("a.b.c", 5), ("a", 2)])
def test_an_import_beyond_the_top_names_nothing(package: str, level: int) -> None:
    """What Python cannot import (it raises ImportError) stands for no module."""
    assert absolute(package, "x", level) not in ("x", "a.x", "a.b.x")
