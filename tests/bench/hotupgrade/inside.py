"""The process that is upgraded, in the environment of its package.

python inside.py HOME ENGINE RESULT IMPORTS TESTS        the last two as in `packages`
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import shutil
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from engines import ENGINES, SAID
from judge import codes_of, counted, describe, held_classes, held_functions, named, runs, shapes

NEVER_LOADED = ("tests", "test", "__main__", "conftest", "testing_tests")
HOUR_S = 3600


def load(imports: list[str]) -> None:
    """Imports every module of the package that can be imported here."""
    for top in imports:
        package = importlib.import_module(top)
        for info in pkgutil.walk_packages(getattr(package, "__path__", []), top + ".", onerror=lambda name: None):
            if not set(info.name.split(".")) & set(NEVER_LOADED):
                try:
                    importlib.import_module(info.name)
                except BaseException as error:  # for another system, or with requirements of its own
                    print(f"{info.name} cannot be imported here: {error!r}")


def loaded(imports: list[str]) -> list[ModuleType]:
    """The modules of the package that are loaded."""
    return [sys.modules[name] for name in list(sys.modules) if name.partition(".")[0] in imports]


def place(release: Path, folder: Path) -> None:
    """Makes the files below `folder` those of a release, and says that they were there an hour ago."""
    gone = [path for path in folder.rglob("*.py") if not (release / path.relative_to(folder)).exists()]
    for path in gone:
        path.unlink()
    for path in release.rglob("*"):
        target = folder / path.relative_to(release)
        if path.is_file() and "__pycache__" not in path.parts:
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists() or target.read_bytes() != path.read_bytes():
                shutil.copyfile(path, target)


class Passed:
    """A plugin of pytest that notes what passed."""

    def __init__(self) -> None:
        self.nodes: list[str] = []

    def pytest_runtest_logreport(self, report: Any) -> None:
        """See pytest."""
        if report.when == "call" and report.passed:
            self.nodes.append(report.nodeid)


def tests_passed(home: Path, tests: str) -> dict[str, int]:
    """Runs the tests of the new release in this process."""
    import pytest

    folder, passed = home / "tests", Passed()
    os.chdir(folder)
    sys.path.insert(1, str(folder))
    options = ["-q", "-p", "no:cacheprovider", "-W", "ignore", "--continue-on-collection-errors", "-o", "addopts="]
    pytest.main([*options, "-o", "filterwarnings=", f"--rootdir={folder}", str(folder / tests)], plugins=[passed])
    return counted(passed.nodes)


def main() -> None:
    """Loads the old release, switches, judges, tests."""
    home, engine, out = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    imports, tests = json.loads(sys.argv[4]), sys.argv[5]
    folder = out.parent / "live"
    place(home / ("new" if engine == "fresh" else "old"), folder)
    for path in folder.rglob("*"):
        os.utime(path, (time.time() - HOUR_S,) * 2)
    sys.path.insert(0, str(folder))
    load(imports)
    result: dict[str, Any] = {"python": sys.version.split()[0], "note": ""}
    if engine != "fresh":
        switch(home, engine, folder, imports, result)
    else:
        result["alive"] = sorted({(item.file, item.qualname) for item in held_functions(folder)})
    result["shapes"] = shapes(loaded(imports))
    out.write_text(json.dumps(result))
    result["passed"] = tests_passed(home, tests)
    out.write_text(json.dumps(result))


def switch(home: Path, engine: str, folder: Path, imports: list[str], result: dict[str, Any]) -> None:
    """Brings the running package to its new release, and says what became of everything that was held."""
    before, after = codes_of(home / "old"), codes_of(home / "new")
    functions, classes = held_functions(folder), held_classes(loaded(imports))
    files = {module.__name__: Path(module.__file__) for module in loaded(imports) if getattr(module, "__file__", None)}
    steps = ENGINES[engine](folder, files)
    next(steps)
    place(home / "new", folder)
    start = time.perf_counter()
    try:
        for _ in steps:
            pass
    except Exception as error:
        result["note"] = f"{type(error).__name__}: {error}"[:2000]
    result["secs"] = time.perf_counter() - start
    keys = [(item, (item.file, item.qualname)) for item in functions]
    alive = set(map(tuple, json.loads((home / "run-fresh/result.json").read_text()).get("alive", ()))) or set(after)
    keys = [(item, key) for item, key in keys if key in alive]  # not those in branches that are not taken any more
    both = [(item, before[key], after[key]) for item, key in keys if key in before and key in after]
    changed = [(item, new) for item, old, new in both if old.does != new.does]
    stale = [f"{item.file}:{item.qualname}" for item, new in changed if not runs(item.function, new)]
    astray = [
        f"{item.file}:{item.qualname}"
        for item, _, new in both
        if describe(item.function.__code__).does == new.does and describe(item.function.__code__).lines != new.lines
    ]
    still = [cls for cls in classes if isinstance(named(cls.__module__, cls.__qualname__), type)]
    split = [cls for cls in still if named(cls.__module__, cls.__qualname__) is not cls]
    result |= {"changed": len(changed), "stale": stale, "held": len(both), "astray": astray}
    result |= {"classes": len(still), "split": [f"{cls.__module__}.{cls.__qualname__}" for cls in split]}
    result["silent"] = [] if result["note"] else [name for name in (*stale, *result["split"]) if not is_told(name)]


def is_told(name: str) -> bool:
    """True if a line of warning speaks of what a name ends in."""
    last = name.rpartition(".")[2]
    return any(last in line for line in SAID if line.lstrip().startswith("!"))


main()
os._exit(0)
