from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from livecode.live.turns import short_turns


@pytest.fixture(autouse=True)
def interval() -> Iterator[float]:
    """What is set before and after a test."""
    before = sys.getswitchinterval()
    yield before
    sys.setswitchinterval(before)


def test_turns_are_short_for_a_while(interval: float) -> None:
    """The switch interval is shorter meanwhile, and then what it was, also after an error."""
    with pytest.raises(KeyError), short_turns(0.001):
        assert sys.getswitchinterval() == pytest.approx(0.001)
        raise KeyError
    assert sys.getswitchinterval() == interval


def test_turns_never_become_longer() -> None:
    """A program that has set short turns keeps them."""
    sys.setswitchinterval(0.0005)
    with short_turns(0.001):
        assert sys.getswitchinterval() == pytest.approx(0.0005)
    assert sys.getswitchinterval() == pytest.approx(0.0005)


def test_what_the_program_sets_meanwhile_stays() -> None:
    """A pushed statement that sets the interval has set it."""
    with short_turns(0.001):
        sys.setswitchinterval(0.02)
    assert sys.getswitchinterval() == pytest.approx(0.02)


def test_two_that_overlap(interval: float) -> None:
    """Whoever of two guests ends first, in the end it is what it was."""
    for first, second, shorter in ((0, 1, 0.001), (1, 0, 0.001), (0, 1, 0.0003), (1, 0, 0.0003)):
        both = [short_turns(0.001), short_turns(shorter)]
        for each in both:
            each.__enter__()
        both[first].__exit__(None, None, None)
        both[second].__exit__(None, None, None)
        assert sys.getswitchinterval() == interval


def test_what_was_made_longer_for_a_moment_is_taken_back_later(interval: float) -> None:
    """Where an end falls into a moment in which it is longer, the next end puts back what was found first."""
    with short_turns(0.001):
        mine = sys.getswitchinterval()
        sys.setswitchinterval(0.5)
    sys.setswitchinterval(mine)
    with short_turns(0.001):
        pass
    assert sys.getswitchinterval() == interval
