"""Code objects as values: find, shift, pair and redirect them."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, Callable, Generator
from types import CodeType
from typing import Any

import pytest

from livecode.engine.code import by_place, docstring, nested, pair_nested, redirect, shifted, walk
from tests.engine.fake import since_312


def compiled(source: str) -> CodeType:
    """The module's code."""
    return compile(source, "<m>", "exec", dont_inherit=True)


def function(source: str) -> Any:
    """The function `f` of the source."""
    namespace: dict[str, Any] = {}
    exec(compiled(source), namespace)
    return namespace["f"]


def test_nested_and_walk() -> None:
    """Nested code is what the code makes itself; a walk goes to any depth and starts with the code."""
    code = compiled("def f():\n def g(): pass\nh = lambda: 1\n")
    assert [inner.co_name for inner in nested(code)] == ["f", "<lambda>"]
    assert [inner.co_name for inner in walk(code)] == ["<module>", "f", "g", "<lambda>"]


def test_by_place() -> None:
    """Code is found by qualified name and first line, decorators included; several may share a place."""
    places = by_place(compiled("class A:\n @d\n def f(self): pass\nx = lambda: 1, lambda: 2\n"))
    assert len(places["A.f", 2]) == 1
    assert [code.co_consts[-1] for code in places["<lambda>", 4]] == [1, 2]


@since_312
def test_by_place_sees_through_type_parameters() -> None:
    """Generic functions and classes have their own names, not those of the scopes that hold their parameters."""
    places = by_place(compiled("class A[T]:\n def f[U](self): pass\ndef g[T](): pass\n"))
    assert {("A.f", 2), ("g", 3)} <= set(places)


@pytest.mark.parametrize("lines", [0, 1, 40, -2])
def test_shifted(lines: int) -> None:
    """Shifted code is what compiling the moved source gives, in every nested code object too."""
    source = "def f(a=lambda: 1):\n    def g():\n        return [x for x in a]\n    return g\n"
    code = compiled("\n" * 40 + source)
    moved = compiled("\n" * (40 + lines) + source)
    inner, expected = shifted(next(nested(code)), lines), next(nested(moved))
    assert [list(each.co_lines()) for each in walk(inner)] == [list(each.co_lines()) for each in walk(expected)]


@pytest.mark.parametrize(
    ("old", "new", "pairs"),
    [
        ("def g(): 1", "def g(): 2", [("g", 1)]),
        ("def g(): 1\n def h(): 1", "def h(): 2\n def g(): 2", [("g", 2), ("h", 1)]),
        ("a = lambda: 1\n b = lambda: 2", "a = lambda: 3", [("<lambda>", 1)]),
        ("def g(): 1\n def g(): 2", "def g(): 3\n def g(): 4", [("g", 1), ("g", 2)]),
        ("def g(): 1", "def h(): 1", []),
        ("def g():\n  def h(): 1", "def g():\n  x = 1\n  def h(): 2", [("g", 1), ("h", 3)]),
        ("class A:\n  def m(self): 1", "class A:\n  def m(self): 2", [("A", 1), ("m", 2)]),
    ],
)
def test_pair_nested(old: str, new: str, pairs: list[tuple[str, int]]) -> None:
    """Nested code is paired by name and order of occurrence, at any depth."""
    before, after = next(nested(compiled(f"def f():\n {old}"))), next(nested(compiled(f"def f():\n {new}")))
    found = pair_nested(before, after)
    assert sorted((code.co_name, code.co_firstlineno - 1) for code in found.values()) == sorted(pairs)
    assert all(one.co_name == other.co_name for one, other in found.items())


