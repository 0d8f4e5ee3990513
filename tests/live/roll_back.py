"""Pushes that fail on purpose, and what is different afterwards."""

from __future__ import annotations

import atexit
import gc
import sys
import threading
import types
from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import Any

from livecode.live import execute
from livecode.live.journal import Journal, Step
from livecode.live.process import this_process
from livecode.model.nouns import ModuleSource, Push
from livecode.model.report import Outcome
from tests.live.equivalence import CLASS_NOISE, MODULE_NOISE, describe_module, load

MAX_STEPS = 1000


def identities(value: Any, path: str, found: dict[str, Any], depth: int = 0) -> None:
    """The identity of everything that a name leads to, by path: functions, their code, cells, members, elements."""
    found[path] = id(value)
    inside: list[tuple[str, Any]] = []
    if isinstance(value, types.FunctionType):
        found[path + ".code"], found[path + ".defaults"] = id(value.__code__), id(value.__defaults__)
        inside = [(f".cell{number}", cell) for number, cell in enumerate(value.__closure__ or ())]
    elif isinstance(value, types.CellType):
        inside = [(".content", value.cell_contents)]
    elif isinstance(value, type):
        found[path + ".bases"] = [id(base) for base in value.__bases__]
        own = value.__module__ not in ("builtins", "typing", "enum", "abc")
        inside = [("." + name, item) for name, item in value.__dict__.items() if own and name not in CLASS_NOISE]
    elif isinstance(value, staticmethod | classmethod):
        inside = [(".func", value.__func__)]
    elif isinstance(value, list | tuple | deque):
        inside = [(f"[{number}]", item) for number, item in enumerate(value)]
    elif isinstance(value, dict):
        inside = [(f"[{key!r}]", item) for key, item in value.items()]
    elif isinstance(value, set | bytearray):
        found[path + ".entries"] = sorted(map(repr, value))
    elif type(value).__module__ in sys.modules and not isinstance(value, types.ModuleType):
        own = ["__dict__", *(slot for base in type(value).__mro__ for slot in base.__dict__.get("__slots__", ()))]
        inside = [("." + name, getattr(value, name, None)) for name in own if type(value).__module__ in NAMES]
    for name, item in inside if depth < 4 else ():
        if not isinstance(item, types.GetSetDescriptorType) and name != ".__doc__":
            identities(item, path + name, found, depth + 1)


NAMES: set[str] = set()
"""The modules whose instances are looked into."""


LIBRARIES = {*sys.stdlib_module_names, "livecode", *sys.modules}
"""What a statement that fails may have imported: it stays, as it would after an import by hand."""


def snapshot(names: list[str]) -> dict[str, Any]:
    """All identities and descriptions of these modules."""
    NAMES.update(names)
    own = sorted(name for name in sys.modules if name.partition(".")[0] not in LIBRARIES)
    process = own, atexit._ncallbacks(), len(threading.enumerate()), [id(item) for item in sys.meta_path]
    found: dict[str, Any] = {"modules, exit handlers, threads": process}
    for name in names:
        for key, value in list(sys.modules[name].__dict__.items()):
            if key not in MODULE_NOISE and key != "__annotations__":
                identities(value, f"{name}.{key}", found)
        found[f"{name}: values"] = describe_module(sys.modules[name])
    return found


def failing_push(running: dict[str, str], sources: dict[str, str], good: dict[str, str]) -> dict[str, Any]:
    """Pushes a source that raises, then one that does not; says what differs in between."""
    load(running)
    before = snapshot(list(running))
    outcome = _push(sources)
    changed = _differing(before, snapshot(list(running)))
    again = _push(good)
    return {"verdict": outcome.verdict, "changed": changed, "then": again.verdict, "not undone": outcome.not_undone}


