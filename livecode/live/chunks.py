"""Modules that were pushed: importable without a file, and their lines known to tracebacks.

Process-wide changes, all made here: one finder in `sys.meta_path` while there are pushed modules that have no file
of that source, and entries of `linecache.cache` for chunks whose running source is not what their file says.
"""

from __future__ import annotations

import linecache
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import CodeType, ModuleType

from livecode.engine.edit import edit_between, normal
from livecode.engine.forms import source_lines
from livecode.engine.pieces import split_lines
from livecode.live import handlers, ready
from livecode.model.nouns import Version


@dataclass(frozen=True, slots=True)
class PushedModule:
    """A module to be imported from a push.

    Attributes:
        name: Dotted name.
        source: Its source.
        filename: Chunk name: `<name>`, or the path of the file that it stands for.
        package_path: Where submodules are searched; None if it is no package.
        file: Path of its file; empty if it has none.
        version: What it is recorded as, where that is known before its import.
    """

    name: str
    source: str
    filename: str
    package_path: tuple[str, ...] | None = None
    file: str = ""
    version: Version | None = None


def chunk_name(module: str) -> str:
    """What tracebacks show for a module that has no file."""
    return f"<{module}>"


class PushedLoader(InspectLoader):
    """Loads a module from the source that was pushed."""

    def __init__(self, pushed: PushedModule) -> None:
        self.pushed = pushed

    def get_source(self, fullname: str) -> str:
        """The source that runs."""
        current = _pushed.get(fullname, self.pushed)
        return current.source

    def get_code(self, fullname: str) -> CodeType:
        """Its code, compiled under the chunk's name."""
        source, filename = self.get_source(fullname), self.pushed.filename
        return ready.take(fullname, source, filename) or self.source_to_code(source, filename)

    def is_package(self, fullname: str) -> bool:
        """True if it has submodules."""
        return self.pushed.package_path is not None

    def exec_module(self, module: ModuleType) -> None:
        """Executes the source in the module's namespace."""
        show_lines(self.pushed.filename, self.pushed.source)
        if self.pushed.file:
            module.__file__ = self.pushed.file
        with handlers.executing(module.__name__):
            super().exec_module(module)

    def __repr__(self) -> str:
        return f"<livecode: pushed source of {self.pushed.name}>"


class PushedFinder(MetaPathFinder):
    """Finds the modules that were pushed."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of a pushed module."""
        pushed = _pushed.get(fullname)
        if pushed is None:
            return None
        spec = ModuleSpec(
            fullname,
            PushedLoader(pushed),
            origin=pushed.file or pushed.filename,
            is_package=pushed.package_path is not None,
        )
        if pushed.package_path is not None:
            spec.submodule_search_locations = list(pushed.package_path)
        return spec

    def __repr__(self) -> str:
        return f"<livecode: {len(_pushed)} pushed modules>"


_pushed: dict[str, PushedModule] = {}
_shown: dict[str, tuple[str, list[str]]] = {}  # chunk name → source and lines, those that `linecache` has
_finder = PushedFinder()


def offer(pushed: PushedModule) -> None:
    """Makes a module importable from this source."""
    _pushed[pushed.name] = pushed
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


def offered(module: str) -> PushedModule | None:
    """The pushed source that an import of `module` would execute."""
    return _pushed.get(module)


def withdraw(module: str) -> None:
    """Makes the module importable from its file only, if it has one."""
    _pushed.pop(module, None)
    if not _pushed and _finder in sys.meta_path:
        sys.meta_path.remove(_finder)


def show_lines(filename: str, source: str) -> None:
    """Lets tracebacks and `inspect` show this source for code of that chunk, whatever is on disk.

    Source: `linecache.checkcache` leaves entries without a modification time alone.
    """
    shown = _shown.get(filename)
    if shown is None:
        shown = source, source_lines(source)
    elif shown[0] != source:
        shown = source, _lines_by_edit(*shown, source)
    _shown[filename] = shown
    linecache.cache[filename] = (len(source), None, shown[1], filename)


def _lines_by_edit(before: str, lines: list[str], source: str) -> list[str]:
    edit = edit_between(normal(before), normal(source))
    return [*lines[: edit.first], *split_lines(edit.new_text(edit.first, edit.new_last)), *lines[edit.old_last :]]


def lines_entry(filename: str) -> object:
    """What `linecache` holds for the chunk, to be put back by `restore_lines`."""
    return linecache.cache.get(filename)


def restore_lines(filename: str, entry: object) -> None:
    """Puts back what `lines_entry` gave."""
    _shown.pop(filename, None)
    if entry is None:
        linecache.cache.pop(filename, None)
    else:
        linecache.cache[filename] = entry  # type: ignore[assignment]


def forget_lines(filename: str) -> None:
    """Lets `linecache` read the file again when it is asked next."""
    _shown.pop(filename, None)
    linecache.cache.pop(filename, None)
