"""A canary on real workers: kept, taken back, or kept without evidence, and what is said of it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from livecode.fleet.rollout import Policy
from livecode.fleet.service import attach
from livecode.model.measured import Advice, CanaryResult
from livecode.model.report import Verdict
from tests.live.test_measure import FOUND, interpreter
from tests.services import Services

SERVE = """
import random, sys, threading, time, types
from livecode.fleet.listen import listen
listener = listen("shop")
sys.path.insert(0, sys.argv[1])
import pricing
def ask():
    while True:
        try:
            pricing.quote(random.random())
        except ValueError:
            pass
        time.sleep(0.001)
threading.Thread(target=ask, daemon=True).start()
print("ready", flush=True)
input()
"""
OLD = "def quote(x):\n    return 'old'\n"
GOOD = "def quote(x):\n    return 'good'\n"
BAD = "def quote(x):\n    if x > 0.5:\n        raise ValueError(x)\n    return 'bad'\n"


@pytest.fixture
def workers(services: Services) -> Iterator[list[subprocess.Popen[str]]]:
    """Three workers that customers ask all the time, on a Python that can measure."""
    program = next(filter(None, map(interpreter, FOUND)), "")
    if not program:
        pytest.skip("Python 3.12 or newer is neither on PATH nor in ~/.pyenv/versions: pyenv install 3.13")
    (services.folder / "pricing.py").write_text(OLD)
    with ExitStack() as stack:
        started = []
        for _ in range(3):
            process = services.program([program, "-c", SERVE, str(services.folder)])
            stack.enter_context(process)
            stack.callback(process.kill)
            started.append(process)
        for process in started:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        yield started


def test_kept_or_taken_back(workers: list[subprocess.Popen[str]]) -> None:
    """What is no worse goes to all; what is worse is taken back, and what ran before is live again."""
    service, looks = attach("shop"), list[CanaryResult]()
    assert len(service.workers()) == len(workers)
    good = service.push({"pricing": GOOD}, policy=Policy(canary=1, canary_s=3), on_canary=looks.append)
    assert (good.verdict, good.canary and good.canary.promoted) == (Verdict.LIVE, True)
    assert looks[-1] == good.canary
    assert "canary: no worse than the old code, 1 new, 2 old" in str(good)
    bad = service.push({"pricing": BAD}, policy=Policy(canary=0.5, canary_s=60))
    assert (bad.verdict, [outcome.worker.name for outcome in bad.outcomes]) == (Verdict.UNDONE, ["w1", "w2"])
    assert str(bad).startswith("▲ UNDONE  pricing  errors rose in the canary: v2 is live again\n")
    running = [module for status in service.status() for module in status.modules if module.module == "pricing"]
    assert [module.version for module in running] == [2, 2, 2]
    assert service.log(1)[0].reason.startswith("the canary: pricing.quote(): errors rose")


def test_kept_without_evidence(services: Services) -> None:
    """Where nobody asked for it meanwhile, or Python cannot measure, it goes to all, and that is said."""
    for _ in range(2):
        services.threaded("shop", {"pricing.py": OLD})
    report = attach("shop").push({"pricing": GOOD}, policy=Policy(canary=1, canary_s=0.1))
    assert (report.verdict, report.canary and report.canary.decision.advice) == (Verdict.LIVE, Advice.UNDECIDED)
    assert "! it went to all workers without evidence" in str(report)
