"""The one use case: sources, checked here first, go to a target and come back as a Report.

    PushRequest ── local checks ──▶ Report NOT SENT or REFUSED, nothing sent
                        │
                        └── Target.push / Target.dry_run ──▶ Report

A Target is this process or a service: magics, the command line, the watcher and the API differ only in where
sources come from and in how a Report is shown.
"""

from __future__ import annotations

import getpass
import os
import socket
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Protocol, TypeAlias

from livecode.engine.check import compile_failure
from livecode.errors import LivecodeError, UsageError
from livecode.fleet.requests import refused_here
from livecode.fleet.rollout import DEFAULT, Policy
from livecode.front.progress import Progress, Screen, followed
from livecode.front.sources import (
    UnreadableSourceError,
    know_folder,
    loaded_files,
    read_items,
    running_checksums,
    runs_elsewhere,
    shown_path,
)
from livecode.model.agents import Agent
from livecode.model.loaded import LoadedFile, WantedFile
from livecode.model.measured import CanaryResult
from livecode.model.nouns import History, ModuleSource, ProcessStatus, Worker, checksum
from livecode.model.report import Failure, ModuleOutcome, Outcome, Refusal, Report, Verdict

OnOutcome: TypeAlias = Callable[[Outcome], None]
OnCanary: TypeAlias = Callable[[CanaryResult], None]

_GOOD_SOURCES_REMEMBERED = 512


class Target(Protocol):
    """What can be pushed to: the own process or a service. `livecode.fleet.service.Service` is one."""

    @property
    def name(self) -> str:
        """Name of the service, empty for the own process."""

    @property
    def place(self) -> str:
        """Where it is; empty for this machine."""

    def workers(self) -> tuple[Worker, ...]: ...

    def push(
        self,
        sources: Mapping[str, str | None],
        *,
        author: str = "",
        reason: str = "",
        force: bool = False,
        safe_part: bool = False,
        origins: Mapping[str, str] = {},
        rerun: Sequence[str] = (),
        policy: Policy = DEFAULT,
        on_outcome: OnOutcome | None = None,
        on_canary: OnCanary | None = None,
    ) -> Report: ...

    def dry_run(
        self,
        sources: Mapping[str, str | None],
        *,
        author: str = "",
        reason: str = "",
        force: bool = False,
        safe_part: bool = False,
        origins: Mapping[str, str] = {},
        rerun: Sequence[str] = (),
        on_outcome: OnOutcome | None = None,
    ) -> Report: ...

    def unload(self, *modules: str, force: bool = False) -> Report: ...

    def undo(
        self,
        *modules: str,
        to: int | None = None,
        author: str = "",
        reason: str = "",
        force: bool = False,
        now: bool = False,
        on_outcome: OnOutcome | None = None,
    ) -> Report: ...

    def status(self) -> tuple[ProcessStatus, ...]: ...

    def peek(self) -> tuple[ProcessStatus, ...]: ...

    def source(self, module: str, version: int | None = None) -> str | None: ...

    def history(self, module: str) -> History: ...

    def loaded_files(self, folder: str, wanted: Sequence[WantedFile]) -> tuple[LoadedFile, ...]: ...


@dataclass(frozen=True, slots=True)
class PushRequest:
    """What somebody wants to be live.

    Attributes:
        items: Sources and where they were written, each module once.
        author: Who asks; empty stands for user@host.
        reason: Why.
        force: Also what is refused for caution only.
        dry_run: Say what would happen, touch nothing.
        safe_part: Leave out what is refused, and apply the rest.
        again: What was typed, without options of its own, so that the Report can name the next command.
        rerun: Names to make again though nothing that they read changed.
        policy: How it goes to many workers.
        agent: The agent that wants it; None where a person does.
    """

    items: tuple[ModuleSource, ...]
    author: str = ""
    reason: str = ""
    force: bool = False
    dry_run: bool = False
    safe_part: bool = False
    again: str = ""
    rerun: tuple[str, ...] = ()
    policy: Policy = DEFAULT
    agent: Agent | None = None


