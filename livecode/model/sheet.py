"""What people are told, before anybody decides how it looks: plain text and HTML draw the same Sheet.

Sheet ── Head          line 1: the verdict, what it is about, facts, the next command
      ├─ Part          one module with its entries and notes, where a sheet is about several
      ├─ Entry         `~ quote()  changed  2 importers rebound`: consecutive ones are aligned
      ├─ Note          a sentence, with the next command
      ├─ Code          lines of a named chunk with an arrow and a caret
      ├─ Table         versions, workers
      ├─ Diff          lines of a unified diff
      └─ Hosts         one row a host, one mark a worker
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Tone(StrEnum):
    """What a colour would repeat; the words carry the meaning alone."""

    GOOD = "good"
    CALM = "calm"
    BAD = "bad"
    WARN = "warn"


@dataclass(frozen=True, slots=True)
class Head:
    """Line 1. `title` is what the verdict is about, `facts` follow it, `hint` is the next command."""

    glyph: str
    word: str
    tone: Tone
    title: str = ""
    facts: tuple[str, ...] = ()
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One change: `mark` is one of ``~ + - = ! ↻``."""

    mark: str
    name: str
    word: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence; `mark` may be ``!`` for a warning."""

    text: str
    hint: str = ""
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Code:
    """Lines of a named chunk. `column` and `end_column` are 1-based, 0 without a caret."""

    title: str
    lines: tuple[tuple[int, str], ...]
    line: int
    column: int = 0
    end_column: int = 0
    message: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells under a header; `code` says which columns are names or numbers of the machine."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    code: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Diff:
    """Lines of a unified diff, without line ends; `changed` are the spans of each that are picked out, or nothing."""

    lines: tuple[str, ...]
    changed: tuple[tuple[tuple[int, int], ...], ...] = ()


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """One worker of a rollout: `detail` says what went wrong there, or is empty."""

    host: str
    worker: str
    pid: int
    glyph: str
    word: str
    tone: Tone
    versions: str = ""
    time: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Hosts:
    """The answer of every worker. Plain text shows it where `telling`: not all of them said the same."""

    rows: tuple[WorkerRow, ...]
    telling: bool = True


@dataclass(frozen=True, slots=True)
class Part:
    """One module among several, with what is said of it."""

    title: str
    facts: tuple[str, ...] = ()
    items: tuple[Entry | Note, ...] = ()


Item = Part | Entry | Note | Code | Table | Diff | Hosts


@dataclass(frozen=True, slots=True)
class Sheet:
    """A whole answer."""

    head: Head | None
    items: tuple[Item, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Commands:
    """The next commands where the user is; an empty one is not offered. ``{}`` stands for a module or name."""

    undo: str = ""
    diff: str = ""
    status: str = ""
    unload: str = ""
    attach: str = ""
    detach: str = ""
    rerun: str = ""
    drop: str = ""
    save: str = ""


IN_NOTEBOOK = Commands(
    undo="%hotundo",
    diff="%hotdiff {}",
    status="%hotstatus",
    unload="%hotunload {}",
    attach="%hotattach {}",
    detach="%hotdetach",
    rerun="%hotpush --rerun {}",
    drop="%hotdrop {}",
    save="%hotsave {}",
)
