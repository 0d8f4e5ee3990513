"""Which names a statement binds and reads when it is executed."""

from __future__ import annotations

import ast
import dis

import pytest

from livecode.engine.bodies import names_in_body
from livecode.engine.code import walk
from livecode.engine.names import Imported, Names
from livecode.engine.naming import names_of
from tests.engine.fake import since_312


def names(source: str) -> Names:
    """The names of the source's statements."""
    return names_of(ast.parse(source).body)


def stored(source: str) -> set[str]:
    """What the compiler says the module binds: an oracle."""
    found = set[str]()
    for code in walk(compile(source, "<m>", "exec")):
        binding = {"STORE_NAME", "DELETE_NAME", "STORE_GLOBAL"} if code.co_name == "<module>" else {"STORE_GLOBAL"}
        found |= {str(step.argval) for step in dis.get_instructions(code) if step.opname in binding}
    return found - {"__annotations__", "__annotate__", "__conditional_annotations__", "__doc__"}


@pytest.mark.parametrize(
    "source",
    [
        "x = y = 1",
        "a, *b = c",
        "[d, (e, f)] = g",
        "h.i = j[k] = 1",
        "x: int = 1",
        "x: int",
        "x += 1",
        "x.y += 1",
        "del a, b.c, d[e]",
        "(x := 1)",
        "f(x := 1, [y := i for i in z])",
        "[i for i in x]",
        "{i: j for i, j in x}",
        "for a, b in c: d = a\nelse: e = 1",
        "while (line := read()): pass",
        "with a as (b, c.d), e as f: g = 1",
        "import a, b.c, d.e as f",
        "from a import b, c as d",
        "from . import a",
        "def f(a, b=1): c = 2",
        "async def f(): x = 1",
        "f = lambda a=(b := 1): a",
        "class A(B, k=C):\n x = 1\n def f(self): y = 1",
        "try: a = 1\nexcept E: b = 1\nelse: c = 1\nfinally: d = 1",
        "try: pass\nexcept* E: b = 1",
        "match s:\n case {'a': x, **rest}: pass\n case [y, *z]: pass\n case P(q=w) | Q(w): pass\n case M.C as v: pass",
        "if a:\n def f(): pass\nelse:\n f = None",
        "global x; x = 1",
        "ñ = 1",
        "@d\nclass A: pass",
    ],
)
def test_binds_what_the_compiler_stores(source: str) -> None:
    """What a statement binds is what the compiler makes it store or delete."""
    assert set(names(source).binds) == stored(source)


@pytest.mark.parametrize(
    ("source", "reads"),
    [
        ("x = y", "y"),
        ("def f(a=RATE):\n return X", "RATE"),
        ("@deco(Y)\ndef f(): return X", "deco Y"),
        ("def f(a: int, *b: C, d: D = E, **g: G) -> H: pass", "int C D E G H"),
        ("f = lambda a=b: c", "b"),
        ("x = [i + j for i in k if i > m]", "j k m"),
        ("x = [i for i in i]", "i"),
        ("x = [j for i in a for j in i]", "a"),
        ("x = {a: b for a, c in d}", "b d"),
        ("x = (i for i in y)", "y"),
        ("x += y", "x y"),
        ("x.y += 1", "x"),
        ("del x", "x"),
        ("del x.y", "x"),
        ("class A(B, metaclass=C):\n x = D\n y = x\n def f(self): return E", "B C D"),
        ("class A:\n x = x", "x"),
        ("try: a\nexcept E: b", "E a b"),
        ("match a:\n case B(c=d): e\n case F.g: pass", "B F a e"),
        ("with a as b: pass", "a"),
        ("f'{a!r:{b}}'", "a b"),
        ("x: a", "a"),
        ("x[y]: a = b", "a b x y"),
        ("print(x := y)", "print y"),
        ("assert a, b", "a b"),
        ("raise a from b", "a b"),
        ("a if b else c", "a b c"),
        ("a[b:c, ...]", "a b c"),
        ("async def f(): await x", ""),
        ("import x", ""),
        ("class A:\n class B:\n  x = C", "C"),
    ],
)
def test_reads(source: str, reads: str) -> None:
    """What a statement reads while it is executed; bodies of functions do not count."""
    assert names(source).reads == set(reads.split())


def test_class_scopes_do_not_nest() -> None:
    """A class inside a class reads the module's name, not its neighbour's."""
    assert "x" in names("class A:\n x = 1\n class B:\n  y = x").reads


def test_a_comprehension_in_a_class_reads_the_module() -> None:
    """Only the first iterable of a comprehension is evaluated in the class body."""
    assert "RATE" in names("class A:\n RATE = 1\n T = [RATE for _ in y]").reads


def test_the_first_iterable_of_a_comprehension_in_a_class_is_the_class_s() -> None:
    """The first iterable of a comprehension is evaluated in the class body."""
    assert names("class A:\n items = 1\n T = [i for i in items]").reads == set()


def test_augmented_assignment_in_a_class_reads_the_class() -> None:
    """`x += 1` in a class body that binds x reads nothing of the module."""
    assert names("class A:\n x = 1\n x += 1").reads == set()


def test_the_name_of_a_handler_is_its_own() -> None:
    """`except E as error` binds error itself, so that using it reads nothing of the module."""
    assert names("try: pass\nexcept E as error: print(error)").reads == {"E", "print"}


@pytest.mark.parametrize(
    "source",
    ["for i in r: use(i)", "with o as f: f.read()", "match s:\n case [y]: use(y)", "x = 1; use(x)"],
)
def test_a_name_bound_before_it_is_read_is_no_update(source: str) -> None:
    """Only a statement that needs the earlier value of what it binds updates it."""
    assert names(source).updates == set()


