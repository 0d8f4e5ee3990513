"""Decorators that may hand their function to a registry."""

from __future__ import annotations

import pytest

from livecode.engine.forms import parse
from livecode.engine.registrations import registering as registering_in
from tests.engine.fake import FakeProject


def registering(source: str, **others: str) -> str:
    """Which decorator of the last form of module `m` may register first."""
    project = FakeProject({"m": source, **others})
    facts = project.facts("m")
    assert facts is not None
    return next((f"@{name}" for name in registering_in(facts.forms[-1], facts, project)), "")


WRAPS = "def deco(f):\n    def w(*a): return f(*a)\n    return w\n"
LISTS = "def deco(f):\n    ALL.append(f)\n    return f\n"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def f(): pass", ""),
        ("@property\ndef f(): pass", ""),
        ("@staticmethod\ndef f(): pass", ""),
        ("@app.get('/')\ndef f(): pass", "@app.get"),
        ("@property\n@app.get('/')\ndef f(): pass", "@app.get"),
        ("@unknown\ndef f(): pass", "@unknown"),
        ("@f.setter\ndef f(): pass", ""),
        ("@f.register\ndef f(): pass", "@f.register"),
        ("import functools\n@functools.wraps(x)\ndef f(): pass", ""),
        ("import functools as ft\n@ft.lru_cache(maxsize=None)\ndef f(): pass", ""),
        ("import functools\n@functools.register\ndef f(): pass", "@functools.register"),
        ("from functools import cache as c\n@c\ndef f(): pass", ""),
        ("from functools import *\n@cache\ndef f(): pass", "@cache"),
        ("functools = x\n@functools.cache\ndef f(): pass", "@functools.cache"),
        ("import contextlib\n@contextlib.contextmanager\nasync def f(): pass", ""),
        ("property = mine\n@property\ndef f(): pass", "@property"),
        ("@(lambda f: f)\ndef f(): pass", "@lambda f: f"),
        ("@a.b.c\ndef f(): pass", "@a.b.c"),
        ("@d[0]\ndef f(): pass", "@d[0]"),
        (WRAPS + "@deco\ndef f(): pass", ""),
        (LISTS + "@deco\ndef f(): pass", "@deco"),
        (WRAPS + LISTS + "@deco\ndef f(): pass", "@deco"),
        (f"if 1:\n    {WRAPS.replace(chr(10), chr(10) + '    ').strip()}\n@deco\ndef f(): pass", "@deco"),
        ("class deco: pass\n@deco\ndef f(): pass", "@deco"),
        ("@app.reg\nclass A: pass", "@app.reg"),
    ],
)
def test_table(source: str, expected: str) -> None:
    """A decorator is harmless if it is one of the standard library's that only wrap, or the project's own that does."""
    assert registering(source) == expected


@pytest.mark.parametrize(
    ("source", "others", "expected"),
    [
        ("import o\n@o.deco\ndef f(): pass", {"o": WRAPS}, ""),
        ("from . import o as u\n@u.deco\ndef f(): pass", {"o": WRAPS}, "@u.deco"),
        ("import o\n@o.deco\ndef f(): pass", {"o": LISTS}, "@o.deco"),
        ("import o\n@o.deco\ndef f(): pass", {}, "@o.deco"),
        ("from a import deco\n@deco\ndef f(): pass", {"a": WRAPS}, ""),
        ("from a import deco\n@deco\ndef f(): pass", {"a": LISTS}, "@deco"),
        ("from a import deco as d\n@d\ndef f(): pass", {"a": "from b import deco\n", "b": WRAPS}, ""),
        ("from .a import deco\n@deco\ndef f(): pass", {"a": WRAPS}, ""),
        ("from a import deco\n@deco\ndef f(): pass", {"a": "from m import deco\n"}, "@deco"),
        ("from a import deco\n@deco\ndef f(): pass", {}, "@deco"),
        ("import a.b\n@a.b.deco\ndef f(): pass", {"a": "", "a.b": WRAPS}, "@a.b.deco"),
    ],
)
def test_decorators_of_other_modules(source: str, others: dict[str, str], expected: str) -> None:
    """A decorator is looked up through the project's imports, also those that go round in a circle."""
    assert registering(source, **others) == expected


