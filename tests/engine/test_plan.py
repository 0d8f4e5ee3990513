"""What a push needs, decided before anything is touched."""

from __future__ import annotations

import pytest
from hypothesis import given

from livecode.engine.plan import plan
from livecode.engine.planned import Plan
from livecode.model.report import ChangeKind
from tests.engine.fake import FakeProject, codes, plan_of, planned, ran, steady
from tests.engine.test_forms import sources


def said(before: str, after: str) -> list[tuple[str, str]]:
    """Kind and name of each change in the report."""
    return [(change.kind.value, change.name) for change in plan_of(before, after).changes]


@steady
@given(sources)
def test_an_unchanged_source_needs_nothing(source: str) -> None:
    """A source against itself: nothing is executed, swapped, moved or removed."""
    found = plan_of(source, source)
    assert (found.runs, found.swaps, found.shifts, found.removed, found.parts) == ((), (), (), (), ())


@steady
@given(sources, sources)
def test_a_form_has_one_fate(before: str, after: str) -> None:
    """No form of the new source is both executed and swapped, swapped and shifted, or shifted and executed."""
    for module in planned({"m": before}, {"m": after}).modules:
        fates = [id(run.form) for run in module.runs]
        fates += [id(pair.new) for pair in (*module.swaps, *module.shifts)]
        assert len(fates) == len(set(fates))
        assert set(fates) <= set(map(id, module.forms))


@steady
@given(sources, sources)
def test_only_names_that_nothing_binds_any_more_are_removed(before: str, after: str) -> None:
    """What the new source binds stays."""
    for module in planned({"m": before}, {"m": after}).modules:
        assert not set(module.removed) & {name for form in module.forms for name in form.names.binds}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("x = 1", "", ("x",)),
        ("x = y = 1", "y = 1", ("x",)),
        ("def f(): 1", "def g(): 1", ("f",)),
        ("import a", "import a as b", ("a",)),
        ("import a.b", "import a.c", ()),
        ("x = 1\nx = 2", "x = 1", ()),
        ("from a import *", "", ()),
        ("try: x = 1\nexcept E: x = 2", "try: y = 1\nexcept E: x = 2", ()),
        ("if a:\n x = 1", "if a:\n y = 1", ("x",)),
        ("x, (y, *z) = w", "x = w", ("y", "z")),
        ("x: int = 1", "x: int", ("x",)),
        ("print(y := 1)", "print(1)", ("y",)),
    ],
)
def test_removed(before: str, after: str, expected: tuple[str, ...]) -> None:
    """Names that the old statements bound and no new one binds go away."""
    assert plan_of(before, after).removed == expected


@pytest.mark.parametrize(
    ("before", "after", "parts"),
    [
        ("D = {}\nD['a'] = 1", "D = {}", {("D", "a", False)}),
        ("D = {}\nD.a = 1", "D = {}\nD.b = 1", {("D", "a", True)}),
        ("D = {}\nD['a'] = 1\nD['a'] = 2", "D = {}\nD['a'] = 1", set()),
    ],
)
def test_parts(before: str, after: str, parts: set[tuple[str, object, bool]]) -> None:
    """Entries and attributes that removed statements had set are taken away, unless another sets them."""
    assert set(plan_of(before, after).parts) == parts


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("'a string'", "x = 1\n'a string'", ["x"]),
        ("x = 1", "x = 1\n'said'\n...\npass\n1", []),
        ("'doc'", "'other'", ["docstring"]),
        ("x = 1", "from __future__ import barry_as_FLUFL\nx = 1", None),
        ("x = 1", "from __future__ import division\nx = 1", ["from __future__ import division"]),
    ],
)
def test_what_says_nothing_is_not_executed(before: str, after: str, expected: list[str] | None) -> None:
    """Constants and `pass` as statements are not executed; the docstring is."""
    if expected is None:
        assert codes(before, after) == ["LC101"]
    else:
        assert ran(before, after) == expected


def test_runs_are_in_the_order_of_the_source() -> None:
    """Statements are executed in the order in which they stand."""
    assert ran("b = 1\na = 1", "z = 1\na = 2\nb = 2\ny = 1") == ["z", "a", "b", "y"]


def test_only_moved() -> None:
    """A form that moved is shifted, and nothing else happens."""
    found = plan_of("def f(): 1\nx = 1", "\n\ndef f(): 1\nx = 1")
    assert [pair.shift for pair in found.shifts] == [2, 2]
    assert (found.swaps, found.runs) == ((), ())


