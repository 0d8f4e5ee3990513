"""`from __future__ import annotations` comes or goes: all is as a fresh import of the new source makes it."""

from __future__ import annotations

import os
import sys

import pytest

from tests.live.forker import Forker
from tests.live.looks import looked_at_fresh, looked_at_live

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="every case has a forked process of its own")

FUTURE = "from __future__ import annotations\n"
HINTS = "inspect.get_annotations"
CODE = "m.f.__code__.co_flags"

CASES: dict[str, tuple[str, list[str]]] = {
    "function": ("class T: pass\ndef f(x: int, *, y: T = None) -> T: return x\n", [f"{HINTS}(m.f)", CODE, "m.f(1)"]),
    "without annotations": ("def f(x): return x\n", [CODE, "m.f(1)"]),
    "name of the feature": ("x = 1\n", ["getattr(m, 'annotations', None)"]),
    "generator and coroutine": (
        "def f(x: int): yield x\nasync def g(x: int): return x\n",
        [CODE, f"{HINTS}(m.g)", "m.g.__code__.co_flags", "list(m.f(1))"],
    ),
    "function that makes one": (
        "def f():\n def inner(a: int): return a\n return inner\n",
        [f"{HINTS}(m.f())", CODE],
    ),
    "function that was made": (
        "def f():\n def inner(a: int): return a\n return inner\nG = f()\n",
        [f"{HINTS}(m.G)", "m.G.__code__.co_flags"],
    ),
    "code that is compiled by a function": (
        "def f():\n made = {}\n exec('def g(x: int): pass', made)\n return made['g'].__annotations__\n",
        ["m.f()"],
    ),
    "method": (
        "class T: pass\nclass A:\n class In: pass\n def f(self, a: T, __b: In = None) -> In: return a\n"
        " @property\n def p(self) -> T: return 1\n @staticmethod\n def s(x: T): return x\n",
        [f"{HINTS}(m.A.f)", f"{HINTS}(m.A.p.fget)", f"{HINTS}(m.A.s)", "m.A().p"],
    ),
    "class": (
        "class T: pass\nclass A:\n x: int\n y: T = None\n class In:\n  q: T\n",
        [f"{HINTS}(m.A)", f"{HINTS}(m.A.In)", "typing.get_type_hints(m.A)"],
    ),
    "class in a branch": (
        "if True:\n class A:\n  x: int\n  def f(self, a: int): pass\n",
        [f"{HINTS}(m.A)", f"{HINTS}(m.A.f)"],
    ),
    "module": (
        "x: int = 1\nif x:\n y: str = 'a'\nelse:\n z: str = 'a'\n",
        [f"{HINTS}(m)"],
    ),
    "dataclass": (
        "import dataclasses\n@dataclasses.dataclass\nclass A:\n x: int\n"
        " y: list = dataclasses.field(default_factory=list)\n",
        ["[f.type for f in dataclasses.fields(m.A)]", "inspect.signature(m.A)", f"{HINTS}(m.A.__init__)", "m.A(1)"],
    ),
    "dataclass with slots": (
        "import dataclasses\n@dataclasses.dataclass(slots=True)\nclass A:\n x: int\n y: int = 2\n",
        ["[f.type for f in dataclasses.fields(m.A)]", "m.A(1)", "m.A.x.__objclass__ is m.A", "m.A.__slots__"],
    ),
    "dataclass that is derived": (
        "import dataclasses\n@dataclasses.dataclass\nclass A:\n x: int\n@dataclasses.dataclass\nclass B(A):\n pass\n",
        ["[f.type for f in dataclasses.fields(m.B)]", "inspect.signature(m.B)"],
    ),
    "dataclass in a class": (
        "import dataclasses\nclass O:\n @dataclasses.dataclass\n class A:\n  x: int\n",
        ["[f.type for f in dataclasses.fields(m.O.A)]"],
    ),
    "typing classes": (
        "from typing import NamedTuple, TypedDict, Protocol\nclass N(NamedTuple):\n a: int\n"
        "class D(TypedDict):\n a: int\n"
        "class P(Protocol):\n a: int\n def f(self) -> int: ...\n",
        [f"{HINTS}(m.N)", f"{HINTS}(m.D)", f"{HINTS}(m.P)", f"{HINTS}(m.P.f)", "m.N(1)"],
    ),
    "enum": ("import enum\nclass E(enum.Enum):\n A = 1\n def f(self, x: int): pass\n", [f"{HINTS}(m.E.f)", "m.E.A"]),
    "wrappers of the library": (
        "import functools, contextlib\n@functools.lru_cache\ndef f(x: int): return x\n"
        "@contextlib.contextmanager\ndef c(x: int): yield x\n@functools.singledispatch\ndef s(x: int): return x\n",
        [
            "inspect.signature(m.f)",
            f"{HINTS}(m.f.__wrapped__)",
            "inspect.signature(m.c)",
            f"{HINTS}(m.c)",
            f"{HINTS}(m.s)",
        ],
    ),
    "wrapper of the project": (
        "import functools\ndef d(f):\n @functools.wraps(f)\n def w(*a: str): return f(*a)\n return w\n"
        "@d\ndef f(x: int): return x\n",
        [f"{HINTS}(m.f)", "inspect.signature(m.f)", CODE],
    ),
    "decorator that reads annotations": (
        "def d(f):\n kinds = dict(f.__annotations__)\n def w(*a): return kinds\n return w\n@d\n"
        "def f(x: int): return x\n",
        ["m.f(1)"],
    ),
    "method whose decorator reads annotations": (
        "def d(f):\n kinds = dict(f.__annotations__)\n def w(*a): return kinds\n return w\nclass A:\n"
        " @d\n def f(self, x: int): return x\n",
        ["m.A().f(1)"],
    ),
    "statement that asks": (
        "import typing\ndef f(x: int): return x\nH = dict(f.__annotations__)\nN = len(H), H\n",
        ["m.H", "m.N"],
    ),
    "statement that calls who asks": (
        "import inspect\ndef ask(f): return str(inspect.signature(f))\ndef f(x: int): return x\nS = ask(f)\n",
        ["m.S"],
    ),
    "base that reads annotations": (
        "class B:\n def __init_subclass__(cls): cls.kinds = dict(cls.__annotations__)\nclass A(B):\n x: int\n",
        ["m.A.kinds", f"{HINTS}(m.A)"],
    ),
    "registry by annotation": (
        "import functools\n@functools.singledispatch\ndef f(x): return 'any'\n@f.register\n"
        "def g(x: int): return 'int'\n",
        ["m.f(1)", "m.f('')", "len(m.f.registry)", f"{HINTS}(m.g)"],
    ),
}