@pytest.mark.parametrize(
    "source",
    [
        "def f():\n 'doc'",
        "def f():\n '''d\n  oc'''\n return 'x'",
        "def f(): return 'x'",
        "def f():\n x = 'a'\n return x, None",
        "def f(): pass",
        "def f():\n f'no'",
        "def f():\n b'no'",
        "def f():\n ''",
        "f = lambda: 'x'",
        "async def f():\n 'doc'\n yield 1",
        "def f(a='x'):\n 'doc'\n def g(): 'other'",
        "def f():\n 'do' 'c'",
        "def f():\n ('doc')",
        "def f():\n 'a' + 'b'",
    ],
)
def test_docstring(source: str) -> None:
    """The docstring is the one that the function made from the code has."""
    made = function(source)
    assert docstring(made.__code__) == made.__doc__


def redirected(made: Any, target: Callable[..., object]) -> Any:
    """The same function with code that calls the target."""
    made.__code__ = redirect(made.__code__, target)
    return made


@pytest.mark.parametrize(
    "source",
    [
        "def f(a, b=1): return a",
        "def f(): pass",
        "f = lambda x: x",
        "def m(y):\n def f(): return y\n return f\nf = m(1)",
        "def m(a, b, c):\n def f(): return c, a, b\n return f\nf = m(1, 2, 3)",
        "def m(call, make):\n def f(): return call, make\n return f\nf = m(1, 2)",
        "class A:\n def g(self): return super().x\nf = A.g",
        "def m(ñ):\n def f(): return ñ\n return f\nf = m(1)",
        "def m(args):\n def f(): return args\n return f\nf = m(1)",
        "def m(**kwargs):\n def f(): return kwargs\n return f\nf = m()",
        "def m():\n def f(): return y\n return f\n y = 1\nf = m()",
    ],
)
def test_redirect(source: str) -> None:
    """A function with redirected code passes on whatever it is given, and returns what comes back."""
    made = redirected(function(source), lambda *args, **kwargs: (args, kwargs))
    assert made(1, 2, x=3) == ((1, 2), {"x": 3})


def test_redirect_of_a_generator() -> None:
    """A generator function stays one: it passes on what the target yields, is sent and returns."""

    def target(x: int) -> Generator[int, int, str]:
        return f"got {yield x}"

    made = redirected(function("def m(item):\n def f(): yield item\n return f\nf = m(1)"), target)(7)
    assert inspect.isgenerator(made)
    assert next(made) == 7
    with pytest.raises(StopIteration, match="got 8"):
        made.send(8)


def test_redirect_of_a_generator_to_a_plain_function() -> None:
    """Whoever iterates over what the old function gave can do so still."""
    assert list(redirected(function("def f(): yield 1"), lambda: [2, 3])()) == [2, 3]


def test_redirect_of_an_async_generator() -> None:
    """An async generator function stays one."""

    async def target(x: int) -> AsyncGenerator[int, None]:
        yield x

    async def first(things: Any) -> Any:
        return [thing async for thing in things]

    made = redirected(function("def m(item):\n async def f(): yield item\n return f\nf = m(1)"), target)
    assert inspect.isasyncgenfunction(made)
    assert asyncio.run(first(made(5))) == [5]


def test_redirect_of_a_coroutine_to_a_plain_function() -> None:
    """Whoever awaits the old function gets what the new one returns."""

    def target(x: int) -> int:
        return x + 1

    made = redirected(function("async def f(): pass"), target)
    assert asyncio.run(made(1)) == 2


def test_redirect_of_a_coroutine() -> None:
    """A coroutine function stays one, and awaits the target."""

    async def target(x: int) -> int:
        return x + 1

    made = redirected(function("async def f(): pass"), target)
    assert inspect.iscoroutinefunction(made)
    assert asyncio.run(made(1)) == 2


def test_redirect_keeps_the_place() -> None:
    """Name, qualified name, file and first line are those of the old code; free variables agree."""
    old = function("\ndef m(y):\n def f(): return y\n return f\nf = m(1)").__code__
    new = redirect(old, print)
    for attribute in ("co_name", "co_qualname", "co_filename", "co_firstlineno", "co_freevars"):
        assert getattr(new, attribute) == getattr(old, attribute)