@pytest.mark.parametrize(
    ("source", "harmless"),
    [
        ("def d(f): return f", True),
        (WRAPS.replace("deco", "d"), True),
        ("import functools\ndef d(f):\n @functools.wraps(f)\n async def w(*a): return await f(*a)\n return w", True),
        ("def d(f):\n f.limit = 3\n return f", True),
        ("def d(f): return lambda *a: f(*a)", True),
        ("def d(f):\n seen = {}\n seen[1] = f\n def w(): return seen\n return w", True),
        ("def mark(f): f.x = 1\ndef d(f):\n mark(f)\n return f", True),
        (LISTS.replace("deco", "d"), False),
        ("def d(f):\n ALL[f.__name__] = f\n return f", False),
        ("def d(f):\n global LAST\n LAST = f\n return f", False),
        ("def d(f):\n del ALL[0]\n return f", False),
        ("def d(f):\n ALL.last: object = f\n return f", False),
        ("def d(f):\n [r.append(f) for r in ALL]\n return f", False),
        ("def d(f):\n def w(x=ALL.append(f)): return x\n return w", False),
        ("def d(f):\n class W: x = ALL.append(f)\n return W", False),
        ("def d(f):\n import app\n return app.reg(f)", False),
        ("def add(f): ALL.append(f)\ndef d(f):\n add(f)\n return f", False),
        ("async def d(f): return f", False),
        ("class d: pass", False),
        ("def d(f):\n def reg(): ALL.append(f)\n reg()\n return f", False),
        ("def d(f):\n getattr(ALL, 'append')(f)\n return f", False),
        ("def d(f):\n setattr(STATE, 'last', f)\n return f", False),
        ("def d(f):\n list(map(ALL.append, [f]))\n return f", False),
        ("def d(f):\n x, STATE.last = 1, f\n return f", False),
        ("def d(f):\n for STATE.last in [f]: pass\n return f", False),
        ("def d(f):\n SIGNAL << f\n return f", False),
        ("def d(f):\n with REGISTRY: pass\n return f", False),
        ("def d(f):\n def w(*, x=ALL.append(f)): return x\n return w", False),
        ("def d(f, state=STATE):\n state.last = f\n return f", False),
        ("class R:\n def __init__(self, f): ALL.append(f)\ndef d(f): return R(f)", False),
    ],
)
def test_decorators_of_the_project(source: str, harmless: bool) -> None:
    """A decorator only wraps if its own body makes functions and returns one, touching nothing but what it makes."""
    assert registering(source + "\n@d\ndef g(): pass") == ("" if harmless else "@d")


@pytest.mark.parametrize(
    ("inner", "harmless"),
    [
        ("def e(f):\n  def w(): return f(n)\n  return w\n return e", True),
        ("def e(f):\n  ALL.append(f)\n  return f\n return e", False),
        ("def e(f, /):\n  ALL.append(f)\n  return f\n return e", False),
        ("def e(f, prio=0):\n  ALL.append(f)\n  return f\n return e", False),
        ("def e(*f):\n  ALL.append(f)\n  return f\n return e", False),
        ("def e(f):\n  ALL.append(f)\n  return f\n if n: return e\n return 1", False),
        ("return lambda f: ALL.append(f) or f", False),
    ],
)
def test_factories_of_decorators(inner: str, harmless: bool) -> None:
    """The decorator that a factory returns is looked at too: it runs when the function is decorated."""
    assert registering(f"def d(n):\n {inner}\n@d(1)\ndef g(): pass") == ("" if harmless else "@d")


def test_a_value_has_no_decorators() -> None:
    """Statements of other kinds register nothing that is known of."""
    facts = FakeProject({"m": ""}).facts("m")
    assert facts is not None
    assert registering_in(parse("x = app.get(f)")[0], facts, FakeProject({})) == ()
