"""Closures that a function made before it changed run the new code, wherever they are held; or it is said that not."""

from __future__ import annotations

import sys

from tests.live import closures
from tests.live.forker import Forker

CAN_WATCH = sys.version_info >= (3, 12)


def test_closures_are_found_wherever_they_are_held(forker: Forker) -> None:
    """Containers, objects, classes, partials, cells, keys, long lists, variables of this and of another thread."""
    assert forker.ask(closures.held_anywhere) == [101, 102, 103, 104, 105, 106, 107, 108]


def test_closures_that_an_event_loop_will_call_are_found(forker: Forker) -> None:
    """Timers and callbacks of futures hang in the loop, which a call of another thread knows."""
    assert sorted(forker.ask(closures.in_callbacks_of_a_loop)) == [101, 102]


def test_nothing_is_looked_for_where_no_closure_is_alive(forker: Forker) -> None:
    """The references that the code has tell that nobody has it."""
    assert forker.ask(closures.none_held) == {"looked": 0, "warnings": []}


def test_closures_that_are_not_found_are_told_and_found_when_called(forker: Forker) -> None:
    """Report and status count them; from 3.12 on a call brings one up to date; a later push looks for them again."""
    said = forker.ask(closures.not_found)
    (warning,) = said["warnings"]
    assert warning.startswith("2 of 2 closures of make.<locals>.made() made before were not found")
    assert said["reported"] == ["make.<locals>.made() of v1 (m.py:2), 2 closures made before"]
    assert said["calls"] == [[0, 1], [100, 101] if CAN_WATCH else [0, 1]]
    assert said["left"] == ([] if CAN_WATCH else said["reported"])
    assert (said["again"], said["status"]) == ([200, 201], [])
    assert not said["tools"] or "livecode" not in said["tools"]


def test_closures_that_are_let_go_are_not_counted_any_more(forker: Forker) -> None:
    """The count is that of the moment."""
    place = "make.<locals>.made() of v1 (m.py:2)"
    told = [[f"{place}, {count} closures made before"] for count in (3, 2)]
    assert forker.ask(closures.let_go) == [*told, []]


def test_others_run_while_closures_are_looked_for(forker: Forker) -> None:
    """A long look is done in slices."""
    assert forker.ask(closures.longest_wait)
