"""A pusher that is killed in any phase of its push: the workers agree by themselves, and the next push works."""

from __future__ import annotations

import signal
import sys

import pytest

from livecode.fleet.service import attach
from livecode.model.report import Verdict
from tests.fleet.faults.agreement import agreed
from tests.services import RunningService, Services

OLD = "def quote():\n    return 'old'\n"
NEW = "def quote():\n    return 'new'\n"
THIRD = "def quote():\n    return 'third'\n"
WORKERS = 3

PUSHER = """
import os, sys
from livecode.fleet.client import RemoteWorker
from livecode.fleet.log import Log
from livecode.fleet.service import attach
owner, name, when, call, source = sys.argv[1:]
kind = {"Log": Log, "RemoteWorker": RemoteWorker}[owner]
original, calls = getattr(kind, name), []
def dying(*arguments):
    calls.append(name)
    last = len(calls) == int(call)
    if last and when == "before":
        os.kill(os.getpid(), 9)
    answer = original(*arguments)
    if last and when == "after":
        os.kill(os.getpid(), 9)
    return answer
setattr(kind, name, dying)
print(attach("shop").push({"pricing": source}, author="ann"))
"""
"""A pusher that kills itself before or after the call of a method which a push makes."""

PHASES = {
    "before publishing": ("Log", "attempt", "before", 1, "old"),
    "on trial in the log": ("Log", "attempt", "after", 1, "old"),
    "asked the first": ("RemoteWorker", "follow", "before", 1, "old"),
    "the first has committed": ("Log", "settle", "before", 1, "old"),
    "live, and the others were not asked": ("Log", "settle", "after", 1, "new"),
    "live, and one of the others was asked": ("RemoteWorker", "follow", "after", 2, "new"),
}
FAILING = {
    "before taking back": ("Log", "take_back", "before", 1, "old"),
    "taken back in the log": ("Log", "take_back", "after", 1, "old"),
}


def shop(services: Services) -> list[RunningService]:
    """Processes of one name, to which nobody has pushed; by process id."""
    started = [services.threaded("shop", {"pricing.py": OLD}) for _ in range(WORKERS)]
    return sorted(started, key=lambda each: each.pid)


def killed_pusher(services: Services, where: tuple[str, str, str, int, str], source: str) -> None:
    """Pushes from a process that is killed there."""
    owner, name, when, call, _ = where
    command = [sys.executable, "-c", PUSHER, owner, name, when, str(call), source]
    pusher = services.program(command)
    said, errors = pusher.communicate(timeout=30)
    assert pusher.returncode == -signal.SIGKILL, (said, errors)


def next_push_works(services: Services, started: list[RunningService]) -> None:
    """Somebody else pushes, and it is live on all."""
    report = attach("shop").push({"pricing": THIRD}, author="bob")
    assert report.verdict is Verdict.LIVE, str(report)
    assert agreed(services, started, "'third'").author == "bob"


@pytest.mark.parametrize("where", PHASES.values(), ids=PHASES)
def test_killed_pusher(services: Services, where: tuple[str, str, str, int, str]) -> None:
    """Before its push went live for all it is taken back everywhere, and from then on it goes live everywhere."""
    started = shop(services)
    killed_pusher(services, where, NEW)
    if where[1:3] != ("attempt", "before"):
        agreed(services, started, f"'{where[-1]}'")
    assert {each.get("pricing.quote()") for each in started} == {f"'{where[-1]}'"}
    next_push_works(services, started)


@pytest.mark.parametrize("where", FAILING.values(), ids=FAILING)
def test_killed_while_taking_back(services: Services, where: tuple[str, str, str, int, str]) -> None:
    """A push that fails on a later worker is taken back everywhere, though its pusher cannot do it any more."""
    started = shop(services)
    source = f"import os\nif os.getpid() == {started[1].pid}:\n    raise MemoryError('no room')\n{NEW}"
    killed_pusher(services, where, source)
    state = agreed(services, started, "'old'")
    assert (state.action.value, state.patches) == ("take back", ())
    next_push_works(services, started)


def test_next_push_does_not_wait(services: Services) -> None:
    """Who pushes at once after a pusher was killed takes its trial back and goes on."""
    started = shop(services)
    killed_pusher(services, PHASES["the first has committed"], NEW)
    next_push_works(services, started)
