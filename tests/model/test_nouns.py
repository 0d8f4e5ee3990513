"""Pushes, versions, histories."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livecode.model.nouns import History, ModuleSource, Push, Version, checksum


def history(*entries: int | tuple[int, int]) -> History:
    """Versions by number; a pair is a version and the one that it restores; version 0 has no source."""
    pairs = [entry if isinstance(entry, tuple) else (entry, None) for entry in entries]
    return History("m", tuple(Version(number, f"v{number}" if number else None, restores=of) for number, of in pairs))


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ((), None),
        ((1,), None),
        ((1, 2), 1),
        ((0, 1), 0),
        ((1, 2, 3), 2),
        ((1, 2, (3, 1)), None),
        ((1, 2, 3, (4, 2)), 1),
        ((1, 2, 3, (4, 2), (5, 1)), None),
        ((1, 2, (3, 1), 4), 1),
        ((1, 2, 3, (4, 2), 5), 2),
        ((1, 2, 3, (4, 2), (5, 1), 6), 1),
        ((1, 2, (3, 1), 4, (5, 1), 6), 1),
        ((0, 1, (2, 0)), None),
        ((0, 1, (2, 0), 3), 0),
        ((0, 1, (2, 0), 3, (4, 0)), None),
        ((3, 4), 3),
        ((4, (5, 2)), None),
        ((1, 2, 3, (4, 2), 5, (6, 4)), 1),
        ((1, 2, 3, (4, 2), 5, (6, 2)), 1),
    ],
)
def test_undo_target(entries: tuple[int | tuple[int, int], ...], expected: int | None) -> None:
    """An undo brings back the version before the running one, seen through earlier undos."""
    target = history(*entries).undo_target()
    assert (None if target is None else target.number) == expected


@settings(deadline=None)
@given(st.lists(st.booleans(), max_size=20))
def test_pushes_and_undos_are_a_stack(steps: list[bool]) -> None:
    """After any pushes (True) and undos, the next undo brings back what a stack of the pushes would."""
    versions, stack = [Version(1, "v1")], [1]
    for push in steps:
        number = len(versions) + 1
        if push:
            versions.append(Version(number, f"v{number}"))
            stack.append(number)
        elif target := History("m", tuple(versions)).undo_target():
            versions.append(Version(number, target.source, restores=target.number))
            stack.pop()
            assert target.source == f"v{stack[-1]}"
    target = History("m", tuple(versions)).undo_target()
    assert (target and target.source) == (f"v{stack[-2]}" if len(stack) > 1 else None)


def test_the_current_version_is_the_last() -> None:
    """The version that runs is the last one; without versions there is none."""
    assert history(1, 2).current == Version(2, "v2")
    assert history().current is None


def test_a_checksum_is_that_of_the_text() -> None:
    """The identity of a source is the SHA-256 of its text in UTF-8, lone surrogates included."""
    assert checksum("é") == hashlib.sha256("é".encode()).hexdigest()
    assert len(checksum("\ud800")) == 64


def test_a_version_without_source_has_no_checksum() -> None:
    """What is not loaded has no checksum; an empty source has one."""
    assert (Version(0, None).checksum, Version(1, "").checksum) == ("", checksum(""))


@pytest.mark.parametrize("ends", ["\r\n", "\r"])
def test_line_ends_do_not_matter(ends: str) -> None:
    """The line ends of a file do not change the checksum of its text."""
    assert checksum(f"x = 1{ends}") == checksum("x = 1\n")


def test_the_names_of_a_push() -> None:
    """The names are those of its modules, in the order given."""
    assert Push((ModuleSource("b", ""), ModuleSource("a", None))).names == ("b", "a")
