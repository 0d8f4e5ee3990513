"""Modules that this process has not imported yet, and that will run what was pushed in place of what their file says.

    put(patched)        from now on, an import of the module executes the pushed source
    stale()             the modules whose file has changed since the push was made for it: they run what is on disk

Process-wide change, made here: one finder in `sys.meta_path` while patched modules wait for their import.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType

from livecode.live import chunks, tracking
from livecode.live.sourcefile import decode_source
from livecode.model.nouns import Version, checksum


@dataclass(frozen=True, slots=True)
class PatchedModule:
    """A module that will be imported from pushed source.

    Attributes:
        name: Dotted name.
        base: SHA-256 of the source of the file that it stands in for; empty if it has none.
        version: What it will run.
        also: SHA-256 of other sources that the file may have; one is empty if it may be missing.
    """

    name: str
    base: str
    version: Version
    also: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """What the file may say."""
        return (self.base, *self.also)

    @property
    def source(self) -> str:
        """What it will run."""
        return self.version.source or ""


class PatchedLoader(tracking.TrackedLoader):
    """Python's own loader for the module's file, which executes what was pushed."""

    def __init__(self, patched: PatchedModule, path: str) -> None:
        super().__init__(patched.name, path)
        self.patched = patched

    @tracking.of_import_system
    def get_code(self, fullname: str) -> CodeType:
        """The code of the pushed source."""
        tracking.note(fullname, self.path, self.get_data(self.path))
        return self.source_to_code(self.patched.source, self.path)

    def get_source(self, fullname: str) -> str:
        """The source that runs, while it does."""
        return self.patched.source

    @tracking.of_import_system
    def exec_module(self, module: ModuleType) -> None:
        """Executes what was pushed; where that raises, what is on disk, so that the service starts."""
        before = dict(module.__dict__)
        chunks.show_lines(self.path, self.patched.source)
        _waiting.pop(self.patched.name, None)
        try:
            super().exec_module(module)
        except Exception as error:
            chunks.forget_lines(self.path)
            _failed[self.patched.name] = f"{type(error).__name__}: {error}"
            module.__dict__.clear()
            module.__dict__.update(before)
            loader = tracking.TrackedLoader(self.patched.name, self.path)
            module.__loader__ = loader
            if module.__spec__ is not None:
                module.__spec__.loader = loader
            loader.exec_module(module)


class _OverlayFinder(MetaPathFinder):
    """Finds the modules that are patched before they are imported."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of a patched module, with a loader that executes what was pushed."""
        patched = _waiting.get(fullname)
        if patched is None:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or not isinstance(spec.loader, SourceFileLoader):
            return _without_file(patched) if "" in patched.files else None
        if not _fits(patched, spec.loader.path):
            _waiting.pop(fullname, None)
            return None
        spec.loader = PatchedLoader(patched, spec.loader.path)
        return spec

    def __repr__(self) -> str:
        return f"<livecode: {len(_waiting)} modules will be imported as they were pushed>"


_waiting: dict[str, PatchedModule] = {}
_stale: dict[str, None] = {}
_failed: dict[str, str] = {}
_saved: dict[str, Version] = {}
_finder = _OverlayFinder()


def put(patched: PatchedModule) -> None:
    """Lets the next import of the module execute what was pushed, if its file is what the push was made for."""
    _waiting[patched.name] = patched
    _stale.pop(patched.name, None)
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


def remove(module: str) -> None:
    """Lets the next import of the module execute what its file says."""
    _waiting.pop(module, None)
    _stale.pop(module, None)
    _failed.pop(module, None)
    _saved.pop(module, None)
    if not _waiting and _finder in sys.meta_path:
        sys.meta_path.remove(_finder)


def waiting() -> tuple[str, ...]:
    """The patched modules that nobody has imported yet."""
    return tuple(_waiting)


def sources() -> tuple[str, ...]:
    """The sources that are applied when their modules are imported."""
    found = (patched.version.source for patched in _waiting.values())
    return tuple(source for source in found if source is not None)


def waiting_without_file() -> tuple[str, ...]:
    """Those of them that have no file, and whose package is there, so that they can be imported."""
    packages = ((name, name.rpartition(".")[0]) for name, patched in _waiting.items() if not patched.base)
    return tuple(name for name, package in sorted(packages) if not package or package in sys.modules)


def give_up(module: str, why: str) -> None:
    """Notes that a patched module cannot be imported."""
    _waiting.pop(module, None)
    chunks.withdraw(module)
    _failed[module] = why


def stale() -> tuple[str, ...]:
    """The modules that run what is on disk, because that has changed since their patch was made."""
    return tuple(_stale)


def mark_stale(module: str) -> None:
    """Notes that a module's patch does not fit what it runs."""
    _stale[module] = None


def saved_as(module: str) -> Version | None:
    """What a module runs that was imported from a file which said so already; None for others."""
    return _saved.get(module)


def failed() -> dict[str, str]:
    """The modules whose patch raised when it was imported → what it raised. They run what is on disk."""
    return dict(_failed)


def _fits(patched: PatchedModule, path: str) -> bool:
    """True if the file still says what the push was made for."""
    try:
        with open(path, "rb") as file:
            found = checksum(decode_source(file.read()))
    except (OSError, ValueError):
        return False  # Python's own loader will say what is wrong with it
    wanted = patched.version.checksum
    if found == wanted:
        _saved[patched.name] = patched.version
    elif found not in patched.files and patched.base != wanted:
        _stale[patched.name] = None
    return found in patched.files and found != wanted


def _without_file(patched: PatchedModule) -> ModuleSpec | None:
    """The spec of a module that exists as pushed source only."""
    is_package = any(name.startswith(f"{patched.name}.") for name in _waiting)
    filename = chunks.chunk_name(patched.name)
    path = () if is_package else None
    chunks.offer(chunks.PushedModule(patched.name, patched.source, filename, path, version=patched.version))
    _waiting.pop(patched.name, None)
    return chunks.PushedFinder().find_spec(patched.name)  # the import may be past the place of the one just installed
