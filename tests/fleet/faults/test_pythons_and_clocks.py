"""Workers of several Pythons, and clocks that are an hour apart, in one service."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from livecode.fleet.rundir import store_path
from livecode.fleet.service import attach
from livecode.model.report import Verdict
from tests.fleet.faults.machines import check_agree, quoting
from tests.services import RunningService, Services

NEWER_ONLY = "type Price = int\ndef quote():\n    return 'newer'\n"
AHEAD = """
import os, time
if os.environ.get("AHEAD_S"):
    real = time.time
    time.time = lambda: real() + float(os.environ["AHEAD_S"])
"""
PUSHES = """
import sys
from livecode.fleet.service import attach
service = attach("shop")
for number in (1, 2):
    report = service.push({"pricing": f"def quote():\\n    return {number}\\n"}, author="ahead")
    print(report.verdict.value, len(report.outcomes))
print(service.undo().verdict.value)
"""


def another_python() -> str:
    """A Python that knows `type X = …` if the one of the tests does not, or the other way round; else a skip."""
    older = sys.version_info < (3, 12)
    names = ("3.12", "3.13", "3.14") if older else ("3.11",)
    found = [Path(folder) / f"python{name}" for name in names for folder in os.environ["PATH"].split(os.pathsep)]
    found += [path for name in names for path in Path.home().glob(f".pyenv/versions/{name}.*/bin/python{name}")]
    for path in found:
        if path.exists() and not subprocess.run([path, "-c", "pass"], capture_output=True, check=False).returncode:
            return str(path)
    pytest.skip(f"no python{' or python'.join(names)} on PATH or in ~/.pyenv/versions: install one")


class OtherPython(Services):
    """Starts services with another Python."""

    python = ""

    def _run(self, command: list[str], folder: Path, *rest: object, **more: object) -> RunningService:
        return super()._run([self.python, *command[1:]], folder, *rest, **more)  # type: ignore[arg-type]


def test_two_pythons(services: Services, tmp_path: Path) -> None:
    """A push is live on both Pythons; what only the newer one can parse is nowhere, and the report says why."""
    python, other = another_python(), OtherPython(tmp_path)
    shutil.rmtree(other.doors)
    other.python, other.doors = python, services.doors
    near = [services.threaded("shop", {"pricing.py": quoting("old")}) for _ in range(2)]
    far = other.threaded("shop", {"pricing.py": quoting("old")})
    try:
        service, url = attach("shop"), f"sqlite://{store_path(str(services.doors), 'shop')}"
        assert len({worker.python for worker in service.workers()}) == 2
        assert service.push({"pricing": quoting("new")}).verdict is Verdict.LIVE
        check_agree(url, [*near, far], "'new'")
        report = service.push({"pricing": NEWER_ONLY})
        assert report.verdict in (Verdict.REFUSED, Verdict.UNDONE, Verdict.NOT_SENT), report
        said = [outcome for outcome in report.outcomes if not outcome.ok and outcome.verdict is not Verdict.UNDONE]
        assert {outcome.worker.python[:4] for outcome in said} == {"3.11"}
        assert "syntax" in str(said).lower(), said
        check_agree(url, [*near, far], "'new'")
        assert service.undo().verdict is Verdict.LIVE
        check_agree(url, [*near, far], "'old'")
    finally:
        far.stop()


def test_clocks_an_hour_apart(services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One worker's clock and the pusher's are an hour ahead, the other worker's is not: nothing depends on it."""
    customized = tmp_path / "customized"
    customized.mkdir()
    (customized / "sitecustomize.py").write_text(AHEAD)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(customized), os.environ.get("PYTHONPATH", "")]))
    url = f"sqlite://{store_path(str(services.doors), 'shop')}"
    first = services.threaded("shop", {"pricing.py": quoting("old")})
    monkeypatch.setenv("AHEAD_S", "3600")
    ahead = services.threaded("shop", {"pricing.py": quoting("old")})
    assert float(ahead.get("__import__('time').time()")) - time.time() > 3000
    pushing = services.script(PUSHES)
    printed, errors = pushing.communicate(timeout=60)
    assert (printed.split(), errors) == (["LIVE", "2", "LIVE", "2", "LIVE"], "")
    state = check_agree(url, [first, ahead], "1")
    assert state.at - time.time() > 3000
    monkeypatch.delenv("AHEAD_S")
    assert attach("shop").push({"pricing": quoting("back")}).verdict is Verdict.LIVE
    late = services.threaded("shop", {"pricing.py": quoting("old")})
    check_agree(url, [first, ahead, late], "'back'")
    assert attach("shop").undo().verdict is Verdict.LIVE
    check_agree(url, [first, ahead, late], "1")
