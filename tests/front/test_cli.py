"""The `livecode` command: words, exit codes, JSON, and nothing imported that is not needed."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable

import pytest

from livecode.errors import LivecodeError, MissingExtraError, ServiceNotFoundError, UsageError, WorkerLostError
from livecode.front.cli import COMMANDS, exit_code
from livecode.front.commands.common import report_exit_code
from livecode.model.report import Report, Verdict
from tests.services import RunningService, Services

RUN = "from livecode.front.cli import main; main()"
PRICING = "CACHE = []\ndef quote(x):\n    return x * 2\n"

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(services: Services) -> Run:
    """Runs the command in a process of its own."""

    def run(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", RUN, *arguments]
        return subprocess.run(
            command, input=given, capture_output=True, text=True, env=services.environment(), check=False
        )

    return run


@pytest.fixture
def shop(services: Services) -> RunningService:
    """A service with a module to change."""
    return services.threaded("shop", {"pricing_lc.py": PRICING})


def test_help_imports_no_command(run: Run) -> None:
    """Names and help are known without importing what they do."""
    code = (
        "import sys; from livecode.front.cli import livecode\n"
        "try: livecode(['--help'])\n"
        "except SystemExit: print(*sys.modules)"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert all(name in printed for name in COMMANDS)
    modules = printed.split()
    assert not {"livecode.front.commands", "livecode.fleet.service", "rich", "IPython"} & set(modules)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(run: Run, name: str) -> None:
    """Each is found where the list says it is, with an option for help."""
    done = run(name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "--help" in done.stdout


def test_a_push_from_a_file_is_live(run: Run, shop: RunningService) -> None:
    """0 for live and for same; the next command is one of the shell."""
    (shop.folder / "pricing_lc.py").write_text(PRICING.replace("2", "3"))
    first, again = run("push", "shop", "pricing_lc"), run("push", "shop", "pricing_lc")
    assert (first.returncode, again.returncode) == (0, 0)
    assert first.stdout.startswith("✔ LIVE  pricing_lc  v1 → v2")
    assert "undo: livecode undo shop" in first.stdout
    assert again.stdout.startswith("○ SAME  pricing_lc  v2")
    assert shop.get("pricing_lc.quote(1)") == "3"


def test_a_push_from_standard_input(run: Run, shop: RunningService) -> None:
    """`-` reads the source; --json prints the report, and nothing else."""
    done = run("push", "shop", "pricing_lc", "--file", "-", "--json", given=PRICING.replace("2", "4"))
    report = json.loads(done.stdout)
    assert (done.returncode, report["verdict"], report["ok"]) == (0, "LIVE", True)
    assert shop.get("pricing_lc.quote(1)") == "4"


def test_what_failed_exits_with_1(run: Run, shop: RunningService) -> None:
    """The report says why, and what still runs."""
    done = run("push", "shop", "pricing_lc", "--file", "-", given="def quote(x:\n")
    assert done.returncode == 1
    assert "✖ NOT SENT  pricing_lc  syntax error: v1 is still live on 1/1" in done.stdout
    assert "(standard input)" in done.stdout


def test_undo_and_status(run: Run, shop: RunningService) -> None:
    """Undo brings back what ran; status shows it."""
    run("push", "shop", "pricing_lc", "--file", "-", given=PRICING.replace("2", "4"))
    undone = run("undo", "shop", "--reason", "wrong")
    assert undone.stdout.startswith("✔ LIVE  undo pricing_lc  v2 → v3")
    assert shop.get("pricing_lc.quote(1)") == "2"
    status = run("status", "shop")
    assert "pricing_lc  v3" in status.stdout
    assert json.loads(run("status", "shop", "--json").stdout)[0]["worker"]["pid"] == shop.pid


def test_ps_lists_what_runs(run: Run, shop: RunningService) -> None:
    """A row a service; with its name, a row a worker; and as JSON."""
    assert run("ps").stdout.splitlines()[1].split()[:2] == ["shop", "1"]
    assert f"shop     w1      {shop.pid}" in run("ps", "shop").stdout
    assert json.loads(run("ps", "--json").stdout)[0]["service"] == "shop"


def test_ps_of_nothing_says_what_to_do(run: Run) -> None:
    """Nobody listens: one line in a service changes that."""
    assert "livecode.listen('shop')" in run("ps").stdout


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("push", "nobody", "m"), "no service named 'nobody' is listening"),
        (("push", "shop"), "name a MODULE to push"),
        (("push", "shop", "a", "b", "--file", "f"), "--file is the source of one module"),
        (("push", "shop", "no_such_lc"), "no source file of no_such_lc"),
        (("push", "shop", "pricing_lc", "--canary", "0"), "a number of workers"),
        (("push", "shop", "pricing_lc", "--canary", "1", "--allow-mixed", "why"), "give one"),
        (("push", "shop", "pricing_lc", "--canary", "1"), "has only one"),
        (("push", "shop", "pricing_lc", "--store", "mysql://host"), "begins with one of sqlite"),
        (("undo", "shop", "--to", "2"), "exactly one MODULE"),
        (("nonsense",), "No such command"),
    ],
)
def test_misuse_exits_with_2(run: Run, shop: RunningService, arguments: tuple[str, ...], why: str) -> None:
    """One line says what is wrong."""
    assert shop.process.poll() is None
    done = run(*arguments)
    assert done.returncode == 2
    assert why in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("x"), 2),
        (ServiceNotFoundError("x", ()), 2),
        (MissingExtraError("x", "y", "z"), 2),
        (WorkerLostError("x"), 3),
        (LivecodeError("x"), 1),
    ],
)
def test_exit_codes_of_errors(error: LivecodeError, code: int) -> None:
    """2 misuse, 3 unknown, 1 the rest."""
    assert exit_code(error) == code


def test_exit_codes_of_verdicts() -> None:
    """0 live or same, 3 unknown, 1 the rest."""
    codes = {verdict: report_exit_code(Report(verdict, ("m",))) for verdict in Verdict}
    good = {Verdict.LIVE, Verdict.SAME, Verdict.READY, Verdict.CANARY}
    assert {v for v, code in codes.items() if code == 0} == good
    assert codes[Verdict.UNKNOWN] == 3
    assert {code for v, code in codes.items() if v not in good | {Verdict.UNKNOWN}} == {1}


def test_colours_only_on_a_terminal(run: Run, services: Services, shop: RunningService) -> None:
    """A pipe gets the words alone, a terminal the same words in colour."""
    assert "\x1b" not in run("status", "shop").stdout
    environment = services.environment(TERM="xterm-256color")
    environment.pop("NO_COLOR", None)
    leader, follower = pty.openpty()
    with os.fdopen(leader, "rb", buffering=0) as terminal:
        command = [sys.executable, "-c", RUN, "status", "shop"]
        process = subprocess.Popen(command, stdout=follower, stderr=follower, env=environment)
        os.close(follower)
        printed = _read_all(terminal)
        assert process.wait() == 0
    assert "\x1b[" in printed
    assert "STATUS" in printed


def test_progress_settles_into_the_report(services: Services, shop: RunningService) -> None:
    """A push that takes long shows who has answered, on a terminal; the report takes its place."""
    (shop.folder / "pricing_lc.py").write_text(f"import time\ntime.sleep(1)\n{PRICING}")
    environment = services.environment(TERM="xterm-256color")
    leader, follower = pty.openpty()
    with os.fdopen(leader, "rb", buffering=0) as terminal:
        command = [sys.executable, "-c", RUN, "push", "shop", "pricing_lc"]
        process = subprocess.Popen(command, stdout=follower, stderr=follower, env=environment)
        os.close(follower)
        printed = _read_all(terminal)
        assert process.wait() == 0
    shown, _, report = printed.rpartition("PUSHING")
    assert "0 of 1 workers so far" in shown
    assert "\x1b[2K" in report  # what was shown is erased
    assert "LIVE  pricing_lc  v1 → v2" in report


def test_a_terminal_without_the_glyphs_gets_no_traceback(services: Services, shop: RunningService) -> None:
    """A glyph that it cannot show becomes a question mark."""
    command = [sys.executable, "-c", RUN, "status", "shop"]
    environment = services.environment(PYTHONIOENCODING="latin-1")
    done = subprocess.run(command, capture_output=True, env=environment, check=True)
    assert done.stdout.startswith(b"? STATUS  shop")


def _read_all(terminal: object) -> str:
    printed = b""
    try:
        while chunk := terminal.read(4096):  # type: ignore[attr-defined]
            printed += chunk
    except OSError:  # Linux says so when the other end was closed
        pass
    return printed.decode()
