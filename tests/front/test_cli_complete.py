"""Completion after Tab, as a shell asks for it: fast, silent, and right."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.front.typed import PRICING, typed
from tests.services import Services

RUN = [sys.executable, "-c", "from livecode.front.cli import main; main()"]
Complete = Callable[..., list[str]]


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with Services(tmp_path_factory.mktemp("cli")) as started:
        started.threaded("shop", {"pricing_lc.py": PRICING, "promo_lc.py": "X = 1\n"})
        assert typed("status", "shop").exit_code == 0  # the first question makes it import what answers
        yield started


@pytest.fixture
def complete(services: Services) -> Complete:
    """What a shell is offered behind these words; the last one is being typed."""

    def complete(*words: str) -> list[str]:
        asked = services.environment(
            _LIVECODE_COMPLETE="fish_complete", COMP_WORDS=" ".join(["livecode", *words]), COMP_CWORD=words[-1]
        )
        done = subprocess.run(RUN, capture_output=True, text=True, env=asked, timeout=30, check=False)
        assert done.stderr == ""
        lines = [line.partition(",")[2] for line in done.stdout.splitlines() if "," in line]
        return [line.partition("\t")[0] for line in lines]

    return complete


def test_what_is_offered(complete: Complete) -> None:
    """Commands, services, modules without those that were typed, workers, versions, options."""
    assert complete("pu") == ["push"]
    assert complete("push", "") == ["shop"]
    assert {"pricing_lc", "promo_lc"} <= set(complete("push", "shop", ""))
    assert complete("push", "shop", "pr") == ["pricing_lc", "promo_lc"]
    assert complete("push", "shop", "pricing_lc", "pr") == ["promo_lc"]
    assert complete("eval", "shop", "--worker", "") == ["w1"]
    assert "--follow" in complete("log", "shop", "--")
    typed("push", "shop", "pricing_lc", "-", given=PRICING.replace("2", "3"))
    assert complete("undo", "shop", "pricing_lc", "--to", "") == ["2", "1"]
    assert complete("schema", "st") == ["status"]


def test_a_service_that_does_not_answer_is_silent(services: Services, complete: Complete) -> None:
    """Nothing is offered, nothing is said, and nobody waits for long."""
    stuck = services.threaded("stuck")
    os.kill(stuck.pid, signal.SIGSTOP)
    try:
        assert complete("push", "st") == ["stuck"]
        assert complete("push", "stuck", "") == []
    finally:
        os.kill(stuck.pid, signal.SIGCONT)
    assert complete("push", "nobody", "") == []
    assert complete("push", "ssh://nowhere.invalid/shop", "") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_one_that_the_shell_reads(shell: str) -> None:
    """It is printed without asking the shell, and has no syntax error where the shell is installed."""
    script = typed("completion", shell).stdout
    assert "_LIVECODE_COMPLETE" in script
    if (program := shutil.which(shell)) is not None:
        checked = subprocess.run([program, "-n"], input=script, capture_output=True, text=True, check=False)
        assert (checked.returncode, checked.stderr) == (0, "")


def test_bash_completes(services: Services, tmp_path: Path) -> None:
    """What is printed works in a real bash."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not installed: apt-get install bash")
    command = tmp_path / "livecode"
    command.write_text(f"#!{sys.executable}\nfrom livecode.front.cli import main\nmain()\n")
    command.chmod(0o755)
    script = """
    eval "$(livecode completion bash)"
    COMP_WORDS=(livecode push shop pri); COMP_CWORD=3
    _livecode_completion livecode
    echo "${COMPREPLY[@]}"
    """
    path = os.pathsep.join([str(tmp_path), os.environ["PATH"]])
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    asked = [bash, "--norc", "-c", script]
    done = subprocess.run(asked, env=services.environment(PATH=path), timeout=60, check=False, **pipes)  # type: ignore[call-overload]
    assert done.stdout.split() == ["pricing_lc"], done.stderr
