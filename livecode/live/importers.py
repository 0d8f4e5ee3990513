"""Who imports whom among the service's own modules: kept between pushes, brought up to date when a push asks.

Only a module whose text has the last part of another one's name as a word can import it, or one that stands below it
(`from . import x`); only those are parsed. What is kept is looked at again for modules that changed, so that a push
costs what it changes, however many modules there are.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from types import ModuleType

from livecode.engine.outline import Outline
from livecode.engine.words import ImportWords, import_words
from livecode.live import tracking
from livecode.live.running import Running


@dataclass
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
    imported: Collection[str] | None = None

    @cached_property
    def said(self) -> ImportWords:
        """The words that matter to what importing it does."""
        return import_words(self.running.source)


class _Users:
    """The modules that may import one, by the words that matter to them.

    Args:
        names: Those modules.

    Attributes:
        pending: Those of which other versions run than were looked at.
        others: Those that are looked at whatever the words: others may import them in turn, or they import all names.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.pending = dict.fromkeys(names)
        self.others: dict[str, None] = {}
        self._said: dict[str, ImportWords] = {}
        self._making: dict[str, dict[str, None]] = {}
        self._reading: dict[str, dict[str, None]] = {}

    def add(self, name: str, said: ImportWords) -> None:
        """Adds a module that nobody imports, in the place of what it was before."""
        before = self._said.get(name)
        if before is not None:
            for table, words in ((self._making, before.makes), (self._reading, before.reads)):
                for word in words:
                    del table[word][name]
        self._said[name] = said
        for table, words in ((self._making, said.makes), (self._reading, said.reads)):
            for word in words:
                table.setdefault(word, {})[name] = None

    def making(self, words: Iterable[str]) -> Iterator[str]:
        """Those in which such a word matters to what was made."""
        return iter(dict.fromkeys([*self.others, *(name for word in words for name in self._making.get(word, ()))]))

    def reading(self, words: Iterable[str]) -> Iterator[str]:
        """Those in which an import comes upon such a word."""
        return iter(dict.fromkeys([*self.others, *(name for word in words for name in self._reading.get(word, ()))]))


def _stamp(modules: dict[str, ModuleType]) -> object:
    """Another value when a module was imported or forgotten: a new one is the last one, so that many cost no more."""
    last = next(reversed(modules), "")
    return len(modules), last, id(modules.get(last))


