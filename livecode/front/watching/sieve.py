"""Which files and folders count: Python sources, without what is hidden, installed, ignored by git or filtered out.

Rules are asked on the way down: of a folder that does not count, nothing below is looked at. So .gitignore files mean
what they mean to git: the deepest one that says something decides, and what is below an ignored folder cannot be
taken back in.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pathspec import GitIgnoreSpec

from livecode.errors import UsageError

GITIGNORE = ".gitignore"

SKIPPED = frozenset({"__pycache__", "node_modules", "site-packages", "dist-packages", "__pypackages__"})
"""Folders that hold caches and other people's code."""

ENVIRONMENT_MARK = "pyvenv.cfg"
"""The file that makes a folder a virtual environment (PEP 405)."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The patterns of one .gitignore: `base` is the folder that they are relative to."""

    base: str
    spec: GitIgnoreSpec

    def verdict(self, path: str, *, folder: bool) -> bool | None:
        """True where they ignore a path, False where they take it back in, None where they say nothing."""
        relative = below(self.base, path)
        return self.spec.check_file(f"{relative}/" if folder else relative).include


@dataclass(frozen=True, slots=True)
class Filter:
    """What a user wants of a folder: only what matches one of `wanted`, if there are any, and none of `unwanted`."""

    wanted: GitIgnoreSpec | None = None
    unwanted: GitIgnoreSpec | None = None

    @classmethod
    def of(cls, patterns: Sequence[str]) -> Filter:
        """Globs as in .gitignore; ``!`` before one excludes.

        Raises:
            UsageError: One cannot be meant.
        """
        wanted = [pattern for pattern in patterns if not pattern.startswith("!")]
        unwanted = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
        return cls(_spec(wanted), _spec(unwanted))

    def takes(self, path: str) -> bool:
        """True for a file that is wanted, by its path below the folder."""
        return (self.wanted is None or self.wanted.match_file(path)) and not self.excludes(path)

    def excludes(self, path: str) -> bool:
        """True for what is not wanted; a folder ends in ``/``."""
        return self.unwanted is not None and self.unwanted.match_file(path)


class Sieve:
    """The rules for one folder; read anew with `Sieve.of` when a .gitignore changes.

    Args:
        folder: What is watched.
        rules: Those above the folder and in it, outermost first.
        wanted: The user's filter.
    """

    def __init__(self, folder: str, rules: Sequence[Rules] = (), wanted: Filter = Filter()) -> None:
        self._folder, self._wanted = folder, wanted
        self._stacks: dict[str, tuple[Rules, ...]] = {folder: tuple(rules)}

    @classmethod
    def of(cls, folder: str, patterns: Iterable[str] = ()) -> Sieve:
        """The rules that hold for a folder: .gitignore files up to the root of its repository, and a filter.

        Args:
            folder: What is watched.
            patterns: Globs as in .gitignore, relative to the folder: a file counts if one matches; ``!`` excludes.

        Raises:
            UsageError: A pattern cannot be meant.
        """
        return cls(folder, rules_above(folder), Filter.of(tuple(patterns)))

    def enters(self, folder: str, names: Iterable[str]) -> None:
        """Reads the rules of a folder that is being walked through; the one above it came before."""
        above = self._stacks.get(folder) or self._stacks.get(os.path.dirname(folder), ())
        own = read_rules(folder) if GITIGNORE in names else None
        known = any(rules.base == folder for rules in above)
        self._stacks[folder] = above if own is None or known else (*above, own)

    def skips_folder(self, path: str) -> bool:
        """True for a folder of which nothing counts."""
        name = os.path.basename(path)
        if name.startswith(".") or name in SKIPPED or self._ignores(path, folder=True):
            return True
        if self._wanted.excludes(f"{below(self._folder, path)}/"):
            return True
        return os.path.exists(os.path.join(path, ENVIRONMENT_MARK))

    def takes(self, path: str) -> bool:
        """True for a source that counts, in a folder that does."""
        return (
            is_source(os.path.basename(path))
            and self._wanted.takes(below(self._folder, path))
            and not self._ignores(path, folder=False)
        )

    def _ignores(self, path: str, *, folder: bool) -> bool:
        for rules in reversed(self._stacks.get(os.path.dirname(path), ())):
            if (verdict := rules.verdict(path, folder=folder)) is not None:
                return verdict
        return False


def below(folder: str, path: str) -> str:
    """The path below a folder, with ``/``; all of them start with it, and `os.path.relpath` takes its time."""
    return path[len(folder.rstrip(os.sep)) + 1 :].replace(os.sep, "/")


def is_source(name: str) -> bool:
    """True for the names of Python sources, not for what is hidden or what editors leave while they save."""
    return name.endswith(".py") and not name.startswith((".", "#", "~"))


def _spec(patterns: Sequence[str]) -> GitIgnoreSpec | None:
    if not patterns:
        return None
    example = "give a glob such as 'shop/**/*.py', or '!tests/' to exclude"
    if not all(pattern.strip() and not pattern.startswith("#") for pattern in patterns):
        raise UsageError(f"--filter: {' '.join(patterns)!r} matches nothing; {example}")
    try:
        return GitIgnoreSpec.from_lines(patterns)
    except ValueError as error:
        raise UsageError(f"--filter: {error}; {example}") from error


def rules_above(folder: str) -> list[Rules]:
    """The rules of the folder and of those above it in its repository, outermost first; none outside of one."""
    found: list[Rules] = []
    place = Path(folder)
    for each in (place, *place.parents):
        if (own := read_rules(str(each))) is not None:
            found.append(own)
        if (each / ".git").exists():
            exclude = read_rules(str(each), os.path.join(".git", "info", "exclude"))
            return [*([exclude] if exclude is not None else []), *reversed(found)]
    return [rules for rules in found if rules.base == folder]


def read_rules(folder: str, name: str = GITIGNORE) -> Rules | None:
    """The patterns of a file in a folder; None if there is none that can be read."""
    try:
        with open(os.path.join(folder, name), encoding="utf-8", errors="surrogateescape") as file:
            lines = file.read().splitlines()
    except OSError:
        return None
    try:
        return Rules(folder, GitIgnoreSpec.from_lines(lines))
    except ValueError:  # git leaves out a pattern that it cannot read, too
        return Rules(folder, GitIgnoreSpec.from_lines(filter(_can_be_read, lines)))


def _can_be_read(line: str) -> bool:
    try:
        GitIgnoreSpec.from_lines([line])
    except ValueError:
        return False
    return True
