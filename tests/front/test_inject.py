"""A door for a process that never imported livecode; real processes, entered or refused."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from livecode.errors import DoorError, NotAllowedError, UsageError
from livecode.fleet.service import attach
from livecode.model.report import Verdict
from livecode.program.inject import inject
from livecode.program.processes import see
from tests.services import Services, wait_until

ROOT = str(Path(__file__).parents[2])
COMMAND = (
    sys.executable,
    "-c",
    f"import sys; sys.path.insert(0, {ROOT!r}); from livecode.__main__ import main; main()",
)
PROGRAM = """
import sys, time
import pricing
print("ready", flush=True)
while not pricing.quote() == "end":
    time.sleep(0.01)
sys.stdin.read()  # the answer to who pushed is on its way
names = vars(sys.modules["__main__"])
print("seen", sorted(set(names) & {"livecode_enters", "os", "json"}), sys.path == before, flush=True)
"""
OLD = "def quote():\n    return 'old'\n"


def entered_python() -> str:
    """A Python that lets itself be entered."""
    if sys.version_info >= (3, 14):
        return sys.executable
    found = next((path for minor in (14, 15, 16) if (path := shutil.which(f"python3.{minor}"))), None)
    if found is None:
        pytest.skip("no Python of 3.14 or later is on the path: install one, or run the tests with it")
    return found


@pytest.fixture
def doors(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of the doors."""
    folder = tmp_path_factory.mktemp("d")
    folder.chmod(0o700)
    monkeypatch.setenv("LIVECODE_DIR", str(folder))
    return folder


