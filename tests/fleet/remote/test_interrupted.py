"""Ctrl-C here is heard there: what was begun is brought to an end, or taken back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from livecode.fleet.service import attach
from livecode.model.log import Action
from tests.fleet.faults.machines import quoting
from tests.fleet.remote.far import ROOT, WORKERS, Far
from tests.services import wait_until

PUSH = """
import sys, livecode
from livecode.fleet.rollout import Policy
service = livecode.attach(sys.argv[1])
def tell(result):
    print("canary", flush=True)
try:
    service.push({"pricing": sys.argv[2]}, policy=Policy(canary=1, canary_s=600), on_canary=tell)
except KeyboardInterrupt:
    print("interrupted")
    service.close()
"""


def test_a_canary_that_is_interrupted_is_taken_back(far: Far) -> None:
    """The relay hears of it, takes back what runs on trial, and then the interrupt is raised here."""
    environment = {**os.environ, "PYTHONPATH": ROOT}
    command = [sys.executable, "-W", "error", "-c", PUSH, far.url("ssh"), quoting("canary")]
    pushing = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert pushing.stdout is not None
    assert pushing.stdout.readline() == "canary\n"
    assert far.answers().count("canary") == 1
    pushing.send_signal(signal.SIGINT)
    printed, _ = pushing.communicate(timeout=60)
    assert (pushing.returncode, printed.splitlines()[-1]) == (0, "interrupted")
    assert far.answers() == ["old"] * WORKERS
    service = attach(far.url("docker"))
    assert service.log(1)[0].action is Action.TAKE_BACK
    service.close()


def test_a_pusher_that_is_killed(far: Far) -> None:
    """It leaves no relay behind, and the canary is taken back as if it had been interrupted."""
    environment = {**os.environ, "PYTHONPATH": ROOT}
    command = [sys.executable, "-c", PUSH, far.url("ssh"), quoting("killed")]
    pushing = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert pushing.stdout is not None
    assert pushing.stdout.readline() == "canary\n"
    pushing.kill()
    pushing.communicate()
    wait_until(lambda: far.answers() == ["old"] * WORKERS, "the canary is taken back")
    service = attach(far.url("docker"))
    wait_until(lambda: service.log(1)[0].trial is None, "it is decided")
    assert "canary was interrupted" in service.log(1)[0].reason
    service.close()