def _both_ways(name: str) -> list[tuple[str, str]]:
    body, _ = CASES[name]
    return [(body, FUTURE + body), (FUTURE + body, body)]


@pytest.mark.parametrize("comes", [True, False], ids=["comes", "goes"])
@pytest.mark.parametrize("name", CASES)
def test_as_a_fresh_import(name: str, comes: bool, forker: Forker) -> None:
    """Whatever can be seen of annotations, and of the code that inherits the import, is as in a fresh process."""
    before, after = _both_ways(name)[0 if comes else 1]
    expressions = CASES[name][1]
    found = forker.ask(looked_at_live, {"m": before}, [{"m": after}], "", expressions)
    assert (found["verdicts"], found["refused"]) == (["LIVE"], [])
    assert found["seen"] == forker.ask(looked_at_fresh, {"m": after}, "", expressions)


@pytest.mark.parametrize("comes", [True, False], ids=["comes", "goes"])
def test_nothing_else_is_made_again(comes: bool, forker: Forker) -> None:
    """Defaults, closures, caches and instances stay, and who held a function or class holds it still."""
    body = (
        "import functools\nLOG = []\ndef f(x: int, acc=[]): acc.append(x); return list(acc)\n"
        "@functools.lru_cache\ndef g(x: int): LOG.append(x); return x\nclass A:\n x: int = 1\n"
    )
    before, after = (body, FUTURE + body) if comes else (FUTURE + body, body)
    setup = "f, g, A = m.f, m.g, m.A; f(1); g(1); A.x = 5; a = A()"
    looks = ["f is m.f", "m.f(2)", "g is m.g", "A is m.A", "type(a) is m.A", "a.x", "m.LOG"]
    found = forker.ask(looked_at_live, {"m": before}, [{"m": after}], setup, looks)
    assert found["seen"] == ["True", "[1, 2]", "True", "True", "True", "5", "[1]"]


