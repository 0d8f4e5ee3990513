"""Pushes into services that run on event loops."""

from __future__ import annotations

import importlib.util
import os

import pytest

from tests.live import served
from tests.live.forker import Forker

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="every case has a forked process of its own")

PUSHES = 5000 if os.environ.get("LIVECODE_NIGHTLY") else 150

HAS_UVLOOP = pytest.mark.skipif(importlib.util.find_spec("uvloop") is None, reason="uvloop is not installed")


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("loop", ["asyncio", pytest.param("uvloop", marks=HAS_UVLOOP)])
def test_requests_see_one_version_while_handlers_and_threads_push(forker: Forker, loop: str) -> None:
    """Pushes come from outside, from handlers on the loop itself and from their threads, and none waits for another."""
    said = forker.ask(served.served, loop, PUSHES)
    assert list(said["verdicts"]) == ["LIVE"]
    assert list(said["answers"]) == ["whole"]


@pytest.mark.timeout(600)
def test_loops_of_two_threads(forker: Forker) -> None:
    """A handler on one loop and a thread push at the same time: no push is refused, and none waits for another."""
    said = forker.ask(served.two_loops, PUSHES)
    assert list(said["verdicts"]) == ["LIVE"]
    assert said["whole"] > 0


def test_a_loop_that_ends_does_not_keep_a_push(forker: Forker) -> None:
    """The work that it did not come to is done by the thread that asked."""
    assert forker.ask(served.loop_that_ends)[0] == "worked"
