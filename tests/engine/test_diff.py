"""What an edit did to a module's forms."""

from __future__ import annotations

import pytest
from hypothesis import given

from livecode.engine.diff import Diff, diff
from livecode.engine.forms import parse
from tests.engine.fake import bug, differing, since_312, steady
from tests.engine.test_forms import sources


def shape(change: Diff) -> dict[str, list[str]]:
    """What became of each form, by label, empty ones left out."""
    table = {
        "same": [pair.new.label() for pair in change.same],
        "edited": [pair.new.label() for pair in change.edited],
        "changed": [pair.new.label() for pair in change.changed],
        "added": [form.label() for form in change.added],
        "removed": [form.label() for form in change.removed],
    }
    return {word: labels for word, labels in table.items() if labels}


@steady
@given(sources)
def test_nothing_changes_from_a_source_to_itself(source: str) -> None:
    """A source against itself: every form is the same, and not even a line moved."""
    change = diff(parse(source), parse(source))
    assert not change.moved
    assert len(change.same) == len(parse(source))
    assert set(shape(change)) <= {"same"}


@steady
@given(sources, sources)
def test_every_form_is_in_one_place(before: str, after: str) -> None:
    """The old forms are those of the pairs and the removed ones, the new those of the pairs and the added ones."""
    old, new = parse(before), parse(after)
    change = diff(old, new)
    pairs = (*change.same, *change.edited, *change.changed)
    assert sorted(map(id, (*(pair.old for pair in pairs), *change.removed))) == sorted(map(id, old))
    assert sorted(map(id, (*(pair.new for pair in pairs), *change.added))) == sorted(map(id, new))


@steady
@given(sources, sources)
def test_what_need_not_be_executed_is_alike(before: str, after: str) -> None:
    """The same have one text; the edited have one skeleton, and as many functions under the same names."""
    change = differing(before, after)
    assert all(pair.old.text == pair.new.text for pair in change.same)
    for pair in change.edited:
        assert pair.old.skeleton == pair.new.skeleton
        assert [old.path for old, _ in pair.leaf_pairs] == [new.path for _, new in pair.leaf_pairs]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("def f(): return 1", "def f(): return 2", {"edited": ["f()"]}),
        ("def f(): return 1", "def f(a): return 1", {"changed": ["f()"]}),
        ("def f(): return 1", "def g(): return 1", {"added": ["g()"], "removed": ["f()"]}),
        ("def f(): return 1", "async def f(): return 1", {"changed": ["f()"]}),
        ("def f(): return 1", "class f: pass", {"changed": ["f"]}),
        ("x = 1", "x = 2", {"changed": ["x"]}),
        ("x = 1", "x = 1  # why", {"edited": ["x"]}),
        ("x = 1", "x = (1)", {"edited": ["x"]}),
        ("x = 1", "x: int = 1", {"changed": ["x"]}),
        ("x = 1", "x += 1", {"added": ["x"], "removed": ["x"]}),
        ("x = 1", "x = y = 1", {"added": ["x, y"], "removed": ["x"]}),
        ("import a", "import a as b", {"added": ["import a as b"], "removed": ["import a"]}),
        ("import a.b", "import a.c", {"changed": ["import a.c"]}),
        ("", "x = 1", {"added": ["x"]}),
        ("x = 1", "", {"removed": ["x"]}),
        ("x = 1\n", "x = 1\r\n", {"same": ["x"]}),
        ("f = 1\nf = 2", "f = 1\nf = 3", {"same": ["f"], "changed": ["f"]}),
        ("def f(): 1\ndef f(): 2", "def f(): 1\ndef f(): 3", {"same": ["f()"], "edited": ["f()"]}),
        ("_ = 1\n_ = 2", "_ = 2\n_ = 1", {"same": ["_", "_"]}),
        ("if a:\n def f(): return 1", "if a:\n def f(): return 2", {"edited": ["f"]}),
        ("if a:\n def f(): return 1", "if b:\n def f(): return 1", {"changed": ["f"]}),
        ("f = lambda: 1", "f = lambda: 2", {"edited": ["f"]}),
        ("f = lambda: 1, lambda: 2", "f = lambda: 1, lambda: 3", {"edited": ["f"]}),
        ("f = [lambda: 1,\n lambda: 2]", "f = [lambda: 1,\n lambda: 3]", {"edited": ["f"]}),
        ("class A:\n def f(self): return 1", "class A:\n def f(self): return super()", {"changed": ["A"]}),
        ("class A:\n x = 1", "class A:\n x = 2", {"changed": ["A"]}),
        ("@a\ndef f(): return 1", "@a\ndef f(): return 2", {"edited": ["f()"]}),
        ("@a\ndef f(): return 1", "@b\ndef f(): return 1", {"changed": ["f()"]}),
        ("'doc'", "'other'", {"changed": ["docstring"]}),
        ("größe = 1", "größe = 2", {"changed": ["größe"]}),
        ("print(1)\nprint(2)", "print(2)", {"same": ["line 1: print(2)"], "removed": ["line 1: print(1)"]}),
        ("a = 1; b = 2", "a = 1; b = 3", {"changed": ["a, b"]}),
    ],
)  # fmt: skip
def test_table(before: str, after: str, expected: dict[str, list[str]]) -> None:
    """Matching is by text first, then by kind, names and order of occurrence."""
    assert shape(differing(before, after)) == expected


