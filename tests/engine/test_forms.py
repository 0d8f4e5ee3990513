"""A source as forms: extents, kinds, keys, leaves, members."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livecode.engine.forms import Form, Kind, future_flags, parse
from livecode.engine.leaves import first_line
from livecode.engine.reading import alike
from tests.engine.fake import since_312, steady

STATEMENTS = (
    "x = 1",
    "é = 'ü'  # ö",
    "a = 1; b = 2",
    "c = 3;",
    "s = '''one\n# no comment\n\ntwo'''",
    "s = '''one\ntwo'''; t = 2",
    "total = 1 + \\\n    2",
    "def f(a, b=lambda: 1):\n    # why\n\n    return a",
    "@deco\n@other(\n    1,\n)\nasync def g():\n    await f()",
    "class A(B):\n    x: int = 1\n\n    def m(self):\n        return super().m()",
    "class C: y = 1; z = 2",
    "if x:\n\tdef h(): pass\nelse:\n\th = None",
    "try:\n    import json\nexcept ImportError:\n    json = None",
    "match x:\n    case [1, *rest] if rest:\n        pass\n    case _:\n        pass",
    "from . import (\n    one,\n    two as three,\n)",
    "(\n    x\n)",
    "@(deco)\ndef p(): pass",
    "print(y := 2)",
    "f'''{\nx\n}'''",
    "pass",
)
GAPS = ("", "\n", "# note\n", "\n\n    # indented note\n\n", "\t\n")
sources = st.lists(st.tuples(st.sampled_from(STATEMENTS), st.sampled_from(GAPS)), max_size=8).map(
    lambda parts: "".join(f"{gap}{statement}\n" for statement, gap in parts)
)


def texts(source: str) -> list[str]:
    """The texts of the forms."""
    return [form.text for form in parse(source)]


def only(source: str) -> Form:
    """The one form of the source."""
    (form,) = parse(source)
    return form


def code_lines(text: str) -> list[str]:
    """The lines that are neither blank nor a comment."""
    return [line for line in text.split("\n") if line.strip() and not line.strip().startswith("#")]


@steady
@given(sources)
def test_nothing_is_lost(source: str) -> None:
    """The forms' texts, one after the other, are the source without the blank lines and comments between them."""
    assert code_lines("".join(texts(source))) == code_lines(source)


@steady
@given(sources)
def test_a_text_is_the_lines_from_start_to_end(source: str) -> None:
    """`start` and `end` are the lines of `text` in the source, and forms do not overlap."""
    lines, last = source.splitlines(keepends=True), 0
    for form in parse(source):
        assert form.start > last
        last = form.end
        assert form.text == "".join(lines[form.start - 1 : form.end])


@steady
@given(sources)
def test_a_form_is_the_same_wherever_it_stands(source: str) -> None:
    """Skeleton, key and leaves do not depend on the line where the source begins."""
    for one, other in zip(parse(source), parse("# moved\n\n" + source), strict=True):
        assert (one.skeleton, one.key, one.shape.head) == (other.skeleton, other.key, other.shape.head)
        for mine, theirs in zip(one.leaves, other.leaves, strict=True):
            assert (mine.path, mine.line, mine.nested) == (theirs.path, theirs.line, theirs.nested)
            assert alike(mine.body, theirs.body)


@steady
@given(sources)
def test_looking_at_the_skeleton_leaves_the_tree_whole(source: str) -> None:
    """The bodies that the skeleton blanks are put back."""
    for form in parse(source):
        dump = [ast.dump(node) for node in form.nodes]
        assert form.skeleton
        assert [ast.dump(node) for node in form.nodes] == dump


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("", []),
        ("\n\n", []),
        ("# only a comment", []),
        ("\x0c", []),
        ("x = 1", ["x = 1\n"]),
        ("x = 1\r\ny = 2\r\n", ["x = 1\n", "y = 2\n"]),
        ("x = 1\ry = 2", ["x = 1\n", "y = 2\n"]),
        ("x = 1; y = 2\nz = 3", ["x = 1; y = 2\n", "z = 3\n"]),
        ("x = 1; \\\ny = 2\n", ["x = 1; \\\n", "y = 2\n"]),
        ("x = '''\n'''; y = '''\n'''; z = 1\n", ["x = '''\n'''; y = '''\n'''; z = 1\n"]),
        ("x = [\n\n# in\n1]\n", ["x = [\n\n# in\n1]\n"]),
        ("@a\n\n# between\n@b\ndef f(): pass\n", ["@a\n\n# between\n@b\ndef f(): pass\n"]),
        ("if 1:\n\tx = 1\n", ["if 1:\n\tx = 1\n"]),
        ("x = 1  # type: int\n", ["x = 1  # type: int\n"]),
        ("@(\n  deco\n)\ndef f(): pass\n", ["@(\n  deco\n)\ndef f(): pass\n"]),
    ],
)
def test_extents(source: str, expected: list[str]) -> None:
    """A form has full lines, decorators included; statements that share a line are one form."""
    assert texts(source) == expected