def test_another_module_only_runs() -> None:
    """A module that is not in the push keeps its forms; what it runs is said to be re-run."""
    found = planned({"a": "R = 1", "m": "from a import R\nX = R"}, {"a": "R = 2"}).modules[-1]
    assert (found.module, found.pushed, found.swaps, found.shifts, found.removed) == ("m", False, (), (), ())
    assert [change.kind for change in found.changes] == [ChangeKind.RERUN, ChangeKind.RERUN]


def test_a_module_of_unknown_source_is_misuse() -> None:
    """Only loaded modules of known source can be planned for."""
    with pytest.raises(LookupError, match="nowhere"):
        plan({"nowhere": ()}, FakeProject({}))


def test_no_push_no_plan() -> None:
    """A push of nothing needs nothing."""
    assert plan({}, FakeProject({"m": "x = 1"})) == Plan()


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("@app.get\ndef f(): 1", "@app.get\ndef f(): 2", []),
        ("@app.get\ndef f(): 1", "@app.get\ndef f(a): 1", ["LC104"]),
        ("@app.get\ndef f(): 1", "", ["LC104"]),
        ("@app.get\ndef f(): 1", "@app.post\ndef f(): 1", ["LC104"]),
        ("x = 1", "@app.get\ndef f(): 1", []),
        ("def f(): 1", "@app.get\ndef f(): 1", []),
        ("R = 1\n@app.get\ndef f(a=R): 1", "R = 2\n@app.get\ndef f(a=R): 1", ["LC104"]),
        ("@property\ndef f(): 1", "@property\ndef f(a): 1", []),
        ("import functools as t\n@t.cache\ndef f(): 1", "import functools as t\n@t.cache\ndef f(a): 1", []),
        ("from __future__ import barry_as_FLUFL", "", ["LC101"]),
        ("from __future__ import annotations", "from __future__ import annotations  # why", []),
        ("if 1:\n @app.get\n def f(a): 1", "if 1:\n @app.get\n def f(b): 1", ["LC104"]),
        ("class A:\n @app.get\n def f(s): 1", "class A:\n @app.get\n def f(s, b): 1", ["LC104"]),
        ("class A:\n @app.get\n def f(s): 1", "class A: pass", ["LC104"]),
    ],
)
def test_refusals(before: str, after: str, expected: list[str]) -> None:
    """Future imports and registrations cannot be changed; edited bodies can, and so can what is new."""
    assert codes(before, after) == expected


def test_a_refused_plan_does_nothing() -> None:
    """If one module is refused, there is nothing to do in any."""
    found = planned({"a": "x = 1", "m": "@app.get\ndef f(): 1"}, {"a": "x = 2", "m": ""})
    assert found.modules == ()
    assert [item.code for item in found.refusals] == ["LC104"]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("def f(): 1", "def f(): 2", [("changed", "f()")]),
        ("x = 1", "x = 2", [("changed", "x")]),
        ("", "x = 1", [("added", "x")]),
        ("x = 1", "", [("removed", "x")]),
        ("x = 1\ny = 1", "x = 1\ny = 2", [("changed", "y"), ("kept", "x")]),
        ("x = 1\ny = x", "x = 2\ny = x", [("changed", "x"), ("re-run", "y")]),
        ("def f(): 1\nx = f()", "def f(): 2\nx = f()", [("changed", "f()"), ("stale", "x")]),
        ("class A:\n def f(self): 1", "class A:\n def f(self): 2", [("changed", "A.f()")]),
        ("class A:\n x = 1\n def f(self): 1", "class A:\n x = 2\n def f(self): 2",
         [("changed", "A.f()"), ("changed", "A.x")]),
        ("f = lambda: 1", "f = lambda: 2", [("changed", "<lambda>()"), ("kept", "f")]),
        ("def f(): 1", "\ndef f(): 1", []),
        ("def f():\n 1", "def f():\n # why\n 1", []),
    ],
)  # fmt: skip
def test_what_the_report_says(before: str, after: str, expected: list[tuple[str, str]]) -> None:
    """The report names what was changed, added, removed, re-run, kept, and what is of the old make."""
    assert said(before, after) == expected


@pytest.mark.parametrize(
    ("before", "after", "again"),
    [
        ("x: int = 1", "x: str = 1", True),
        ("x: int = 1", "", True),
        ("", "x: int", True),
        ("x = 1", "x = 2", False),
        ("def f(a: int): 1", "def f(a: str): 1", False),
        ("if 1:\n x: int = 1", "if 1:\n x: str = 1", True),
    ],
)
def test_annotations(before: str, after: str, again: bool) -> None:
    """The module's annotations are made again if an annotated name changed."""
    assert plan_of(before, after).annotations is again


def test_a_docstring_that_is_one_no_more() -> None:
    """When a statement is put before the docstring, `__doc__` goes away."""
    assert "__doc__" in plan_of("'doc'", "import os\n'doc'").removed
