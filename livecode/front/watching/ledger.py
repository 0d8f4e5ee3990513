"""What of a batch is pushed, and what waits for its repair. PURE: files and the service were asked before.

    saved + held ── read ──▶ Reading*  ┐
                                       ├─ choose ──▶ Choice ── push ──▶ settle: live, or held
    asked of the service ──▶ Loaded*   ┘

What fails is held, with all that was in the same transaction. It is pushed again when one of those files is saved with
another source, and all of them with it; what is saved meanwhile and has no part in it goes live by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TypeVar

from livecode.front.watching.words import blamed, why_not
from livecode.model.loaded import LoadedFile
from livecode.model.nouns import checksum
from livecode.model.report import Report, Verdict

T = TypeVar("T")

OVERRUN, BUSY = "LC407", "LC406"
"""Refusals that have nothing to do with the source: somebody else pushed meanwhile, or does at this moment."""

_FINAL = (Verdict.NOT_SENT, Verdict.REFUSED, Verdict.ROLLED_BACK)


class Again(Enum):
    """When the same source is pushed again."""

    NEVER = "it would fail in the same way: not before it, or what failed with it, is saved with another source"
    WHEN_SAVED = "it is not the source's fault: when it is saved again"
    SOON = "nobody could be asked, or others were in the way: by itself"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file says: its text, or why it cannot be read.

    Attributes:
        path: Of the file.
        source: Its text; empty where there is a problem.
        problem: Why it cannot be read as source, else empty.
        is_gone: True if there is no such file any more.
    """

    path: str
    source: str = ""
    problem: str = ""
    is_gone: bool = False

    @property
    def digest(self) -> str:
        """What tells one reading from another."""
        return f"unreadable: {self.problem}" if self.problem else checksum(self.source)


@dataclass(frozen=True, slots=True)
class Item:
    """One module that is to be pushed, from one file."""

    module: str
    reading: Reading


@dataclass(frozen=True, slots=True)
class Held:
    """A saved file that is not what runs.

    Attributes:
        path: Of the file.
        modules: What is loaded from it.
        digest: Of what was saved.
        group: The number of the transaction that failed; those of one number go live together.
        why: A few words.
        again: When the same source is pushed again.
    """

    path: str
    modules: tuple[str, ...]
    digest: str
    group: int
    why: str
    again: Again


@dataclass(frozen=True, slots=True)
class Choice:
    """What follows from a batch.

    Attributes:
        items: What is pushed, as one transaction; none if nothing is.
        again: True if held files are among them.
        same: Files that say what runs.
        not_loaded: New or changed files that nothing was loaded from.
        elsewhere: Files of which a module of that name was loaded from another file.
        as_main: Files that run as ``__main__``.
        empty: Modules whose file was emptied.
        gone: Modules whose file is gone.
    """

    items: tuple[Item, ...] = ()
    again: bool = False
    same: tuple[str, ...] = ()
    not_loaded: tuple[str, ...] = ()
    elsewhere: tuple[LoadedFile, ...] = ()
    as_main: tuple[str, ...] = ()
    empty: tuple[Item, ...] = ()
    gone: tuple[LoadedFile, ...] = ()


