"""Code objects that a decorator of the service keeps: they are those of the functions as they are now."""

from __future__ import annotations

import os

import pytest

from tests.live.bases import rebased
from tests.live.forker import Forker
from tests.live.roll_back import each_step_fails

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="every case has a forked process of its own")

RECORDER = (
    "hidden = set()\nnamed = {}\ndef internal(f):\n"
    " hidden.add(f.__code__)\n named[f.__name__] = f.__code__\n return f\n"
)
BEFORE = RECORDER + "class C:\n @internal\n def f(self): return 1\n@internal\ndef g(): return 1\n"
ALL = (
    "m.hidden == {m.C.f.__code__, m.g.__code__} and len(m.hidden) == 2",
    "m.named == {'f': m.C.f.__code__, 'g': m.g.__code__}",
    "all(code in (m.C.f.__code__, m.g.__code__) for code in m.hidden)",
)
EDITS = {
    "lines move": RECORDER + "\n\nclass C:\n @internal\n def f(self): return 1\n@internal\ndef g(): return 1\n",
    "body": BEFORE.replace("g(): return 1", "g(): return 2"),
    "body of a method": BEFORE.replace("f(self): return 1", "f(self): return 2"),
    "signature": BEFORE.replace("def g()", "def g(a=1)"),
    "signature of a method": BEFORE.replace("f(self)", "f(self, a=1)"),
    "all of it": RECORDER
    + "X = 1\nclass C:\n y = 1\n @internal\n def f(self, a=1): return 2\n@internal\ndef g(b=2): return 3\n",
}


@pytest.mark.parametrize("name", EDITS)
def test_recorded_code_is_the_code_that_runs(name: str, forker: Forker) -> None:
    """Whatever changes or moves a function, the code that was noted of it is replaced by the one that it has."""
    said = forker.ask(rebased, BEFORE, EDITS[name], "", list(ALL))
    assert (said["verdict"], said["wrong"]) == ("LIVE", {}), said


@pytest.mark.parametrize("name", EDITS)
def test_recorded_code_comes_back(name: str, forker: Forker) -> None:
    """A push that fails leaves the code that was noted as it was."""
    assert forker.ask(each_step_fails, {"m": BEFORE}, {"m": EDITS[name]}) == {}


def test_recorded_code_of_a_function_that_goes(forker: Forker) -> None:
    """What was noted of a function goes with it."""
    after = BEFORE.replace("@internal\ndef g(): return 1\n", "")
    said = forker.ask(rebased, BEFORE, after, "", ["m.hidden == {m.C.f.__code__} and list(m.named) == ['f']"])
    assert (said["verdict"], said["wrong"]) == ("LIVE", {}), said
