"""Runs cases of `cases.json` and `held.json`, each in a forked process of its own, through the public API only.

Reads case ids from the command line, writes one JSON line a case: what the check found, and the verdicts.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import traceback
import warnings
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
CASES = json.loads((HERE / "cases.json").read_text()) | json.loads((HERE / "held.json").read_text())


def run_case(case: dict[str, Any]) -> dict[str, Any]:
    """Steps 1 to 4 of a case: write, set up, edit and push, check."""
    import livecode

    folder = Path(tempfile.mkdtemp(prefix="case"))
    sys.path.insert(0, str(folder))
    os.chdir(folder)
    found: dict[str, bool] = {}
    errors: list[str] = []
    reports: list[str] = []

    def t(name: str, check: Any) -> None:
        try:
            found[name] = bool(check())
        except BaseException:
            found[name] = False
            errors.append(f"{name}: {traceback.format_exc(limit=-3)}")

    write(folder, case["files"], case)
    livecode.track(folder)
    driver: dict[str, Any] = {"t": t}
    exec(case["setup"], driver)
    for number, edit in enumerate(case["edits"]):
        write(folder, edit, case)
        report = livecode.push_folder(folder, changed_only=True)
        reports.append(str(report))
        codes = [refusal.code for outcome in report.outcomes for refusal in outcome.refusals]
        if number < len(case["edits"]) - 1 and case.get("between"):
            exec(case["between"], driver)
    exec(case["check"], driver)
    return {"found": found, "errors": errors, "reports": reports, "verdict": report.verdict.value, "codes": codes}


def write(folder: Path, files: dict[str, str], case: dict[str, Any]) -> None:
    """Writes the files of a case, all with one time stamp where the case asks for it."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        if case.get("same_second"):
            os.utime(path, (1_000_000_000, 1_000_000_000))


def in_child(case: dict[str, Any]) -> dict[str, Any]:
    """The result of a case, from a child process; what kills the child is a result too."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        try:
            result = run_case(case)
        except BaseException:
            result = {"found": {}, "errors": [traceback.format_exc()], "reports": [], "verdict": "", "codes": []}
        with os.fdopen(writing, "w") as pipe:
            pipe.write(json.dumps(result))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    os.waitpid(pid, 0)
    return json.loads(text) if text else {"found": {}, "errors": ["the process died"], "reports": [], "verdict": ""}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    import livecode.front.push
    import livecode.live.process  # noqa: F401  # once, before the forks

    for wanted in sys.argv[1:]:
        print(json.dumps({"id": wanted, **in_child(CASES[wanted])}), flush=True)