@pytest.mark.parametrize(
    ("source", "updates"), [("T += 1", {"T"}), ("f = wrap(f)", {"f"}), ("a, b = b, a", {"a", "b"}), ("x = 1", set())]
)
def test_updates(source: str, updates: set[str]) -> None:
    """A statement updates the names that it both reads and binds."""
    assert names(source).updates == updates


def test_global_in_a_class_binds_the_module() -> None:
    """A class body that declares a name global binds it in the module."""
    assert names("class A:\n global G\n G = 1").binds == ("G", "A")


def test_a_comprehension_may_store_into_an_object() -> None:
    """`for d[k] in y` binds nothing, and reads d and k."""
    assert names("x = [0 for d[k] in y]").reads == {"d", "k", "y"}


@since_312
@pytest.mark.parametrize(
    "source", ["def f[T](x: T) -> T: pass", "class A[T](list[T]): pass", "def f[*T](*a: *T): pass"]
)
def test_type_parameters_are_their_own(source: str) -> None:
    """A type parameter is bound by the statement that declares it."""
    assert "T" not in names(source).reads


@since_312
def test_a_type_alias_is_lazy() -> None:
    """The value of a type alias is not evaluated when the statement is executed."""
    made = names("type X[T] = list[Y]")
    assert (made.binds, made.reads) == (("X",), set())


@pytest.mark.parametrize(
    ("source", "calls"),
    [
        ("x = build()", "build"),
        ("@deco\ndef f(): g()", "deco"),
        ("@app.get('/')\ndef f(): pass", "app"),
        ("@a.b(c()).d\ndef f(): pass", "a c"),
        ("@d\nclass A: x = y()", "d y"),
        ("[f(i) for i in g()]", "f g"),
        ("x.y()", ""),
        ("def f(a=b()): c()", "b"),
    ],
)
def test_calls(source: str, calls: str) -> None:
    """The names that are called, as functions or decorators."""
    assert names(source).calls == set(calls.split())


@pytest.mark.parametrize(
    ("source", "attributes"),
    [
        ("x = a.b", {("a", "b")}),
        ("x = a.b.c", {("a", "b"), ("a.b", "c")}),
        ("a.b = 1", set()),
        ("x = f().b", {("f", "b")}),
        ("a.b += 1", {("a", "b")}),
    ],
)
def test_attributes(source: str, attributes: set[tuple[str, str]]) -> None:
    """Every `name.attribute` that is read, `name().attribute` included."""
    assert names(source).attributes == attributes


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import a", Imported("a", None, "a", 0)),
        ("import a.b", Imported("a.b", None, "a", 0)),
        ("import a.b as c", Imported("a.b", None, "c", 0)),
        ("from a import b", Imported("a", "b", "b", 0)),
        ("from a import b as c", Imported("a", "b", "c", 0)),
        ("from . import b", Imported("", "b", "b", 1)),
        ("from ...a.b import c", Imported("a.b", "c", "c", 3)),
        ("from .... import c", Imported("", "c", "c", 4)),
        ("from a import *", Imported("a", "*", "*", 0)),
        ("try:\n import a\nexcept ImportError: pass", Imported("a", None, "a", 0)),
    ],
)
def test_imports(source: str, expected: Imported) -> None:
    """An import is kept as it is written, wherever it stands."""
    assert names(source).imports == (expected,)


@pytest.mark.parametrize("test", ["TYPE_CHECKING", "typing.TYPE_CHECKING"])
def test_imports_for_checkers_do_not_count(test: str) -> None:
    """What is imported for type checkers only is never executed; the other branch is."""
    made = names(f"if {test}:\n from a import b\nelse:\n from c import d")
    assert (made.imports, made.binds) == ((Imported("c", "d", "d", 0),), ("d",))


def test_imports_in_functions_do_not_count() -> None:
    """A function's own import is executed when it is called."""
    assert names("def f():\n import a").imports == ()


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ("D['a'] = 1", {("D", "a", False)}),
        ("D.a = 1", {("D", "a", True)}),
        ("D[0] = E.b = 1", {("D", 0, False), ("E", "b", True)}),
        ("D[a] = 1", set()),
        ("D.a.b = 1", set()),
        ("D['a'] += 1", set()),
    ],
)
def test_parts(source: str, parts: set[tuple[str, object, bool]]) -> None:
    """Entries and attributes that are set under a constant key."""
    assert names(source).parts == parts


def test_names_in_a_body_count_at_any_depth() -> None:
    """What a call may read are all names in the body, those of functions inside included."""
    assert {"A", "b"} <= names_in_body(ast.parse("def f():\n def g(): return A\n return lambda: b"))


@pytest.mark.parametrize(
    "source",
    [
        "if c:\n R = 2\nelse:\n X = R",
        "try:\n R = f()\nexcept E:\n X = R",
        "match a:\n case 1: R = 1\n case 2: X = R",
        "X = (c and (R := 1)) or R",
        "for R in y: pass\nelse: X = R",
    ],
    ids=["else", "try", "match", "and", "for"],
)
def test_what_may_not_be_bound_is_read(source: str) -> None:
    """A name that a statement may or may not bind before it reads it is read from the module."""
    assert "R" in names(source).reads


def test_the_variable_of_a_comprehension_is_not_the_function_s() -> None:
    """A function may read a name of the module that a comprehension in it binds for itself."""
    (function,) = ast.parse("def f(): return RATE + sum(RATE for RATE in x)").body
    assert "RATE" in names_in_body(function)
