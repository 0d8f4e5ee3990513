"""Which statements can be executed before anything is visible, and which only afterwards."""

from __future__ import annotations

import pytest

from tests.engine.fake import Sources, planned


def late(before: Sources, after: Sources) -> dict[str, list[str]]:
    """Module → the labels of what is executed late, modules without any left out."""
    made = planned(before, after)
    assert made.refusals == ()
    found = {module.module: [run.form.label() for run in module.runs if run.late] for module in made.modules}
    return {module: labels for module, labels in found.items() if labels}


def late_here(before: str, after: str) -> list[str]:
    """The same for the one module `m`."""
    return late({"m": before}, {"m": after}).get("m", [])


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ("B = RATE * 100", []),
        ("def f(a=RATE): pass", []),
        ("B = RATE\nC = B", []),
        ("B = f'{RATE}'", []),
        ("B = [RATE for _ in y]", []),
        ("B = (lambda: 1)\nC = RATE", []),
        ("class A: x = RATE", []),
        ("def f(): return RATE\nB = f()", []),
        ("def f(): return RATE\ndef g(): return f()\nB = g()", []),
        ("def f(): return OTHER\nB = f(RATE)", []),
        ("B = len(RATE)", []),
        ("def f(): return RATE\nB = f()\nC = B", []),
        ("def f(): return RATE\nB = f()\nC = RATE", []),
        ("def f(): return RATE\nB = f()\nC = len(RATE)", []),
        ("class K:\n  def m(self): return RATE\nB = K().m()", ["B"]),
        ("class K:\n  def m(self): return RATE\nB = K().m()\nC = len(RATE)", ["B", "C"]),
        ("class K:\n  def m(self): return RATE\nB = K().m()\nC = RATE", ["B"]),
        ("def f(x): return RATE\nB = list(map(f, y))", ["B"]),
        ("import functools\ndef f(x, y): return RATE\nB = functools.reduce(f, y)", ["B"]),
        ("def f():\n  return lambda: RATE\nB = f()()", ["B"]),
        ("D = {}\nD['a'] = RATE", []),
    ],
)
def test_who_waits_for_a_changed_value(rest: str, expected: list[str]) -> None:
    """A statement that reads the value, or whose inner scopes and plain functions do, is staged; others are late."""
    assert late_here(f"RATE = 1\n{rest}\n", f"RATE = 2\n{rest}\n") == expected


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("def f(): 1", "def f(a): 1", []),
        ("def f(): 1\nB = 1", "def f(): 2\nB = f()", []),
        ("def f(): 1\nB = 1", "def f(a): 1\nB = f(1)", []),
        ("def f(): 1\nB = 1", "def f(): 2\nB = f", []),
        ("B = 1", "def f(): 2\nB = f()", []),
        ("class A: x = 1\nB = 1", "class A: x = 2\nB = A.x", ["B"]),
        ("class A: x = 1\nB = 1", "class A: x = 2\nB = A()", ["B"]),
        ("class A: x = 1", "class A: x = 2", []),
        ("x = 1\ny = 1", "y = 2", []),
        ("len = f\nX = len", "X = len", ["X"]),
        ("D = {}\nD['a'] = 1", "D = {}\nD['a'] = 2", []),
        ("", "def d(f): return f\n@d\ndef g(): 1", []),
        ("R = 1", "R = 2\ndef d(f): return R\n@d\ndef g(): 1", []),
        ("R = 1", "R = 2\ndef d(f):\n  def w(): return R\n  return w\n@d\ndef g(): 1", ["g()"]),
        ("R = 1", "R = 2\ndef f(): return R\nB = [g() for g in [f]]", ["B"]),
    ],
)
def test_who_waits_for_what_else_changes(before: str, after: str, expected: list[str]) -> None:
    """Looking into a class that changes, and calls of which no clone can be made, wait; naming a function does not."""
    assert late_here(before, after) == expected


@pytest.mark.parametrize(
    ("importer", "expected"),
    [
        ("from config import RATE\nB = RATE", []),
        ("import config\nB = config.RATE", []),
        ("from config import *\nB = RATE", ["from config import *", "B"]),
        ("from config import f\nB = f()", []),
    ],
)
def test_who_waits_for_another_module(importer: str, expected: list[str]) -> None:
    """A name taken from a module of the push is staged with it, and so are the module's attributes."""
    rest = "def f(): return RATE\n"
    found = late({"config": f"RATE = 1\n{rest}", "m": importer}, {"config": f"RATE = 2\n{rest}"})
    assert found.get("m", []) == expected


def test_of_a_name_bound_often_all_binders_are_late_together() -> None:
    """If one of several statements that bind a name is late, the others are too, so that the order holds."""
    rest = "class K:\n  def m(self): return RATE\nT = 0\nT += K().m()\n"
    assert late_here(f"RATE = 1\n{rest}", f"RATE = 2\n{rest}") == ["T", "T"]
