"""How many lines two sources differ in."""

from __future__ import annotations

import pytest
from hypothesis import given

from livecode.engine.lines import changed_lines
from tests.engine.fake import steady
from tests.engine.test_edit import texts


@steady
@given(texts, texts)
def test_the_numbers_belong_to_each_other(old: str, new: str) -> None:
    """What comes less what goes is what the source grows by, and the other way round it is the same."""
    added, removed = changed_lines(old, new)
    assert added - removed == len(new.splitlines()) - len(old.splitlines())
    assert changed_lines(new, old) == (removed, added)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("", "", (0, 0)),
        ("a\n", "a", (0, 0)),
        ("a\nb\n", "a\nB\n", (1, 1)),
        ("a\nb\nc\n", "new\na\nb\n", (1, 1)),
        ("a\na\n", "a\n", (0, 1)),
        ("a\nb\n", "b\na\n", (0, 0)),
        ("a\n" * 500, "b\n" * 400, (400, 500)),
        ("x\n" + "a\nb\n" * 500, "y\n" + "a\nb\n" * 250 + "c\n" + "a\nb\n" * 250, (2, 1)),
    ],
)
def test_table(old: str, new: str, expected: tuple[int, int]) -> None:
    """Lines that come and lines that go, however many stay; moved ones are not counted."""
    assert changed_lines(old, new) == expected
