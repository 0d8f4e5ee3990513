"""How often a service is looked at for a panel."""

from __future__ import annotations

from livecode.front.panel.pace import (
    HIDDEN_LEASE_S,
    HIDDEN_S,
    LONGEST_S,
    VISIBLE_LEASE_S,
    VISIBLE_S,
    Seen,
    Viewers,
    usual_s,
)


def test_nobody_looks_for_nobody() -> None:
    """Before a browser has said that a panel is seen, after it said that it is gone, and when it says nothing more."""
    viewers = Viewers()
    assert viewers.pace(0.0, 0.0) is None
    viewers.says("a", Seen.VISIBLE, 0.0)
    assert viewers.pace(1.0, 0.0) == VISIBLE_S
    assert viewers.pace(VISIBLE_LEASE_S + 1, 0.0) is None
    viewers.says("a", Seen.HIDDEN, 100.0)
    assert viewers.pace(100 + HIDDEN_LEASE_S + 1, 0.0) is None
    viewers.says("a", Seen.VISIBLE, 200.0)
    viewers.says("a", Seen.GONE, 201.0)
    assert viewers.pace(201.0, 0.0) is None


def test_the_view_that_is_seen_best_decides() -> None:
    """One hidden and one visible view of a panel: as for a visible one."""
    viewers = Viewers()
    viewers.says("a", Seen.HIDDEN, 0.0)
    assert viewers.pace(0.0, 0.0) == HIDDEN_S
    viewers.says("b", Seen.VISIBLE, 0.0)
    assert viewers.pace(0.0, 0.0) == VISIBLE_S
    viewers.says("b", Seen.GONE, 0.0)
    assert viewers.pace(0.0, 0.0) == HIDDEN_S


def test_a_slow_look_is_taken_less_often() -> None:
    """It takes a tenth of the time at most."""
    viewers = Viewers()
    viewers.says("a", Seen.VISIBLE, 0.0)
    assert viewers.pace(0.0, 0.5) == 5.0
    assert viewers.pace(0.0, 60.0) == LONGEST_S


def test_a_single_slow_look_counts_little() -> None:
    """The next one comes as soon as ever; where all are slow, that is soon known."""
    assert usual_s(0.02, 4.0) < 0.1
    takes_s = 0.02
    for _ in range(10):
        takes_s = usual_s(takes_s, 4.0)
    assert takes_s == 4.0
    assert usual_s(takes_s, 0.02) == 0.02
