"""The cases of how live code must behave, each in a process of its own, through the public API."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
CASES: dict[str, dict[str, Any]] = json.loads((HERE / "cases.json").read_text())
HELD: dict[str, dict[str, Any]] = json.loads((HERE / "held.json").read_text())
"""Cases of the same form that look closely at what callers hold from before the edit."""
NEEDS_PYTHON = {"54_pep695": (3, 12)}


pytestmark = pytest.mark.timeout(400)  # the first case waits for all of them


@pytest.fixture(scope="module")
def results() -> dict[str, dict[str, Any]]:
    """What became of every case that this Python can parse."""
    wanted = [name for name in CASES if NEEDS_PYTHON.get(name, (3, 0)) <= sys.version_info[:2]]
    done = subprocess.run(
        [sys.executable, str(HERE / "driver.py"), *wanted, *HELD],
        capture_output=True,
        text=True,
        timeout=380,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"id"')]
    return {line["id"]: line for line in lines}


@pytest.mark.parametrize("name", CASES)
def test_case(name: str, results: dict[str, dict[str, Any]]) -> None:
    """After the push the module behaves as a fresh import would, held references run new code, state is kept."""
    if NEEDS_PYTHON.get(name, (3, 0)) > sys.version_info[:2]:
        pytest.skip(f"the syntax of this case needs Python {NEEDS_PYTHON[name]}")
    result = results[name]
    wrong = [check for check, good in result["found"].items() if not good]
    assert result["found"], result["errors"]
    assert not wrong, (CASES[name]["title"], result["errors"], result["reports"])


def codes_of_one_line() -> list[Any]:
    """The code of two functions that do the same: one and the same in some Pythons (3.12.1)."""
    return [each.__code__ for each in (lambda: 1, lambda: 1)]


@pytest.mark.parametrize("name", HELD)
def test_held(name: str, results: dict[str, dict[str, Any]]) -> None:
    """Whatever somebody holds from before runs the new code, and what nobody changed is as it was."""
    result = results[name]
    if name == "equal_lambdas_of_one_line" and len(set(map(id, codes_of_one_line()))) == 1:
        assert result["verdict"] == "REFUSED", result["reports"]
        assert "which is which cannot be told" in result["reports"][-1]
        return
    wrong = [check for check, good in result["found"].items() if not good]
    assert result["verdict"] == "LIVE", result["reports"]
    assert result["found"], result["errors"]
    assert not wrong, (result["errors"], result["reports"])
