"""What became of a push, as people and programs see it.

    Report ── Outcome* (one a worker) ── ModuleOutcome* ── Change*
                       │── Refusal*     said before anything was touched
                       └── Failure      found while compiling or applying

A Report never raises for what a user must expect: look at `verdict`, `ok`, `str(report)`, `to_json()`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum

from livecode.model.codec import to_plain
from livecode.model.measured import CanaryResult
from livecode.model.nouns import DiskState, Worker


class Verdict(StrEnum):
    """What happened, in one word. The words are stable: scripts may rely on them."""

    LIVE = "LIVE"
    SAME = "SAME"
    NOT_SENT = "NOT SENT"
    REFUSED = "REFUSED"
    ROLLED_BACK = "ROLLED BACK"
    UNDONE = "UNDONE"
    UNKNOWN = "UNKNOWN"
    CANARY = "CANARY"
    HALTED = "HALTED"
    READY = "READY"  # a dry run: could be applied, nothing was touched


class ChangeKind(StrEnum):
    """What became of one form or class member."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    MOVED = "moved"
    RERUN = "re-run"
    KEPT = "kept"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a report.

    Attributes:
        kind: What became of it.
        name: ``quote()`` for functions, ``Order`` for classes, ``Order.total()`` for methods, ``RATE`` for values.
        detail: Why, or what follows, in a few words.
        line: First line in the new source, 0 where there is none.
        rerun: For a stale value, ``shop.model.MODEL``: what makes it again (`rerun=`); else empty.
    """

    kind: ChangeKind
    name: str
    detail: str = ""
    line: int = 0
    rerun: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a push cannot be applied live, found before anything was touched.

    Attributes:
        code: Stable code, e.g. ``LC103`` (`livecode.engine.refusals`).
        what: What cannot be done, with names and counts.
        way_out: What to do instead.
        module: The module concerned.
        line: In its new source, 0 where there is none.
        old_line: In the source that runs, for a statement that the new source lacks; else 0.
    """

    code: str
    what: str
    way_out: str = ""
    module: str = ""
    line: int = 0
    old_line: int = 0


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of a traceback. `chunk` is a module's name where the frame belongs to a pushed module, else a path."""

    chunk: str
    line: int
    function: str
    text: str = ""
    own: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """An error found while compiling or applying.

    Attributes:
        type: Name of the exception class.
        message: Its message.
        module: The named chunk.
        line: 1-based line in the chunk, 0 if unknown.
        column: 1-based column, 0 if unknown.
        end_column: 1-based column after the last character, 0 if unknown.
        source: The lines around `line`, as ``(number, text)``.
        frames: The traceback, outermost first, livecode's own frames left out.
        origin: Where the chunk was written, e.g. ``cell 12``.
    """

    type: str
    message: str
    module: str = ""
    line: int = 0
    column: int = 0
    end_column: int = 0
    source: tuple[tuple[int, str], ...] = ()
    frames: tuple[Frame, ...] = ()
    origin: str = ""


@dataclass(frozen=True, slots=True)
class ModuleOutcome:
    """What became of one module on one worker.

    Attributes:
        module: Dotted name.
        before: Version that ran before the push; 0 if it was not loaded.
        after: Version that runs now; 0 if it is not loaded.
        checksum: SHA-256 of the source that runs now, in hex.
        changes: What changed, was kept, was re-run.
        disk: The running source against the module's file.
        file: That file, relative to the working folder where possible.
        lines_added: Lines of the running source that the file lacks.
        lines_removed: Lines of the file that the running source lacks.
        still_old: Calls that are inside old code now, as ``name() of v7 (file:line)``.
        held: Who still holds objects of an unloaded module.
    """

    module: str
    before: int
    after: int
    checksum: str = ""
    changes: tuple[Change, ...] = ()
    disk: DiskState = DiskState.SAME
    file: str = ""
    lines_added: int = 0
    lines_removed: int = 0
    still_old: tuple[str, ...] = ()
    held: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a push on one worker.

    Attributes:
        worker: Who answers.
        verdict: For this worker alone.
        modules: One entry a module of the push, and one for every other module in which something was re-run.
        refusals: Why it was refused.
        failure: What went wrong.
        undone: How many steps were taken back.
        not_undone: Effects that a roll back could not take back, e.g. ``thread "fx-poll" (started at line 7)``.
        warnings: What the user should know beside the changes.
        timings_ms: Milliseconds by phase: ``plan``, ``commit``.
        left_out: What `--safe-part` left as it was, and why.
        safe_changes: How many changes of a refused push could be applied without the rest.
    """

    worker: Worker
    verdict: Verdict
    modules: tuple[ModuleOutcome, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    failure: Failure | None = None
    undone: int = 0
    not_undone: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    timings_ms: tuple[tuple[str, float], ...] = ()
    left_out: tuple[Refusal, ...] = ()
    safe_changes: int = 0

    @property
    def ok(self) -> bool:
        """True if the new source runs on this worker (or would, for a dry run)."""
        return self.verdict in _OK


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a push on all workers.

    Attributes:
        verdict: For the push as a whole.
        modules: Names of the modules that were pushed.
        outcomes: One a worker that was asked, in the order of the workers. Workers that a halted rollout never
            reached have none.
        workers: How many workers the service has.
        duration_ms: From the call to the last answer.
        action: ``push``, ``undo``, ``unload``, or ``dry run``.
        service: Name of the service, empty for the caller's own process.
        failure: An error found before anything was sent.
        refusals: Refusals found before anything was sent.
        again: What was typed, so that it can be typed again with another option; empty for a call.
        canary: What a canary measured, and what followed from it.
        diff: From what somebody else pushed meanwhile to what was to be pushed, as lines of a unified diff.
    """

    verdict: Verdict
    modules: tuple[str, ...]
    outcomes: tuple[Outcome, ...] = ()
    workers: int = 0
    duration_ms: float = 0.0
    action: str = "push"
    service: str = ""
    author: str = ""
    reason: str = ""
    failure: Failure | None = None
    refusals: tuple[Refusal, ...] = ()
    again: str = ""
    canary: CanaryResult | None = None
    diff: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """True for LIVE, SAME, CANARY and READY."""
        return self.verdict in _OK

    def to_json(self) -> str:
        """The whole report as one line of JSON; verdicts and kinds are their words."""
        return json.dumps({"ok": self.ok, **to_plain(self)}, ensure_ascii=False)

    def __str__(self) -> str:
        from livecode.model.text import report_text

        return report_text(self)

    def _repr_pretty_(self, printer: object, cycle: bool) -> None:
        printer.text("…" if cycle else str(self))  # type: ignore[attr-defined]

    def _repr_html_(self) -> str:
        from livecode.model.html import report_html

        return report_html(self)


_OK = frozenset({Verdict.LIVE, Verdict.SAME, Verdict.CANARY, Verdict.READY})