class Started:
    """A program that runs, in a folder of its own."""

    def __init__(self, folder: Path, *command: str, source: str = PROGRAM, **environment: str) -> None:
        folder.joinpath("pricing.py").write_text(OLD)
        folder.joinpath("shop.py").write_text("import sys; before = list(sys.path)\n" + source)
        clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        self.process = subprocess.Popen(
            [*command, "shop.py"],
            cwd=folder,
            env={**clean, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def end(self) -> tuple[str, str]:
        """What it printed."""
        try:
            return self.process.communicate(timeout=60)
        finally:
            self.process.kill()


@pytest.fixture
def started(tmp_path: Path, doors: Path) -> Iterator[Started]:
    """A program that can be entered."""
    program = Started(tmp_path, entered_python())
    yield program
    program.process.kill()
    program.process.communicate()


def test_a_process_is_entered_and_pushed_to(started: Started) -> None:
    """It has a door under its script's name, a push is live, and neither its names nor its path show anything."""
    entered = inject(started.process.pid)
    assert (entered.service, entered.pid, entered.known) == ("shop", started.process.pid, True)
    report = attach("shop").push({"pricing": OLD.replace("old", "end")})
    assert report.verdict is Verdict.LIVE, str(report)
    printed, errors = started.end()
    assert (printed, errors, started.process.returncode) == ("seen [] True\n", "", 0)


def test_an_edited_file_is_not_taken_for_what_runs(started: Started, tmp_path: Path) -> None:
    """What was loaded before the door was opened is compared with its file: a push on another base is refused."""
    tmp_path.joinpath("pricing.py").write_text(OLD.replace("'old'", "'edited'"))
    inject(started.process.pid)
    report = attach("shop").push({"pricing": OLD.replace("old", "end")})
    assert report.verdict is Verdict.REFUSED
    assert [refusal.code for refusal in report.refusals or report.outcomes[0].refusals] == ["LC401"]


def test_a_second_time_is_the_same(started: Started) -> None:
    """A process that has a door answers with it."""
    assert inject(started.process.pid, "till") == inject(started.process.pid, "other")


def test_by_the_command(started: Started) -> None:
    """The command says how to go on, and `ps` finds the process; as JSON too."""
    said = subprocess.run([*COMMAND, "inject", str(started.process.pid)], capture_output=True, text=True, check=False)
    assert said.stdout.startswith(f"● LISTENING  shop  pid {started.process.pid}  Python 3."), said
    assert "livecode push shop MODULE" in said.stdout
    again = subprocess.run(
        [*COMMAND, "inject", str(started.process.pid), "--json"], capture_output=True, text=True, check=True
    )
    assert json.loads(again.stdout)["service"] == "shop"


def test_one_that_does_not_come_by(tmp_path: Path, doors: Path) -> None:
    """While its main thread waits in a system call, nothing happens, then or later."""
    source = (
        "import pricing\nprint('ready', flush=True)\nsys.stdin.read()\n"
        "import time\ntime.sleep(0.2)\nprint('livecode' in sys.modules)\n"
    )
    program = Started(tmp_path, entered_python(), source=source)
    with pytest.raises(DoorError, match=r"did not come by in 0\.3 s, and nothing was changed"):
        inject(program.process.pid, timeout_s=0.3)
    assert program.end() == ("False\n", "")


@pytest.mark.parametrize("closed", ["PYTHON_DISABLE_REMOTE_DEBUG", "-X"])
def test_one_that_lets_nobody_in(closed: str, tmp_path: Path, doors: Path) -> None:
    """What keeps others out is named."""
    python = entered_python()
    if closed == "-X":
        program = Started(tmp_path, python, "-X", "disable-remote-debug")
    else:
        program = Started(tmp_path, python, PYTHON_DISABLE_REMOTE_DEBUG="1")
    try:
        with pytest.raises(NotAllowedError, match=f"lets nobody in: {closed}"):
            inject(program.process.pid)
    finally:
        program.process.kill()
        program.process.communicate()


def test_one_that_listens_by_itself(services: Services) -> None:
    """Whatever Python it runs, it answers with the door that it has."""
    service = services.threaded("shop", {"pricing.py": OLD})
    assert (inject(service.pid, "other").service, inject(service.pid).pid) == ("shop", service.pid)


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="this Python can be entered")
def test_an_older_python(tmp_path: Path, doors: Path) -> None:
    """It is said which Pythons can be entered, and what works instead."""
    program = Started(tmp_path, sys.executable)
    try:
        with pytest.raises(UsageError, match=r"runs Python 3\.\d+, and only 3\.14 and later .*livecode run"):
            inject(program.process.pid)
    finally:
        program.process.kill()
        program.process.communicate()


def test_no_python(doors: Path) -> None:
    """A program that is none is left alone."""
    process = subprocess.Popen(["sleep", "60"])
    try:
        wait_until(lambda: see(process.pid).executable.endswith(("sleep", "coreutils", "busybox")), "it runs")
        with pytest.raises(UsageError, match="nothing of Python is seen"):
            inject(process.pid)
    finally:
        process.kill()
        process.wait()


def test_no_process(doors: Path) -> None:
    """An id of no process, one that no process can have, and this process itself are misuse; so is a bad name."""
    process = subprocess.Popen(["true"])
    process.wait()
    for pid in (process.pid, 2**31 - 1, 2**70):
        with pytest.raises(UsageError, match="there is no process"):
            inject(pid)
    with pytest.raises(UsageError, match="the process itself"):
        inject(os.getpid())
    with pytest.raises(UsageError, match="cannot be the name"):
        inject(process.pid, "a/b")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_somebody_elses(tmp_path: Path, doors: Path) -> None:
    """A process of another user is not entered, and that is said before it is asked."""
    mine = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    asks = (
        f"import os, sys; sys.path.insert(0, {ROOT!r})\n"
        "from livecode.program.inject import inject\nos.setuid(65534)\n"
        f"try:\n    inject({mine.pid})\nexcept PermissionError as error:\n    print(error)\n"
    )
    try:
        said = subprocess.run([sys.executable, "-c", asks], capture_output=True, text=True, check=False)
        assert f"process {mine.pid} belongs to user 0, and this is 65534" in said.stdout, said
    finally:
        mine.kill()
        mine.wait()
