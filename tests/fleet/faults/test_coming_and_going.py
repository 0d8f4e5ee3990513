"""Workers that join and leave all the time while pushes go out over the embedded store."""

from __future__ import annotations

import sys
from pathlib import Path
from subprocess import Popen

from livecode.fleet.rundir import store_path
from livecode.fleet.service import attach
from livecode.model.report import Report, Verdict
from tests.fleet.faults.machines import log_of, quoting
from tests.services import Services, wait_until

WORKERS, PUSHES, AT_ONCE = 200, 100, 20

ZYGOTE = """
import os, signal, sys, time
sys.path.insert(0, os.getcwd())
import pricing
import livecode.fleet.ops, livecode.fleet.follower, livecode.fleet.stores.sqlite
from livecode.fleet.listen import listen
from livecode.fleet.service import here
here().dry_run({'pricing': 'def quote(): pass'})  # what each child would import is here before it is forked
at_once = int(sys.argv[1])
def work():
    leaving = []
    signal.signal(signal.SIGTERM, lambda *_: leaving.append(True))
    with listen("shop"):
        while not leaving:
            with open(f"new-{os.getpid()}", "w") as file:
                file.write(str(pricing.quote()))
            os.rename(f"new-{os.getpid()}", f"answers/{os.getpid()}")
            time.sleep(0.1)
        os.unlink(f"answers/{os.getpid()}")
children = []
for line in sys.stdin:  # each line is one who joins
    pid = os.fork()
    if not pid:
        try:
            work()
            os._exit(0)
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        os._exit(1)
    children.append(pid)
    if len(children) > at_once:
        os.kill(children.pop(0), signal.SIGTERM)
    while os.waitpid(-1, os.WNOHANG)[0]:
        pass
for pid in children:
    os.kill(pid, signal.SIGKILL)
"""
"""Forks a worker for each line that it reads; the one that is there longest leaves when there are too many."""


def join(zygote: Popen[str], number: int) -> None:
    """So many workers join, and as many leave where there are enough."""
    assert zygote.stdin is not None
    zygote.stdin.write("\n" * number)
    zygote.stdin.flush()


def answers(folder: Path) -> dict[int, str]:
    """What the workers that are there answer now, by process id."""
    return {int(file.name): file.read_text() for file in folder.iterdir()}


def test_join_and_leave(services: Services, tmp_path: Path) -> None:
    """No push fails because somebody left meanwhile, who comes late replays, and in the end all are the same."""
    folder = tmp_path / "zygote"
    (folder / "answers").mkdir(parents=True)
    (folder / "pricing.py").write_text(quoting("old"))
    printed = (folder / "printed").open("w")
    command = [sys.executable, "-c", ZYGOTE, str(AT_ONCE)]
    environment = services.environment()
    with (
        printed,
        Popen(command, cwd=folder, env=environment, text=True, stdin=-1, stderr=printed) as zygote,
    ):
        join(zygote, AT_ONCE)
        wait_until(lambda: len(answers(folder / "answers")) == AT_ONCE, "the first ones answer")
        service, reports = attach("shop"), list[Report]()
        for number in range(PUSHES):
            if (number + 1) * 2 <= WORKERS - AT_ONCE:
                join(zygote, 2)
            reports.append(service.push({"pricing": quoting(number)}))
        failed = [(number, report) for number, report in enumerate(reports) if report.verdict is not Verdict.LIVE]
        assert not failed, [(number, [one for one in report.outcomes if not one.ok]) for number, report in failed]
        url = f"sqlite://{store_path(str(services.doors), 'shop')}"
        last = str(PUSHES - 1)

        def agree() -> bool:
            found, (state, said) = answers(folder / "answers"), log_of(url)
            by_pid = {report.worker.pid: report for report in said.values() if not report.left}
            reached = {by_pid[pid].generation for pid in found if pid in by_pid and not by_pid[pid].trouble}
            return len(found) == AT_ONCE and set(found.values()) == {last} and reached == {state.generation}

        wait_until(agree, "all that are left agree")
        assert len(service.workers()) == AT_ONCE
        assert zygote.stdin is not None
        zygote.stdin.close()
    assert (folder / "printed").read_text() == ""
