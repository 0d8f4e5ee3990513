"""Native code and code compiled by others: what works, and what is refused with its line and a way out."""

from __future__ import annotations

import os

import pytest

from tests.live import natively
from tests.live.forker import Forker

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="every case has a forked process of its own")


def test_the_function_behind_a_callback_can_be_edited(forker: Forker) -> None:
    """C code that holds the callback runs the new code at its next call; so do methods of structures."""
    said = forker.ask(natively.edited, "x + 1", "x + 2")
    assert (said["verdict"], said["called"]) == ("LIVE", 3)
    assert forker.ask(natively.edited, "self.x * 2", "self.x * 3")["twice"] == 12


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("CB = PROTO(f)", "CB = PROTO(lambda x: x)", "CB would do it again: C code may hold the callback"),
        ("CB = PROTO(f)", "", "CB would be freed: C code may hold the callback"),
        ('("x", c_int)', '("x", c_int), ("y", c_int)', "Point is a ctypes type, whose layout C code knows"),
    ],
)
def test_what_would_crash_is_refused(old: str, new: str, says: str, forker: Forker) -> None:
    """A callback that C code may hold stays as it is, and so does a layout that it knows."""
    said = forker.ask(natively.edited, old, new)
    assert (said["verdict"], said["codes"], said["called"], said["twice"]) == ("REFUSED", ["LC202"], 2, 8)
    assert said["says"][0].startswith(says)


def test_an_unload_that_would_free_a_callback_is_refused(forker: Forker) -> None:
    """Unless it is forced."""
    said = forker.ask(natively.unloaded)
    assert (said["plain"]["codes"], said["forced"]["verdict"]) == (["LC202"], "LIVE")


@pytest.mark.parametrize("package", ["numba", "torch", "jax", "triton"])
def test_what_another_tool_compiled_is_refused(package: str, forker: Forker) -> None:
    """Told by the package of the live object (here of stand-ins that keep old code as those do); others are free."""
    said = forker.ask(natively.compiled, package, "return RATE", "return RATE + 1")
    assert (said["verdict"], said["codes"]) == ("REFUSED", ["LC301"])
    assert said["says"][0].startswith("area() runs as ")
    assert forker.ask(natively.compiled, package, "return 1", "return 2")["verdict"] == "LIVE"


def test_a_value_in_compiled_code_is_told(forker: Forker) -> None:
    """The push goes ahead, and says who may keep the old value."""
    said = forker.ask(natively.compiled, "numba", "RATE = 1", "RATE = 2")
    assert said["verdict"] == "LIVE"
    assert "area() may keep RATE as it was when numba compiled it" in said["warnings"]
