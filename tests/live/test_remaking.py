"""Classes whose slots, decorators or class keywords change: built again in place, made anew, or refused."""

from __future__ import annotations

import os

import pytest

from tests.live.forker import Forker
from tests.live.looks import looked_at_fresh, looked_at_live

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="every case has a forked process of its own")

SLOTS = (
    "class A:\n __slots__ = ('a',)\n def f(self): return {}\n def g(self): return super().__repr__()[:4]\n"
    "B = A\nKINDS = {{'a': A}}\nLIST = [A]\ndef make(kind: A = None) -> A: return A()\n"
)
MORE = SLOTS.format(2).replace("('a',)", "('a', 'b')")


def test_slots_of_a_class_that_nobody_uses(forker: Forker) -> None:
    """The class is made anew, every reference goes to it, and methods that are held run the new code."""
    before = {"m": SLOTS.format(1), "n": "from m import A\nclass User:\n kind = A\n"}
    looks = [
        "m.A.__slots__",
        "m.B is m.A",
        "m.KINDS['a'] is m.A",
        "m.LIST[0] is m.A",
        "n.A is m.A",
        "n.User.kind is m.A",
    ]
    looks += ["f is m.A.f", "f(None)", "m.make().g()", "inspect.get_annotations(m.make)['kind'] is m.A"]
    found = forker.ask(looked_at_live, before, [{"m": MORE}], "f = m.A.f", looks)
    assert (found["verdicts"], found["refused"]) == (["LIVE"], [])
    assert found["seen"] == ["('a', 'b')", *["True"] * 6, "2", "'<m.A'", "True"]


@pytest.mark.parametrize(
    ("setup", "said"),
    [
        ("a = m.A()", "A gains slot 'b'; 1 live instance would lack it"),
        ("a = m.A(), m.A()", "A gains slot 'b'; 2 live instances would lack it"),
        ("t = (m.A,)", "0 live instances would lack it, but it is used by a tuple"),
        ("class D(m.A): pass", "0 live instances would lack it, but it is used by the class D, which derives from it"),
        ("import functools\np = functools.partial(m.A)", "but it is used by a partial"),
    ],
)
def test_slots_of_a_class_in_use(setup: str, said: str, forker: Forker) -> None:
    """It is refused, with the line of the slots, the number of live instances, and who else uses the class."""
    found = forker.ask(looked_at_live, {"m": SLOTS.format(1)}, [{"m": MORE}], setup, ["m.A.__slots__", "m.A().f()"])
    (refused,) = found["refused"]
    assert refused[:3] == ["LC103", "m", 2]
    assert said in refused[3]
    assert found["seen"] == ["('a',)", "1"]


def test_a_class_that_is_made_anew_is_taken_back(forker: Forker) -> None:
    """If a later statement fails, every reference is to the class that was there."""
    looks = ["m.A.__slots__", "m.B is m.A", "m.KINDS['a'] is m.A", "m.LIST[0] is m.A", "m.A.f(None)", "m.A().g()"]
    found = forker.ask(looked_at_live, {"m": SLOTS.format(1)}, [{"m": MORE + "1 / 0\n"}], "", looks)
    assert found["verdicts"] == ["ROLLED BACK"]
    assert found["seen"] == ["('a',)", "True", "True", "True", "1", "'<m.A'"]


HOOKED = (
    "LOG = []\nREGISTRY = {}\nclass P:\n def __init_subclass__(cls, k=0, **rest):\n  LOG.append(k)\n"
    "  cls.k = k\n  REGISTRY[k] = cls\n"
    "class A(P, k=1):\n x = 1\n y = []\n def f(self): return super().__repr__()[:4]\n"
)


def test_class_keywords(forker: Forker) -> None:
    """`__init_subclass__` is called with the new ones as for a new class, of which nothing is left but what it did."""
    setup = "A = m.A; a = A(); A.x = 7; A.y.append(1); A.z = 3"
    looks = ["m.A is A", "type(a) is A", "A.k", "m.REGISTRY", "a.f()", "m.P.__subclasses__() == [A]"]
    looks += ["m.LOG", "A.x", "A.y", "A.z"]
    after = HOOKED.replace("k=1", "k=2")
    found = forker.ask(looked_at_live, {"m": HOOKED}, [{"m": after}], setup, looks)
    assert (found["verdicts"], found["refused"]) == (["LIVE"], [])
    assert found["seen"][:6] == forker.ask(looked_at_fresh, {"m": after}, "A = m.A; a = A()", looks[:6])
    assert found["seen"][6:] == ["[1, 2]", "7", "[1]", "3"]


TAGGED = (
    "from functools import total_ordering\nfrom typing import final\nimport dataclasses\n"
    "def tag(cls):\n cls.tag = cls.x\n return cls\n{}class A:\n x = {}\n y = []\n"
    " def __lt__(self, other): return True\n"
)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "@tag\n"),
        ("@tag\n", "@tag\n@final\n"),
        ("", "@total_ordering\n"),
        ("@total_ordering\n", ""),
        ("@final\n", ""),
    ],
)
def test_class_decorators(before: str, after: str, forker: Forker) -> None:
    """They come and go: the class is built again in place, and keeps what was set while it lived."""
    setup = "A = m.A; a = A(); A.y.append(1); A.w = 3"
    looks = ["m.A is A", "type(a) is A", "A.x", "getattr(A, 'tag', None)", "'__ge__' in A.__dict__", "A.y", "A.w"]
    edit = {"m": TAGGED.format(after, 2)}
    found = forker.ask(looked_at_live, {"m": TAGGED.format(before, 1)}, [edit], setup, looks)
    assert (found["verdicts"], found["refused"]) == (["LIVE"], [])
    assert found["seen"][:5] == forker.ask(looked_at_fresh, edit, "A = m.A; a = A()", looks[:5])
    assert found["seen"][5:] == ["[1]", "3"]


def test_a_slotted_class_that_a_decorator_builds(forker: Forker) -> None:
    """Where its fields stay, it is built again in place; else it is refused, with the number of live instances."""
    text = "import dataclasses\n@dataclasses.dataclass(slots=True)\nclass A:\n a: int\n b: int = 2\n"
    looks = ["m.A(1)", "type(a) is m.A", "a", "m.A(1, 2) == a"]
    found = forker.ask(looked_at_live, {"m": text}, [{"m": text.replace("2", "3")}], "a = m.A(1)", looks)
    assert found["seen"] == ["A(a=1, b=3)", "True", "A(a=1, b=2)", "True"]
    found = forker.ask(looked_at_live, {"m": text}, [{"m": text + " c: int = 4\n"}], "a = m.A(1)", looks)
    assert [item[0] for item in found["refused"]] == ["LC103"]
    assert found["refused"][0][3].endswith("; 1 live instance")
