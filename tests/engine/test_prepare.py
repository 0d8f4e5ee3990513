"""A plan with everything compiled."""

from __future__ import annotations

import ast
from typing import Any

import pytest
from hypothesis import given

from livecode.engine.code import by_place, walk
from livecode.engine.facts import ClassKind
from livecode.engine.forms import future_flags, parse
from livecode.engine.prepare import Compiler, PreparedModule, compiler_of, prepare
from livecode.engine.reparse import reparse
from tests.engine.fake import bug, bug_since, planned, prepared, since_312, steady
from tests.engine.test_forms import sources


def swaps(before: str, after: str) -> list[tuple[str, int, bool]]:
    """Qualified name, old line, and whether the body changed."""
    return [(swap.qualname, swap.old_line, swap.changed) for swap in prepared(before, after).swaps]


def executed(module: PreparedModule, **names: object) -> dict[str, Any]:
    """The namespace after executing the statements of the module."""
    namespace: dict[str, Any] = dict(names)
    for run in module.runs:
        assert run.code is not None
        exec(run.code, namespace)
    namespace.pop("__builtins__", None)
    return namespace


@steady
@given(sources, sources)
def test_swapped_code_is_that_of_the_whole_module(before: str, after: str) -> None:
    """A function's new code is what compiling the whole new source gives, lines included."""
    whole = by_place(compile(after, "<m>", "exec", dont_inherit=True, flags=future_flags(parse(after))))
    plan = planned({"m": before}, {"m": after})
    for module in prepare(plan, {"m": "<m>"}):
        for swap in module.swaps:
            assert swap.code in whole[swap.qualname, swap.code.co_firstlineno]


DEAD = bug_since((3, 12), "prepare.py _leaf_swaps: the compiler leaves out the code of dead branches: IndexError")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("def f(): 1", "def f(): 2", [("f", 1, True)]),
        ("def f(): return 1", "\n\ndef f(): return 2", [("f", 1, True)]),
        ("@d\n@e\ndef f(): return 1", "@d\n@e\ndef f(): return 2", [("f", 1, True)]),
        ("async def f(): return 1", "async def f(): return 2", [("f", 1, True)]),
        ("x = lambda: 1", "x = lambda: 2", [("<lambda>", 1, True)]),
        ("x = [\n lambda: 1,\n lambda: 2]", "x = [\n lambda: 1,\n lambda: 3]", [("<lambda>", 3, True)]),
        ("def f(a=lambda: 1): return 1", "def f(a=lambda: 2): return 1", [("<lambda>", 1, True)]),
        pytest.param(
            *("if 0:\n def f(): return 1", "if 0:\n def f(): return 2", [("f", 2, True)]),
            marks=DEAD,
        ),
        pytest.param(
            *("x = 0 and (lambda: 1)", "x = 0 and (lambda: 2)", [("<lambda>", 1, True)]),
            marks=DEAD,
        ),
        ("x = f'{(lambda: 1)()}'", "x = f'{(lambda: 2)()}'", [("<lambda>", 1, True)]),
        ("class A:\n def __f(s): return 1", "class A:\n def __f(s): return 2", [("A.__f", 2, True)]),
        (
            "class A:\n class B:\n  def f(s): return 1",
            "class A:\n class B:\n  def f(s): return 2",
            [("A.B.f", 3, True)],
        ),
        (
            "class A:\n def f(s): return 1\n def g(s): return 1",
            "class A:\n def f(s):\n  return 2\n def g(s): return 1",
            [("A.f", 2, True)],
        ),
        ("match x:\n case y if (lambda: 1)(): 1", "match x:\n case y if (lambda: 2)(): 1", [("<lambda>", 2, True)]),
        ("x = 1", "x = 1  # why", []),
        ("def f(): return 1", "\ndef f(): return 1", []),
    ],
)
def test_swaps(before: str, after: str, expected: list[tuple[str, int, bool]]) -> None:
    """A changed function is found by its qualified name and old line."""
    assert [swap for swap in swaps(before, after) if swap[2]] == expected


def test_a_function_that_moved_in_its_statement_gets_new_code() -> None:
    """Beside a changed method, one that moved gets code with its new lines."""
    found = swaps("class A:\n def f(s): 1\n def g(s): 1", "class A:\n def f(s):\n  return 2\n def g(s): 1")
    assert found == [("A.f", 2, True), ("A.g", 3, False)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("F = [\n lambda: 1, lambda: 2]\n", "F = [\n # why\n lambda: 1, lambda: 2]\n"),
        ("F = lambda: 1, lambda: 2\n", "\nF = lambda: 1, lambda: 2  # why\n"),
    ],
)
def test_functions_that_share_a_line_keep_their_bodies(before: str, after: str) -> None:
    """Two lambdas on one line that only moved are not both given the code of one of them."""
    found = [swap.code.co_consts[-1] for swap in prepared(before, after).swaps]
    assert found in ([], [1, 2])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("def f():\n x = 1\n return 1 / 0\n", "def f():\n x = 1\n # why\n return 1 / 0\n"),
        ("def f(): return 1 / 0\n", "def f():\n    return 1 / 0\n"),
        ("class A:\n def f(s):\n  return 1 / 0\n", "class A:\n def f(s):\n\n  return 1 / 0\n"),
    ],
)
def test_a_comment_inside_a_function_moves_its_lines(before: str, after: str) -> None:
    """A function whose lines moved inside gets new code, so that tracebacks show the line that runs."""
    assert [swap.code.co_name for swap in prepared(before, after).swaps] == ["f"]


