"""A file that was edited after its import, and before it was tracked, does not say what runs: that is found out."""

from __future__ import annotations

import os

import pytest

from tests.live.drifting import drifted
from tests.live.forker import Forker

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="every case has a forked process of its own")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("A = 1\n", "A = 2\n", "A (line 1)"),
        ("A = 1\nB = [A]\n", "A = 1\nB = [A, A]\n", "what stands outside of functions"),
        ("class A:\n x = 1\n", "class A:\n x = 2\n", "what stands outside of functions"),
        ("def f(): return 1\n", "def f(): return 2\n", "f() (line 1)"),
        ("A = 1\n", "A = 1\ndef f(): return 2\n", "f() (line 2)"),
        ("A = 1\n", "A = 1\nclass C: pass\n", "C (line 2)"),
        ("A = 1\ndef f(): return 2\n", "A = 1\n", "f() (line 2)"),
        ("def f(x=1): return x\n", "def f(x=2): return x\n", "what stands outside of functions"),
    ],
)
def test_what_changed_is_named(old: str, new: str, said: str, forker: Forker) -> None:
    """Functions, definitions that are not there, and with the bytecode that Python kept every other statement."""
    found = forker.ask(drifted, old, new, True)
    assert found["codes"] == ["LC401"]
    assert found["said"].startswith(said)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("A = 1\n", "A = 1\n"),
        ("A = 1\n", "A = 1  # as before\n"),
        (
            "A = 1e999 - 1e999\ndef f(x=float('nan')): return x\n",
            "A = 1e999 - 1e999\ndef f(x=float('nan')): return x\n",
        ),
        ("def f(): pass\ndel f\n", "def f(): pass\ndel f\n"),
        ("if 0:\n def f(): pass\n", "if 0:\n def f(): pass\n"),
    ],
)
def test_what_says_the_same_is_believed(old: str, new: str, forker: Forker) -> None:
    """Comments, and names that are not there for a reason, are no drift."""
    assert forker.ask(drifted, old, new, True)["codes"] == []


def test_without_bytecode(forker: Forker) -> None:
    """Where Python keeps none, constants may differ because the program changed them; functions are compared."""
    assert forker.ask(drifted, "A = 1\n", "A = 2\n", False)["codes"] == []
    assert forker.ask(drifted, "def f(): return 1\n", "def f(): return 2\n", False)["codes"] == ["LC401"]
