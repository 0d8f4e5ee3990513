"""The excerpt of a pushed module."""

from __future__ import annotations

from livecode.demo.excerpt import Line, excerpt


def test_new_lines_are_shown_with_a_neighbour_on_each_side() -> None:
    """What did not change is left out, but for the lines next to a change."""
    before = "a\nb\nc\nd\ne\nf"
    assert excerpt("a\nb\nc\nnew\nd\ne\nf", before) == (
        Line("⋮"),
        Line("c"),
        Line("new", new=True),
        Line("d"),
        Line("⋮"),
    )


def test_all_of_an_unknown_module_is_new() -> None:
    """A module that was not there before is shown whole."""
    assert excerpt("a\nb", "") == (Line("a", new=True), Line("b", new=True))


def test_the_same_source_has_nothing_to_show() -> None:
    """Nothing new: only the sign for lines left out."""
    assert excerpt("a\nb", "a\nb") == (Line("⋮"),)