@pytest.mark.parametrize(
    "text",
    [
        "from __future__ import annotations\nx: (lambda: {}) = 1",
        "class A:\n global f\n def f(s): return {}",
    ],
    ids=["lambda in a lazy annotation", "global in a class"],
)
def test_every_leaf_that_is_made_is_found(text: str) -> None:
    """A function that no code stands for, or under another name, is no error."""
    assert prepared(text.format(1), text.format(2))


def test_shifts() -> None:
    """What only moved is shifted by lines of the old source."""
    (shift,) = prepared("@d\ndef f():\n 1\n", "\n\n@d\ndef f():\n 1\n").shifts
    assert (shift.first, shift.last, shift.lines) == (1, 3, 2)


def test_a_statement_is_compiled_where_it_stands() -> None:
    """Executed statements carry the chunk's name and their real lines."""
    (run,) = prepared("x = 1", "x = 1\n\ny = 2\n").runs
    assert run.code is not None
    assert run.code.co_filename == "<m>"
    assert {line for *_, line in run.code.co_lines() if line} == {3}


def test_future_imports_hold_for_each_statement() -> None:
    """A statement is compiled with the flags of the whole module."""
    future = "from __future__ import annotations\n"
    namespace = executed(prepared(future, f"{future}def f(a: nowhere): pass\n"))
    assert namespace["f"].__annotations__ == {"a": "nowhere"}


@pytest.mark.parametrize(
    ("before", "after", "doc"),
    [
        ("'doc'", "'other'", "other"),
        ("x = 1\n'said'", "x = 2\n'said'", "doc"),
        ("x = 1\n'said'; y = 1", "x = 1\n'said'; y = 2", "doc"),
    ],
)
def test_only_the_docstring_is_the_docstring(before: str, after: str, doc: str) -> None:
    """A string that is compiled as the first statement of its own does not become the module's docstring."""
    assert executed(prepared(before, after), __doc__="doc")["__doc__"] == doc


@pytest.mark.parametrize("text", ["class A:\n 'doc'\n x = 1\n '{}'\n", "class A:\n 'doc'\n x = 1\n '{0}'; y = '{0}'\n"])
def test_only_the_docstring_is_the_class_s_docstring(text: str) -> None:
    """The same holds for a class body: a string below an attribute leaves `__doc__` alone."""
    (run,) = prepared(text.format(1), text.format(2)).runs
    assert run.edited_class is not None
    namespace: dict[str, Any] = {"__doc__": "doc"}
    if run.edited_class.body:
        exec(run.edited_class.body, {}, namespace)
    assert namespace["__doc__"] == "doc"


def test_a_class_body_has_its_names() -> None:
    """Members are compiled inside their classes: qualified names, private names and the class cell come out right."""
    before = "class A:\n class B:\n  def f(self): pass\n"
    after = "class A:\n class B:\n  def f(self, a):\n   self.__x = super()\n"
    (run,) = prepared(before, after).runs
    assert run.edited_class is not None
    (inner,) = run.edited_class.nested
    assert inner.body is not None
    code = next(each for each in walk(inner.body) if each.co_name == "f")
    assert (code.co_qualname, code.co_freevars, code.co_firstlineno) == ("A.B.f", ("__class__",), 3)
    assert "_B__x" in code.co_names


def test_bases_are_expressions() -> None:
    """Each base is compiled alone, to be evaluated in the module."""
    (run,) = prepared("class A(B): x = 1", "class A(C, D[int]): x = 1").runs
    assert run.edited_class is not None
    assert [eval(base, {"C": 1, "D": {int: 2}}) for base in run.edited_class.bases] == [1, 2]


def test_a_rebuilt_class_is_a_statement() -> None:
    """A class that is built again is executed as a whole."""
    (run,) = prepared("class A(E): x = 1", "class A(E): x = 2", A=ClassKind.ENUM).runs
    assert (run.code is not None, run.edited_class) == (True, None)