@pytest.mark.parametrize("odd", ["\x0c", "\x0b", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"])
@pytest.mark.parametrize("holder", ["# {}\n", "S = '{}'\n"])
def test_only_line_ends_of_python_end_a_line(holder: str, odd: str) -> None:
    """Characters that `str.splitlines` takes for line ends do not move the forms below them."""
    assert texts(holder.format(odd) + "x = 1\ny = 2\n")[-2:] == ["x = 1\n", "y = 2\n"]


def test_a_form_feed_between_functions_is_white_space() -> None:
    """A page break at the start of a line, as old sources have it, does not count as a line."""
    assert texts("x = 1\n\x0c\ny = 2\n") == ["x = 1\n", "y = 2\n"]


def test_only_line_ends_of_python_end_a_line_in_a_class() -> None:
    """The same holds for the members of a class."""
    (_, second) = only("class A:\n    x = '\u2028'\n    y = 2\n").members
    assert second.text == "    y = 2\n"


def test_parsing_does_not_warn() -> None:
    """A source that compiles with a warning parses in silence."""
    assert texts("x = '\\d'\n") == ["x = '\\d'\n"]


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("def f(): pass", Kind.FUNCTION),
        ("@d\nasync def f(): pass", Kind.FUNCTION),
        ("class A: pass", Kind.CLASS),
        ("import a", Kind.IMPORT),
        ("from . import a", Kind.IMPORT),
        ("from a import *", Kind.IMPORT),
        ("from __future__ import annotations", Kind.FUTURE),
        ("'doc'", Kind.DOC),
        ("'''doc\n'''", Kind.DOC),
        ("b'no doc'", Kind.OTHER),
        ("f'no doc'", Kind.OTHER),
        ("1", Kind.OTHER),
        ("x = 1", Kind.VALUE),
        ("x: int", Kind.VALUE),
        ("x.y = 1", Kind.VALUE),
        ("x += 1", Kind.OTHER),
        ("x = 1; y = 2", Kind.OTHER),
        ("del x", Kind.OTHER),
        ("for i in x: pass", Kind.OTHER),
        ("(x := 1)", Kind.OTHER),
    ],
)
def test_kinds(source: str, kind: Kind) -> None:
    """The kind tells apart what the engine treats differently."""
    assert only(source).kind is kind


def test_only_the_first_string_is_the_docstring() -> None:
    """A string further down is a statement that says nothing."""
    assert [form.kind for form in parse("'doc'\n'more'\n")] == [Kind.DOC, Kind.OTHER]


def test_the_docstring_binds_its_name() -> None:
    """A docstring binds `__doc__`."""
    assert only("'doc'").names.binds == ("__doc__",)


@pytest.mark.parametrize(
    ("source", "label"),
    [
        ("def quote(): pass", "quote()"),
        ("class Order: pass", "Order"),
        ("RATE = 1", "RATE"),
        ("a, (b, *c) = x", "a, b, c"),
        ("'doc'", "docstring"),
        ("import json  # why", "import json"),
        ("from a import (\n  b,\n)", "from a import ("),
        ("print(1)", "line 1: print(1)"),
        ("x: int", "line 1: x: int"),
        ("größe = 1", "größe"),
    ],
)
def test_labels(source: str, label: str) -> None:
    """A label is what people call the form."""
    assert only(source).label() == label


def test_labels_of_members_carry_the_class() -> None:
    """A member's label is qualified by the classes around it."""
    inner = only("class A:\n class B:\n  x = 1\n  def f(self): pass\n").members[0]
    assert [form.label() for form in inner.members] == ["A.B.x", "A.B.f()"]


@pytest.mark.parametrize(
    ("source", "paths"),
    [
        ("def f(): pass", ["f"]),
        ("def f():\n def g(): pass", ["f"]),
        ("def f(a=lambda: 1, *, b=lambda: 2): pass", ["<lambda>", "<lambda>", "f"]),
        ("@d(lambda: 1)\ndef f(): pass", ["<lambda>", "f"]),
        ("f = lambda a=(lambda: 1): a", ["<lambda>", "<lambda>"]),
        ("class A(m(lambda: 1), k=lambda: 2):\n def f(self): pass", ["<lambda>", "<lambda>", "A.f"]),
        ("class A:\n class B:\n  x = lambda: 1", ["A.B.<lambda>"]),
        ("if x:\n def f(): pass\nelse:\n def f(): pass", ["f", "f"]),
        ("try:\n def f(): pass\nfinally:\n g = lambda: 1", ["f", "<lambda>"]),
        ("x = [lambda: i for i in y]", []),
        ("x = {**{lambda: 1: 2}}", ["<lambda>"]),
        ("match x:\n case y if (lambda: 1)():\n  async def f(): pass", ["<lambda>", "f"]),
        ("x = (y := lambda: 1)", ["<lambda>"]),
        ("class A:\n def __f(self): pass", ["A.__f"]),
    ],
)
def test_leaves(source: str, paths: list[str]) -> None:
    """Leaves are the functions that executing the form makes, those in comprehensions and in bodies left out."""
    assert [".".join(leaf.path) for leaf in only(source).leaves] == paths


