"""The line ends of a source that takes the place of another text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livecode.engine.line_ends import unified, with_line_ends

ENDS = st.sampled_from(["\n", "\r\n", "\r"])
TEXTS = st.lists(st.tuples(st.sampled_from(["a", "b", "", "c\x0c", " d\u2028"]), ENDS), max_size=8)


@pytest.mark.parametrize(
    ("source", "like", "expected"),
    [
        ("a\nb\n", "x\ny\n", "a\nb\n"),
        ("a\nb\n", "x\r\ny\r\n", "a\r\nb\r\n"),
        ("a\nb", "x\ry\r", "a\rb"),
        ("a\nb\n", "", "a\nb\n"),
        ("a\nb\n", "no end", "a\nb\n"),
        ("", "x\r\n", ""),
        ("a\r\nb\n", "x\n", "a\nb\n"),
        ("a\nnew\nb\nc\n", "a\r\nb\nc\r\n", "a\r\nnew\r\nb\nc\r\n"),
        ("a\nB\nc\n", "a\r\nb\nc\r\n", "a\r\nB\nc\r\n"),
        ("a\nc\n", "a\r\nb\nc\r\n", "a\r\nc\r\n"),
        ("a\nb", "a\r\nb\nc\r\n", "a\r\nb"),
    ],
)
def test_table(source: str, like: str, expected: str) -> None:
    """One kind of ends goes for all; of several, a line keeps its own, and a new one has what most have."""
    assert with_line_ends(source, like) == expected


@given(st.text("ab\n\x0c", max_size=12), TEXTS)
def test_only_the_ends_of_lines_change(source: str, lines: list[tuple[str, str]]) -> None:
    """Whatever stood there before, Python reads the same source."""
    assert unified(with_line_ends(source, "".join(map("".join, lines)))) == source


@given(TEXTS)
def test_what_did_not_change_is_byte_for_byte_the_same(lines: list[tuple[str, str]]) -> None:
    """A text saved as itself stays as it is."""
    text = "".join(map("".join, lines))
    assert with_line_ends(unified(text), text) == text