def test_annotations_are_all_made_again() -> None:
    """The annotations of all annotated names are made, in order, and no value is."""
    module = prepared("x: int = 1\ny: str\n", "x: int = 1\ny: bytes\nz: str = 2\n")
    assert module.annotations is not None
    namespace: dict[str, Any] = {}
    exec(module.annotations, namespace)
    assert {"x", "z"}.isdisjoint(namespace)
    made = namespace.get("__annotations__") or namespace["__annotate__"](1)
    assert made == {"x": int, "y": bytes, "z": str}


def test_conditional_annotations_stay() -> None:
    """Annotations of names inside other statements are among them."""
    module = prepared("if 1:\n a: int = 1\nb: int = 1\n", "if 1:\n a: int = 1\nb: str = 1\n")
    assert module.annotations is not None
    namespace: dict[str, Any] = {}
    exec(module.annotations, namespace)
    assert (namespace.get("__annotations__") or namespace["__annotate__"](1)) == {"a": int, "b": str}


def test_a_source_that_warns_can_be_prepared() -> None:
    """From the plan on no source can fail to compile."""
    assert prepared("x = 1\n", "x = 1 is 1\n")


@since_312
@bug("prepare.py _bare_class: the type parameters of a generic class are dropped")
def test_a_swapped_method_of_a_generic_class_knows_its_parameter() -> None:
    """A method that reads a type parameter of its class is a closure over it."""
    before = "class A[T]:\n x = 1\n def f(self): return T\n"
    (swap,) = prepared(before, before.replace("= 1", "= 2").replace("return T", "return T, 1")).swaps
    assert "T" in swap.code.co_freevars


@since_312
@bug("prepare.py _bare_class: the type parameters of a generic class are dropped")
def test_an_executed_method_of_a_generic_class_knows_its_parameter() -> None:
    """A member that is executed sees the type parameters of its class too."""
    (run,) = prepared("class A[T]:\n def f(self): return T\n", "class A[T]:\n def f(self, a): return T\n").runs
    assert run.edited_class is not None
    assert run.edited_class.body is not None
    assert not any("T" in code.co_names for code in walk(run.edited_class.body))


@since_312
@bug("prepare.py _prepare_class: bases are compiled outside the scope of the type parameters")
def test_a_generic_base_knows_the_parameter() -> None:
    """A base that names a type parameter does not read it from the module."""
    (run,) = prepared("class A[T](B[T]): pass", "class A[T](C[T]): pass").runs
    assert run.edited_class is not None
    assert "T" not in run.edited_class.bases[0].co_names


def test_the_compiler_inherits_nothing() -> None:
    """Annotations are evaluated unless the module says otherwise, whatever this file imports."""
    compiler = Compiler("<m>", 0)
    namespace: dict[str, Any] = {}
    exec(compiler.statements(ast.parse("def f(a: int): pass").body), namespace)
    assert namespace["f"].__annotations__ == {"a": int}
    assert eval(compiler.expression(ast.parse("1 + 1", mode="eval").body)) == 2


def test_a_form_says_what_a_full_compile_says() -> None:
    """A statement that parses but does not compile raises."""
    (_, returns) = parse("x = 1\nreturn\n")
    with pytest.raises(SyntaxError, match="outside function"):
        Compiler("<m>", 0).form(returns)


def test_a_form_is_compiled_with_the_module_s_flags() -> None:
    """The module's future imports are heeded: under lazy annotations a walrus cannot stand in one."""
    forms = parse("from __future__ import annotations\ndef f(a: (x := 1)): pass\n")
    with pytest.raises(SyntaxError):
        compiler_of(forms, "<m>").form(forms[1])


@pytest.mark.parametrize(
    "text",
    ["def f():\n return [x for x in y], lambda: 1 / 0\n", "def f():\n class A:\n  x = 1\n", "class A:\n def f(s): 1\n"],
)
def test_a_form_that_moved_is_compiled_where_it_stands(text: str) -> None:
    """The code of a reused form is that of the whole new source, in every line that it notes."""
    after = f"\n\n{text}"
    (form,) = reparse(after, parse(text), text)
    whole = by_place(compile(after, "<m>", "exec", dont_inherit=True))
    for place, (code,) in by_place(compiler_of((form,), "<m>").form(form)).items():
        if place[0] != "<module>":
            assert list(code.co_lines()) == list(whole[place][0].co_lines())
            assert code.co_consts == whole[place][0].co_consts


def test_what_moves_up_is_compiled_where_it_stands() -> None:
    """A statement that stood further down when it was parsed is compiled in its new line; a module begins in line 1."""
    running = "# one\n# two\n# three\ndef f(): return 1\nX = f()\n"
    function, value = reparse("def f(): return 1\nX = f()\n", parse(running), running)
    compiler = compiler_of((function, value), "<m>")
    assert ("f", 1) in by_place(compiler.form(function))
    assert {line for *_, line in compiler.form(value).co_lines() if line} == {2}