@dataclass(slots=True)
class Ledger:
    """What is saved and not live."""

    held: dict[str, Held] = field(default_factory=dict)
    _groups: int = 0

    def to_read(self, saved: Iterable[str]) -> set[str]:
        """The files to look at after these were saved."""
        return {*saved, *self.held}

    def choose(
        self,
        saved: Collection[str],
        readings: Sequence[Reading],
        loaded: Sequence[LoadedFile],
        here: Collection[str] = (),
    ) -> Choice:
        """What follows from what was read.

        Args:
            saved: The files that were saved.
            readings: Of those, and of the files that are held.
            loaded: What the service has loaded from them, of every worker.
            here: Those files of `loaded` that are on this machine: a copy of one is another file, not another view.
        """
        by_path: dict[str, list[LoadedFile]] = {}
        for each in loaded:
            by_path.setdefault(each.path, []).append(each)
        sorted_out = [self._sort(reading, by_path.get(reading.path, []), here) for reading in readings]
        choice = Choice(
            same=_joined(each.same for each in sorted_out),
            not_loaded=_joined(each.not_loaded for each in sorted_out),
            elsewhere=_joined(each.elsewhere for each in sorted_out),
            as_main=_joined(each.as_main for each in sorted_out),
            empty=_joined(each.empty for each in sorted_out),
            gone=_joined(each.gone for each in sorted_out),
        )
        for path in (*choice.same, *choice.not_loaded, *(file.path for file in choice.gone)):
            self.held.pop(path, None)
        items, again = self._together(saved, _joined(each.items for each in sorted_out))
        return replace(choice, items=items, again=again)

    def settle(self, items: Sequence[Item], report: Report) -> None:
        """Notes what became of a push: live, or held until it is repaired."""
        if report.ok:
            repaired = [self.held.pop(item.reading.path) for item in items if item.reading.path in self.held]
            self._wake_later_than(min((each.group for each in repaired), default=self._groups))
            return
        self._groups += 1
        culprit = blamed(report)
        for path in dict.fromkeys(item.reading.path for item in items):
            mine = tuple(item.module for item in items if item.reading.path == path)
            why = why_not(report) if culprit in ("", *mine) else f"waits for {culprit}"
            digest = next(item.reading.digest for item in items if item.reading.path == path)
            self.held[path] = Held(path, mine, digest, self._groups, why, again_after(report))

    def hold(self, readings: Iterable[Reading], why: str) -> None:
        """Notes that nobody could be asked; the same files are tried again."""
        self._groups += 1
        for each in readings:
            before = self.held.get(each.path)
            if before is None or before.digest != each.digest or before.again is not Again.NEVER:
                modules = before.modules if before is not None else ()
                self.held[each.path] = Held(each.path, modules, each.digest, self._groups, why, Again.SOON)

    def hold_empty(self, items: Sequence[Item]) -> None:
        """Notes files that were emptied: they wait for their content."""
        self._groups += 1
        for item in items:
            path = item.reading.path
            self.held[path] = Held(path, (item.module,), item.reading.digest, self._groups, "saved empty", Again.NEVER)

    @property
    def is_waiting(self) -> bool:
        """True if something is held that may go live without being saved again."""
        return any(each.again is Again.SOON for each in self.held.values())

    def _sort(self, reading: Reading, loaded: Sequence[LoadedFile], here: Collection[str]) -> Choice:
        """What follows from one file."""
        mine = [each for each in loaded if not each.is_copy or each.file not in here]
        if not mine:
            if reading.is_gone:
                return Choice(same=(reading.path,))
            return Choice(elsewhere=tuple(loaded[:1])) if loaded else Choice(not_loaded=(reading.path,))
        if reading.is_gone:
            return Choice(gone=_one_each(mine))
        modules = dict.fromkeys(each.module for each in mine)
        if "__main__" in modules:
            return Choice(as_main=(reading.path,))
        running = {module: {each.checksum for each in mine if each.module == module} for module in modules}
        changed = [module for module in modules if running[module] != {reading.digest}]
        items = tuple(Item(module, reading) for module in changed)
        if items and not reading.source and not reading.problem:
            return Choice(empty=items)
        return Choice(items=items) if items else Choice(same=(reading.path,))

    def _together(self, saved: Collection[str], items: Sequence[Item]) -> tuple[tuple[Item, ...], bool]:
        """Those that are new or repaired, with those that failed together with them."""
        fresh = [item for item in items if self._is_due(item, saved)]
        groups = {held.group for item in fresh if (held := self.held.get(item.reading.path)) is not None}
        also = [
            item
            for item in items
            if item not in fresh and (held := self.held.get(item.reading.path)) is not None and held.group in groups
        ]
        return (*fresh, *also), bool(groups)

    def _is_due(self, item: Item, saved: Collection[str]) -> bool:
        held = self.held.get(item.reading.path)
        if held is None or held.digest != item.reading.digest or held.again is Again.SOON:
            return True
        return held.again is Again.WHEN_SAVED and item.reading.path in saved

    def _wake_later_than(self, group: int) -> None:
        """What failed while something else was held may have failed for that: it is worth another try, once."""
        for path, held in self.held.items():
            if held.group > group:
                self.held[path] = replace(held, again=Again.SOON)


def again_after(report: Report) -> Again:
    """When a source is pushed again that did not go live."""
    codes = codes_of(report)
    if report.verdict is Verdict.UNKNOWN or BUSY in codes:
        return Again.SOON
    return Again.NEVER if report.verdict in _FINAL and OVERRUN not in codes else Again.WHEN_SAVED


def codes_of(report: Report) -> set[str]:
    """The codes of all refusals of a report."""
    refusals = [*report.refusals, *(each for outcome in report.outcomes for each in outcome.refusals)]
    return {refusal.code for refusal in refusals}


def identity(items: Iterable[Item]) -> frozenset[tuple[str, str]]:
    """What tells one transaction from another."""
    return frozenset((item.module, item.reading.digest) for item in items)


def present(name: str, listing: Iterable[str]) -> bool:
    """True if a folder has a file of exactly that name: where case does not count, `os.path.exists` says more."""
    return name in listing


def renamed_in_case(name: str, listing: Iterable[str]) -> str:
    """The name that a file has now if only its case was changed; empty if that is not what happened to it."""
    others = [other for other in listing if other != name and other.casefold() == name.casefold()]
    return others[0] if others and not present(name, listing) else ""


def _one_each(loaded: Sequence[LoadedFile]) -> tuple[LoadedFile, ...]:
    return tuple({each.module: each for each in loaded}.values())


def _joined(parts: Iterable[tuple[T, ...]]) -> tuple[T, ...]:
    return tuple(item for part in parts for item in part)
