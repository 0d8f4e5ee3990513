"""A pusher that is killed leaves workers that end on one generation by themselves."""

from __future__ import annotations

import signal

import pytest

from livecode.fleet.service import attach
from livecode.model.log import Action
from livecode.model.report import Verdict
from tests.fleet.faults.agreeing import NEW, NEXT, OLD, check_agreed, opened_log, reported
from tests.services import RunningService, Services, wait_until

PUSHER = """
import os, signal, sys
from livecode.fleet.client import RemoteWorker
from livecode.fleet.log import Log
from livecode.fleet.service import attach

def kill_at(owner, name, before):
    does = getattr(owner, name)
    def do(*arguments, **named):
        if not before:
            does(*arguments, **named)
        os.kill(os.getpid(), signal.SIGKILL)
    setattr(owner, name, do)

point, when, source = sys.argv[1:]
kill_at(RemoteWorker if point == "follow" else Log, point, when == "before")
attach("shop").push({"pricing": source})
"""
"""Pushes, and kills itself before or after it does something."""


@pytest.fixture
def started(services: Services) -> list[RunningService]:
    """Two workers, in the order in which they are asked."""
    pair = [services.threaded("shop", {"pricing.py": OLD}) for _ in range(2)]
    return sorted(pair, key=lambda service: service.pid)


def push_and_die(services: Services, point: str, when: str, source: str) -> None:
    """A push by a process that is killed at that point."""
    script = services.script(PUSHER, point, when, source)
    _, errors = script.communicate(timeout=60)
    assert script.returncode == -signal.SIGKILL, errors


def failing_on(worker: RunningService) -> str:
    """A source that raises on one worker."""
    return f"import os\nif os.getpid() == {worker.pid}:\n    raise MemoryError('no room')\n{NEW}"


def check_next_push(started: list[RunningService]) -> None:
    """The next push goes live on all."""
    report = attach("shop").push({"pricing": NEXT})
    assert report.verdict is Verdict.LIVE, str(report)
    check_agreed(started, "next")


@pytest.mark.parametrize(
    ("point", "when", "answer"),
    [
        ("attempt", "after", "old"),
        ("follow", "after", "old"),
        ("settle", "before", "old"),
        ("settle", "after", "new"),
    ],
)
def test_killed(services: Services, started: list[RunningService], point: str, when: str, answer: str) -> None:
    """What was on trial is taken back, and what went live is live on those, too, that nobody asked any more."""
    push_and_die(services, point, when, NEW)
    check_agreed(started, answer)
    check_next_push(started)


def test_killed_before_it_published(services: Services, started: list[RunningService]) -> None:
    """A pusher that is killed before it published has done nothing."""
    push_and_die(services, "attempt", "before", NEW)
    assert [service.get("pricing.quote()") for service in started] == ["'old'"] * 2
    check_next_push(started)


def test_killed_when_it_had_taken_back(services: Services, started: list[RunningService]) -> None:
    """Workers whom nobody asks any more take back what the log says is taken back."""
    push_and_die(services, "take_back", "after", failing_on(started[1]))
    check_agreed(started, "old")
    with opened_log() as log:
        assert log.state().action is Action.TAKE_BACK
    check_next_push(started)


def test_killed_before_it_took_back(services: Services, started: list[RunningService]) -> None:
    """A worker that failed, and whose pusher was killed before it could take all back, says so until the next push."""
    push_and_die(services, "take_back", "before", failing_on(started[1]))
    with opened_log() as log:
        wait_until(lambda: any("ROLLED BACK" in each.trouble for each in reported(log, started)), "the trouble is told")
    check_next_push(started)
