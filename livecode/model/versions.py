"""The versions that a service can go back to. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from livecode.model.headline import short, version
from livecode.model.nouns import History
from livecode.model.overview import age
from livecode.model.sheet import Commands, Head, Item, Note, Sheet, Table, Tone


@dataclass(frozen=True, slots=True)
class KnownVersion:
    """A version of a module that is remembered.

    Attributes:
        module: Dotted name.
        version: Its number.
        checksum: SHA-256 of its source, in hex; empty where the module was not loaded.
        author: Who pushed it; empty for what was loaded from the file.
        reason: Why.
        since: When it went live, in seconds since the epoch; 0 if that is not known.
        restores: The number of the version whose source it brought back; None if it is no undo.
        runs: True for the one that runs now.
        next: True for the one that an undo of this module brings back.
    """

    module: str
    version: int
    checksum: str
    author: str
    reason: str
    since: float
    restores: int | None
    runs: bool
    next: bool


def known_versions(histories: Iterable[History]) -> tuple[KnownVersion, ...]:
    """Those of modules of which something older is remembered, by module, the newest first."""
    return tuple(each for history in histories if len(history.versions) > 1 for each in _known(history))


def _known(history: History) -> Iterator[KnownVersion]:
    target = history.undo_target()
    for each in reversed(history.versions):
        yield KnownVersion(
            history.module,
            each.number,
            each.checksum,
            each.author,
            each.reason,
            each.since,
            each.restores,
            each is history.current,
            target is not None and each.number == target.number,
        )


def versions_sheet(known: Iterable[KnownVersion], name: str, now: float, commands: Commands) -> Sheet:
    """All of them for people.

    Args:
        known: What is remembered.
        name: Of the service.
        now: Seconds since the epoch.
        commands: The next commands where the user is.
    """
    rows = tuple(
        (
            each.module,
            version(each.version),
            short(each.checksum) or "unloaded",
            _place(each),
            each.author,
            age(each.since, now),
            each.reason,
        )
        for each in known
    )
    if not rows:
        return Sheet(Head("○", "VERSIONS", Tone.CALM, name, ("nothing older is remembered",)))
    hint = f"back: {commands.undo} MODULE --to VERSION" if commands.undo else ""
    header = ("module", "version", "checksum", "", "author", "when", "reason")
    items: list[Item] = [Table(header, rows, code=(0, 1, 2))]
    if any(not each[4] for each in rows):
        items.append(Note("without an author: as the file said when it was loaded"))
    return Sheet(Head("●", "VERSIONS", Tone.CALM, name, (), hint), tuple(items))


def _place(each: KnownVersion) -> str:
    words = ["runs"] if each.runs else ["undo goes here"] if each.next else []
    words += [f"restored {version(each.restores)}"] if each.restores is not None else []
    return ", ".join(words)
