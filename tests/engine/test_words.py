"""Which words matter to what importing a module does."""

from __future__ import annotations

import pytest

from livecode.engine.words import import_words


@pytest.mark.parametrize(
    "source",
    [
        "X = f()",
        "X = [\n    1,\n    f(),\n]",
        "from m import f as g\nX = g()",
        "def a():\n    return f()\nX = a()",
        "def a():\n    return f()\ndef b():\n    return a()\nX = b()",
        "class A:\n    def m(self):\n        return f()\nX = A().m()",
        "@deco\nclass A:\n    x = f()",
        "@deco(f)\ndef a():\n    pass",
        "@deco\n# why\ndef a(x=f()):\n    pass",
        "@deco\ndef a():\n    return f()\nX = a()",
        "if 1:\n    X = f()",
        "try:\n    from m import f\nexcept ImportError:\n    f = None",
        "def a(): pass; X = 1\nY = f()",
        "import m; X = m.f()",
        'X = """\ndef a():\n    """ + f()',
        "async def a():\n    return f()\nX = run(a())",
    ],
)
def test_what_an_import_makes(source: str) -> None:
    """A word matters to what is made if a statement that makes something leads to it, through definitions too."""
    assert "f" in import_words(source).makes


@pytest.mark.parametrize(
    "source",
    [
        "from m import f",
        "from m import (\n    f,\n)",
        "import m\ndef a(): return m.f()",
        "from m import f\nX = 1\ndef a(x, y=1):\n    return f(x)",
        "def a(\n    x=1,\n):\n    return f()\n",
        "class A:\n    def m(self): return f()\nX = 1",
        "def a():\n    return f()\ndef b():\n    return a()\nX = 1",
    ],
)
def test_what_only_a_call_comes_upon(source: str) -> None:
    """What is imported, and what bodies say that no statement leads to, matters to nothing that was made."""
    assert "f" not in import_words(source).makes


@pytest.mark.parametrize(
    "source",
    [
        "from m import K",
        "import m\ndef a(x=m.K): pass",
        "def a(\n    x=(1, K),\n): pass",
        "def a(x: K) -> None: pass",
        "class A(K): pass",
        "class A:\n    x = K",
        "def a() -> 'K': pass",
        "X = K",
    ],
)
def test_what_an_import_reads(source: str) -> None:
    """A word is read if anything that an import executes has it: imports, heads of functions, bodies of classes."""
    assert "K" in import_words(source).reads


@pytest.mark.parametrize(
    "source", ["def a(): return K", "def a(x=1):\n    return K\n", "def K(): pass", "def a(x: int) -> int: return K"]
)
def test_what_an_import_does_not_read(source: str) -> None:
    """What stands in the body of a function, and the name that a definition has itself, is not read by the import."""
    assert "K" not in import_words(source).reads


def test_star_imports_are_told() -> None:
    """Who imports all names of a module comes upon names that it does not write."""
    assert import_words("from m import *").stars
    assert not import_words("from m import a\nX = 2 * a").stars
