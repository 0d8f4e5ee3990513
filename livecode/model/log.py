"""What the log of a service says: one State a generation, and what each worker says of where it is.

    State ── Patch*       what runs instead of what is on disk, on every worker
       │  └─ Trial        a push that is not decided yet: on whom it is tried
       └──── Tried*       what became of it on the workers that were asked

    WorkerReport          a worker's own word, which expires when it is not repeated; a pusher has one, too
       ├── CanaryNow      what a pusher's canary measured so far
       └── Wished         what somebody else wants of a pusher's canary

A state holds all that a worker needs which has seen none of those before it; sources are blobs, by their digest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from livecode.model.agents import Agent
from livecode.model.codec import from_plain, to_plain
from livecode.model.measured import CanaryResult, Measured
from livecode.model.nouns import Worker
from livecode.model.report import Outcome, Verdict


class Action(StrEnum):
    """What a generation is about. The words are for people, too."""

    TRY = "try"
    PUSH = "push"
    UNDO = "undo"
    UNLOAD = "unload"
    TAKE_BACK = "take back"
    MIXED = "mixed"
    DROP = "drop"
    SAVE = "save"
    SESSION = "new session"
    RESTORE = "restore"


class Stage(StrEnum):
    """How far a push that is not decided yet has come."""

    TRIAL = "trial"  # the chosen ones apply it, the others say what they would do
    CANARY = "canary"  # the chosen ones run it for a time, and all measure


@dataclass(frozen=True, slots=True)
class Patch:
    """One module that runs another source than its file says.

    Attributes:
        module: Dotted name.
        version: Counts from 2 where 1 is the file, over all workers.
        digest: SHA-256 of the source, in hex; empty for a module that was unloaded.
        base: SHA-256 of the file's source that it was made for; empty where there is no file.
        author: Who pushed it.
        reason: Why.
        at: When, by the author's clock, seconds since the epoch.
        restores: The version whose source this one brought back, 0 if it is new.
        also: SHA-256 of other sources that the file may have, as it had them before what runs was saved to it; one is
            empty if it may be missing.
    """

    module: str
    version: int
    digest: str
    base: str = ""
    author: str = ""
    reason: str = ""
    at: float = 0.0
    restores: int = 0
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trial:
    """A push that is not decided yet.

    Attributes:
        stage: How far it has come.
        sources: Module → digest of its source, empty to unload it, in the order of the push.
        versions: Module → the version that it would get.
        workers: Keys of the workers that apply it.
        pusher: Key of the report by which the pusher says that it is still there.
        force: As in a `Push`.
        safe_part: As in a `Push`.
        rerun: As in a `Push`.
        origins: Module → where its source was written, for people.
        agent: As in a `Push`.
    """

    stage: Stage
    sources: tuple[tuple[str, str], ...]
    versions: tuple[tuple[str, int], ...]
    workers: tuple[str, ...]
    pusher: str
    force: bool = False
    safe_part: bool = False
    rerun: tuple[str, ...] = ()
    origins: tuple[tuple[str, str], ...] = ()
    agent: Agent | None = None


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of a push on one worker, in short."""

    worker: str
    verdict: Verdict
    why: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """One generation of a service's log.

    Attributes:
        generation: Its number.
        action: What it is about.
        modules: Names of the modules that it is about.
        author: Who.
        reason: Why.
        at: When, by the author's clock, seconds since the epoch.
        patches: What runs on every worker, by module.
        trial: The push that is not decided yet.
        began: The generation in which this push began: the same for its trial, its going live and its taking back.
        rerun: Names whose statements are executed again by workers that arrive here from `began`.
        force: As in a `Push`, for workers that arrive here from `began`.
        tried: What became of it where it was tried.
        workers: How many workers the service had when it was tried; 0 where nobody said it.
    """

    generation: int
    action: Action
    modules: tuple[str, ...] = ()
    author: str = ""
    reason: str = ""
    at: float = 0.0
    patches: tuple[Patch, ...] = ()
    trial: Trial | None = None
    began: int = 0
    rerun: tuple[str, ...] = ()
    force: bool = False
    tried: tuple[Tried, ...] = ()
    workers: int = 0

    @property
    def by_module(self) -> Mapping[str, Patch]:
        """The patches by module."""
        return {patch.module: patch for patch in self.patches}

    def to_json(self) -> str:
        """As one line of JSON."""
        return json.dumps(to_plain(self))


