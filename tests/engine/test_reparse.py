"""Parsing by the edit gives what parsing the whole gives."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livecode.engine.forms import Form, parse
from livecode.engine.prepare import compiler_of
from livecode.engine.reparse import fresh_shapes, reparse
from tests.engine.fake import steady
from tests.engine.test_forms import sources

pieces = st.sampled_from(["", "\n", "'''", "(", ")", "\\\n", "    x\n", "#"])


def whole(forms: tuple[Form, ...]) -> list[object]:
    """Everything that can be seen of the forms."""
    return [
        (form.start, form.end, form.text, form.kind, form.scope, leaves, form.skeleton, form.shape.first, trees)
        for form in forms
        for leaves in [[(leaf.path, leaf.line, leaf.nested, leaf.knows_class) for leaf in form.leaves]]
        for trees in [[ast.dump(node, include_attributes=True) for node in form.placed()]]
    ]


def edited(before: str, after: str) -> tuple[Form, ...]:
    """The forms of a source that is parsed by its edit."""
    return reparse(after, parse(before), before)


@steady
@given(sources, sources)
def test_the_result_is_what_parse_gives(before: str, after: str) -> None:
    """Whatever the edit, the forms are those of a full parse, at the same lines."""
    assert whole(edited(before, after)) == whole(parse(after))


@steady
@given(sources, sources, sources, sources)
def test_an_edit_in_the_middle_is_what_parse_gives(above: str, before: str, after: str, below: str) -> None:
    """The same for an edit that has much above and below it."""
    assert whole(edited(above + before + below, above + after + below)) == whole(parse(above + after + below))


@steady
@given(
    sources,
    st.integers(0, 400),
    st.integers(0, 400),
    st.sampled_from(["", "\n", "'''", "(", ")", "\\\n", "    x\n", "#"]),
)
def test_any_edit_is_what_parse_gives(source: str, start: int, length: int, put: str) -> None:
    """Also where characters come and go in the middle of a line: what does not parse raises, all else is the same."""
    after = source[:start] + put + source[start + length :]
    try:
        expected = whole(parse(after))
    except SyntaxError:
        with pytest.raises(SyntaxError):
            edited(source, after)
    else:
        assert whole(edited(source, after)) == expected


@steady
@given(sources)
def test_nothing_is_parsed_twice(source: str) -> None:
    """Of an unchanged source that moved, no form is new, unless a decorator's parenthesis hides its first line."""
    before = parse(source)
    if "@(" not in source:
        assert fresh_shapes(reparse("# moved\n" + source, before, source), before) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x = 1\n", 's = """\nx = 1\n"""\n'),
        ("x = 1\n", "f(\nx = 1\n)\n"),
        ("def f(): pass\n", "@deco\ndef f(): pass\n"),
        ("@a\ndef f(): pass\n", "@b\n@a\ndef f(): pass\n"),
        ("if a: x = 1\n", "if a: x = 1\nelse: y = 1\n"),
        ("if a: x = 1\n", "if a: x = 1\n# why\nelse: y = 1\n"),
        ("try: a\nexcept E: b\n", "try: a\nexcept E: b\nfinally: c\n"),
        ("def f():\n a\n", "def f():\n a\n\n# why\n b\n"),
        ("class A:\n\tx = 1\n", "class A:\n\tx = 1\n\ty = 2\n"),
        ("y = 2\n", "x = 1; \\\ny = 2\n"),
        ("'doc'\n", "x = 1\n'doc'\n"),
        ("x = 1\n'doc'\n", "'doc'\n"),
        ("'doc'\nx = 1\n", "\n# note\n'doc'\nx = 1\n"),
        ("x = 1\n", "\x0c\nx = 1\n\x0c\n"),
        ("x = 1", "x = 1\r\ny = 2\r"),
        ("x = 1\nx = 1\n", "x = 1\n"),
        ("elsewhere = 1\n", "x = 1\nelsewhere = 1\n"),
        ("match x:\n case 1: pass\n", "match x:\n case 1: pass\n case 2: pass\n"),
        ("@(\n  deco\n)\ndef f(): pass\n", "x = 1\n@(\n  deco\n)\ndef f(): pass\n"),
    ],
)
def test_edits_that_look_like_others(before: str, after: str) -> None:
    """A text that stands again at the left margin is reused only where it is the same statement."""
    assert whole(edited(before, after)) == whole(parse(after))


def test_the_unchanged_share_their_shapes() -> None:
    """An unchanged statement keeps its shape, so that what is known of it is not worked out again."""
    before = parse("x = 1\ndef f(): pass\n")
    after = reparse("x = 2\n\ndef f(): pass\n", before, "x = 1\ndef f(): pass\n")
    assert after[1].shape is before[1].shape
    assert [form.text for form in fresh_shapes(after, before)] == ["x = 2\n"]


def test_a_moved_form_is_compiled_where_it_stands() -> None:
    """The trees of a reused form are placed at its new lines, and the old form keeps its own."""
    before = parse("def f(): pass\n")
    (after,) = reparse("\n\ndef f(): pass\n", before, "def f(): pass\n")
    assert (after.placed()[0].lineno, before[0].placed()[0].lineno) == (3, 1)


@pytest.mark.parametrize(
    "broken",
    [
        "x = 1\ny = (\n",
        "x = 1\nelse: pass\n",
        "x = 1\n  y = 2\n",
        *(f"x = 1\n{odd}\ny = 2\n" for odd in ("\xa0", "\x85", "\u2028", "\u3000", "\x1c", "\xa0# note")),
    ],
)
def test_what_does_not_parse_does_not_reparse(broken: str) -> None:
    """A source that is refused as a whole is refused by its edit too."""
    with pytest.raises(SyntaxError):
        parse(broken)
    with pytest.raises(SyntaxError):
        edited("x = 1\ny = 2\n", broken)


def test_a_line_that_goes_on_is_no_end() -> None:
    """A statement that shares its logical line with the one above is parsed with it."""
    with pytest.raises(SyntaxError):
        edited("w = 1\nx = 1; \\\ny = 2\nz = 3\n", "w = 1\nx = 1; \\\nif y: z\nz = 3\n")


@pytest.mark.parametrize("after", ["x = 1\nglobal x\n", "x: int = 1\nglobal x\n"])
def test_what_does_not_compile_as_a_whole_is_found(after: str) -> None:
    """A source that a fresh import could not compile is not accepted because each new statement compiles alone."""
    before = parse(after.splitlines()[0])
    forms = reparse(after, before, after.splitlines()[0])
    with pytest.raises(SyntaxError):
        compile(after, "<m>", "exec")
    assert any(form.shape.declares for form in forms)
    with pytest.raises(SyntaxError):
        compiler_of(forms, "<m>").whole(forms)


@pytest.mark.parametrize("before", ["x = 1\n", "from __future__ import annotations\nx = 1\n"])
def test_future_imports_stand_first(before: str) -> None:
    """A `from __future__` import below other statements is found by parsing and compiling the whole."""
    forms = edited(before, "x = 1\nfrom __future__ import annotations\n")
    assert [form.start for form in forms] == [1, 2]
    assert forms[0].shape is not parse(before)[-1].shape


def test_a_long_sum_can_be_moved() -> None:
    """A long expression that is reused at another line can be compiled there."""
    source = "x = " + " + ".join(["1"] * 400) + "\n"
    (form,) = edited(source, "\n" + source)
    assert form.placed()[0].lineno == 2