def push(request: PushRequest, target: Target, screen: Screen | None = None) -> Report:
    """What became of the request; names, text and syntax are checked before anything is sent.

    Args:
        request: What is wanted.
        target: Of whom.
        screen: Where progress is shown while it takes long.

    Raises:
        UsageError: A module is named twice, or the policy needs a service.
        DoorError: The service cannot be reached.
    """
    with followed(screen, tuple(item.module for item in request.items)) as progress:
        progress.report = report = _push(request, target, progress)
    return report


def _push(request: PushRequest, target: Target, progress: Progress) -> Report:
    _must_be_named(request.items)
    _must_fit(request, target)
    refusals = refused_here(request.items)
    if refusals:
        return _stopped_here(request, target, Verdict.REFUSED, refusals=refusals)
    failure = None
    if target.name:  # the own process checks no less, by the edit
        workers = target.workers()
        progress.expect(workers)
        failure = _local_failure(request, workers)
    if failure:
        return _stopped_here(request, target, Verdict.NOT_SENT, failure=failure)
    send: Callable[..., Report] = target.dry_run
    if not request.dry_run:
        send = partial(target.push, policy=request.policy, on_canary=progress.canary)
    report = send(
        {item.module: item.source for item in request.items},
        author=request.author or default_author(),
        reason=request.reason,
        force=request.force,
        safe_part=request.safe_part,
        origins={item.module: item.origin for item in request.items},
        rerun=request.rerun,
        on_outcome=progress.outcome,
        **({"agent": request.agent} if request.agent else {}),
    )
    if report.verdict is Verdict.NOT_SENT and not target.name:
        failure = next((outcome.failure for outcome in report.outcomes), None)
        return _stopped_here(request, target, Verdict.NOT_SENT, failure=failure)
    return replace(report, again=request.again)


def push_folder(
    folder: str | Path,
    target: Target,
    *,
    changed_only: bool = True,
    author: str = "",
    reason: str = "",
    force: bool = False,
) -> Report:
    """Pushes all loaded modules whose file is under `folder`, as one transaction.

    A module whose file is gone stays loaded, and is named: others may still use it.

    Args:
        folder: Where the sources are.
        target: What they are pushed to.
        changed_only: Leave out those that run already. What runs is never sent or compiled again anyway.
        author: Who pushes; empty stands for user@host.
        reason: Why.
        force: Also what is refused for caution only.

    Raises:
        UsageError: `folder` is not a folder.
    """
    root = Path(folder).expanduser().resolve()
    if not root.is_dir():
        raise UsageError(f"{folder} is not a folder: give the folder that holds the sources")
    know_folder(root, target)
    statuses = target.peek()
    files = {path: names for path, names in loaded_files(statuses).items() if path.is_relative_to(root)}
    request = PushRequest((), author, reason, force)
    try:
        items = read_items({path: names for path, names in files.items() if path.exists()})
    except UnreadableSourceError as error:
        return unreadable_report(error, request, target)
    running = running_checksums(statuses)
    chosen = tuple(item for item in items if not changed_only or runs_elsewhere(item, running))
    said = tuple(
        sorted(_gone(name, path, root) for path, names in files.items() if not path.exists() for name in names)
    )
    if not chosen:
        same = tuple(Outcome(status.worker, Verdict.SAME, warnings=said) for status in statuses if said)
        return Report(Verdict.SAME, (), same, workers=len(statuses), service=target.name)
    report = push(PushRequest(chosen, author, reason, force), target)
    outcomes = tuple(replace(outcome, warnings=(*outcome.warnings, *said)) for outcome in report.outcomes)
    return replace(report, outcomes=outcomes)


def _gone(module: str, path: Path, root: Path) -> str:
    """What is said of a module whose file is gone; it may be found as the other of the two that a module can have."""
    other = path.parent.with_suffix(".py") if path.name == "__init__.py" else path.with_suffix("") / "__init__.py"
    if other.exists():
        what = "a package" if other.name == "__init__.py" else "no package any more"
        return f"{module} is stale: {other.relative_to(root)} makes it {what}, which takes a restart"
    return f"{module} stays loaded, although its file is gone; unload it if nothing needs it"


