"""Asks of an edit: does the module live as a fresh import of the new source would?

Each answer comes from a forked process (`tests.live.forker`), so that nothing is left behind.
"""

from __future__ import annotations

import inspect
import re
import sys
import tempfile
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Sources = dict[str, str]

MODULE_NOISE = frozenset(
    {
        *("__builtins__", "__spec__", "__loader__", "__cached__", "__file__"),
        *("__annotate__", "__conditional_annotations__", "__warningregistry__"),
    }
)
CLASS_NOISE = frozenset(
    {
        *("__dict__", "__weakref__", "_abc_impl", "__static_attributes__", "__firstlineno__"),
        *("__annotations__", "__annotations_cache__", "__annotate_func__"),
    }
)


def load(sources: Sources) -> None:
    """Writes the modules into a tracked folder of their own and imports them."""
    from livecode import track

    folder = Path(tempfile.mkdtemp(prefix="equivalence"))
    for name, text in sources.items():
        (folder / f"{name}.py").write_text(text)
    sys.path.insert(0, str(folder))
    track(folder)
    for name in sources:
        __import__(name)


def pushed(before: Sources, edits: list[Sources]) -> dict[str, Any]:
    """The modules as they are after the edits were pushed, and the verdicts."""
    from livecode.live.process import this_process
    from livecode.model.nouns import ModuleSource, Push

    load(before)
    outcomes = []
    for edit in edits:
        push = Push(tuple(ModuleSource(name, source) for name, source in edit.items()))
        outcomes.append(this_process().push(push))
    return {
        "names": {name: describe_module(sys.modules[name]) for name in before},
        "verdicts": [outcome.verdict.value for outcome in outcomes],
        "codes": [refusal.code for outcome in outcomes for refusal in outcome.refusals],
        "rerun": [
            change.name
            for outcome in outcomes
            for module in outcome.modules
            for change in module.changes
            if change.kind.value == "re-run"
        ],
    }


def fresh(sources: Sources) -> dict[str, Any]:
    """The modules as a fresh import makes them."""
    load(sources)
    return {name: describe_module(sys.modules[name]) for name in sources}


def describe_module(module: types.ModuleType) -> dict[str, Any]:
    """Every name of a module and what it stands for, without addresses."""
    return {name: describe(value) for name, value in sorted(module.__dict__.items()) if name not in MODULE_NOISE}


def describe(value: Any, depth: int = 0) -> Any:
    """What a value is and does: functions that need no arguments are called."""
    if isinstance(value, types.FunctionType):
        return _describe_function(value, depth)
    if isinstance(value, type):
        if depth > 2 or value.__module__ in ("builtins", "enum", "typing", "abc"):
            return value.__qualname__
        members = {n: describe(v, depth + 1) for n, v in sorted(value.__dict__.items()) if n not in CLASS_NOISE}
        return [value.__qualname__, [base.__name__ for base in value.__mro__], members, _annotations(value)]
    if isinstance(value, staticmethod | classmethod):
        return [type(value).__name__, describe(value.__func__, depth + 1)]
    if isinstance(value, property):
        return ["property", [describe(part, depth + 1) for part in (value.fget, value.fset, value.fdel)], value.__doc__]
    if isinstance(value, types.ModuleType):
        return value.__name__
    if type(value).__module__.startswith("pydantic") or "pydantic" in repr(value):
        return type(value).__name__  # says addresses, and lists its fields in any order
    if type(value) in (set, frozenset):  # their order says nothing
        return sorted(str(describe(item, depth + 1)) for item in value)
    return _without_addresses(repr(value))


def _without_addresses(text: str) -> str:
    return re.sub(r" at 0x[0-9a-f]+|0x[0-9a-f]{6,}|:\d{9,}", "", text)


def _describe_function(function: types.FunctionType, depth: int) -> list[Any]:
    signature = inspect.signature(function)
    needs = [p for p in signature.parameters.values() if p.default is p.empty and p.kind in (0, 1, 3)]
    result: Any = "not called"
    if not needs and not inspect.iscoroutinefunction(function) and not function.__name__.startswith("__hot_"):
        try:
            result = function()
        except Exception as error:
            result = repr(error)
        result = describe(result, depth + 1) if depth < 3 else repr(result)
    extra = sorted(name for name in function.__dict__ if name != "__wrapped__")
    code = function.__code__
    names = [function.__name__, function.__qualname__, function.__doc__]
    return [*names, _without_addresses(str(signature)), result, extra, _annotations(function), code.co_firstlineno]


def _annotations(thing: Any) -> str:
    return str(inspect.get_annotations(thing)) if not isinstance(thing, type) or thing.__module__ != "enum" else ""


def differences(live: Any, wanted: Any, path: str = "") -> Iterator[str]:
    """Where two descriptions differ."""
    if isinstance(live, dict) and isinstance(wanted, dict):
        for key in sorted({*live, *wanted}):
            yield from differences(live.get(key, "(missing)"), wanted.get(key, "(missing)"), f"{path}.{key}")
    elif isinstance(live, list) and isinstance(wanted, list) and len(live) == len(wanted):
        for number, pair in enumerate(zip(live, wanted, strict=True)):
            yield from differences(*pair, f"{path}[{number}]")
    elif live != wanted:
        yield f"{path}: live {live!r}, fresh {wanted!r}"
