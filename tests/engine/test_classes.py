"""What to do with a class statement that has to be executed again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from livecode.engine.classes import ClassEdit, class_edit
from livecode.engine.facts import ClassKind, ModuleFacts
from livecode.engine.forms import parse
from tests.engine.fake import codes, plan_of, since_312

DATACLASS = "from dataclasses import dataclass\n"


def edit(before: str, after: str, kind: ClassKind = ClassKind.PLAIN, **kinds: ClassKind) -> ClassEdit:
    """The edit of class A."""
    runs = plan_of(before, after, A=kind, **kinds).runs
    (found,) = [run.edit for run in runs if run.form.name == "A"]
    assert found is not None
    return found


def labels(found: ClassEdit) -> list[str]:
    """The members to execute."""
    return [form.label() for form in found.members]


@pytest.mark.parametrize(
    ("before", "after", "members", "removed"),
    [
        ("x = 1", "x = 2", ["A.x"], ()),
        ("x = 1", "x = 1\n y = 2", ["A.y"], ()),
        ("x = 1\n y = 2", "x = 1", [], ("y",)),
        ("x = 1\n x = 2", "x = 1", ["A.x"], ()),
        ("x = 1\n y = x\n z = 0", "x = 2\n y = x\n z = 0", ["A.x", "A.y"], ()),
        ("x = 1\n def f(self, a=x): 1", "x = 2\n def f(self, a=x): 1", ["A.x", "A.f()"], ()),
        ("def f(self): 1", "def f(self, a): 1", ["A.f()"], ()),
        ("def f(self): 1", "@property\n def f(self): 1", ["A.f()"], ()),
        ("def f(self): 1", "def f(self): super()", ["A.f()"], ()),
        ("def f(self): 1", "def g(self): 1", ["A.g()"], ("f",)),
        ("pass", "x = 1", ["A.x"], ()),
        ("x = 1", "pass", [], ("x",)),
        ("x = 1; y = 2", "x = 1; y = 3", ["A.x, A.y"], ()),
        ("'doc'\n x = 1", "'other'\n x = 1", ["docstring"], ()),
        ("'doc'\n x = 1", "x = 1", [], ("__doc__",)),
        ("@property\n def f(s): 1\n @f.setter\n def f(s, v): 1",
         "@property\n def f(s): 1\n @f.setter\n def f(s, w): 1", ["A.f()", "A.f()"], ()),
        ("def f(self): 1\n f = wrap(f)", "def f(self): 1\n f = wrap2(f)", ["A.f()", "A.f"], ()),
        ("if a:\n  x = 1", "if b:\n  x = 1", ["A.x"], ()),
        ("x = 1\n y = x  # livecode: keep", "x = 2\n y = x  # livecode: keep", ["A.x"], ()),
    ],
)  # fmt: skip
def test_members_of_a_plain_class(before: str, after: str, members: list[str], removed: tuple[str, ...]) -> None:
    """Changed members are executed, with those that read what they bind; removed ones go away; the rest stays."""
    found = edit(f"class A:\n {before}\n", f"class A:\n {after}\n")
    assert (found.rebuild, labels(found), found.removed) == (False, members, removed)


def test_methods_are_swapped_beside() -> None:
    """Of a class of which a value changes, methods with another body are swapped, moved ones shifted."""
    found = edit("class A:\n x = 1\n def f(self): 1\n def g(self): 1\n",
                 "class A:\n x = 2\n\n def f(self): 2\n def g(self): 1\n")  # fmt: skip
    assert [pair.new.label() for pair in found.swaps] == ["A.f()"]
    assert [pair.new.label() for pair in found.shifts] == ["A.g()"]


def test_a_nested_class_is_edited_inside() -> None:
    """A class inside a class keeps its object too."""
    found = edit("class A:\n class B:\n  x = 1\n", "class A:\n class B:\n  x = 2\n")
    assert (labels(found), [inner.path for inner in found.nested]) == ([], [("A", "B")])
    assert labels(found.nested[0]) == ["A.B.x"]


def test_a_nested_class_may_be_refused() -> None:
    """What cannot be done for a class inside is refused for the whole."""
    before, after = "class A:\n class B(X):\n  x = 1\n", "class A:\n class B(X, k=1):\n  x = 1\n"
    assert codes(before, after) == ["LC102"]


@pytest.mark.parametrize(
    ("before", "after", "assigned"),
    [("(B)", "(C)", True), ("(B)", "(B, C)", True), ("(B)", "(B.C)", True), ("(B)", "( B )", False), ("", "()", False)],
)
def test_bases_are_assigned(before: str, after: str, assigned: bool) -> None:
    """Other bases are assigned to the live class; the same written otherwise are not."""
    assert edit(f"class A{before}: x = 1", f"class A{after}: x = 2").bases is assigned


@pytest.mark.parametrize(
    ("before", "after", "kind", "expected"),
    [
        ("class A: pass", "class A(B): pass", "PLAIN", []),
        ("class A(B): pass", "class A: pass", "PLAIN", []),
        ("class A: x = 1", "class A(metaclass=M): x = 1", "PLAIN", ["LC102"]),
        ("class A: x = 1", "class A(metaclass=ABCMeta): x = 1", "PLAIN", []),
        ("class A(B): x = 1", "class A(B, metaclass=abc.ABCMeta): x = 1", "PLAIN", []),
        ("class A(metaclass=M): x = 1", "class A(metaclass=ABCMeta): x = 1", "CUSTOM", ["LC102"]),
        ("class A(metaclass=M): x = 1", "class A(B, metaclass=M): x = 2", "BUILT", []),
        ("class A(B, k=1): x = 1", "class A(B, k=2): x = 1", "PLAIN", []),
        ("class A(B, k=1): x = 1", "class A(B, k=2): x = 1", "CUSTOM", ["LC102"]),
        ("class A(B, k=1): x = 1", "class A(B, k=2): x = 1", "ENUM", ["LC102"]),
        ("class A: x = 1", "@dataclass\nclass A: x = 1", "PLAIN", []),
        ("class A: __slots__ = 'a',", "@final\nclass A: __slots__ = 'a',", "SLOTTED", []),
        ("@d\nclass A: x: int = 1", "@d\nclass A: x: int = 2", "SLOTTED", []),
        ("@d\nclass A: x = 1", "@d\nclass A: x = 2", "PLAIN", []),
        ("class A: x = 1", "class A(object): x = 1", "PLAIN", []),
        ("class A(object): pass", "class A(B, object): pass", "PLAIN", []),
        ("class A: __slots__ = ['a', 'b']", "class A: __slots__ = ('b', 'a')", "SLOTTED", []),
        ("class A: __slots__ = 'a'", "class A: __slots__ = ('a',)", "SLOTTED", []),
        ("class A: __slots__ = ['a']", "class A: __slots__ = ('a', 'b')", "SLOTTED", ["LC103"]),
        ("class A:\n __slots__ = ()\n x = 1", "class A:\n __slots__ = ()\n x = 2", "SLOTTED", []),
        ("@d\nclass A: x = 1", "@d\nclass A:\n x = 1\n def f(self): 1", "PLAIN", []),
        ("class A(B): x = 1", "class A(B): x = 2", "CUSTOM", ["LC105"]),
        ("class A(B): x = 1", "class A(B):\n x = 1\n def f(self): 1", "CUSTOM", []),
        ("class A(B): x = 1", "class A(C): x = 1", "CUSTOM", ["LC105"]),
        ("class A: __slots__ = 'a',", "class A: __slots__ = 'b',", "SLOTTED", ["LC103"]),
        ("class A:\n __slots__ = ()", "class A:\n __slots__ = ()\n def f(self): 1", "SLOTTED", []),
        ("class A(B): __slots__ = ()", "class A(C): __slots__ = ()", "SLOTTED", ["LC103"]),
        ("@dataclass\nclass A: x: int", "@dataclass\nclass A: x: str", "DATACLASS", []),
        ("@dataclass\nclass A(B): x: int", "@dataclass\nclass A(C): x: int", "DATACLASS", []),
        ("class A(Enum): x = 1", "class A(Enum):\n x = 1\n y = 2", "ENUM", []),
        ("class A(NamedTuple): x: int", "class A(NamedTuple):\n x: int\n y: int", "NAMED_TUPLE", []),
        ("class A: x = 1", "class A: __slots__ = 'a',", "PLAIN", ["LC103"]),
        ("class A:\n x = 1\n __slots__ = ()", "class A: x = 1", "SLOTTED", ["LC103"]),
    ],
)  # fmt: skip
def test_refusals(before: str, after: str, kind: str, expected: list[str]) -> None:
    """Slots of a class in use and the metaclass cannot change; other classes only as their kind allows."""
    assert codes(DATACLASS + before, DATACLASS + after, A=ClassKind[kind]) == expected


@pytest.mark.parametrize(
    ("before", "after", "kind", "rebuilt"),
    [
        ("@dataclass\nclass A:\n x: int", "@dataclass\nclass A:\n x: str", "DATACLASS", True),
        ("@dataclass\nclass A:\n x: int", "@dataclass\nclass A:\n x: int\n def f(self): 1", "DATACLASS", False),
        ("@dataclass\nclass A:\n x: int", "@dataclass\nclass A:\n x: int\n def __eq__(s, o): 1", "DATACLASS", True),
        ("@dataclass\nclass A:\n x: int", "@dataclass\nclass A:\n x: int\n @d\n def f(s): 1", "DATACLASS", True),
        ("@dataclass\nclass A:\n x: int", "@dataclass(frozen=True)\nclass A:\n x: int", "DATACLASS", True),
        ("class A(Enum):\n x = 1", "class A(Enum):\n x = 2", "ENUM", True),
        ("class A(Enum):\n x = 1", "class A(Enum):\n x = 1\n @property\n def f(self): 1", "ENUM", False),
        ("class A(Enum):\n x = 1", "class A(Enum):\n 'doc'\n x = 1", "ENUM", False),
        ("class A(T):\n x: int", "class A(T):\n x: str", "REBUILT", True),
    ],
)
def test_rebuilding(before: str, after: str, kind: str, rebuilt: bool) -> None:
    """What builds a class is run again only if something that it looks at changed."""
    assert edit(DATACLASS + before, DATACLASS + after, ClassKind[kind]).rebuild is rebuilt


@pytest.mark.parametrize(("made", "again"), [((), False), (("made",), True), (("x", "__doc__", "_A__p"), False)])
def test_a_decorator_that_derives_attributes(made: tuple[str, ...], again: bool) -> None:
    """If a decorator made attributes from what it saw in the body, a changed value has it called again."""
    before, after = parse("@d\nclass A:\n x = 1\n __p = 1\n"), parse("@d\nclass A:\n x = 2\n __p = 1\n")
    facts = ModuleFacts("m", "", before, {"A": ClassKind.PLAIN}, {"A": frozenset(made)})
    found, _ = class_edit(facts, before[0], after[0], lambda form: False)
    assert found is not None
    assert found.rebuild is again


def test_a_slotted_class_that_nobody_uses() -> None:
    """The whole statement is executed where a class of other slots can take the place of the one that exists."""
    before, after = parse("class A: __slots__ = 'a',\n"), parse("class A:\n x = 1\n __slots__ = 'b',\n")
    for held, count in (((), 0), (("a tuple",), 0), (None, None)):
        facts = ModuleFacts(
            "m", "", before, {"A": ClassKind.SLOTTED}, population=lambda _, n=count: n, held=lambda _, h=held: h
        )
        found, refused = class_edit(facts, before[0], after[0], lambda form: False)
        assert found is None
        assert [(item.code, item.line) for item in refused] == ([] if held == () else [("LC103", 3)])


@pytest.mark.parametrize("after", ["def A(): pass", "A = 1"])
def test_a_class_that_becomes_something_else(after: str) -> None:
    """A statement of another kind is executed like any other."""
    (run,) = plan_of("class A: x = 1", after).runs
    assert run.edit is None


def test_a_class_without_a_live_one() -> None:
    """Where there is no live class of the name, the whole statement is executed."""
    found = plan_of("x = 1", "class A: x = 1")
    assert [run.edit for run in found.runs] == [None]


def test_the_string_after_an_attribute_says_nothing() -> None:
    """A string below an attribute, as documentation tools read it, is not executed when it changes."""
    found = edit("class A:\n 'doc'\n x = 1\n 'of x'\n", "class A:\n 'doc'\n x = 1\n 'of x, really'\n")
    assert labels(found) == []


@since_312
@pytest.mark.parametrize("after", ["class A[T, U]: x = 1", "class A: x = 1"])
def test_changed_type_parameters_are_not_ignored(after: str) -> None:
    """Other type parameters need something to be done, or are refused."""
    before = "class A[T]: x = 1"
    assert codes(before, after) or edit(before, after).rebuild


def test_annotations_of_the_class() -> None:
    """The annotations are made again if an annotated member came, went or changed."""
    assert edit("class A:\n x: int\n", "class A:\n x: str\n").annotations
    assert edit("class A:\n x: int\n", "class A:\n pass\n").annotations
    assert not edit("class A:\n x: int\n y = 1\n", "class A:\n x: int\n y = 2\n").annotations


@pytest.mark.parametrize("base", ["B", "C"])
def test_a_changed_base_class_keeps_its_subclasses(base: str) -> None:
    """A class that changes in place is the same base as before, so the subclass is left alone."""
    rest = f"class C: pass\nclass A({base}): y = 1\n"
    assert [run.form.name for run in plan_of(f"class B: x = 1\n{rest}", f"class B: x = 2\n{rest}").runs] == ["B"]


@pytest.mark.parametrize("after", ["class A(B): pass", "class A(metaclass=ABCMeta): pass"])
def test_what_can_get_no_base_is_refused(after: str) -> None:
    """A class of which the process says that it can get no base stays without one."""
    facts = replace(ModuleFacts("m", "", parse("class A: pass")), classes={"A": ClassKind.PLAIN})
    old, new = facts.forms[0], parse(after)[0]
    assert class_edit(facts, old, new, lambda form: False)[1] == []
    refused = class_edit(replace(facts, baseless=frozenset({"A"})), old, new, lambda form: False)[1]
    assert [item.code for item in refused] == ["LC106"]


def test_what_keeps_its_value_when_a_class_is_built_again() -> None:
    """Attributes that only unchanged members bind are named: they keep the value that they have now."""
    found = edit(
        "class A(metaclass=M):\n x = 1\n y = 2\n z = y\n seen = []",
        "class A(metaclass=M):\n x = 1\n y = 3\n z = y\n seen = []",
        ClassKind.BUILT,
    )
    assert found.kept == {"x", "seen"}
