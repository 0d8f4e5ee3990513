"""Remembers the source that every module of a tracked folder is loaded from.

What counts is the source that *runs*, not the file: a file can change a second after it was imported. So the tracked
folders get a loader that keeps what it read; modules that were loaded earlier are read once, when the tracking
begins, and believed only if they agree with what is loaded (`livecode.live.running`).

Process-wide changes, all made here and taken back by `untrack_all`: one entry in `sys.path_hooks`, and the entries
of `sys.path_importer_cache` for tracked folders. Imports from elsewhere do not pass through any of this.
"""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from importlib import machinery
from types import ModuleType

from livecode.live import handlers, ready

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    Method = TypeVar("Method", bound=Callable[..., Any])

_folders: list[str] = []
_read: dict[str, tuple[str, bytes, bool]] = {}  # module → path, source, True if the loader itself read it
_for_runpy: set[str] = set()
_real: dict[str, str] = {}  # folder → its real path
_STDLIB = os.path.dirname(os.__file__)
_IMPORT_SYSTEM = "<frozen importlib._bootstrap_external>"
FOREIGN = frozenset({"site-packages", "dist-packages"})


def track(folder: str | os.PathLike[str]) -> str:
    """Remembers the source of every module under `folder` from now on.

    Returns:
        The folder's real path.

    Raises:
        UsageError: There is no such folder, or it is the root of a file system.
    """
    path = os.path.realpath(os.fspath(folder))
    if not os.path.isdir(path):
        from livecode.errors import UsageError

        what = "is a file" if os.path.exists(path) else "does not exist"
        raise UsageError(f"cannot track {os.fspath(folder)!r}: it {what}; give a folder of Python source")
    if os.path.dirname(path) == path:
        from livecode.errors import UsageError

        raise UsageError(f"cannot track {path!r}, the root of the file system; give the folder of your source")
    if path not in _folders:
        _folders.append(path)
        is_tracked.cache_clear()
        if _hook not in sys.path_hooks:
            sys.path_hooks.insert(0, _hook)
        _forget_importers()
        _read_loaded()
        handlers.begin()
    return path


def untrack_all() -> None:
    """Takes back everything that tracking changed in this process."""
    _folders.clear()
    is_tracked.cache_clear()
    _read.clear()
    _real.clear()
    _for_runpy.clear()
    handlers.forget()
    if _hook in sys.path_hooks:
        sys.path_hooks.remove(_hook)
    _forget_importers(everywhere=True)


def folders() -> tuple[str, ...]:
    """The tracked folders."""
    return tuple(_folders)


@lru_cache(maxsize=4096)
def is_tracked(path: str) -> bool:
    """True for a path below a tracked folder that is not of an installed package there."""
    if _surely_foreign(path):
        return False
    folder, name = os.path.split(path)
    real = os.path.join(_real_folder(folder), name)
    for tracked in _folders:
        if real == tracked:
            return True
        if real.startswith(tracked + os.sep):
            return not FOREIGN.intersection(real[len(tracked) + 1 :].split(os.sep))
    return False


def _surely_foreign(path: str) -> bool:
    """Most loaded modules are Python's own or installed ones: told without asking the file system."""
    homes = [home for home in ("site-packages", "dist-packages", _STDLIB) if home in path]
    return bool(homes) and not any(home in folder for home in homes for folder in _folders)


def _real_folder(folder: str) -> str:
    real = _real.get(folder)
    if real is None:
        real = _real[folder] = os.path.realpath(folder)
    return real


def remembered(module: str, path: str) -> tuple[bytes, bool] | None:
    """The source bytes that a module was loaded from, and whether the loader itself read them."""
    entry = _read.get(module)
    if entry is None or entry[0] != path:
        return None
    return entry[1], entry[2]


def leave_to_runpy(module: str) -> None:
    """The next loader of this module, or of its ``__main__``, is Python's own: it is about to run as ``python -m``.

    What runs as ``__main__`` cannot be pushed, and runpy, unlike an import, leaves the loader in tracebacks.

    Args:
        module: Its name; empty for the ``__main__`` of a folder.
    """
    _for_runpy.update((module, f"{module}.__main__") if module else ("__main__",))


def note(module: str, path: str, source: bytes) -> None:
    """Remembers what the file of a module says that is loaded now."""
    _read[module] = (path, source, True)


def forget(module: str) -> None:
    """Drops what is remembered of a module."""
    _read.pop(module, None)


def of_import_system(method: Method) -> Method:
    """The method, as Python sees those of its own import system: left out of tracebacks, and of where a warning is due.

    Source: `remove_importlib_frames` in Python/import.c, `is_internal_frame` in Python/_warnings.c: they go by the name
    of the file.
    """
    method.__code__ = method.__code__.replace(co_filename=_IMPORT_SYSTEM)
    return method


class TrackedLoader(machinery.SourceFileLoader):
    """Python's own loader, which also keeps the source that it loads."""

    @of_import_system
    def get_code(self, fullname: str) -> object:  # type: ignore[override]
        """The module's code, from its cache only where that cannot be older than the source."""
        source = self.get_data(self.path)
        note(fullname, self.path, source)
        if ready.is_there(fullname) and (code := _compiled_before(fullname, source, self.path)) is not None:
            return code
        if _cache_may_lie(self.path):
            return self.source_to_code(source, self.path)
        return super().get_code(fullname)

    @of_import_system
    def exec_module(self, module: ModuleType) -> None:
        """Executes the module, and notes which handlers came with it."""
        with handlers.executing(module.__name__):
            super().exec_module(module)


def _compiled_before(module: str, source: bytes, path: str) -> object:
    from livecode.live.sourcefile import decode_source

    return ready.take(module, decode_source(source), path)


def _cache_may_lie(path: str) -> bool:
    """A pyc knows its source by size and whole seconds, so a second save within one second goes unseen."""
    from importlib.util import cache_from_source

    try:
        cached = os.stat(cache_from_source(path)).st_mtime
    except (OSError, NotImplementedError):
        return False
    return cached < int(os.stat(path).st_mtime) + 1


def _hook(path: str) -> machinery.FileFinder:
    if not is_tracked(os.path.realpath(path)) or not os.path.isdir(path):
        raise ImportError(f"{path} is not tracked", path=path)
    return machinery.FileFinder(
        path,
        (machinery.ExtensionFileLoader, machinery.EXTENSION_SUFFIXES),
        (_loader, machinery.SOURCE_SUFFIXES),  # type: ignore[arg-type]
        (machinery.SourcelessFileLoader, machinery.BYTECODE_SUFFIXES),
    )


def _loader(module: str, path: str) -> machinery.SourceFileLoader:
    if module in _for_runpy:
        _for_runpy.discard(module)
        return machinery.SourceFileLoader(module, path)
    return TrackedLoader(module, path)


def _forget_importers(*, everywhere: bool = False) -> None:
    for path in list(sys.path_importer_cache):
        if everywhere or (not _surely_foreign(path) and is_tracked(os.path.realpath(path))):
            sys.path_importer_cache.pop(path, None)


def _read_loaded() -> None:
    for name, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None)
        if name not in _read and isinstance(path, str) and path.endswith(".py") and is_tracked(path):
            try:
                with open(path, "rb") as file:
                    _read[name] = (path, file.read(), False)
            except OSError:
                continue
