"""Takes a module out of the process, and says who still holds what came from it.

Out means: `sys.modules`, its submodules, the parent's attribute, the chunk's lines. Its functions and instances live
on as long as somebody holds them. One surviving function keeps all of the module's globals, while a weak reference to
the module object says it is gone; so a canary is put among the globals, and it dies exactly when the last one lets go.
"""

from __future__ import annotations

import sys
import time
import weakref
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from types import FunctionType, ModuleType
from typing import Any

from livecode.live.chunks import forget_lines, lines_entry, offer, offered, restore_lines, withdraw
from livecode.live.journal import Journal, Step, delete_item
from livecode.live.tracking import is_tracked

CANARY = "__livecode_canary__"
MAX_HOLDERS = 20
"""Holders that are named in a report."""


@dataclass
class Afterlife:
    """What is left of an unloaded module.

    Attributes:
        module: Its name.
        since: When it was unloaded, seconds since the epoch.
        freed: When the last of its objects died; 0.0 while some live.
    """

    module: str
    since: float = field(default_factory=time.time)
    freed: float = 0.0

    def __str__(self) -> str:
        if self.freed:
            return f"all of it is gone, {self.freed - self.since:.1f} s after the unload"
        return "some of its objects are still held"


class _Canary:
    """Lives among a module's globals."""

    __slots__ = ("__weakref__",)


def submodules(name: str) -> tuple[str, ...]:
    """The loaded modules below `name`, deepest first."""
    below = [module for module in sys.modules if module.startswith(name + ".")]
    return tuple(sorted(below, key=lambda module: -module.count(".")))


def importers(name: str) -> tuple[str, ...]:
    """The modules whose names lead to the module or to what it defines, as ``module (names)``."""
    family = {name, *submodules(name)}
    parent, _, last = name.rpartition(".")
    found: dict[str, list[str]] = {}
    for holder, module in list(sys.modules.items()):
        if holder in family or module is None:
            continue
        names = [
            key
            for key, value in list(getattr(module, "__dict__", {}).items())
            if _comes_from(value, family) and not (holder == parent and key == last and type(value) is ModuleType)
        ]
        if names:
            found[holder] = names
    return tuple(f"{holder} ({', '.join(sorted(names)[:5])})" for holder, names in sorted(found.items()))


def holders(name: str) -> tuple[str, ...]:
    """Who still holds objects of the module, as far as a cheap look tells: names, subclasses, calls under way."""
    said = list(importers(name))
    module = sys.modules.get(name)
    if module is not None:
        said += list(_subclasses_elsewhere(module))
        said += list(_calls_under_way(module))
    return tuple(said[:MAX_HOLDERS])


def forget_imports(before: Collection[str]) -> None:
    """Takes out the service's own modules that came since, if nobody uses them.

    A push that fails may have imported them first. Staying, they would be found by the corrected push, although their
    files may have been corrected too. Libraries stay: many of them cannot be imported twice.

    Args:
        before: The names in `sys.modules` before the push.
    """
    came = {name for name in list(sys.modules) if name not in before and _is_own(name)}
    while used := {name for name in came if {user.split(" ")[0] for user in importers(name)} - came}:
        came -= used
    for name in came:
        parent, _, last = name.rpartition(".")
        module = sys.modules.pop(name)
        owner = sys.modules.get(parent)
        if owner is not None and owner.__dict__.get(last) is module:
            delattr(owner, last)


def _is_own(name: str) -> bool:
    file = getattr(sys.modules.get(name), "__file__", None)
    return isinstance(file, str) and file.endswith(".py") and is_tracked(file)


def take_out(name: str, journal: Journal) -> Afterlife:
    """Unloads a module and its submodules.

    Returns:
        What tells when the last of its objects is gone.
    """
    module = sys.modules[name]
    afterlife = Afterlife(name)
    for each in (*submodules(name), name):
        _take_out_one(each, journal)
    canary = _Canary()
    weakref.finalize(canary, _died, afterlife).atexit = False
    module.__dict__[CANARY] = canary
    journal.note(lambda: module.__dict__.pop(CANARY, None))
    return afterlife


def _take_out_one(name: str, journal: Journal) -> None:
    module = sys.modules[name]
    pushed = offered(name)
    if pushed is not None:
        journal.do(Step(lambda: withdraw(name), lambda: offer(pushed)))
        lines = lines_entry(pushed.filename)
        journal.do(Step(lambda: forget_lines(pushed.filename), lambda: restore_lines(pushed.filename, lines)))
    elif isinstance(file := getattr(module, "__file__", None), str):
        entry = lines_entry(file)
        journal.do(Step(lambda: forget_lines(file), lambda: restore_lines(file, entry)))
    parent, _, last = name.rpartition(".")
    owner = sys.modules.get(parent)
    journal.do(delete_item(sys.modules, name))
    if owner is not None and owner.__dict__.get(last) is module:
        journal.do(delete_item(owner.__dict__, last))


def _died(afterlife: Afterlife) -> None:
    afterlife.freed = time.time()


def _comes_from(value: Any, family: set[str]) -> bool:
    if type(value) is ModuleType:
        return value.__name__ in family
    if type(value) is FunctionType or isinstance(value, type):
        return getattr(value, "__module__", None) in family
    return type(value).__module__ in family


def _subclasses_elsewhere(module: ModuleType) -> Iterator[str]:
    for value in list(module.__dict__.values()):
        if isinstance(value, type) and value.__module__ == module.__name__:
            below: list[type] = type.__subclasses__(value)
            for sub in below:
                if sub.__module__ != module.__name__:
                    yield f"{sub.__module__}.{sub.__qualname__} (subclass of {value.__qualname__})"


def _calls_under_way(module: ModuleType) -> Iterator[str]:
    for frame in sys._current_frames().values():
        step = frame
        while step is not None:
            if step.f_globals is module.__dict__:
                yield f"a call of {step.f_code.co_qualname}() that is under way, line {step.f_lineno}"
            step = step.f_back  # type: ignore[assignment]
