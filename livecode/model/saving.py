"""What is known of a module's file, and what became of writing what runs to it.

FileFound     one worker's look at the file of one module: what it says beside what runs, what stands in the way
Contents      the bytes that it has, and those that saving would write; a FileSide is both, with who runs it
SaveOrder     what a worker is asked to write, as it was when it was looked at
FileSaved     what became of one file on one host
SaveReport    all of them: what people and programs see
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass
from enum import StrEnum

from livecode.model.codec import to_plain
from livecode.model.nouns import Worker
from livecode.model.report import Refusal


class FileState(StrEnum):
    """What a module's file says, beside what runs."""

    SAME = "same"  # what runs
    EARLIER = "earlier"  # what ran earlier: what was loaded, or a version since then
    CHANGED = "changed"  # something that never ran: somebody edited it meanwhile
    GONE = "gone"  # it was loaded from there, and is not there any more
    NONE = "none"  # the module never had one


@dataclass(frozen=True, slots=True)
class FileFound:
    """A module's file, as one worker finds it.

    Attributes:
        module: Dotted name.
        version: The version that runs; 0 is not loaded.
        checksum: SHA-256 of the source that runs, in hex; empty if it is not loaded.
        path: The file itself, all links followed; empty where none can be named.
        link: The path by which the module knows it, if that is another one.
        state: What the file says.
        found: SHA-256 of its bytes, in hex; empty if it is not there.
        mode: Its permission bits.
        identity: What tells it from another file of that path, on another file system; empty if it is not there.
        root: The folder of its git repository; empty if it is in none.
        folder: The working folder of the service.
        added: Lines that run and that the file lacks.
        removed: Lines of the file that do not run.
        remarks: What saving would do besides, in words.
        refusals: What stands in the way of saving.
    """

    module: str
    version: int = 0
    checksum: str = ""
    path: str = ""
    link: str = ""
    state: FileState = FileState.NONE
    found: str = ""
    mode: int = 0o644
    identity: str = ""
    root: str = ""
    folder: str = ""
    added: int = 0
    removed: int = 0
    remarks: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True)
class Contents:
    """The bytes of a module's file, in base64; None where there is no file.

    Attributes:
        before: Those that it has.
        after: Those that saving would write; None for a module that was unloaded.
        before_text: The file as Python reads it; None also where it cannot be read as source.
        after_text: What runs.
        problem: Why what runs cannot be written as bytes, or the file not be read as source; else empty.
    """

    before: str | None = None
    after: str | None = None
    before_text: str | None = None
    after_text: str | None = None
    problem: str = ""

    @property
    def before_bytes(self) -> bytes | None:
        """The bytes of the file."""
        return None if self.before is None else b64decode(self.before)

    @property
    def after_bytes(self) -> bytes | None:
        """The bytes that saving would write."""
        return None if self.after is None else b64decode(self.after)


@dataclass(frozen=True, slots=True)
class FileSide:
    """A file beside what runs of its module.

    Attributes:
        workers: Who runs it, and finds that file.
        found: What they find.
        contents: Both as bytes and as text.
    """

    workers: tuple[Worker, ...]
    found: FileFound
    contents: Contents


def in_base64(data: bytes | None) -> str | None:
    """Bytes as JSON can hold them."""
    return None if data is None else b64encode(data).decode("ascii")


@dataclass(frozen=True, slots=True)
class SaveOrder:
    """What a worker is asked to write, as it was when it was looked at: if anything differs now, nothing is written.

    Attributes:
        module: Dotted name.
        checksum: SHA-256 of the source that runs.
        path: The file.
        found: SHA-256 of the file's bytes; empty if there is no file.
    """

    module: str
    checksum: str
    path: str
    found: str


class SaveVerdict(StrEnum):
    """What became of saving, in one word."""

    SAVED = "SAVED"
    SAME = "SAME"
    REFUSED = "REFUSED"  # found before anything was written
    UNDONE = "UNDONE"  # a file could not be written, so those before it have what they had
    PARTLY = "PARTLY SAVED"  # not on every host, or what was written could not be put back
    UNKNOWN = "UNKNOWN"  # a worker was lost while it wrote


@dataclass(frozen=True, slots=True)
class FileSaved:
    """What became of one file.

    Attributes:
        module: Dotted name.
        path: The file; empty if none can be named.
        verdict: What became of it.
        version: The version that runs.
        checksum: SHA-256 of the source that runs.
        host: Where the file is.
        worker: Who wrote it, or would have.
        shown: The path as people write it, from the working folder of the service; empty where it is the same.
        link: The path by which the module knows it, if that is another one.
        is_new: True if there was no file before.
        added: Lines that the file has more.
        removed: Lines that it has no more.
        remarks: What was done besides, or could not be kept, in words.
        refusals: Why it was not written.
        failure: What went wrong while it was written; else empty.
    """

    module: str
    path: str
    verdict: SaveVerdict
    version: int = 0
    checksum: str = ""
    host: str = ""
    worker: str = ""
    shown: str = ""
    link: str = ""
    is_new: bool = False
    added: int = 0
    removed: int = 0
    remarks: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    failure: str = ""


@dataclass(frozen=True, slots=True)
class SaveReport:
    """What became of writing what runs to the files.

    Attributes:
        verdict: The one word for all of it.
        files: One a module and host.
        service: Its name; empty for the own process.
        author: Who saved.
        reason: Why.
        remarks: What is to be said of all of it, in words.
        duration_ms: How long it took.
    """

    verdict: SaveVerdict
    files: tuple[FileSaved, ...] = ()
    service: str = ""
    author: str = ""
    reason: str = ""
    remarks: tuple[str, ...] = ()
    duration_ms: float = 0.0

    @property
    def ok(self) -> bool:
        """True if every file says what runs now."""
        return self.verdict in (SaveVerdict.SAVED, SaveVerdict.SAME)

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """Everything that stood in the way."""
        return tuple(dict.fromkeys(refusal for file in self.files for refusal in file.refusals))

    def to_json(self) -> str:
        """All of it as one line of JSON, with `ok`."""
        return json.dumps({"ok": self.ok, **to_plain(self)}, ensure_ascii=False)

    def __str__(self) -> str:
        from livecode.model.save_words import save_text

        return save_text(self)

    def _repr_pretty_(self, printer: object, cycle: bool) -> None:
        printer.text("…" if cycle else str(self))  # type: ignore[attr-defined]

    def _repr_html_(self) -> str:
        from livecode.model.save_words import save_html

        return save_html(self)