NOTHING_YET = State(0, Action.SESSION)
"""What is known of a service that nobody has pushed to."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a worker runs of one module that the log is about."""

    module: str
    version: int
    digest: str
    base: str = ""


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that keeps a service up, beyond the reuse of its number.

    Attributes:
        pid: Its process id.
        born: What tells it from another process with this id.
    """

    pid: int
    born: str


@dataclass(frozen=True, slots=True)
class CanaryNow:
    """A canary that is under way, as its pusher says it.

    Attributes:
        began: The generation in which its push began.
        modules: Names of what is pushed.
        author: Who pushes.
        reason: Why.
        workers: Keys of the workers that run the new code.
        at: When it began, by the pusher's clock, seconds since the epoch.
        lasts_s: How long it takes, if nothing decides it before.
        result: What was measured so far.
    """

    began: int
    modules: tuple[str, ...]
    author: str
    reason: str
    workers: tuple[str, ...]
    at: float
    lasts_s: float
    result: CanaryResult


class Wish(StrEnum):
    """What somebody else can want of a canary: that it is over now."""

    PROMOTE = "promote"
    TAKE_BACK = "take back"


@dataclass(frozen=True, slots=True)
class Wished:
    """A wish, for the canary of the push that began in that generation; by whom, and why."""

    wish: Wish
    began: int
    author: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """What a worker says of itself.

    Attributes:
        worker: Who says it.
        generation: The newest generation that it has applied.
        heard: The newest generation that it has read; what came of it is `outcome`.
        outcome: What became of `heard` here, None where it asked nothing of this worker.
        held: What it runs that the log is about.
        stale: Modules whose patch is not applied, because their file has changed since.
        trouble: Why it is not where it should be, in words.
        holders: The processes that keep the service up, as far as this one knows.
        left: True after it has ended in good order: it is no worker any more.
        ended: When it did, in seconds since the epoch.
        pusher: True if this is no worker, but somebody who pushes.
        measured: What the calls of the modules on trial did here, while a canary runs.
        canary: The canary that this pusher watches.
        wished: What whoever says this wants of a pusher's canary.
    """

    worker: Worker
    generation: int = 0
    heard: int = 0
    outcome: Outcome | None = None
    held: tuple[Held, ...] = ()
    stale: tuple[str, ...] = ()
    trouble: str = ""
    holders: tuple[Holder, ...] = ()
    left: bool = False
    ended: float = 0.0
    pusher: bool = False
    measured: Measured | None = None
    canary: CanaryNow | None = None
    wished: Wished | None = None

    def to_json(self) -> str:
        """As one line of JSON."""
        return json.dumps(to_plain(self))


def read_state(text: str) -> State:
    """The state that a head says; `NOTHING_YET` for none.

    Raises:
        ValueError: It is no state; was it written by another livecode?
    """
    return from_plain(State, json.loads(text)) if text else NOTHING_YET


def read_report(text: str) -> WorkerReport:
    """The report that a worker gave.

    Raises:
        ValueError: It is none.
    """
    return from_plain(WorkerReport, json.loads(text))


def read_reports(texts: Mapping[str, str]) -> dict[str, WorkerReport]:
    """What workers and pushers said, by their keys, without what another livecode said that this one cannot read."""
    found: dict[str, WorkerReport] = {}
    for key, text in texts.items():
        with suppress(ValueError):
            found[key] = read_report(text)
    return found


def report_in(texts: Mapping[str, str], key: str) -> WorkerReport | None:
    """What one of them said; None if nothing that can be read. Hundreds say something, and all are not read for one."""
    return read_reports({key: texts[key]}).get(key) if key in texts else None
