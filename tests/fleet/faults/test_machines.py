"""Workers behind two sets of doors that follow one store: a push from one side is all-or-nothing over both."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from livecode.fleet.service import attach
from livecode.model.report import Verdict
from tests.fleet.faults.agreeing import NEW, OLD, check_agreed
from tests.fleet.stores.backends import Require, answers
from tests.fleet.stores.servers import REDIS, Server
from tests.services import RunningService, Services, wait_until


@dataclass(frozen=True, slots=True)
class Both:
    """A worker whose door can be reached from here, and one whose door cannot."""

    url: str
    near: RunningService
    far: RunningService

    @property
    def workers(self) -> list[RunningService]:
        """The two of them."""
        return [self.near, self.far]


@pytest.fixture
def both(require: Require, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Both]:
    """Two workers with their doors in two directories."""
    with (
        Server(REDIS, require(REDIS.programs, REDIS.how_to_get), tmp_path / "data") as server,
        Services(tmp_path) as distant,
        Services(tmp_path) as here,
    ):
        answers(server.url)
        monkeypatch.setenv("LIVECODE_STORE", server.url)
        pair = Both(
            server.url,
            here.threaded("shop", {"pricing.py": OLD}),
            distant.threaded("shop", {"pricing.py": OLD}),
        )
        wait_until(lambda: len(attach("shop").workers()) == 2, "both are known")
        yield pair


def test_push_reaches_both(both: Both) -> None:
    """A push is live on both, and each answers for itself."""
    report = attach("shop").push({"pricing": NEW})
    assert (report.verdict, len(report.outcomes)) == (Verdict.LIVE, 2), str(report)
    check_agreed(both.workers, "new", both.url)


@pytest.mark.parametrize("fails", ["near", "far"])
def test_one_fails(both: Both, fails: str) -> None:
    """Where one side fails, neither runs it."""
    pid = getattr(both, fails).pid
    report = attach("shop").push({"pricing": f"import os\nif os.getpid() == {pid}:\n    1 / 0\n{NEW}"})
    assert report.verdict in (Verdict.UNDONE, Verdict.ROLLED_BACK), str(report)
    check_agreed(both.workers, "old", both.url)


def test_dry_run_says_what_it_did_not_ask(both: Both) -> None:
    """A dry run changes nothing on either side, and says that it did not reach the other one."""
    report = attach("shop").dry_run({"pricing": NEW})
    assert report.verdict is Verdict.READY
    assert any("does not reach other machines" in line for each in report.outcomes for line in each.warnings)
    assert [service.get("pricing.quote()") for service in both.workers] == ["'old'"] * 2


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["term", "kill"])
def test_distant_one_has_ended(both: Both, how: signal.Signals) -> None:
    """No push fails because the distant worker is gone."""
    os.kill(both.far.pid, how)
    both.far.process.wait()
    assert attach("shop").push({"pricing": NEW}).verdict is Verdict.LIVE
    check_agreed([both.near], "new", both.url)
