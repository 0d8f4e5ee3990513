"""What a push is made of and what a process can say of itself.

Push ── ModuleSource*           what is asked: sources that become live together
ProcessStatus ── ModuleStatus*  what runs in one worker
Version*                        what ran before, per module
Worker                          who answers
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

from livecode.model.access import Access
from livecode.model.agents import Agent, change_digest


@lru_cache(maxsize=4)  # one push asks several times for the same few texts
def checksum(source: str) -> str:
    """SHA-256 of a module's source text, in hex: the identity of what runs.

    It is taken over the decoded text with ``\\n`` line ends, so that the encoding and the line ends of a file do
    not matter.
    """
    if "\r" in source:
        source = source.replace("\r\n", "\n").replace("\r", "\n")
    return hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()


SHORT_DIGITS = 7
"""How many digits of a checksum people see."""


@dataclass(frozen=True, slots=True)
class ModuleSource:
    """One module of a push.

    Attributes:
        module: Dotted name.
        source: The whole new source; None unloads the module.
        origin: Where it was written, for people: ``"cell 12"``, a path, or empty.
        version: The number that it gets in every worker of a service; 0 for the next one of the process. One that
            is not above what runs takes back what came since.
    """

    module: str
    source: str | None
    origin: str = ""
    version: int = 0


@dataclass(frozen=True, slots=True)
class Push:
    """A set of module sources and unloads that become live together or not at all.

    Attributes:
        modules: What changes, each module once.
        author: Who pushes, e.g. ``"ann@laptop"``.
        reason: Why, in the author's words.
        force: Also accept what is refused for caution only (another project's module, an unload with importers).
        safe_part: Leave out what is refused, and apply the rest.
        rerun: Names whose statements are executed again although nothing that they read changed: ``MODEL`` in every
            module of the push that binds it, or ``shop.model.MODEL`` in one that need not be in the push.
        agent: The agent that asks for it; None where a person does.
    """

    modules: tuple[ModuleSource, ...]
    author: str = ""
    reason: str = ""
    force: bool = False
    safe_part: bool = False
    rerun: tuple[str, ...] = ()
    agent: Agent | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the modules, in the order given."""
        return tuple(item.module for item in self.modules)

    @property
    def wanted(self) -> dict[str, str]:
        """Module → SHA-256 of its new source, empty where it is unloaded."""
        return {item.module: "" if item.source is None else checksum(item.source) for item in self.modules}

    def digest(self, service: str) -> str:
        """What a person approves of this push of an agent to a service."""
        options = [*(["force"] * self.force), *(["safe part"] * self.safe_part), *(f"again {it}" for it in self.rerun)]
        return change_digest(service, self.agent.bases if self.agent else (), self.wanted, options)


@dataclass(frozen=True, slots=True)
class Worker:
    """One process of a service.

    Attributes:
        name: ``w1``, ``w2``, … in the order of process ids; ``here`` for the caller's own process.
        pid: Process id.
        host: Host name.
        python: ``major.minor.micro``.
        service: The name given to ``livecode.listen``, empty for the caller's own process.
        livecode: Version of livecode in that process.
        started: When the door was opened, seconds since the epoch.
        key: What the worker calls itself in the store of its service; empty for the caller's own process.
        agents: What it lets agents do.
    """

    name: str
    pid: int
    host: str
    python: str
    service: str = ""
    livecode: str = ""
    started: float = 0.0
    key: str = ""
    agents: Access = Access.READ


class DiskState(StrEnum):
    """How the running source of a module compares with its file."""

    SAME = "same"
    DIFFERS = "differs"
    NO_FILE = "no file"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class ModuleStatus:
    """What one worker runs of one module.

    Attributes:
        module: Dotted name.
        version: Counts from 1, the source that was imported; 0 is not loaded.
        checksum: SHA-256 of the running source in hex; empty when unloaded.
        disk: The running source against the file.
        file: Path of the source file, or empty.
        author: Who pushed this version; empty for what was imported.
        reason: Why.
        since: When it became live, seconds since the epoch; 0.0 for what was imported before it was tracked.
        still_old: Calls that are inside code of older versions now, as ``name() of v7 (file:line)``.
        held: For an unloaded module: how many of its old objects' holders are known to be left, as text; else empty.
        old_makes: The values that were made by code which was edited since → by which function.
        old_gone: When the last of the calls ended that were told of in `still_old`, seconds since the epoch; else 0.0.
    """

    module: str
    version: int
    checksum: str
    disk: DiskState
    file: str = ""
    author: str = ""
    reason: str = ""
    since: float = 0.0
    still_old: tuple[str, ...] = ()
    held: str = ""
    old_gone: float = 0.0
    old_makes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """What one worker runs.

    Attributes:
        worker: Who answers.
        modules: All modules that were pushed, and all loaded ones below the tracked folders.
        pushes: How many pushes became live here.
        folders: The tracked folders.
        last_push: The modules of the last push that became live.
        busy: The push that is under way, in words; empty if there is none.
        generation: The newest generation of the service's log that it runs; 0 where there is no log.
        stale: Modules whose patch it does not run, because their file has changed since that was made.
        trouble: Why it is not where the log says, in words; else empty.
        trial: What the log has on trial, and by whom, as far as this worker has heard; else empty.
    """

    worker: Worker
    modules: tuple[ModuleStatus, ...]
    pushes: int = 0
    folders: tuple[str, ...] = ()
    last_push: tuple[str, ...] = ()
    busy: str = ""
    generation: int = 0
    stale: tuple[str, ...] = ()
    trouble: str = ""
    trial: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    """One entry of a module's history in one worker.

    Attributes:
        number: Counts from 1; 0 stands for "not loaded" before a module's first push.
        source: The source, None where the module was not loaded or unloaded.
        restores: The version whose source this one brought back, for an undo; else None.
    """

    number: int
    source: str | None
    author: str = ""
    reason: str = ""
    since: float = 0.0
    restores: int | None = None

    @property
    def checksum(self) -> str:
        """SHA-256 of the source, empty where there is none."""
        return "" if self.source is None else checksum(self.source)


@dataclass(frozen=True, slots=True)
class History:
    """All versions of one module that a worker remembers, oldest first."""

    module: str
    versions: tuple[Version, ...] = field(default=())

    @property
    def current(self) -> Version | None:
        """The version that runs."""
        return self.versions[-1] if self.versions else None

    def undo_target(self) -> Version | None:
        """The version that an undo brings back: the one before the running one, seen through earlier undos."""
        by_number = {version.number: version for version in self.versions}
        number = self.current.number if self.current else 0
        while (version := by_number.get(number)) is not None and version.restores is not None:
            number = version.restores
        older = [version for version in self.versions if version.number < number]
        while older and older[-1].restores is not None:
            restored = older[-1].restores
            older = [version for version in older if version.number <= restored]
        return older[-1] if older else None
