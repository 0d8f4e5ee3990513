"""The modules of this process by their files, for whoever watches files."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from livecode.errors import UsageError
from livecode.live import tracking
from livecode.model.loaded import LoadedFile, WantedFile

if TYPE_CHECKING:
    from livecode.live.process import Process


def loaded_files(process: Process, folder: str, wanted: Sequence[WantedFile]) -> tuple[LoadedFile, ...]:
    """The modules that were loaded from these files, or else those of the same name from files that end alike.

    The folder is tracked from now on: of a module that was loaded from a file that changed later, nobody could say
    what it runs.

    Args:
        process: This one.
        folder: Where the files are; it need not exist here.
        wanted: The files.
    """
    _track(folder)
    exact: list[LoadedFile] = []
    alike: list[LoadedFile] = []
    names = {os.path.basename(file.path) for file in wanted}
    for module, file in _modules(names):
        for each in wanted:
            if file == each.path:
                exact.append(LoadedFile(each.path, module, file, _checksum(process, module)))
            elif module == dotted(each.tail) and file.replace(os.sep, "/").endswith(f"/{each.tail}"):
                alike.append(LoadedFile(each.path, module, file))
    found = {file.path for file in exact}
    if len(found) < len(wanted):  # some may be new, and the import system remembers what folders held
        importlib.invalidate_caches()
    copies = [LoadedFile(c.path, c.module, c.file, _checksum(process, c.module)) for c in alike if c.path not in found]
    return (*exact, *copies)


def dotted(tail: str) -> str:
    """The module that a source file is, by its path below the folder that holds its package."""
    return tail.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _track(folder: str) -> None:
    if any(folder == known or folder.startswith(known + os.sep) for known in tracking.folders()):
        return
    try:
        tracking.track(folder)
    except (UsageError, OSError):  # the asker is on another machine, where the folder has this path
        return


def _modules(names: set[str]) -> Iterator[tuple[str, str]]:
    """Name and real path of the loaded modules whose file has one of these names."""
    for name, module in list(sys.modules.items()):
        file = module.__dict__.get("__file__") if hasattr(module, "__dict__") else None
        if (isinstance(file, str) and os.path.basename(file) in names) or _leads_to(file, names):
            yield name, os.path.realpath(file)  # type: ignore[arg-type]


def _leads_to(file: object, names: set[str]) -> bool:
    """True for a link with another name than the file that it leads to."""
    if not isinstance(file, str) or not tracking.is_tracked(file) or not os.path.islink(file):
        return False
    return os.path.basename(os.path.realpath(file)) in names


def _checksum(process: Process, module: str) -> str:
    return process.checksums((module,))[module]
