"""Where the sources of a push come from: the files that the target loaded, else those that this process finds."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING

from livecode.engine.check import refuse_name
from livecode.errors import UsageError
from livecode.front.nearest import did_you_mean
from livecode.live.sourcefile import read_source
from livecode.live.tracking import track
from livecode.model.nouns import ModuleSource, ModuleStatus, ProcessStatus, checksum

if TYPE_CHECKING:
    from livecode.front.push import Target


class UnreadableSourceError(UsageError):
    """A file cannot be read as Python source.

    Args:
        module: The module that it is the source of.
        path: The file.
        why: What is wrong with it.
    """

    def __init__(self, module: str, path: Path, why: str) -> None:
        super().__init__(why)
        self.module, self.path = module, path


def read_items(files: Mapping[Path, Iterable[str]]) -> tuple[ModuleSource, ...]:
    """The sources of modules by their files.

    Raises:
        UnreadableSourceError: A file is missing, binary, too large, or not in the encoding that it claims.
    """
    return tuple(_read(module, path) for path, modules in sorted(files.items()) for module in modules)


def module_items(modules: Iterable[str], target: Target) -> tuple[ModuleSource, ...]:
    """The sources of modules from their files: the file that the target loaded them from, else the one on `sys.path`.

    A path that a worker elsewhere names is one of its machine. So for a service elsewhere, the file is looked for
    in the working folder first, which is where people have their own copy, then on `sys.path`.

    Raises:
        UsageError: A module has no file to be found, or one that cannot be read.
    """
    names = tuple(dict.fromkeys(modules))
    here = () if target.place else target.peek()
    files = {name: path for path, loaded in loaded_files(here).items() for name in loaded}
    return tuple(_read(name, files.get(name) or _found(name, target.place, files)) for name in names)


def file_item(module: str, file: str | Path) -> ModuleSource:
    """The source of `module` from a file that the user named."""
    return _read(module, Path(file).expanduser())


def loaded_files(statuses: Iterable[ProcessStatus]) -> dict[Path, tuple[str, ...]]:
    """Source files of the modules that a target has loaded: file → modules, nearly always one."""
    files: dict[Path, dict[str, None]] = {}
    for module in _loaded(statuses):
        if module.file:
            files.setdefault(Path(module.file).resolve(), {})[module.module] = None
    return {path: tuple(names) for path, names in files.items()}


def know_folder(folder: Path, target: Target) -> None:
    """Lets the own process say what it runs of a folder's modules; a service tracks what it wants itself."""
    if not target.name:
        track(folder)


def running_checksums(statuses: Iterable[ProcessStatus]) -> dict[str, set[str]]:
    """Checksums of what runs, over all workers."""
    running: dict[str, set[str]] = {}
    for module in _loaded(statuses):
        running.setdefault(module.module, set()).add(module.checksum)
    return running


def runs_elsewhere(item: ModuleSource, running: Mapping[str, set[str]]) -> bool:
    """True if any worker runs something else than this source."""
    return running.get(item.module) != {checksum(item.source or "")}


def shown_path(path: Path) -> str:
    """A path as people write it: relative to the working folder where that is shorter. A link keeps its own name."""
    try:
        return str((path.parent.resolve() / path.name).relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def _loaded(statuses: Iterable[ProcessStatus]) -> Iterable[ModuleStatus]:
    return (module for status in statuses for module in status.modules if module.checksum)


def _read(module: str, path: Path) -> ModuleSource:
    try:
        return ModuleSource(module, read_source(path), shown_path(path))
    except UsageError as error:
        raise UnreadableSourceError(module, path, str(error)) from error


def _found(module: str, elsewhere: str, loaded: Mapping[str, Path]) -> Path:
    """The source file of a module that the target has not loaded from one.

    Raises:
        UsageError: There is none; names the loaded module that may have been meant.
    """
    try:
        return _file_on_path(module, elsewhere)
    except UsageError as error:
        raise UsageError(f"{error}{did_you_mean(module, loaded)}") from error


def _file_on_path(module: str, elsewhere: str = "") -> Path:
    """The source file that an import would find, without importing anything.

    Args:
        module: Dotted name.
        elsewhere: Where the target is, if not on this machine: then the working folder is the first place.

    Raises:
        UsageError: There is none.
    """
    refused = refuse_name(module)
    if refused:
        raise UsageError(f"{refused.what}: {refused.way_out}")
    folders: Iterable[str] | None = [os.getcwd(), *sys.path] if elsewhere else None
    spec = None
    parts = module.split(".")
    for i in range(len(parts)):
        spec = PathFinder.find_spec(".".join(parts[: i + 1]), None if folders is None else list(folders))
        if spec is None or (i < len(parts) - 1 and spec.submodule_search_locations is None):
            found = "the service has not loaded it from one, and it is not"
            if elsewhere:
                found = f"the service is at {elsewhere}, and here it is neither in the working folder nor"
            raise UsageError(
                f"no source file of {module} was found: {found} on"
                f" the path of this process; give --file, or the source itself (a cell, or standard input)"
            )
        folders = spec.submodule_search_locations
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        where = spec.origin if spec and spec.origin else "a folder without __init__.py"
        raise UsageError(f"{module} has no source file: it is {where}")
    return Path(spec.origin)
