"""Workers that are killed or stopped around a push: whoever runs then runs what the log says."""

from __future__ import annotations

import os
import signal

import pytest

from livecode.fleet.service import attach
from livecode.model.report import Verdict
from tests.fleet.faults.agreeing import NEW, NEXT, OLD, check_agreed
from tests.services import RunningService, Services, wait_until


@pytest.fixture
def started(services: Services) -> list[RunningService]:
    """Two workers, in the order in which they are asked."""
    pair = [services.threaded("shop", {"pricing.py": OLD}) for _ in range(2)]
    return sorted(pair, key=lambda service: service.pid)


@pytest.mark.parametrize("which", [0, 1], ids=["first", "later"])
def test_killed_before_its_commit(started: list[RunningService], which: int) -> None:
    """A worker that was killed before a push is no part of it."""
    started[which].stop(signal.SIGKILL)
    assert attach("shop").push({"pricing": NEW}).verdict is Verdict.LIVE
    check_agreed([started[1 - which]], "new")


@pytest.mark.parametrize("which", [0, 1], ids=["first", "later"])
def test_killed_in_its_commit(services: Services, started: list[RunningService], which: int) -> None:
    """A push that kills a worker is live nowhere; the worker in its place runs what the others run."""
    kills = f"import os\nif os.getpid() == {started[which].pid}:\n    os.kill(os.getpid(), 9)\n{NEW}"
    assert attach("shop").push({"pricing": kills}).verdict is Verdict.UNKNOWN
    started[which].stop()
    started[which] = services.again(started[which])
    check_agreed(started, "old")
    assert attach("shop").push({"pricing": NEXT}).verdict is Verdict.LIVE
    check_agreed(started, "next")


@pytest.mark.parametrize("which", [0, 1], ids=["first", "later"])
def test_killed_after_its_commit(services: Services, started: list[RunningService], which: int) -> None:
    """The worker in place of one that was killed after a push runs what was pushed."""
    assert attach("shop").push({"pricing": NEW}).verdict is Verdict.LIVE
    started[which].stop(signal.SIGKILL)
    started[which] = services.again(started[which])
    check_agreed(started, "new")


def test_all_killed(services: Services, started: list[RunningService]) -> None:
    """After kill -9 of all, a service runs what is on disk, and the next push works."""
    assert attach("shop").push({"pricing": NEW}).verdict is Verdict.LIVE
    for service in started:
        service.stop(signal.SIGKILL)
    again = [services.again(service) for service in started]
    check_agreed(again, "old")
    assert attach("shop").push({"pricing": NEXT}).verdict is Verdict.LIVE
    check_agreed(again, "next")


def test_stopped_over_several_pushes(started: list[RunningService]) -> None:
    """A worker that stood still goes on to what the service runs by then, and not one generation at a time."""
    attach("shop").status()
    os.kill(started[1].pid, signal.SIGSTOP)
    try:
        verdicts = [attach("shop", answer_s=1).push({"pricing": source}).verdict for source in (NEW, NEXT)]
        assert Verdict.LIVE not in verdicts  # it might still answer: all or none
    finally:
        os.kill(started[1].pid, signal.SIGCONT)
    check_agreed(started, "old")
    wait_until(lambda: attach("shop").push({"pricing": NEXT}).verdict in (Verdict.LIVE, Verdict.SAME), "a push works")
    check_agreed(started, "next")