def test_shift() -> None:
    """A pair knows by how many lines it moved."""
    change = differing("x = 1\ny = 2\n", "\n\nx = 1\ny = 2\n")
    assert [pair.shift for pair in change.same] == [2, 2]
    assert change.moved == change.same


def test_a_form_moved_up_shifts_by_a_negative_number() -> None:
    """Forms may move up, past each other too."""
    assert [pair.shift for pair in differing("x = 1\ny = 2\n", "y = 2\nx = 1\n").same] == [-1, 1]


def test_changed_leaves() -> None:
    """Of an edited class, the methods that changed are told from the rest."""
    (pair,) = differing("class A:\n def f(self): return 1\n def g(self): return 1\n",
                        "class A:\n def f(self): return 1\n def g(self): return 2\n").edited  # fmt: skip
    assert [leaf.path for leaf in pair.changed_leaves] == [("A", "g")]


def test_a_comment_in_a_body_changes_no_leaf() -> None:
    """A comment edits the form, and no function in it."""
    (pair,) = differing("def f():\n return 1\n", "def f():\n # why\n return 1\n").edited
    assert pair.changed_leaves == ()


def test_a_change_below_a_form_feed_is_seen() -> None:
    """A page break in a comment does not hide an edit below it."""
    before, after = "a = 1\n# \x0c\nRATE = 1\nz = 1\n", "a = 1\n# \x0c\nRATE = 2\nz = 1\n"
    assert shape(differing(before, after)) == {"same": ["a", "z"], "changed": ["RATE"]}


@pytest.mark.parametrize(("before", "after"), [("'doc'\n", "x = 1\n'doc'\n"), ("x = 1\n'doc'\n", "'doc'\n")])
def test_a_string_that_becomes_the_docstring_is_not_the_same(before: str, after: str) -> None:
    """Whether a string is the docstring depends on its place, so moving it is a change."""
    assert "same" not in shape(differing(before, after))


@since_312
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("def f[T](x: T): return 1", "def f[T](x: T): return T"),
        pytest.param(
            "class A[T]:\n def f(self): return 1",
            "class A[T]:\n def f(self): return T",
            marks=bug("forms.py _leaf: a method does not know the type parameters of its class"),
        ),
    ],
)
def test_a_function_that_becomes_a_closure_over_a_type_parameter(before: str, after: str) -> None:
    """Code alone cannot make a function a closure, so the form is changed, not edited."""
    assert "edited" not in shape(differing(before, after))


@pytest.mark.parametrize(
    ("before", "after", "differs"),
    [
        ("def f():\n    x = 1\n    return x\n", "def f():\n    x = 1  # why\n    return x\n", False),
        ("def f():\n    x = 1\n    return x\n", "def f():\n    x = 1\n    return x + 1\n", True),
        ("def f():\n    a = 16; return a\n", "def f():\n    a = 0x10; return a\n", False),
        ("def f():\n    a = 1; b = 2\n", "def f():\n    a = 1; b = 3\n", True),
        ("def f():\n    s = '''a\n    b'''\n", "def f():\n    s = '''a\n      b'''\n", True),
        ("def f():\n    @d\n    def g(): pass\n", "def f():\n    @e\n    def g(): pass\n", True),
        ("f = lambda: 1\n", "f = lambda: 1.0\n", True),
        ("f = lambda: True\n", "f = lambda: 1\n", True),
        ("def f(): return 1\n", "def f():\n    return 1\n", False),
        ("class A:\n    def f(self):\n        return 1\n", "class A:\n    def f(self):\n        return (1)\n", False),
        ("def f(\n    a,\n): return a\n", "def f(\n    a,\n): return -a\n", True),
        ("def f():\n    if a:\n        return 1\n", "def f():\n    if a:\n        return 2\n", True),
    ],
)
def test_bodies_differ_by_what_they_say(before: str, after: str, differs: bool) -> None:
    """Neither comments nor the way of writing count; whatever runs otherwise does."""
    change = differing(before, after)
    assert [bool(pair.changed_leaves) for pair in change.edited] == [differs]


def test_a_function_of_another_head_is_executed() -> None:
    """The head of a function is all lines above its body: what can be executed of it."""
    for before, after in [
        ("def f(a=1):\n    return a\n", "def f(a=2):\n    return a\n"),
        ("def f(\n    a=1,\n): return a\n", "def f(\n    a=2,\n): return a\n"),
        ("@d\ndef f():\n    return 1\n", "@e\ndef f():\n    return 1\n"),
        ("def f():\n    return 1\n", "async def f():\n    return 1\n"),
        ("def f(a=lambda: 1):\n    return 1\n", "def f(a=lambda: 1, b=2):\n    return 1\n"),
    ]:
        assert list(shape(differing(before, after))) == ["changed"]