def test_later_pushes_compile_with_the_flag(forker: Forker) -> None:
    """A function that changes after the import came has annotations that are text, and after it went, values."""
    body = "def f(x: int): return {}\n"
    edits = [
        {"m": FUTURE + body.format(1)},
        {"m": FUTURE + body.format(2)},
        {"m": body.format(2)},
        {"m": body.format(3)},
    ]
    for number, edit in enumerate(edits, 1):
        looks = [f"{HINTS}(m.f)", CODE, "m.f(0)"]
        found = forker.ask(looked_at_live, {"m": body.format(0)}, edits[:number], "", looks)
        assert found["seen"] == forker.ask(looked_at_fresh, edit, "", looks)


def test_in_other_modules(forker: Forker) -> None:
    """Who asks for the annotations of a module in which they turn runs again, as does what is built from it."""
    body = "import dataclasses\ndef f(x: int): pass\n@dataclasses.dataclass\nclass A:\n x: int\n"
    user = (
        "import dataclasses, typing\nimport m\nfrom m import f, A\nH = dict(f.__annotations__)\n"
        "K = dict(m.f.__annotations__)\n"
        "@dataclasses.dataclass\nclass B(A):\n y: int\nKINDS = [str(x.type) for x in dataclasses.fields(B)]\n"
    )
    looks = ["n.H", "n.K", "[f.type for f in dataclasses.fields(n.B)]"]
    found = forker.ask(looked_at_live, {"m": body, "n": user}, [{"m": FUTURE + body}], "", looks)
    assert found["seen"] == forker.ask(looked_at_fresh, {"m": FUTURE + body, "n": user}, "", looks)


def test_what_cannot_be_evaluated_fails_as_an_import(forker: Forker) -> None:
    """Annotations that name nothing are evaluated before Python 3.14, and then all is taken back."""
    body = "def f(x: Unknown): return 1\n"
    found = forker.ask(
        looked_at_live, {"m": FUTURE + body}, [{"m": body}], "", ["m.f.__annotations__", CODE + " >> 24"]
    )
    if sys.version_info >= (3, 14):
        assert found["verdicts"] == ["LIVE"]
        assert found["seen"] == ["NameError: name 'Unknown' is not defined", "0"]
    else:
        assert (found["verdicts"], found["seen"]) == (["ROLLED BACK"], ["{'x': 'Unknown'}", "1"])


def test_a_metaclass_that_may_have_read_them(forker: Forker) -> None:
    """A library's metaclass may have read the annotations of a class: that is refused, and the class is named."""
    body = "from strangers import Meta\nclass A(metaclass=Meta):\n x: int\n"
    stranger = "class Meta(type): pass\n"
    setup = "import strangers; strangers.__file__ = '/site-packages/strangers.py'"
    found = forker.ask(looked_at_live, {"strangers": stranger, "m": body}, [{"m": FUTURE + body}], setup, ["1"])
    assert [(code, line) for code, _, line, _ in found["refused"]] == [("LC101", 1)]
    assert "metaclass of A" in found["refused"][0][3]


def test_features_that_are_how_python_is(forker: Forker) -> None:
    """`from __future__ import division` changes nothing but a name."""
    looks = ["m.division.mandatory", CODE]
    after = {"m": "from __future__ import division\ndef f(): return 1\n"}
    found = forker.ask(looked_at_live, {"m": "def f(): return 1\n"}, [after], "", looks)
    assert found["seen"] == forker.ask(looked_at_fresh, after, "", looks)
