"""Services on several machines, as far as one machine can play them, and what must hold when a fault is over."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from livecode.fleet.store import open_store
from livecode.model.log import State, WorkerReport, read_reports, read_state
from livecode.model.report import Report
from tests.services import RunningService, Services, wait_until

OTHER_HOST = "far-away"
HASTY = """
import livecode.fleet.follower as follower
follower.HEARTBEAT_S = 0.5
follower.REPORT_TTL_S = 2.0
"""
"""A module of a worker that is missed soon after it was killed."""


def quoting(what: object) -> str:
    """A module that quotes that."""
    return f"def quote():\n    return {what!r}\n"


class Machine(Services):
    """Another machine: doors of its own, and a host name of its own where this user may give one."""

    def _run(
        self,
        command: list[str],
        folder: Path,
        port: int,
        environment: Mapping[str, str],
        name: str,
        make: Callable[..., RunningService] = RunningService,
    ) -> RunningService:
        return super()._run([*as_other_host(), *command], folder, port, environment, name, make)


def as_other_host() -> list[str]:
    """What is put before a command so that it runs on a host of another name; nothing where that is not allowed."""
    unshare = shutil.which("unshare")
    rename = ["unshare", "--uts", "sh", "-c", f'hostname {OTHER_HOST} && exec "$@"', "sh"]
    if unshare is None or subprocess.run([*rename, "true"], capture_output=True, check=False).returncode:
        return []
    return rename


@contextmanager
def machine(folder: Path) -> Iterator[Machine]:
    """Another machine, without making it the one on which the test runs."""
    other = Machine(folder)
    try:
        yield other
    finally:
        other.__exit__(None)


def log_of(url: str, service: str = "shop") -> tuple[State, dict[str, WorkerReport]]:
    """What a store says now: the newest state, and what workers say of themselves."""
    store = open_store(url, service)
    try:
        return read_state(store.head().text), read_reports(store.reports())
    finally:
        store.close()


def check_agree(url: str, started: Sequence[RunningService], answer: str) -> State:
    """All of these workers are on the store's newest generation by their own words, untroubled, and answer that."""

    def agree() -> bool:
        state, reports = log_of(url)
        by_pid = {report.worker.pid: report for report in reports.values() if not report.left and not report.pusher}
        mine = [by_pid.get(service.pid) for service in started]
        said = all(each and (each.generation, each.trouble) == (state.generation, "") for each in mine)
        return said and state.trial is None and all(one.get("pricing.quote()") == answer for one in started)

    try:
        wait_until(agree, f"all agree on {answer}", timeout_s=20)
    except AssertionError as error:
        state, reports = log_of(url)
        found = [(one.pid, one.get("pricing.quote()")) for one in started]
        raise AssertionError(f"{error}\n{state}\n{found}\n" + "\n".join(map(str, reports.values()))) from error
    return log_of(url)[0]


def words(report: Report) -> list[str]:
    """The verdict of each worker."""
    return [outcome.verdict.value for outcome in report.outcomes]
