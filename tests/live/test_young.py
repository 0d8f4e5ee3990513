from __future__ import annotations

import gc
import subprocess
import sys
import weakref

import pytest

from livecode.live.young import MANY, grow_old, no_collection


class Node:
    """Something that can hold itself."""


def test_the_collector_is_off_for_a_while() -> None:
    """The collector is off meanwhile, and then on again only if it was on."""
    with no_collection():
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.disable()
    with no_collection():
        assert not gc.isenabled()
    assert not gc.isenabled()
    gc.enable()


def test_what_grew_old_is_collected_later() -> None:
    """Many new objects are no longer young, nothing stays put aside, and garbage among them is found in the end."""
    before = gc.get_freeze_count()
    with no_collection():
        many = [[number] for number in range(2 * MANY)]
        circle = Node()
        circle.itself = circle  # type: ignore[attr-defined]
        gone = weakref.ref(circle)
        del circle
        grow_old()
        assert gc.get_count()[0] < MANY < len(many)
    assert gc.get_freeze_count() <= before
    assert gone() is not None
    gc.collect()
    assert gone() is None


FROZEN = """
import gc
from livecode.live.young import MANY, grow_old
kept = [[number] for number in range(5000)]
gc.freeze()
before = gc.get_freeze_count()
gc.disable()
many = [[number] for number in range(2 * MANY)]
grow_old()
print(before > 5000, gc.get_freeze_count() == before)
"""


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="about CPython's collector")
def test_what_the_program_has_put_aside_stays_there() -> None:
    """A program that has frozen its objects before it forks keeps them frozen."""
    said = subprocess.run([sys.executable, "-c", FROZEN], check=True, capture_output=True, text=True).stdout
    assert said == "True True\n"