def test_the_line_of_a_leaf_is_that_of_its_first_decorator() -> None:
    """A leaf's line is where its code starts, counted from the form's first line."""
    form = parse("# moved\nclass A:\n @a\n @b\n def f(self): pass\n def g(self): pass\n")[0]
    assert [leaf.line for leaf in form.leaves] == [1, 4]
    assert first_line(form.members[0].node) == 3


@pytest.mark.parametrize(
    ("body", "knows"),
    [("super().f()", True), ("return __class__", True), ("return [super for _ in x]", True), ("self.super()", False)],
)
def test_a_method_that_knows_its_class(body: str, knows: bool) -> None:
    """`super` and `__class__` as names make a method a closure; as attributes they do not."""
    assert only(f"class A:\n def f(self):\n  {body}").leaves[0].knows_class is knows


def test_nested_functions_of_a_leaf() -> None:
    """A leaf knows the functions, classes and lambdas that its body makes."""
    form = only("def f():\n def g(): pass\n class A: pass\n return lambda: 1")
    assert sorted(form.leaves[0].nested) == ["<lambda>", "A", "g"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("def f(): return 1", "def f(): return 2", True),
        ("def f(): return 1", "def f():\n 'doc'\n # note\n return 2", True),
        ("def f(): return 1", "async def f(): return 1", False),
        ("def f(): return 1", "def f(a): return 1", False),
        ("def f(a=1): return 1", "def f(a=2): return 1", False),
        ("def f(a: int): return 1", "def f(a: str): return 1", False),
        ("@d\ndef f(): return 1", "def f(): return 1", False),
        ("f = lambda: 1", "f = lambda: 2", True),
        ("f = lambda a=1: 1", "f = lambda a=2: 1", False),
        ("x = 16", "x = 0x10", True),
        ("x = 1", "x = 1.0", False),
        ("x = 1", "x = True", False),
        ("x = 'a'", "x = b'a'", False),
        ("x = 0.0", "x = -0.0", False),
        ("if a:\n def f(): return 1", "if a:\n def f(): return 2", True),
        ("x = [lambda: 1 for i in y]", "x = [lambda: 2 for i in y]", False),
        ("class A:\n def f(self): return 1", "class A:\n def f(self): return 2", True),
        ("class A:\n x = 1", "class A:\n x = 2", False),
        ("x: int = 1", "x: str = 1", False),
    ],
)
def test_skeletons(one: str, other: str, same: bool) -> None:
    """Forms whose function bodies alone differ have the same skeleton."""
    assert (only(one).skeleton == only(other).skeleton) is same


@since_312
def test_type_parameters_are_in_the_skeleton() -> None:
    """A function of other type parameters is not the same with another body."""
    assert only("def f[T](): pass").skeleton != only("def f[T: int](): pass").skeleton


@pytest.mark.parametrize("source", ["def f():\n class A:\n  x = 1", "x = 1", "class A: pass; x = 1"])
def test_members(source: str) -> None:
    """Only a class statement has members."""
    assert len(only(source).members) == (1 if source.startswith("class") else 0)


def test_members_have_their_lines_in_the_file() -> None:
    """The lines of members count from the start of the file, at any depth."""
    form = parse("\n\n@d\nclass A:\n\n x = 1\n class B:\n  @p\n  def f(self): pass\n")[0]
    assert [(member.start, member.end) for member in form.members] == [(6, 6), (7, 9)]
    assert [(member.start, member.text) for member in form.members[1].members] == [(8, "  @p\n  def f(self): pass\n")]


def test_future_flags() -> None:
    """The flags of all `from __future__` imports that still change something are joined."""
    import __future__

    forms = parse("'doc'\nfrom __future__ import annotations, division; from __future__ import generators\nimport x\n")
    assert future_flags(forms) == __future__.annotations.compiler_flag
    both = parse("from __future__ import annotations, barry_as_FLUFL\n")
    assert future_flags(both) == __future__.annotations.compiler_flag | __future__.barry_as_FLUFL.compiler_flag
    assert future_flags(parse("import annotations\n")) == 0


def test_the_keep_mark_is_found() -> None:
    """A form is kept if a line of it says so."""
    assert [form.keep for form in parse("x = 1  # livecode: keep\ny = [\n 1,  # livecode: keep\n]\nz = 1\n")] == [
        True,
        True,
        False,
    ]


def test_the_keep_mark_in_a_string_means_nothing() -> None:
    """Only a comment marks a statement."""
    assert not only("HELP = 'write # livecode: keep'").keep


@pytest.mark.parametrize(
    "source",
    [
        "x = " + " + ".join(["1"] * 1000),
        "if x == 0: y = 0\n" + "".join(f"elif x == {number}: y = 1\n" for number in range(600)),
        "x = a" + ".b()" * 450,
    ],
    ids=["sum", "elif", "chain"],
)
def test_what_compiles_can_be_compared(source: str) -> None:
    """A long sum, `elif` chain or call chain that Python compiles is no trouble for the engine."""
    compile(source, "<m>", "exec")
    form = parse(source)[-1]
    assert form.names
    assert form.skeleton
