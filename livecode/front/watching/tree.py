"""One walk through what counts below a folder, and what differs between two of them."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from livecode.errors import UsageError
from livecode.front.watching.sieve import GITIGNORE, Sieve, below

MAX_ENTRIES = 300_000
"""Files and folders that a walk looks at: some seconds. Who has more than that means a folder below."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells a changed file from an unchanged one without reading it.

    Several saves within one tick of a file system's clock leave the same times: `content` is then the only difference,
    and is looked at by who has reason to (`livecode.front.watching.polling`).
    """

    mtime_ns: int
    ctime_ns: int
    size: int
    inode: int
    content: bytes = b""

    def differs(self, other: Stamp) -> bool:
        """True if the file has changed from one to the other, as far as both tell."""
        if (self.mtime_ns, self.ctime_ns, self.size, self.inode) != (
            other.mtime_ns,
            other.ctime_ns,
            other.size,
            other.inode,
        ):
            return True
        return bool(self.content and other.content) and self.content != other.content


@dataclass(slots=True)
class Tree:
    """What was found.

    Attributes:
        sources: Path → stamp of every source that counts, by its path below the folder.
        folders: The folders that were looked into, the first one included.
        links: Places of links on the way to sources, as (real folder, name): what happens there may change a source.
        closed: Folders that may not be looked into.
        outside: Real path of what a linked source leads to → its path below the folder.
        rules: Path → stamp of the .gitignore files.
    """

    sources: dict[str, Stamp] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)
    links: set[tuple[str, str]] = field(default_factory=set)
    closed: list[str] = field(default_factory=list)
    outside: dict[str, str] = field(default_factory=dict)
    rules: dict[str, Stamp] = field(default_factory=dict)


def walk(folder: str, sieve: Sieve, enter: Callable[[str], None] = lambda _: None) -> Tree:
    """What counts below a folder; links are followed, each folder is looked into once.

    Args:
        folder: Its real path.
        sieve: What counts.
        enter: Called with each folder before it is looked into.

    Raises:
        UsageError: There is too much; names the folder that holds most.
        FileNotFoundError: The folder itself is gone.
        PermissionError: It may not be looked into.
    """
    tree, seen, counts = Tree(), set[tuple[int, int]](), _Counts(folder)
    waiting = [folder]
    while waiting:
        place = waiting.pop()
        try:
            found = os.stat(place)
            if (found.st_dev, found.st_ino) in seen:
                continue
            seen.add((found.st_dev, found.st_ino))
            enter(place)
            entries = list(_listed(place, counts))
        except PermissionError:
            if place == folder:
                raise
            tree.closed.append(place)
            continue
        except (FileNotFoundError, NotADirectoryError):
            if place == folder:
                raise
            continue
        tree.folders.append(place)
        sieve.enters(place, {entry.name for entry in entries})
        if (rules := stamp_of(os.path.join(place, GITIGNORE))) is not None:
            tree.rules[place] = rules
        for entry in entries:
            _look_at(entry, sieve, tree, waiting)
    return tree


def stamp_of(path: str) -> Stamp | None:
    """The stamp of a file, links followed; None where there is no such file."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return Stamp(found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)


def differences(before: Mapping[str, Stamp], after: Mapping[str, Stamp]) -> set[str]:
    """The paths that came, went or changed."""
    changed = {path for path, stamp in after.items() if path in before and stamp.differs(before[path])}
    return changed | (before.keys() ^ after.keys())


def _listed(place: str, counts: _Counts) -> Iterator[os.DirEntry[str]]:
    with os.scandir(place) as entries:
        counts.begin(place)
        for entry in entries:
            counts.add()
            yield entry


def _look_at(entry: os.DirEntry[str], sieve: Sieve, tree: Tree, waiting: list[str]) -> None:
    try:
        if entry.is_dir():
            if not sieve.skips_folder(entry.path):
                waiting.append(entry.path)
                if entry.is_symlink():
                    tree.links |= steps(entry.path)
        elif sieve.takes(entry.path):
            if entry.is_symlink():
                tree.links |= steps(entry.path)
                tree.outside[os.path.realpath(entry.path)] = entry.path
            if (stamp := stamp_of(entry.path)) is not None:
                tree.sources[entry.path] = stamp
    except OSError:  # it went away while it was looked at
        return


MAX_STEPS = 40
"""How many links a path may lead through, as in Linux."""


def steps(path: str) -> set[tuple[str, str]]:
    """The links that a path leads through, and where it ends, each as its real folder and its name."""
    found: set[tuple[str, str]] = set()
    rest = path.split(os.sep)[1:]
    place = os.sep
    while rest and len(found) < MAX_STEPS:
        name, *rest = rest
        if name in ("", os.curdir):
            continue
        here = os.path.join(place, name)
        if not os.path.islink(here):
            place = os.path.normpath(here)
            continue
        found.add((place, name))
        target = os.readlink(here)
        if os.path.isabs(target):
            place = os.sep
        rest = [*target.split(os.sep), *rest]
    found.add((os.path.dirname(place), os.path.basename(place)))
    return found


class _Counts:
    """How much was looked at, by the first folder below the one that is watched."""

    def __init__(self, folder: str) -> None:
        self._folder, self._total, self._child = folder, 0, ""
        self._by_child: dict[str, int] = {}

    def begin(self, place: str) -> None:
        """What is counted from now on is in this folder."""
        self._child = below(self._folder, place).partition("/")[0]

    def add(self) -> None:
        """Counts one entry.

        Raises:
            UsageError: It is one too many.
        """
        self._total += 1
        self._by_child[self._child] = self._by_child.get(self._child, 0) + 1
        if self._total > MAX_ENTRIES:
            most = max(self._by_child, key=lambda each: self._by_child[each])
            where = f"most of them in {most}" if most else "most of them in itself"
            raise UsageError(
                f"{self._folder} holds more than {MAX_ENTRIES:,} files, {where}: give the folder that holds the"
                " sources, or name what is none of them in a .gitignore"
            )
