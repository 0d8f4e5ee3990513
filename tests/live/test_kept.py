"""`# livecode: keep` where several statements make a value."""

from __future__ import annotations

import os

import pytest

from tests.live.forker import Forker
from tests.live.looks import looked_at_live

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="every case has a forked process of its own")

KEEP = "  # livecode: keep\n"
MAKER = "C = [0]\ndef connect(a=1): C[0] += 1; return a, C[0]\n"
TWICE = MAKER + "X = None\nX = connect()" + KEEP
BRANCH = MAKER + "X = None\nif X is None:\n X = connect()" + KEEP


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (TWICE, TWICE.replace("connect()" + KEEP, "connect(2)" + KEEP)),
        (TWICE, TWICE.replace("X = None", "X = 0")),
        (TWICE, TWICE.replace("X = None\n", "")),
        (TWICE, TWICE.replace("a=1", "a=3")),
        (MAKER + "X = connect()" + KEEP, TWICE),
        (TWICE.replace(KEEP, "\n"), TWICE.replace("X = None", "X = 0")),
        (BRANCH, BRANCH.replace("connect()" + KEEP, "connect(4)" + KEEP)),
        (BRANCH, BRANCH.replace("X = None", "X = 0")),
    ],
)
def test_the_last_one_is_kept(before: str, after: str, forker: Forker) -> None:
    """A name that a marked statement makes in the end has the value that it had, whatever changes around it."""
    found = forker.ask(looked_at_live, {"m": before}, [{"m": after}], "", ["m.X", "m.C"])
    assert (found["verdicts"], found["seen"]) == (["LIVE"], ["(1, 1)", "[1]"])


def test_it_is_made_once_when_it_comes(forker: Forker) -> None:
    """A marked statement that is added is executed, and one that is gone keeps nothing."""
    edits = [{"m": TWICE}, {"m": MAKER + "X = None\n"}]
    found = forker.ask(looked_at_live, {"m": MAKER}, edits[:1], "", ["m.X"])
    assert found["seen"] == ["(1, 1)"]
    found = forker.ask(looked_at_live, {"m": MAKER}, edits, "", ["m.X"])
    assert found["seen"] == ["None"]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (f"T = []{KEEP}T += [1]\n", f"T = []{KEEP}T += [2]\n", "[1, 2]"),
        (f"T = []{KEEP}T += [1]\n", f"T = [0]{KEEP}T += [1]\n", "[1]"),
        (f"T = []{KEEP}T += [1]\n", f"T = []{KEEP}", "[1]"),
        (f"T = []{KEEP}T.append(1)\n", f"T = []{KEEP}T.append(2)\n", "[1, 2]"),
        (f"T = []\nT += [1]{KEEP}", f"T = []\nT += [2]{KEEP}", "[1]"),
        (f"T = []\nT += [1]{KEEP}", f"T = [0]\nT += [2]{KEEP}", "[1]"),
    ],
)
def test_what_is_added_to_it(before: str, after: str, expected: str, forker: Forker) -> None:
    """A kept value is added to as the new line says, and the same object stays; a marked line adds nothing again."""
    found = forker.ask(looked_at_live, {"m": before}, [{"m": after}], "T = m.T", ["m.T", "T is m.T"])
    assert found["seen"] == [expected, "True"]
