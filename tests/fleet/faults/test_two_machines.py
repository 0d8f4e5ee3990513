"""Workers on two machines that follow one store: a push from one of them is all or nothing over both."""

from __future__ import annotations

import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from livecode.fleet.service import Service, attach
from livecode.model.report import Report, Verdict
from tests.fleet.faults.machines import HASTY, OTHER_HOST, as_other_host, check_agree, log_of, machine, quoting, words
from tests.fleet.stores.backends import Backend
from tests.fleet.stores.servers import REDIS
from tests.services import RunningService, Services, wait_until

Require = Callable[[str | tuple[str, ...], str], str]
MODULES = {"hasty.py": HASTY, "pricing.py": quoting("old")}
NEW = quoting("new")


@dataclass(frozen=True, slots=True)
class Both:
    """One worker here and two far away, and the service as it is seen from here."""

    url: str
    here: RunningService
    far: tuple[RunningService, RunningService]
    service: Service

    @property
    def all(self) -> tuple[RunningService, ...]:
        """The three of them."""
        return (self.here, *self.far)


@pytest.fixture
def both(services: Services, require: Require, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Both]:
    """Two machines with one Redis."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lcs", dir="/tmp")))
        server = stack.enter_context(Backend("redis", REDIS).running(require, folder / "data"))
        assert server is not None
        monkeypatch.setenv("LIVECODE_STORE", server.url)
        other = stack.enter_context(machine(tmp_path))
        here = services.threaded("shop", MODULES)
        far = other.threaded("shop", MODULES), other.threaded("shop", MODULES)
        service = attach("shop", answer_s=4)
        wait_until(lambda: len(service.workers()) == 3, "all three are known")
        yield Both(server.url, here, far, service)


def test_all_of_both(both: Both) -> None:
    """Push, the same again and undo reach both machines; a dry run says that it does not; status tells of all."""
    service = both.service
    assert words(service.dry_run({"pricing": NEW})) == ["READY"] * 3
    assert any("does not reach" in str(one.warnings) for one in service.dry_run({"pricing": NEW}).outcomes)
    check_agree(both.url, both.all, "'old'")
    report = service.push({"pricing": NEW}, author="ann", reason="two machines")
    assert (report.verdict, words(report)) == (Verdict.LIVE, ["LIVE"] * 3), report
    check_agree(both.url, both.all, "'new'")
    assert service.push({"pricing": NEW}).verdict is Verdict.SAME
    status = {found.worker.pid: found for found in service.status()}
    assert set(status) == {one.pid for one in both.all}
    assert {m.version for one in status.values() for m in one.modules if m.module == "pricing"} == {2}
    assert {one.busy for one in status.values()} == {""}
    assert service.undo().verdict is Verdict.LIVE
    check_agree(both.url, both.all, "'old'")


@pytest.mark.parametrize("which", [0, 1, 2])
def test_taken_back_where_one_fails(both: Both, which: int) -> None:
    """A source that raises on one worker, on whichever machine, is live nowhere in the end, and says why."""
    bad = f"import os\nif os.getpid() == {both.all[which].pid}:\n    raise MemoryError('no room')\n{NEW}"
    report = both.service.push({"pricing": bad})
    assert report.verdict in (Verdict.ROLLED_BACK, Verdict.UNDONE), report
    assert any(one.failure and "no room" in one.failure.message for one in report.outcomes)
    check_agree(both.url, both.all, "'old'")
    assert both.service.push({"pricing": NEW}).verdict is Verdict.LIVE
    check_agree(both.url, both.all, "'new'")


def test_distant_worker_leaves(both: Both) -> None:
    """Workers of the other machine that end in good order while pushes go out make none of them fail."""
    reports: list[Report] = []
    leaving = [
        threading.Timer(delay, one.stop, (signal.SIGINT,)) for delay, one in zip((0.2, 0.5), both.far, strict=True)
    ]
    for timer in leaving:
        timer.start()
    until = time.monotonic() + 1.5
    while time.monotonic() < until:
        reports.append(both.service.push({"pricing": quoting(len(reports))}))
    for timer in leaving:
        timer.join()
    failed = [report for report in reports if report.verdict is not Verdict.LIVE]
    assert not failed, failed[0].outcomes
    assert len(both.service.workers()) == 1
    check_agree(both.url, [both.here], str(len(reports) - 1))


def test_distant_worker_is_killed(both: Both) -> None:
    """A killed worker of another machine is missed: pushes are taken back as long as it may still be there."""
    both.far[0].stop(signal.SIGKILL)
    started = time.monotonic()
    report = both.service.push({"pricing": NEW})
    if report.verdict is not Verdict.LIVE:  # else it was forgotten before
        assert report.verdict is Verdict.UNKNOWN
        lost = [one for one in report.outcomes if one.verdict is Verdict.UNKNOWN]
        assert [one.worker.pid for one in lost] == [both.far[0].pid]
        assert lost[0].failure is not None
        assert f"pid {both.far[0].pid} on " in lost[0].failure.message
        check_agree(both.url, [both.here, both.far[1]], "'old'")
    wait_until(lambda: both.service.push({"pricing": NEW}).ok, "it is not expected any more")
    assert time.monotonic() - started < 30
    check_agree(both.url, [both.here, both.far[1]], "'new'")


def test_host_names(both: Both) -> None:
    """Who is where is known by the name of the host, where the test may give another one."""
    expected = OTHER_HOST if as_other_host() else socket.gethostname()
    assert {one.host for one in both.service.workers() if one.pid in {far.pid for far in both.far}} == {expected}
    assert {report.worker.host for report in log_of(both.url)[1].values()} == {expected, socket.gethostname()}
