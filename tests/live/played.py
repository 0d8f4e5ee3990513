"""What pushes make of generated programs, and what a fresh import makes of them; each asked in a forked process."""

from __future__ import annotations

import builtins
import inspect
import re
import shutil
import sys
from collections import Counter
from collections.abc import Iterable
from datetime import tzinfo
from pathlib import Path
from typing import Any

import livecode
from tests.live.equivalence import Sources, describe, load

MODULES = ("a", "b", "c")
STAND_INS = frozenset({"tzinfo", "Nothing", "NothingAtAll", "Abstract"})
"""Bases that stand where CPython cannot give a class its first base or take its last one, as reports say."""


def install_counter() -> Counter[str]:
    """From now on `t(tag, value)` counts, in whatever module."""
    counted: Counter[str] = Counter()

    def t(tag: str, value: Any) -> Any:
        counted[tag] += 1
        return value

    builtins.t = t  # type: ignore[attr-defined]
    return counted


def imported(states: list[Sources]) -> list[dict[str, Any] | None]:
    """What a fresh import makes of each; nothing, if it fails."""
    return [_imported(state) for state in states]


def _imported(state: Sources) -> dict[str, Any] | None:
    install_counter()
    made = {}
    try:
        for name in MODULES:
            made[name] = sys.modules[name] = type(sys)(name)
            exec(compile(state[name], f"{name}.py", "exec", dont_inherit=True), vars(made[name]))
        return {name: behaviour(module) for name, module in made.items()}
    except Exception:
        return None
    finally:
        for name in made:
            del sys.modules[name]


def played(states: list[Sources], breaks: list[str]) -> list[dict[str, Any]]:
    """What every push made of the modules, what was executed, and whether old references run the new code.

    Where a push is refused, the next one is an edit of what runs still.
    """
    counted = install_counter()
    load(states[0])
    folder = Path(sys.modules["a"].__file__ or "").parent
    held = list(_held())
    said, live = [], states[0]
    try:
        for after, broken in zip(states[1:], breaks, strict=True):
            said.append(_pushed(live, after, broken, counted, held))
            live = live if said[-1]["verdict"] == "REFUSED" else after
        return said
    finally:
        shutil.rmtree(folder)


def _pushed(before: Sources, after: Sources, broken: str, counted: Counter[str], held: list[Any]) -> dict[str, Any]:
    changed = {module: after[module] for module in MODULES if after[module] != before[module]}
    kept, refused = None, ""
    if broken and changed:
        refused = livecode.push({module: text + broken for module, text in changed.items()}).verdict.value
        kept = behaviours()
    counted.clear()
    report = livecode.push(changed or after)
    executed = dict(counted)
    stale = [
        f"{module.module}.{change.name.partition(', ')[0].partition('.')[0].removesuffix('()')}"
        for outcome in report.outcomes
        for module in outcome.modules
        for change in module.changes
        if change.kind.value == "stale"
    ]
    again = livecode.push({}, rerun=stale).verdict.value if stale else "LIVE"
    return {
        "refused": refused,
        "kept": kept,
        "verdict": report.verdict.value,
        "again": again,
        "said": str(report),
        "codes": [refusal.code for refusal in report.refusals],
        "executed": executed,
        "names": behaviours(),
        "held": [said for module, name, value, made in held for said in _left_behind(module, name, value, made)],
    }


def _held() -> Iterable[tuple[str, str, Any, Any]]:
    """Functions and classes of every module, as others hold them; of classes without fields an instance as well."""
    for module in MODULES:
        for name, value in list(vars(sys.modules[module]).items()):
            if getattr(value, "__module__", "") == module and (isinstance(value, type) or inspect.isfunction(value)):
                yield module, name, value, _Held(value()) if _plain(value) else None


class _Held:
    """An instance and the bound methods that somebody took of it."""

    def __init__(self, made: Any) -> None:
        self.made = made
        names = [name for name in dir(made) if not name.startswith("_")]
        self.methods = {name: bound for name in names if inspect.ismethod(bound := getattr(made, name, None))}


def _plain(value: Any) -> bool:
    return (
        type(value).__name__ in ("type", "Meta")
        and not issubclass(value, tuple | dict | type)
        and "__init__" not in vars(value)
    )


def _left_behind(module: str, name: str, old: Any, made: Any) -> Iterable[str]:
    """What is held from the beginning and is not what its name stands for now."""
    now = vars(sys.modules[module]).get(name)
    if isinstance(old, type) and isinstance(now, type):
        if old is not now and type(old) is type(now) and old.__bases__ == now.__bases__:
            yield f"{module}.{name} is another class"
        if made is not None and old is now and _plain(now):
            if not isinstance(made.made, now):
                yield f"an instance of {module}.{name} is none any more"
            members = _members(now())
            vars(made.made).clear()  # what it computed for itself is its own
            if _members(made.made) != members:
                yield f"an instance of {module}.{name} gives {_members(made.made)}, now {members}"
            for method, bound in made.methods.items():
                if inspect.ismethod(getattr(now, method, None)) or inspect.isfunction(getattr(now, method, None)):
                    given = _called(bound)
                    if given != members[method]:
                        yield f"{module}.{name}.{method}, bound before, gives {given}, now {members[method]}"
    elif not (inspect.isfunction(old) and inspect.isfunction(now)) or "<locals>" in old.__qualname__:
        return  # a closure that was made with other values keeps them
    elif describe(old)[4] != describe(now)[4]:
        yield f"{module}.{name} held from before gives {describe(old)[4]}, now {describe(now)[4]}"


def behaviours() -> dict[str, Any]:
    """Module → names, values and what calling gives."""
    return {module: behaviour(sys.modules[module]) for module in MODULES}


def behaviour(module: Any) -> dict[str, Any]:
    """Names, values and what calling gives."""
    noise = re.compile(r"__.*__$")
    found = {}
    for name, value in sorted(vars(module).items()):
        if not noise.match(name):
            found[name] = _instance(value) if isinstance(value, type) and value.__module__ in MODULES else _said(value)
    return found


def _said(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _said(each) for key, each in sorted(value.items(), key=lambda item: str(item[0]))}
    if isinstance(value, list | tuple) and type(value) in (list, tuple):
        return [type(value).__name__, [_said(each) for each in value]]
    if isinstance(value, type) and value.__module__ in MODULES:
        return value.__qualname__
    return describe(value)


def _instance(cls: type) -> list[Any]:
    said: list[Any] = [cls.__qualname__, [base.__qualname__ for base in cls.__mro__ if base.__name__ not in STAND_INS]]
    try:
        made = list(cls) if hasattr(cls, "__members__") else [cls()]  # type: ignore[call-overload]
        for thing in made:
            said.append(_members(thing))
    except Exception as error:
        said.append(repr(error))
    return said


def _members(thing: Any) -> dict[str, Any]:
    hidden = {*dir(tzinfo)} if isinstance(thing, tzinfo) else set()  # it stands beside the first base of a class
    shown = [name for name in sorted({*dir(thing)} - hidden) if not name.startswith("_")]
    return {name: _outcome(thing, name) for name in shown}


def _outcome(thing: Any, name: str) -> Any:
    try:
        value = getattr(thing, name)
    except Exception as error:
        return re.sub(r" at 0x[0-9a-f]+", "", repr(error))
    return _called(value) if callable(value) and not isinstance(value, type) else _said(value)


def _called(value: Any) -> Any:
    try:
        return _said(value())
    except Exception as error:
        return re.sub(r" at 0x[0-9a-f]+", "", repr(error))
