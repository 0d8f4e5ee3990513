"""A worker that is killed before, in or after its commit: the others and the one in its place agree."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress

import pytest

from livecode.errors import StoreError
from livecode.fleet.client import RemoteWorker
from livecode.fleet.crew import Crew
from livecode.fleet.service import attach
from livecode.model.log import WorkerReport
from livecode.model.report import Report, Verdict
from tests.fleet.faults.agreement import differences
from tests.services import RunningService, Services, wait_until

OLD = "def quote():\n    return 'old'\n"
NEW = "def quote():\n    return 'new'\n"
THIRD = "def quote():\n    return 'third'\n"
WORKERS = 3


@pytest.fixture
def shop(services: Services) -> RunningService:
    """A gunicorn, which replaces workers, to which nobody has pushed."""
    server = services.gunicorn("shop", {"pricing.py": OLD}, "--workers", str(WORKERS))
    wait_until(lambda: len(pids()) == WORKERS, "all workers listen", server)
    return server


def pids() -> list[int]:
    """The workers that listen now."""
    return sorted(client.worker.pid for client in Crew("shop").look())


def all_run(services: Services, server: RunningService, source: str) -> None:
    """Waits until as many workers as at first are where the log is, and run that source in fact."""
    said: list[object] = []

    def holds() -> bool:
        workers = Crew("shop").look()
        said[:] = differences(services, [each.worker.pid for each in workers])
        with suppress(StoreError):
            said.extend(each.source("pricing") for each in workers)
        return said == [source] * WORKERS

    try:
        wait_until(holds, "all agree", server, timeout_s=20)
    except AssertionError as error:
        raise AssertionError(f"{error}: {said}") from None
    assert server.get("pricing.quote()") == repr(eval(source.split("return ")[1]))


def dying_in_commit(pid: int) -> str:
    """A source that kills one process while it is loaded."""
    return f"import os\nif os.getpid() == {pid}:\n    os.kill(os.getpid(), 9)\n{NEW}"


def push_and_kill(monkeypatch: pytest.MonkeyPatch, pid: int, when: str) -> Report:
    """What becomes of a push while one worker is killed before or after it follows."""
    follow: Callable[[RemoteWorker, int], WorkerReport] = RemoteWorker.follow

    def killing(client: RemoteWorker, generation: int) -> WorkerReport:
        if when == "before" and client.worker.pid == pid:
            os.kill(pid, signal.SIGKILL)
        report = follow(client, generation)
        if when == "after" and client.worker.pid == pid:
            os.kill(pid, signal.SIGKILL)
        return report

    with monkeypatch.context() as patched:
        patched.setattr(RemoteWorker, "follow", killing)
        return attach("shop").push({"pricing": NEW if when != "in" else dying_in_commit(pid)})


@pytest.mark.parametrize("which", [0, 1], ids=["first", "later"])
@pytest.mark.parametrize("when", ["before", "in", "after"])
def test_killed_worker(
    services: Services, shop: RunningService, monkeypatch: pytest.MonkeyPatch, when: str, which: int
) -> None:
    """What was said to be live is live on all, the one in its place included; what was not is live on none."""
    chosen = pids()[which]
    report = push_and_kill(monkeypatch, chosen, when)
    assert report.verdict is Verdict.LIVE or when != "after", str(report)
    wait_until(lambda: chosen not in pids() and len(pids()) == WORKERS, "another worker listens", shop)
    all_run(services, shop, NEW if report.verdict is Verdict.LIVE else OLD)
    assert attach("shop").push({"pricing": THIRD}).verdict is Verdict.LIVE
    all_run(services, shop, THIRD)