def unreadable_report(error: UnreadableSourceError, request: PushRequest, target: Target) -> Report:
    """A Report that names the file which keeps a push of many from being sent."""
    failure = Failure("unreadable file", str(error), error.module, origin=shown_path(error.path))
    named = PushRequest((ModuleSource(error.module, ""),), request.author, request.reason, request.force)
    return _stopped_here(named, target, Verdict.NOT_SENT, failure=failure)


def default_author() -> str:
    """``user@host``."""
    said = tuple(os.environ.get(name) for name in ("LOGNAME", "USER", "LNAME", "USERNAME"))
    return f"{_user(said, os.getuid() if hasattr(os, 'getuid') else 0)}@{socket.gethostname()}"


@lru_cache(maxsize=1)
def _user(said: tuple[str | None, ...], number: int) -> str:
    """The user's name, which depends on the variables that `getpass` looks at and the user's number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no such user in the password database: containers
        return "unknown"


# ── checks before anything leaves this process ───────────────────────────────────────────────────────────────

_good_sources: OrderedDict[tuple[str, str], None] = OrderedDict()
"""Module and checksum of what compiled here, so that the same source is not compiled again."""


def _must_be_named(items: Iterable[ModuleSource]) -> None:
    seen: set[object] = set()
    for item in items:
        module: object = item.module
        if not isinstance(module, str):
            raise UsageError(f"{module!r} is no module name: give its dotted name as text")
        if module in seen:
            raise UsageError(f"{module} is named twice in one push")
        seen.add(module)


def _must_fit(request: PushRequest, target: Target) -> None:
    """A policy is for the workers of a service, and for what is done to them."""
    if request.policy != DEFAULT and not target.name:
        raise UsageError("this process has no other workers for --canary or --allow-mixed: attach to a service first")
    if request.policy != DEFAULT and request.dry_run:
        raise UsageError("--dry-run touches nothing, so there is nothing for --canary or --allow-mixed to do")


def _local_failure(request: PushRequest, workers: Iterable[Worker]) -> Failure | None:
    """The first item that does not compile. Workers of another Python check by themselves."""
    if not all(_same_python(worker) for worker in workers):
        return None
    return next((failure for item in request.items if (failure := _compile_failure(item))), None)


def _same_python(worker: Worker) -> bool:
    return worker.python.split(".")[:2] == [str(part) for part in sys.version_info[:2]]


def _compile_failure(item: ModuleSource) -> Failure | None:
    key = (item.module, checksum(item.source or ""))
    if key in _good_sources:
        return None
    failure = compile_failure(item)
    if failure is None:
        _good_sources[key] = None
        while len(_good_sources) > _GOOD_SOURCES_REMEMBERED:
            _good_sources.popitem(last=False)
    return failure


def _stopped_here(
    request: PushRequest,
    target: Target,
    verdict: Verdict,
    *,
    failure: Failure | None = None,
    refusals: tuple[Refusal, ...] = (),
) -> Report:
    """A Report of something that was never sent, with what runs on every worker."""
    names = tuple(item.module for item in request.items)
    try:
        statuses = target.peek()
    except LivecodeError:  # what is wrong with the source is the news; the next command will say that nobody is there
        statuses = ()
    return Report(
        verdict,
        names,
        tuple(Outcome(status.worker, verdict, tuple(_running(status, names))) for status in statuses),
        workers=len(statuses),
        action="dry run" if request.dry_run else "push",
        service=target.name,
        author=request.author or default_author(),
        reason=request.reason,
        failure=failure,
        refusals=refusals,
    )


def _running(status: ProcessStatus, names: Iterable[str]) -> Iterable[ModuleOutcome]:
    known = {module.module: module for module in status.modules}
    for name in names:
        module = known.get(name)
        if module is None or not module.checksum:
            yield ModuleOutcome(name, 0, 0)
        else:
            yield ModuleOutcome(name, module.version, module.version, module.checksum)
