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
        ("B = [RATE for _ in y]", ["B"]),
        ("B = (lambda: 1)\nC = RATE", []),
        ("class A: x = RATE", ["A"]),
        ("def f(): return RATE\nB = f()", ["B"]),
        ("def f(): return RATE\ndef g(): return f()\nB = g()", ["B"]),
        ("def f(): return OTHER\nB = f(RATE)", []),
        ("B = len(RATE)", []),
        ("def f(): return RATE\nB = f()\nC = B", ["B", "C"]),
        ("def f(): return RATE\nB = f()\nC = RATE", ["B"]),
        ("def f(): return RATE\nB = f()\nC = len(RATE)", ["B", "C"]),
        ("D = {}\nD['a'] = RATE", []),
    ],
)
def test_who_waits_for_a_changed_value(rest: str, expected: list[str]) -> None:
    """A statement that reads the value itself is staged; one that leaves the reading to another scope is late."""
    assert late_here(f"RATE = 1\n{rest}\n", f"RATE = 2\n{rest}\n") == expected


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("def f(): 1", "def f(a): 1", []),
        ("def f(): 1\nB = 1", "def f(): 2\nB = f()", ["B"]),
        ("def f(): 1\nB = 1", "def f(a): 1\nB = f(1)", ["B"]),
        ("def f(): 1\nB = 1", "def f(): 2\nB = f", []),
        ("B = 1", "def f(): 2\nB = f()", []),
        ("class A: x = 1\nB = 1", "class A: x = 2\nB = A.x", ["B"]),
        ("class A: x = 1\nB = 1", "class A: x = 2\nB = A()", ["B"]),
        ("class A: x = 1", "class A: x = 2", []),
        ("x = 1\ny = 1", "y = 2", []),
        ("len = f\nX = len", "X = len", ["X"]),
        ("D = {}\nD['a'] = 1", "D = {}\nD['a'] = 2", []),
        ("", "def d(f): return f\n@d\ndef g(): 1", []),
        ("R = 1", "R = 2\ndef d(f): return R\n@d\ndef g(): 1", ["g()"]),
    ],
)
def test_who_waits_for_what_else_changes(before: str, after: str, expected: list[str]) -> None:
    """Calls of what changes and reads of what is not there yet wait; naming a function does not."""
    assert late_here(before, after) == expected


@pytest.mark.parametrize(
    ("importer", "expected"),
    [
        ("from config import RATE\nB = RATE", []),
        ("import config\nB = config.RATE", ["B"]),
        ("from config import *\nB = RATE", ["from config import *", "B"]),
        ("from config import f\nB = f()", ["B"]),
    ],
)
def test_who_waits_for_another_module(importer: str, expected: list[str]) -> None:
    """A name taken from a module of the push is staged with it; the module's attributes are not there yet."""
    rest = "def f(): return RATE\n"
    found = late({"config": f"RATE = 1\n{rest}", "m": importer}, {"config": f"RATE = 2\n{rest}"})
    assert found.get("m", []) == expected


def test_of_a_name_bound_often_all_binders_are_late_together() -> None:
    """If one of several statements that bind a name is late, the others are too, so that the order holds."""
    rest = "def f(): return RATE\nT = 0\nT += f()\n"
    assert late_here(f"RATE = 1\n{rest}", f"RATE = 2\n{rest}") == ["T", "T"]
