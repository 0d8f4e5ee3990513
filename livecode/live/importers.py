"""Who imports whom among the service's own modules: kept between pushes, brought up to date when a push asks.

Only a module whose text has the last part of another one's name as a word can import it, or one that stands below it
(`from . import x`); only those are parsed.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import repeat
from types import ModuleType

from livecode.engine.facts import ModuleFacts, imported_modules
from livecode.live import tracking
from livecode.live.running import Running


@dataclass(slots=True)
class _Entry:
    """What is known of one module at one version.

    Attributes:
        running: The module.
        number: Its version.
        words: The last parts of the names of modules that it may import.
        imported: The modules that it names, None as long as nobody asked.
    """

    running: Running
    number: int
    words: frozenset[str]
    imported: set[str] | None = None


def _stamp(modules: dict[str, ModuleType]) -> object:
    """Another value when a module was imported or forgotten: a new one is the last one, so that many cost no more."""
    last = next(reversed(modules), "")
    return len(modules), last, id(modules.get(last))


class Importers:
    """The own modules, and which of them may import which."""

    def __init__(self) -> None:
        self._loaded: object = None  # tells whether other modules are loaded by now
        self._folders: tuple[str, ...] = ()
        self._is_below: dict[str, bool] = {}  # file → whether it is below one of these folders
        self._tracked: list[str] = []
        self._entries: dict[str, _Entry] = {}
        self._names: tuple[str, ...] = ()
        self._parts: frozenset[str] = frozenset()
        self._users: dict[str, list[str]] = {}

    def tracked(self) -> list[str]:
        """The loaded modules below the tracked folders."""
        modules = sys.modules.copy()
        loaded = _stamp(modules)
        if self._folders != tracking.folders():
            self._folders, self._is_below = tracking.folders(), {}
        elif loaded == self._loaded:
            return self._tracked
        files = map(getattr, modules.values(), repeat("__file__"), repeat(None))
        self._tracked = [name for name, file in zip(modules, files, strict=True) if self._is_tracked(name, file)]
        self._loaded = loaded
        return self._tracked

    def refresh(self, names: tuple[str, ...], running: Callable[[str], Running | None]) -> None:
        """Looks at what changed since the last time."""
        if names != self._names:
            self._names, parts = names, frozenset(name.rpartition(".")[2] for name in names)
            self._entries = self._entries if parts <= self._parts else {}
            self._parts = self._parts if parts <= self._parts else parts
        before, self._entries = self._entries, {}
        changed = len(before) != len(names)
        for name in names:
            now, entry = running(name), before.get(name)
            if now is None:
                continue
            if entry is None or entry.running is not now or entry.number != now.number:
                entry, changed = self._entry(now), True
            self._entries[name] = entry
        if changed:
            users: dict[str, list[str]] = defaultdict(list)
            for name, entry in self._entries.items():
                for word in entry.words:
                    users[word].append(name)
            self._users = dict(users)

    def of(self, module: str, facts: Callable[[str], ModuleFacts | None]) -> Iterator[str]:
        """The modules that import `module`, or a name from it."""
        for name in self._users.get(module.rpartition(".")[2], ()):
            entry = self._entries[name]
            if name == module:
                continue
            if entry.imported is None:
                known = facts(name)
                entry.imported = set() if known is None else imported_modules(known)
            if module in entry.imported:
                yield name

    def _entry(self, now: Running) -> _Entry:
        words = now.words_among(self._parts) | self._parts.intersection(now.name.split("."))
        return _Entry(now, now.number, words)

    def _is_tracked(self, name: str, file: object) -> bool:
        if not isinstance(file, str) or not file.endswith(".py") or name == "__main__":
            return False
        if file not in self._is_below:
            self._is_below[file] = tracking.is_tracked(file)
        return self._is_below[file]
