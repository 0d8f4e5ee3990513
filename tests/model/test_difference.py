"""Two sources compared: hunks, words within lines, and how it reads."""

from __future__ import annotations

from difflib import unified_diff

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livecode.model.difference import (
    NO_END,
    Difference,
    Hunk,
    Side,
    compare,
    difference_sheet,
    hunks,
    unified,
)
from livecode.model.html import sheet_html
from livecode.model.text import sheet_text

LINES = st.lists(st.sampled_from(["a", "b", "c", "", "def f(x):", "    return x", "\x0c", "e\u2028f"]), max_size=14)
TEXTS = st.builds(lambda lines, end: "\n".join(lines) + end, LINES, st.sampled_from(["", "\n"]))


def applied(before: str, found: tuple[Hunk, ...]) -> str:
    """The text after the hunks were applied to it, as a program that takes patches does."""
    lines = before.split("\n")
    old = [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
    new: list[str] = []
    at = 0
    for hunk in found:
        start, count = hunk.before
        start = start - 1 if count else start
        new += old[at:start]
        at = start
        assert len(new) == (hunk.after[0] - 1 if hunk.after[1] else hunk.after[0])
        for line in hunk.lines:
            text = line.text + "\n" * line.ends
            if line.mark in " -":
                assert old[at] == text
                at += 1
            if line.mark in " +":
                new.append(text)
    return "".join(new + old[at:])


@given(TEXTS, TEXTS, st.integers(0, 4))
def test_hunks_make_one_text_of_the_other(before: str, after: str, context_lines: int) -> None:
    """Whatever the texts, their hunks are right, and there are none only if the texts are the same."""
    found = hunks(before, after, context_lines)
    assert applied(before, found) == after
    assert bool(found) == (before != after)
    for hunk in found:
        assert hunk.before[1] == sum(line.mark in " -" for line in hunk.lines)
        assert hunk.after[1] == sum(line.mark in " +" for line in hunk.lines)


@given(TEXTS, TEXTS)
def test_spans_are_within_their_lines(before: str, after: str) -> None:
    """What is picked out is in order, not empty, and part of the line."""
    for hunk in hunks(before, after):
        for line in hunk.lines:
            ends = [0]
            for start, end in line.changed:
                assert ends[-1] <= start < end <= len(line.text)
                ends.append(end)


def test_as_difflib_says_it() -> None:
    """For usual texts it is the unified diff that everybody knows."""
    before = [f"line {i}\n" for i in range(40)]
    after = [*before[:5], "new\n", *before[5:20], *before[22:35], "other\n", *before[36:]]
    theirs = [line.rstrip("\n") for line in unified_diff(before, after)][2:]
    assert list(unified(hunks("".join(before), "".join(after)))) == theirs


@pytest.mark.parametrize(
    ("before", "after", "gone", "come"),
    [
        ("x = rate * 2\n", "x = rate * 3\n", ["2"], ["3"]),
        ("def quote(item):\n", "def quote(item, amount=1):\n", [], [", amount=1"]),
        ("return total(a, b)\n", "return total(a)\n", [", b"], []),
        ("import os\n", "class Order:\n", [], []),
        ("    a = 1\n    b = 2\n", "    a = 1\n    b = 22\n", ["2"], ["22"]),
    ],
)
def test_the_words_that_changed(before: str, after: str, gone: list[str], come: list[str]) -> None:
    """Within lines that stand for each other, what changed is picked out; other lines are wholly new or gone."""
    found = [line for hunk in hunks(before, after) for line in hunk.lines]
    picked = {mark: [] for mark in "+- "}  # type: ignore[var-annotated]
    for line in found:
        picked[line.mark] += [line.text[start:end] for start, end in line.changed]
    assert (picked["-"], picked["+"], picked[" "]) == (gone, come, [])


def test_a_last_line_without_an_end_is_told() -> None:
    """As in a patch."""
    assert list(unified(hunks("a\nb", "a\nb\n"))) == ["@@ -1,2 +1,2 @@", " a", "-b", NO_END, "+b"]


def sides(before: str | None, after: str | None) -> Difference:
    left, right = Side("m.py (disk)", is_there=before is not None), Side("m v2 (running)", is_there=after is not None)
    return compare("m", left, right, (before, after))


@pytest.mark.parametrize(
    ("before", "after", "first"),
    [
        ("a\n", "b\n", "● DIFFERS  m v2 (running)  +1 −1"),
        ("a\n", "a\n", "○ SAME  m.py (disk)  equals m v2 (running)"),
        (None, "b\n", "● NO FILE  m v2 (running)  +1"),
        ("a\nb\n", None, "● UNLOADED  m v2 (running)  −2"),
        (None, "", "● NO FILE  m v2 (running)  +0"),
    ],
)
def test_the_first_line_says_what_it_is(before: str | None, after: str | None, first: str) -> None:
    """Plain text begins with the verdict."""
    assert sheet_text(difference_sheet(sides(before, after))).splitlines()[0] == first


def test_html_picks_out_words_and_follows_the_theme() -> None:
    """Colours are the theme's own; without styles the text reads in order."""
    html = sheet_html(difference_sheet(sides("x = 1 < 2\n", "x = 1 < 3\n")))
    assert "<span class='lc-add'>+x = 1 &lt; <span class='lc-edit'>3</span></span>" in html
    assert ".lc-add{" not in html.replace(".livecode .lc-add,", "")
    assert "color-mix(in srgb,currentColor" in html


def test_many_changed_lines_are_not_looked_at_word_by_word() -> None:
    """A source that is another one altogether is compared in lines alone."""
    before = "".join(f"a{i} = {i}\n" for i in range(3000))
    after = "".join(f"b{i} = {i}\n" for i in range(3000))
    (hunk,) = hunks(before, after)
    assert not any(line.changed for line in hunk.lines)