def each_step_fails(running: dict[str, str], sources: dict[str, str]) -> dict[str, Any]:
    """Pushes again and again, with an error before and after each step of the journal, and after each statement.

    Returns:
        What went wrong, by step, and how many steps there were.
    """
    load(running)
    wrong: dict[str, Any] = {}
    for failing in (_FailingStep, _FailingStatement):
        before = snapshot(list(running))
        for number in range(MAX_STEPS):
            outcome, reached = failing(number).push(sources)
            gc.collect(1)  # classes that a failed push made live in cycles, and count as classes until then
            if not reached:
                if outcome.verdict not in ("LIVE", "SAME"):  # some edits cannot be pushed backwards
                    wrong[failing.__name__] = [outcome.verdict, number]
                break
            changed = _differing(before, snapshot(list(running)))
            if outcome.verdict != "ROLLED BACK" or changed or outcome.not_undone:
                if "was kept from the service" in str(outcome.not_undone) and not changed:
                    continue
                wrong[f"{failing.__name__} {number}"] = [outcome.verdict, changed, outcome.not_undone]
        else:
            wrong[failing.__name__] = f"more than {MAX_STEPS}"
        _push(running)
    return wrong


def _push(sources: dict[str, str]) -> Outcome:
    return this_process().push(Push(tuple(ModuleSource(name, text) for name, text in sources.items())))


def _differing(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return [key for key in {**before, **after} if before.get(key) != after.get(key)]


ERRORS = (RuntimeError, KeyboardInterrupt, SystemExit, MemoryError)


class _FailingStep:
    """A push in which one step of the journal raises: with even numbers instead of being done, with odd ones after."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.done = 0
        self.reached = False

    def push(self, sources: dict[str, str]) -> tuple[Outcome, bool]:
        """What becomes of it, and whether it came so far."""
        original = Journal.do

        def interrupted(journal: Journal, *steps: Step) -> None:
            if journal._staged is None:
                steps = tuple(map(self._broken, steps))
            original(journal, *steps)

        Journal.do = interrupted  # type: ignore[method-assign]
        try:
            return _push(sources), self.reached
        finally:
            Journal.do = original  # type: ignore[method-assign]

    def _broken(self, step: Step) -> Step:
        self.done += 1
        if self.done - 1 != self.number // 2:
            return step

        def fail() -> None:
            if self.number % 2:
                step.do()
            self.reached = True
            raise ERRORS[self.number % len(ERRORS)]("injected")

        return replace(step, do=fail)


class _FailingStatement:
    """A push in which one statement raises at its end."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.reached = False

    def push(self, sources: dict[str, str]) -> tuple[Outcome, bool]:
        """What becomes of it, and whether it came so far."""
        original = execute._execute
        executed = [0]

        def interrupted(*args: Any) -> None:
            original(*args)
            executed[0] += 1
            if executed[0] - 1 == self.number:
                self.reached = True
                raise ERRORS[self.number % len(ERRORS)]("injected")

        execute._execute = interrupted
        try:
            return _push(sources), self.reached
        finally:
            execute._execute = original


def after_failure(before: str, statement: str, look: str, error: str) -> dict[str, Any]:
    """What an expression says before and after a push of the module whose last statements are these and an error."""
    load({"m": before})
    seen = [repr(eval(look, dict(sys.modules)))]
    outcome = _push({"m": f"{before}{statement}\nraise {error}\n"})
    seen.append(repr(eval(look, dict(sys.modules))))
    good = _push({"m": f"{before}{statement}\n"})
    seen.append(repr(eval(look, dict(sys.modules))))
    return {"verdicts": [outcome.verdict.value, good.verdict.value], "seen": seen, "said": outcome.not_undone}


def imports_twice() -> dict[str, Any]:
    """A push imports two modules that use each other, of which one lacks a name; then that file is mended."""
    load({"m": "X = 1\n"})
    folder = Path(sys.modules["m"].__file__ or "").parent
    (folder / "one.py").write_text("import wave\nimport two\nA = 1\n")
    (folder / "two.py").write_text("import one\n")
    source = "import one\nfrom two import B as X\n"
    first = _push({"m": source})
    stayed = [name for name in ("one", "two", "wave") if name in sys.modules]
    (folder / "two.py").write_text("import one\nB = 2\n")
    second = _push({"m": source})
    return {
        "verdicts": [first.verdict.value, second.verdict.value],
        "stayed": stayed,
        "value": sys.modules["m"].X,
    }
