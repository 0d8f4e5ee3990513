"""A value that an edited function made is kept, said to be stale, and made again when its author asks for it."""

from __future__ import annotations

import os

import pytest

from tests.live.forker import Forker
from tests.live.remakes import old_by_then, remade

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="every case has a forked process of its own")

MODEL = "def build(): return {0}\nMODEL = build()\nSIZE = MODEL + 1\n"
USER = "from m import MODEL\nTWICE = MODEL * 2\n"


def test_a_body_edit_makes_nothing_again(forker: Forker) -> None:
    """A model stays until its author asks for a new one; then who reads it is made again too, in other modules also."""
    before = {"m": MODEL.format(1), "n": USER}
    found = forker.ask(remade, before, {"m": MODEL.format(5)}, ["m.MODEL"], ["m.MODEL", "m.SIZE", "n.TWICE"])
    assert found["seen"] == [["1", "2", "2"], ["1", "2", "2"], ["5", "6", "10"]]
    assert (found["stale"], found["verdicts"]) == (["MODEL"], ["LIVE", "LIVE"])


def test_what_other_modules_made_is_told(forker: Forker) -> None:
    """A value is stale wherever it was made, and through whatever calls."""
    before = {"m": "def build(): return 1\n", "n": "import m\ndef get(): return m.build()\nX = get()\nY = m.build()\n"}
    found = forker.ask(remade, before, {"m": "def build(): return 2\n"}, ["n.X"], ["n.X", "n.Y"])
    assert found["seen"][1:] == [["1", "1"], ["2", "1"]]
    assert found["stale"] == ["X", "Y"]


def test_only_what_a_function_does_itself_counts(forker: Forker) -> None:
    """A closure runs the new inner code at once: it is not stale."""
    text = "def make():\n    def inner(): return {0}\n    return inner\nF = make()\n"
    found = forker.ask(remade, {"m": text.format(1)}, {"m": text.format(2)}, ["m.F"], ["m.F()"])
    assert (found["seen"][1], found["stale"]) == (["2"], [])


@pytest.mark.parametrize("name", ["m.NOTHING", "m.build", "nowhere.X"])
def test_only_values_are_made_again(name: str, forker: Forker) -> None:
    """A name that no statement makes anew is refused, and nothing happens."""
    found = forker.ask(remade, {"m": MODEL.format(1)}, {"m": MODEL.format(5)}, [name], ["m.MODEL"])
    assert (found["codes"], found["seen"][2]) == (["LC510"], ["1"])


A, B, C = (MODEL.format(number) for number in (1, 2, 3))
TWO = "def build(): return {0}\ndef other(): return {1}\nMODEL = build()\nREST = other()\n"
USED = [{"m": f"def build(): return {number}\n", "n": "import m\nX = m.build()\n"} for number in (1, 2)]


@pytest.mark.parametrize(
    ("pushes", "stale"),
    [
        ([{"m": A}, {"m": B}, {"m": A}], [[], ["MODEL"], []]),
        ([{"m": A}, {"m": B}, {"m": C}, {"m": A}], [[], ["MODEL"], ["MODEL"], []]),
        ([{"m": A}, {"m": B}, {"m": C}, {"m": B}], [[], ["MODEL"], ["MODEL"], ["MODEL"]]),
        ([{"m": A}, {"m": B + "def g(): return 1\n"}], [[], ["MODEL"]]),
        ([{"m": A}, {"m": B}, {"m": B + "def g(): return 1\n"}], [[], ["MODEL"], ["MODEL"]]),
        ([{"m": A}, {"m": B}, {"m": B.replace("MODEL = build()", "MODEL = build() + 0")}], [[], ["MODEL"], []]),
        ([{"m": A}, {"m": B}, {"m": B.split("MODEL")[0]}], [[], ["MODEL"], []]),
        ([{"m": TWO.format(*two)} for two in ((1, 1), (2, 2), (1, 2))], [[], ["MODEL", "REST"], ["REST"]]),
        ([{"m": A}, {"m": B.replace("return 2", "return 2  # more")}, {"m": A + "# end\n"}], [[], ["MODEL"], []]),
        ([USED[0], {"m": USED[1]["m"]}, {"m": USED[0]["m"]}], [[], ["X"], []]),
    ],
)  # fmt: skip
def test_a_value_is_old_until_its_maker_is_what_it_was(
    pushes: list[dict[str, str]], stale: list[list[str]], forker: Forker
) -> None:
    """The status tells the values of an old make, until they are made again or their maker is again what it was."""
    assert forker.ask(old_by_then, pushes) == stale


def test_what_is_made_again_is_not_old(forker: Forker) -> None:
    """After `rerun` the status says no more of it; what only that value was made by is not old either."""
    assert forker.ask(old_by_then, [{"m": A}, {"m": B}, "m.MODEL", {"m": A}]) == [[], ["MODEL"], [], ["MODEL"]]


def test_a_push_that_fails_leaves_old_what_was_old(forker: Forker) -> None:
    """Nothing is recorded of a push that was taken back."""
    broken = A + "1 / 0\n"
    assert forker.ask(old_by_then, [{"m": A}, {"m": B}, {"m": broken}]) == [[], ["MODEL"], ["MODEL"]]
