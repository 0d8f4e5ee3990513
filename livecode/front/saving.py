"""Writing what runs back to its files: which modules, and what became of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from livecode.errors import UsageError
from livecode.front.push import Target, default_author
from livecode.model.nouns import DiskState, ProcessStatus
from livecode.model.saving import FileSide, SaveReport, SaveVerdict


class FilesTarget(Target, Protocol):
    """A target whose workers have files: the own process or a service."""

    def files(self, *modules: str, file: str = "") -> tuple[FileSide, ...]: ...

    def save(
        self, *modules: str, file: str = "", force: bool = False, author: str = "", reason: str = ""
    ) -> SaveReport: ...


@dataclass(frozen=True, slots=True)
class SaveRequest:
    """What somebody wants to be written.

    Attributes:
        modules: Names.
        every: All that differ from disk, in place of names.
        file: The end of the path, for a module that came by a push and could be in several places.
        force: Also write over what somebody else changed.
        author: Who saves; empty stands for user@host.
        reason: Why.
    """

    modules: tuple[str, ...]
    every: bool = False
    file: str = ""
    force: bool = False
    author: str = ""
    reason: str = ""


def save(request: SaveRequest, target: FilesTarget, all_of_them: str) -> SaveReport:
    """What became of the request.

    Args:
        request: What is wanted.
        target: Whose modules.
        all_of_them: The command that saves all that differ, for who named none.

    Raises:
        UsageError: No module is named, or one file for several.
        DoorError: The service cannot be reached.
    """
    if request.modules and request.every:
        raise UsageError("name modules, or say --all, not both")
    modules = request.modules
    if not modules:
        modules = unsaved(target.status())
        if not request.every:
            raise UsageError(_name_one(modules, all_of_them))
    if request.file and len(modules) != 1:
        raise UsageError(f"--file is for one module, not for {len(modules)}")
    author = request.author or default_author()
    if not modules:
        return SaveReport(SaveVerdict.SAME, (), target.name, author, request.reason)
    return target.save(*modules, file=request.file, force=request.force, author=author, reason=request.reason)


def unsaved(statuses: Sequence[ProcessStatus]) -> tuple[str, ...]:
    """The loaded modules whose file does not say what runs."""
    return _names(statuses, loaded_only=True)


def differing(statuses: Sequence[ProcessStatus]) -> tuple[str, ...]:
    """The modules that are not what their file says, those that were unloaded included."""
    return _names(statuses, loaded_only=False)


def in_several_versions(statuses: Iterable[ProcessStatus]) -> tuple[str, ...]:
    """The modules of which workers run different sources."""
    running: dict[str, set[str]] = {}
    for status in statuses:
        for module in status.modules:
            if module.checksum:
                running.setdefault(module.module, set()).add(module.checksum)
    return tuple(sorted(name for name, digests in running.items() if len(digests) > 1))


def _names(statuses: Iterable[ProcessStatus], *, loaded_only: bool) -> tuple[str, ...]:
    found = {
        module.module
        for status in statuses
        for module in status.modules
        if module.disk is not DiskState.SAME and (module.checksum or (not loaded_only and module.file))
    }
    return tuple(sorted(found))


def _name_one(modules: Sequence[str], all_of_them: str) -> str:
    if not modules:
        return "name a module to save; nothing differs from disk"
    count = f"the {len(modules)} that differ" if len(modules) > 1 else "the one that differs"
    return f"name a module to save, or save {count} with {all_of_them}: {', '.join(modules)}"
