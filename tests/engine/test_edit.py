"""Where two sources differ."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livecode.engine.edit import common_run, edit_between, normal
from tests.engine.fake import steady

texts = st.lists(st.sampled_from(["a", "b", "ab", "", "ü"]), max_size=12).map(
    lambda lines: "".join(f"{x}\n" for x in lines)
)


@steady
@given(texts, texts)
def test_outside_the_edit_the_lines_are_the_same(old: str, new: str) -> None:
    """The lines above and below the edit are those of both sources, and they do not overlap."""
    edit = edit_between(old, new)
    mine, theirs = old.split("\n"), new.split("\n")
    assert edit.first <= edit.old_last
    assert edit.first <= edit.new_last
    assert mine[: edit.first] == theirs[: edit.first]
    assert mine[edit.old_last :] == theirs[edit.new_last :]


@steady
@given(texts, texts, st.integers(0, 3), st.integers(0, 3))
def test_the_text_around_the_edit(old: str, new: str, above: int, below: int) -> None:
    """`new_text` gives whole lines of the new source, by their numbers, and `old_text` the same of the old one."""
    edit = edit_between(old, new)
    lines = new.splitlines(keepends=True)
    top, bottom = max(0, edit.first - above), min(len(lines), edit.new_last + below)
    assert edit.new_text(top, bottom) == "".join(lines[top:bottom])
    assert edit.new_text(top, None) == "".join(lines[top:])
    assert edit.old_text(top, edit.old_last) == "".join(old.splitlines(keepends=True)[top : edit.old_last])


@steady
@given(texts, texts, st.integers(0, 3), st.integers(0, 3))
def test_the_common_run(old: str, new: str, at: int, there: int) -> None:
    """So many lines are the same from two places on, and the next ones differ or are not there."""
    mine, theirs = old.splitlines()[at:], new.splitlines()[there:]
    run = common_run(old.splitlines(), at, new.splitlines(), there)
    assert mine[:run] == theirs[:run]
    assert mine[run : run + 1] != theirs[run : run + 1] or not mine[run:]


def test_a_span() -> None:
    """One changed line among three, and one more line before it."""
    edit = edit_between("a\nb\nc\nd\n", "a\nnew\nB\nc\nd\n")
    assert (edit.first, edit.old_last, edit.new_last, edit.shift) == (1, 2, 3, 1)


@pytest.mark.parametrize(("source", "expected"), [("", ""), ("a", "a\n"), ("a\r\nb\rc", "a\nb\nc\n"), ("a\n", "a\n")])
def test_normal(source: str, expected: str) -> None:
    """Line ends are line feeds, and the last line has one."""
    assert normal(source) == expected
