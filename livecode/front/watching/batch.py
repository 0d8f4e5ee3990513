"""From saved files to a push: reads them, asks what was loaded from them, pushes, and says what came of it."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path

from livecode.errors import LivecodeError, UsageError
from livecode.front.push import PushRequest, Target, push, unreadable_report
from livecode.front.sources import UnreadableSourceError, shown_path
from livecode.front.watching import words
from livecode.front.watching.ledger import (
    BUSY,
    Again,
    Choice,
    Held,
    Item,
    Ledger,
    Reading,
    again_after,
    codes_of,
    identity,
    present,
    renamed_in_case,
)
from livecode.live.sourcefile import read_source
from livecode.model.loaded import WantedFile
from livecode.model.nouns import ModuleSource
from livecode.model.report import Report, Verdict
from livecode.model.sheet import Commands

KEPT = 500
"""So many Reports are remembered."""

BUSY_TRIES, BUSY_S = 6, 0.1
"""While another push is under way, it is tried again: after 0.1 s, 0.2 s, …; then it is said."""

LOST_S, LOST_MAX_S = 0.5, 5.0
"""The same while there is no service, without an end."""


class Batches:
    """What becomes of saved files, batch by batch. Used by one thread.

    Args:
        folder: The real path of what is watched.
        target: Gives what is pushed to; asked for each batch, as it may not be there yet.
        name: What people call that.
        say: Told each Report, and a sentence where there is none.
        author: Who pushes; empty stands for user@host.
        commands: The next commands where the user is.
    """

    def __init__(
        self,
        folder: str,
        target: Callable[[], Target],
        name: str,
        say: Callable[[Report | str], None],
        author: str,
        commands: Commands,
    ) -> None:
        self.ledger = Ledger()
        self.reports: deque[Report] = deque(maxlen=KEPT)
        self.live = self.failed = 0
        self.again_s: float | None = None
        self._folder, self._target, self._name = folder, target, name
        self._say, self._author, self._commands = say, author, commands
        self._tries = 0
        self._lost = ""
        self._noted: set[str] = set()
        self._failures: set[frozenset[tuple[str, str]]] = set()

    def take(self, saved: Collection[str]) -> None:
        """Pushes what of these files differs from what runs, with what waits for them."""
        places = {os.path.realpath(path): path for path in sorted(self.ledger.to_read(saved))}
        saved = set(map(os.path.realpath, saved))  # what is loaded is known by it, whichever link it was loaded by
        readings = self._read(places)
        self.again_s = None
        try:
            target = self._target()
            wanted = tuple(WantedFile(path, tail_of(places[path], self._folder)) for path in sorted(places))
            loaded = target.loaded_files(self._folder, wanted)
            copies = () if target.place else (file.file for file in loaded if file.is_copy)
            held = dict(self.ledger.held)
            choice = self.ledger.choose(saved, readings, loaded, set(filter(os.path.exists, copies)))
            self._note(choice)
            self._note_good_again(choice, readings, held)
            self._found_again(choice)
            if choice.items:
                self._push(choice, target)
        except LivecodeError as error:
            self._unreached([reading for reading in readings if not reading.is_gone], error)

    def _push(self, choice: Choice, target: Target) -> None:
        report = self._report(choice.items, target)
        self.ledger.settle(choice.items, report)
        if codes_of(report) == {BUSY} and self._tries < BUSY_TRIES:
            self._try_again(BUSY_S)
            return
        if report.verdict is Verdict.UNKNOWN:
            self._try_again(LOST_S)
        else:
            self._tries = 0
            self.again_s = 0.0 if report.ok and self.ledger.is_waiting else None
        if report.verdict is not Verdict.SAME and self._is_news(choice.items, report):
            self.live, self.failed = self.live + report.ok, self.failed + (not report.ok)
            self.reports.append(report)
            self._say(report)

    def _is_news(self, items: Sequence[Item], report: Report) -> bool:
        """False for a failure that was said before, and nothing of it has gone live since."""
        which = identity(items)
        if report.ok:
            live = {item.module for item in items}
            self._failures = {each for each in self._failures if live.isdisjoint(module for module, _ in each)}
            return True
        if which in self._failures and again_after(report) is not Again.WHEN_SAVED:
            return False
        self._failures.add(which)
        return True

    def _try_again(self, after_s: float) -> None:
        """After that time, and twice as long from one time to the next."""
        self.again_s = min(after_s * 2.0**self._tries, LOST_MAX_S)
        self._tries += 1

    def _report(self, items: Sequence[Item], target: Target) -> Report:
        sources = tuple(
            ModuleSource(item.module, item.reading.source, shown_path(Path(item.reading.path))) for item in items
        )
        reason = f"saved under {shown_path(Path(self._folder))}"
        for item in items:
            if item.reading.problem:
                error = UnreadableSourceError(item.module, Path(item.reading.path), item.reading.problem)
                return unreadable_report(error, PushRequest(sources, self._author, reason), target)
        return push(PushRequest(sources, self._author, reason), target)

    def _unreached(self, readings: Sequence[Reading], error: LivecodeError) -> None:
        """Nobody can be asked at this moment: said once, and tried again."""
        self.ledger.hold(readings, "no worker answered")
        self._try_again(LOST_S)
        if str(error) != self._lost:
            self._lost = str(error)
            self._say(f"saved, not pushed: {error}")

    def _found_again(self, choice: Choice) -> None:
        lost, self._lost = self._lost, ""
        if not choice.items:
            self._tries = 0
            if lost:
                self._say(f"{self._name} answers again, and runs what was saved")

    def _note(self, choice: Choice) -> None:
        """Says what is not pushed, each once."""
        new = [path for path in choice.not_loaded if path not in self._noted]
        self._noted.update(new)
        if new:
            self._say(words.not_loaded([self._shown(path) for path in new], self._name))
        for path in choice.as_main:
            self._once(path, words.as_main(self._shown(path)))
        for file in choice.elsewhere:
            self._once(file.path, words.elsewhere(self._shown(file.path), file, self._name))
        for file in choice.gone:
            self._once(f"gone {file.path}", words.gone(self._shown(file.path), file, self._commands, _now(file.path)))
        for item in choice.empty:
            if not _is_held_so(self.ledger, item):
                self._say(words.empty(self._shown(item.reading.path), item.module))
        if choice.empty:
            self.ledger.hold_empty(choice.empty)

    def _note_good_again(self, choice: Choice, readings: Sequence[Reading], held: Mapping[str, Held]) -> None:
        """Takes back what was said of files that are there again, or say again what runs: nothing is pushed for them.

        What was held because nobody answered is said where somebody does.
        """
        back = {each.path for each in readings if not each.is_gone and f"gone {each.path}" in self._noted}
        self._noted -= {f"gone {path}" for path in back}
        for path in choice.same:
            if path in back:
                self._say(words.back(self._shown(path)))
            elif path in held and not self._lost:
                self._say(words.good_again(self._shown(path), held[path].modules))

    def _once(self, key: str, sentence: str) -> None:
        if key not in self._noted:
            self._noted.add(key)
            self._say(sentence)

    def _shown(self, path: str) -> str:
        return shown_path(Path(path))

    def _read(self, paths: Iterable[str]) -> list[Reading]:
        listings: dict[str, frozenset[str] | None] = {}
        return [read(path, listings) for path in sorted(paths)]


def is_there(path: str, names: frozenset[str] | None) -> bool:
    """True for a file that has exactly that name in a folder that holds these; None if that cannot be looked into."""
    return os.path.exists(path) and (names is None or present(os.path.basename(path), names))


def read(path: str, listings: dict[str, frozenset[str] | None]) -> Reading:
    """What a file says; `listings` remembers what folders hold."""
    place = os.path.dirname(path)
    if place not in listings:
        listings[place] = listing(place)
    if not is_there(path, listings[place]):
        return Reading(path, is_gone=True)
    try:
        return Reading(path, read_source(path))
    except UsageError as error:
        return Reading(path, problem=str(error))


def listing(place: str) -> frozenset[str] | None:
    """The names in a folder; None if it may not be looked into."""
    try:
        return frozenset(os.listdir(place))
    except PermissionError:
        return None
    except OSError:
        return frozenset()


def tail_of(path: str, folder: str) -> str:
    """The path of a source below the folder that its package is in, else below the watched one, with ``/``."""
    place = os.path.dirname(path)
    while os.path.exists(os.path.join(place, "__init__.py")) and os.path.dirname(place) != place:
        place = os.path.dirname(place)
    start = place if place != os.path.dirname(path) else folder
    return os.path.relpath(path, start).replace(os.sep, "/")


def _now(path: str) -> str:
    return renamed_in_case(os.path.basename(path), listing(os.path.dirname(path)) or ())


def _is_held_so(ledger: Ledger, item: Item) -> bool:
    held = ledger.held.get(item.reading.path)
    return held is not None and held.digest == item.reading.digest