class Importers:
    """The own modules, and which of them may import which."""

    def __init__(self) -> None:
        self._loaded: object = None  # tells whether other modules are loaded by now
        self._ids: list[int] = []  # of the module objects of the own modules
        self._folders: tuple[str, ...] = ()
        self._is_below: dict[str, bool] = {}  # file → whether it is below one of these folders
        self._tracked: tuple[str, ...] = ()
        self._entries: dict[str, _Entry] = {}
        self._names: tuple[str, ...] = ()
        self._parts: frozenset[str] = frozenset()
        self._users: dict[str, dict[str, None]] = {}
        self._by_word: dict[str, _Users] = {}
        self._pushed: set[str] = set()
        self._unknown: set[str] = set()
        self._is_new = True

    def tracked(self) -> tuple[str, ...]:
        """The loaded modules below the tracked folders."""
        modules = sys.modules.copy()
        loaded = _stamp(modules)
        if self._folders != tracking.folders():
            self._folders, self._is_below = tracking.folders(), {}
        elif loaded == self._loaded:
            return self._tracked
        files = map(getattr, modules.values(), repeat("__file__"), repeat(None))
        tracked = tuple(name for name, file in zip(modules, files, strict=True) if self._is_tracked(name, file))
        self._loaded = loaded
        if tracked != self._tracked:
            self._tracked = tracked
        return self._tracked

    def note(self, names: Iterable[str]) -> None:
        """Remembers that other versions of these modules run now."""
        self._pushed.update(names)

    def refresh(self, names: tuple[str, ...], running: Callable[[str], Running | None]) -> None:
        """Looks at what changed since the last time."""
        if names is not self._names and names != self._names:
            self._names, parts, self._is_new = names, frozenset(name.rpartition(".")[2] for name in names), True
            self._entries = self._entries if parts <= self._parts else {}
            self._parts = self._parts if parts <= self._parts else parts
        pushed, self._pushed = self._pushed, set()
        ids = list(map(id, map(sys.modules.get, names)))
        if ids != self._ids:
            self._ids, self._is_new = ids, True
        if self._is_new or any(running(name) is not None for name in self._unknown):
            self._look_at_all(names, running)
        else:
            for name in pushed & self._entries.keys():
                self._look_at(name, running(name))

    def of(self, module: str, outline: Callable[[str], Outline | None]) -> Iterator[str]:
        """The modules that import `module`, or a name from it."""
        return self._importing(self._users.get(module.rpartition(".")[2], ()), module, outline)

    def making(self, module: str, words: Iterable[str], outline: Callable[[str], Outline | None]) -> Iterator[str]:
        """Those of them that may hold something made by what these words stand for."""
        return self._importing(self._users_by_word(module).making(words), module, outline)

    def reading(self, module: str, words: Iterable[str], outline: Callable[[str], Outline | None]) -> Iterator[str]:
        """Those of them in which something may have to run if these words stand for something else."""
        return self._importing(self._users_by_word(module).reading(words), module, outline)

    def _users_by_word(self, module: str) -> _Users:
        part = module.rpartition(".")[2]
        found = self._by_word.get(part)
        if found is None:
            found = self._by_word[part] = _Users(self._users.get(part, ()))
        for name in [name for name in found.pending if name != module]:
            del found.pending[name]
            self._put(name, found)
        return found

    def _importing(self, names: Iterable[str], module: str, outline: Callable[[str], Outline | None]) -> Iterator[str]:
        for name in names:
            entry = self._entries[name]
            if name == module:
                continue
            if entry.imported is None:
                known = outline(name)
                entry.imported = frozenset() if known is None else known.imports.keys()
            if module in entry.imported:
                yield name

    def _look_at_all(self, names: tuple[str, ...], running: Callable[[str], Running | None]) -> None:
        before, self._entries, self._by_word = self._entries, {}, {}
        for name in names:
            now, entry = running(name), before.get(name)
            if now is None:
                continue
            if entry is None or entry.running is not now or entry.number != now.number:
                entry = self._entry(now)
            self._entries[name] = entry
        self._users, self._is_new = self._users_of(self._entries), False
        self._unknown = set(names) - self._entries.keys()

    def _look_at(self, name: str, now: Running | None) -> None:
        """Puts the version of one module that runs now in the place of the one before."""
        before = self._entries[name]
        if now is None:
            self._is_new = True
            return
        entry = self._entries[name] = self._entry(now)
        if entry.words != before.words:
            self._users, self._by_word = self._users_of(self._entries), {}
        for part in entry.words & self._by_word.keys():
            self._by_word[part].pending[name] = None

    def _users_of(self, entries: dict[str, _Entry]) -> dict[str, dict[str, None]]:
        users: dict[str, dict[str, None]] = {}
        for name, entry in entries.items():
            for word in entry.words:
                users.setdefault(word, {})[name] = None
        return users

    def _put(self, name: str, users: _Users) -> None:
        said = self._entries[name].said
        if said.stars or not self._users.get(name.rpartition(".")[2], {}).keys() <= {name}:
            users.others[name] = None
        else:
            users.add(name, said)

    def _entry(self, now: Running) -> _Entry:
        words = now.words_among(self._parts) | self._parts.intersection(now.name.split("."))
        return _Entry(now, now.number, words)

    def _is_tracked(self, name: str, file: object) -> bool:
        if not isinstance(file, str) or not file.endswith(".py") or name == "__main__":
            return False
        if file not in self._is_below:
            self._is_below[file] = tracking.is_tracked(file)
        return self._is_below[file]
