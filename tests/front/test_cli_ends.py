"""How commands end: exit codes that scripts rely on, whatever goes wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from livecode.fleet.service import attach
from livecode.front.cli import COMMANDS
from tests.front.typed import PRICING, typed
from tests.services import RunningService, Services, wait_until

RUN = [sys.executable, "-c", "from livecode.front.cli import main; main()"]


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with Services(tmp_path_factory.mktemp("cli")) as started:
        yield started


@pytest.fixture(scope="module")
def shop(services: Services) -> RunningService:
    return services.threaded("shop", {"pricing_lc.py": PRICING})


@pytest.mark.parametrize(
    ("arguments", "given", "code"),
    [
        (("ps",), "", 0),
        (("ps", "shop"), "", 0),
        (("ps", "shpo"), "", 2),
        (("ps", "--store", "mysql://host"), "", 2),
        (("ps", "--store", "redis://127.0.0.1:1/0"), "", 1),
        (("attach", "shop"), "", 0),
        (("attach", "nobody"), "", 2),
        (("status", "shop"), "", 0),
        (("status", "999999999"), "", 2),
        (("push", "shop", "pricing_lc"), "", 0),
        (("push", "shop", "pricing_lc", "-"), PRICING, 0),
        (("push", "shop", "pricing_lc", "-"), "def quote(:\n", 1),
        (("push", "shop", "pricing_lc", "-"), "1 / 0\n", 1),
        (("push", "shop", "pricing_lc", "-", "--dry-run"), PRICING.replace("2", "3"), 0),
        (("push", "shop", "pricing_lc", "--file", "/no/such/file.py"), "", 2),
        (("push", "shop", "pricing_lc", "--file", sys.executable), "", 2),
        (("push", "shop", "a", "b", "-"), "", 2),
        (("undo", "shop", "no_such_lc"), "", 1),
        (("undo", "shop", "pricing_lc", "--to", "many"), "", 2),
        (("unload", "shop", "no_such_lc"), "", 1),
        (("unload", "shop"), "", 2),
        (("eval", "shop", "1 + 1"), "", 0),
        (("eval", "shop", "1 / 0"), "", 1),
        (("eval", "shop", "x = 1"), "", 2),
        (("eval", "shop", "1", "--worker", "w9"), "", 2),
        (("eval", "shop", "1", "--timeout", "0"), "", 2),
        (("eval", "shop", " "), "", 2),
        (("log", "shop"), "", 0),
        (("log", "shop", "-n", "0"), "", 2),
        (("drop", "shop"), "", 0),
        (("schema", "push"), "", 0),
        (("completion", "fish"), "", 0),
        (("completion", "tcsh"), "", 2),
        (("version",), "", 0),
        (("watch", "shop", "/no/such/folder"), "", 2),
    ],
)
def test_exit_codes(shop: RunningService, arguments: tuple[str, ...], given: str, code: int) -> None:
    """0 live or same, 1 refused or failed, 2 misuse: said once, without a traceback."""
    done = typed(*arguments, given=given)
    assert done.exit_code == code, done.output
    assert bool(done.stderr) == (code == 2)
    assert "Traceback" not in done.output


def test_a_worker_that_does_not_answer_exits_with_3(services: Services) -> None:
    """What it runs, and what an expression does there, is not known."""
    stuck = services.threaded("stuck")
    os.kill(stuck.pid, signal.SIGSTOP)
    try:
        assert typed("eval", "stuck", "1", "--timeout", "0.1").exit_code == 3
        done = typed("status", "stuck")
    finally:
        os.kill(stuck.pid, signal.SIGCONT)
    assert done.exit_code == 3
    assert "did not answer" in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_help_says_the_exit_codes(name: str) -> None:
    """Nobody has to look for them."""
    assert "0 live or same, 1 refused or failed, 2 misuse, 3 unknown" in " ".join(typed(name, "--help").stdout.split())


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (("pus", "shop"), "'push'"),
        (("status", "shp"), "'shop'"),
        (("push", "shop", "pricng_lc"), "'pricing_lc'"),
        (("status", "shop", "--jsno"), "--json"),
    ],
)
def test_did_you_mean(shop: RunningService, arguments: tuple[str, ...], meant: str) -> None:
    """A command, a service, a module, an option that is much like what was typed is named."""
    done = typed(*arguments)
    assert done.exit_code == 2
    assert "Did you mean" in done.stderr
    assert meant in done.stderr.partition("Did you mean")[2]


@pytest.mark.parametrize("arguments", [("ps",), ("status", "shop"), ("log", "shop", "--json"), ("--help",)])
def test_a_reader_that_leaves_is_no_error(services: Services, shop: RunningService, arguments: tuple[str, ...]) -> None:
    """`livecode ps | head -1` ends without a word."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*RUN, *arguments], stdout=writing, stderr=subprocess.PIPE, env=services.environment(), check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_reader_that_leaves_does_not_change_what_a_push_says(services: Services, shop: RunningService) -> None:
    """The exit code is that of the push, also where nobody reads the report."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [*RUN, "push", "shop", "pricing_lc", "-"]
    done = subprocess.run(
        command, input=b"1 / 0\n", stdout=writing, stderr=subprocess.PIPE, env=services.environment(), check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


def test_an_interrupted_push_says_what_became_of_it(services: Services) -> None:
    """Ctrl-C in its middle: the workers are brought to an end where they agree; 130, no traceback."""
    slow = services.threaded("slow", {"slow_lc.py": "import time\nX = 1\n"})
    push = services.program([*RUN, "push", "slow", "slow_lc", "-"])
    assert push.stdin is not None
    push.stdin.write("import pathlib, time\npathlib.Path('begun').touch()\ntime.sleep(2)\nX = 2\n")
    push.stdin.close()
    push.stdin = None
    wait_until((slow.folder / "begun").exists, "the push is being applied", slow)
    push.send_signal(signal.SIGINT)
    _, said = push.communicate(timeout=30)
    assert push.returncode == 130
    assert "the push was interrupted: #2 slow_lc v2" in said
    assert "live on 1 worker" in said
    assert "Traceback" not in said
    assert attach("slow").source("slow_lc", None) is not None


def test_an_interrupt_before_anything_began(services: Services, shop: RunningService) -> None:
    """While standard input is awaited nothing was sent: 130, one line."""
    push = services.program([*RUN, "push", "shop", "pricing_lc", "-"])
    deadline = time.monotonic() + 20
    while not _reads(push.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    push.send_signal(signal.SIGINT)
    printed, said = push.communicate(timeout=30)
    assert (push.returncode, printed) == (130, "")
    assert said.strip().endswith("interrupted")


def _reads(pid: int) -> bool:
    """Whether a process waits for what comes through its pipe (Linux says so; elsewhere, it is believed to)."""
    try:
        with open(f"/proc/{pid}/wchan", encoding="ascii") as file:
            return "pipe" in file.read()
    except OSError:
        time.sleep(2)
        return True
