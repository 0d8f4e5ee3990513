"""The commands of the terminal and the magics take the same names for services elsewhere."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fleet.faults.machines import quoting
from tests.fleet.remote.far import ROOT, RUN, WORKERS, Far

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a command in a process of its own, in an empty working folder."""

    def run(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "PYTHONPATH": ROOT,
            "PYTHONWARNINGS": "error",
            "IPYTHONDIR": str(tmp_path / "ipython"),
        }
        command = [sys.executable, "-c", RUN, *arguments] if arguments[0] != "ipython" else [*IPYTHON, *arguments[1:]]
        return subprocess.run(
            command, input=given, capture_output=True, text=True, env=environment, cwd=tmp_path, check=False
        )

    return run


IPYTHON = [sys.executable, "-W", "default", "-m", "IPython", "--no-banner", "--colors=NoColor", "-c"]


def test_commands_take_a_url_for_a_name(far: Far, run: Run) -> None:
    """The same words and exit codes; the next command that is proposed can be pasted into a shell as it is."""
    url = far.url("ssh", query=f"?dir={far.machine.doors}")
    pushed = run("push", url, "pricing", "--file", "-", given=quoting("by command"))
    assert pushed.returncode == 0, pushed.stderr
    assert pushed.stdout.startswith("✔ LIVE  pricing")
    assert f"undo: livecode undo '{url}'" in pushed.stdout
    assert far.answers() == ["by command"] * WORKERS
    assert len(json.loads(run("status", url, "--json").stdout)) == WORKERS
    following = shlex.split(pushed.stdout.partition("undo: ")[2].splitlines()[0])
    assert run(*following[1:]).returncode == 0
    assert far.answers() == ["old"] * WORKERS
    assert run("ps", "docker://box").stdout.count("shop") == 1 + WORKERS  # one row for all, and one for each
    evaluated = run("eval", url, "pricing.quote()", "--all")
    assert evaluated.stdout.count("'old'") == WORKERS, evaluated.stderr
    assert run("eval", url, "1 / 0").returncode == 1
    failed = run("push", url, "pricing", "--file", "-", given="def quote(:\n")
    assert (failed.returncode, "NOT SENT" in failed.stdout) == (1, True)


@pytest.mark.parametrize(
    ("name", "status", "why"),
    [
        ("docker://box/nobody", 2, "no service named 'nobody' is listening; listening now: shop"),
        ("docker://nobody/shop", 1, "docker ps"),
        ("ssh://-oProxyCommand=x/shop", 2, "cannot be the name of a host"),
    ],
)
def test_exit_codes(machine: Far, run: Run, name: str, status: int, why: str) -> None:
    """2 for what cannot be meant, 1 for what does not work; one line, no traceback."""
    done = run("status", name)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (status, "", 1)
    assert why in done.stderr


def test_a_module_by_its_name_is_read_on_this_machine(far: Far, run: Run, tmp_path: Path) -> None:
    """The file that a worker loaded is one of its machine: here, the working folder has the one that is meant."""
    missing = run("push", far.url("docker"), "pricing")
    assert missing.returncode == 2
    assert "the service is at docker://box, and here it is neither in the working folder nor" in missing.stderr
    (tmp_path / "pricing.py").write_text(quoting("from here"))
    assert run("push", far.url("docker"), "pricing").returncode == 0
    assert far.answers() == ["from here"] * WORKERS


def test_a_notebook_attaches(far: Far, run: Run) -> None:
    """From %hotattach to %hotdetach the magics act on the service elsewhere; nothing is left when the kernel ends."""
    cells = "\n".join(
        [
            "%load_ext livecode",
            f"print(get_ipython().run_line_magic('hotattach', '{far.url('kubectl')}'))",
            f"print(get_ipython().run_cell_magic('hotpush', 'pricing', {quoting('by cell')!r}))",
            "%hotundo",
            "%hotdetach",
            "import threading; print([t.name for t in threading.enumerate() if t.name == 'livecode-link'])",
        ]
    )
    done = run("ipython", cells)
    assert done.returncode == 0, done.stderr
    assert f"● ATTACHED  shop  {WORKERS} workers" in done.stdout
    assert "✔ LIVE  pricing" in done.stdout
    assert "detached from shop" in done.stdout
    assert done.stdout.rstrip().endswith("[]")
    assert far.answers() == ["old"] * WORKERS


def test_a_notebook_says_what_is_in_the_way(machine: Far, run: Run) -> None:
    """One line, and nobody is asked for a password that cannot be typed."""
    machine.host("locked", machine.port, IdentityFile="/nonexistent", HostKeyAlias=f"[127.0.0.1]:{machine.port}")
    done = run("ipython", "%load_ext livecode\n%hotattach ssh://locked/shop")
    assert "nobody can type a password here" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
