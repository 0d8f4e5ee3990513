"""A target for tests of the front end that need no live code: it keeps sources and versions, and runs nothing."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from livecode.errors import ServiceNotFoundError
from livecode.fleet.rollout import DEFAULT, Policy
from livecode.front.push import OnCanary, OnOutcome
from livecode.model.loaded import LoadedFile, WantedFile
from livecode.model.nouns import DiskState, History, ModuleStatus, ProcessStatus, Version, Worker, checksum
from livecode.model.report import ModuleOutcome, Outcome, Refusal, Report, Verdict
from livecode.model.saving import Contents, FileFound, FileSaved, FileSide, SaveReport, SaveVerdict, in_base64

PYTHON = ".".join(map(str, sys.version_info[:3]))
FAILS = "raise"


class KeepingTarget:
    """Implements Target over lists of sources. A source that says ``raise`` is rolled back.

    Args:
        files: Source file by module; read once, as what runs.
        name: Name of the service.
        python: What its worker runs on.
    """

    place = ""

    def __init__(self, files: Mapping[str, Path] | None = None, name: str = "shop", python: str = PYTHON) -> None:
        self.name = name
        self.gone = False
        self.files_of = dict(files or {})
        self.sources = {module: [path.read_text()] for module, path in self.files_of.items()}
        self.saves: list[dict[str, object]] = []
        self.calls: list[dict[str, object]] = []
        self.policies: list[Policy] = []
        self.worker = Worker("w1", 71, "web-1", python, name)

    def close(self) -> None:
        """A service that is left is let go."""

    def workers(self) -> tuple[Worker, ...]:
        return (self.worker,)

    def push(
        self,
        sources: Mapping[str, str | None],
        *,
        author: str = "",
        reason: str = "",
        force: bool = False,
        safe_part: bool = False,
        origins: Mapping[str, str] | None = None,
        rerun: Sequence[str] = (),
        policy: Policy = DEFAULT,
        on_outcome: OnOutcome | None = None,
        on_canary: OnCanary | None = None,
    ) -> Report:
        call = {"sources": dict(sources), "author": author, "reason": reason, "force": force, "origins": origins}
        self.calls.append(call)
        self.policies.append(policy)
        fails = any(FAILS in (source or "") for source in sources.values())
        before = {module: len(self.sources.get(module, ())) for module in sources}
        for module, source in sources.items():
            if not fails and source is not None:
                self.sources.setdefault(module, []).append(source)
        verdict = Verdict.ROLLED_BACK if fails else Verdict.LIVE
        modules = tuple(ModuleOutcome(m, before[m], len(self.sources.get(m, ()))) for m in sources)
        return Report(verdict, tuple(sources), (Outcome(self.worker, verdict, modules),), 1, service=self.name)

    def dry_run(
        self,
        sources: Mapping[str, str | None],
        *,
        author: str = "",
        reason: str = "",
        force: bool = False,
        safe_part: bool = False,
        origins: Mapping[str, str] | None = None,
        rerun: Sequence[str] = (),
        on_outcome: OnOutcome | None = None,
    ) -> Report:
        call = {"dry_run": dict(sources), "author": author, "reason": reason, "force": force, "origins": origins}
        self.calls.append(call)
        return Report(Verdict.READY, tuple(sources), (), 1, action="dry run", service=self.name)

    def unload(self, *modules: str, force: bool = False) -> Report:
        return self.push(dict.fromkeys(modules), force=force)

    def undo(
        self,
        *modules: str,
        to: int | None = None,
        author: str = "",
        reason: str = "",
        force: bool = False,
        now: bool = False,
        on_outcome: OnOutcome | None = None,
    ) -> Report:
        earlier = {m: self.sources[m][(to or len(self.sources[m]) - 1) - 1] for m in modules}
        return self.push(earlier, author=author, reason=reason, force=force, policy=Policy(now=now))

    def status(self) -> tuple[ProcessStatus, ...]:
        if self.gone:
            raise ServiceNotFoundError(self.name, ())
        return (ProcessStatus(self.worker, tuple(map(self._status, self.sources))),)

    def peek(self) -> tuple[ProcessStatus, ...]:
        return self.status()

    def source(self, module: str, version: int | None = None) -> str | None:
        known = self.sources.get(module, [])
        return known[(version or len(known)) - 1] if known else None

    def history(self, module: str) -> History:
        return History(module, tuple(Version(i, s) for i, s in enumerate(self.sources.get(module, ()), 1)))

    def names(self, text: str, module: str = "") -> tuple[str, ...]:
        """Two names in every module."""
        own = ("rate", "quote")
        known = [*(own if module else ()), *(f"{each}.{name}" for each in self.sources for name in own)]
        return tuple(name for name in known if name.startswith(text))

    def loaded_files(self, folder: str, wanted: Sequence[WantedFile]) -> tuple[LoadedFile, ...]:
        if self.gone:
            raise ServiceNotFoundError(self.name, ())
        files = {str(path.resolve()): module for module, path in self.files_of.items()}
        found = [(each.path, files[each.path]) for each in wanted if each.path in files]
        return tuple(LoadedFile(path, name, path, checksum(self.sources[name][-1])) for path, name in found)

    def files(self, *modules: str, file: str = "") -> tuple[FileSide, ...]:
        return tuple(map(self._side, modules))

    def save(
        self, *modules: str, file: str = "", force: bool = False, author: str = "", reason: str = ""
    ) -> SaveReport:
        self.saves.append({"modules": modules, "file": file, "force": force, "author": author, "reason": reason})
        files = tuple(FileSaved(module, str(self.files_of.get(module, "")), SaveVerdict.SAVED, 1) for module in modules)
        return SaveReport(SaveVerdict.SAVED, files, self.name, author, reason)

    def _side(self, module: str) -> FileSide:
        """The file of a module beside the last of its sources."""
        if module not in self.sources:
            unknown = Refusal("LC507", f"{module} is not loaded", module=module)
            return FileSide((self.worker,), FileFound(module, refusals=(unknown,)), Contents())
        running, path = self.sources[module][-1], self.files_of.get(module)
        data = path.read_bytes() if path else None
        found = FileFound(module, len(self.sources[module]), checksum(running), str(path or ""), folder=os.getcwd())
        after = in_base64(running.encode())
        return FileSide((self.worker,), found, Contents(in_base64(data), after, (data or b"").decode(), running))

    def _status(self, module: str) -> ModuleStatus:
        running = self.sources[module]
        file = str(self.files_of.get(module, ""))
        disk = DiskState.SAME if len(running) == 1 else DiskState.DIFFERS
        return ModuleStatus(module, len(running), checksum(running[-1]), disk, file)


def on_python(target: KeepingTarget, python: str) -> KeepingTarget:
    """The same target on another Python."""
    target.worker = replace(target.worker, python=python)
    return target
