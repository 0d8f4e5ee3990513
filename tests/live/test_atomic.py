"""What other threads see of a push: all of it or nothing, in every call."""

from __future__ import annotations

import os

import pytest

from tests.live import atomic
from tests.live.forker import Forker

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="every case has a forked process of its own")

SECONDS = 300.0 if os.environ.get("LIVECODE_NIGHTLY") else 5.0
PUSHES = 5000 if os.environ.get("LIVECODE_NIGHTLY") else 200
THREADS = 2


@pytest.mark.timeout(600)
def test_no_call_sees_a_mixture(forker: Forker) -> None:
    """Functions, constants, methods, properties, enums, dataclasses, …: all of one version, in every call."""
    said = forker.ask(atomic.mixtures, SECONDS, THREADS)
    assert set(said["pushes"]) == {"LIVE"}
    assert said["mixed"] == {}
    assert said["said"] == {}
    assert len(said["calls"]) == 19
    assert min(said["calls"].values()) > 100


@pytest.mark.timeout(600)
def test_no_turn_of_a_loop_sees_a_mixture(forker: Forker) -> None:
    """Of a loop that never ends a turn is what sees one version."""
    said = forker.ask(atomic.mixtures_in_loops, PUSHES, THREADS)
    assert (said["mixed"], said["live"], said["impatient"]) == (0, PUSHES, 0)
    assert said["whole"] > PUSHES


@pytest.mark.timeout(600)
def test_no_call_sees_a_mixture_although_an_audit_hook_runs_between_the_steps(forker: Forker) -> None:
    """A hook in Python is noticed, said, and does not let other threads see half of a commit."""
    said = forker.ask(atomic.mixtures_with_hook, SECONDS, THREADS)
    assert said["mixed"] == {} or any("may have seen" in text for text in said["said"])
    assert any("an audit hook" in text for text in said["said"])


def test_audit_hooks_are_noticed(forker: Forker) -> None:
    """Nothing lists them, but what they cost and let happen tells."""
    assert forker.ask(atomic.hooks_heard) == [False, False, True, True]


def test_a_hook_that_raises_does_not_stop_a_push(forker: Forker) -> None:
    """An audit hook that raises at an event which it does not know is noticed by that."""
    verdict, value, *warnings = forker.ask(atomic.hook_that_raises)
    assert (verdict, value) == ("LIVE", "2")
    assert "an audit hook" in warnings[0]
