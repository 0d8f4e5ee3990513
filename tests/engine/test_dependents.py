"""Which unchanged statements are executed again because they read what changed."""

from __future__ import annotations

import pytest

from livecode.engine.dependents import run_order, spread
from livecode.engine.diff import diff
from livecode.engine.facts import ModuleFacts
from livecode.engine.forms import parse
from tests.engine.fake import FakeProject, Sources, ran, runs


def reasons(before: Sources, after: Sources) -> dict[str, list[str]]:
    """Module → why each statement is executed, in order."""
    forms = {name: parse(text) for name, text in after.items()}
    project = FakeProject(before)
    diffs = {name: diff(parse(before[name]), new) for name, new in forms.items()}
    found = spread(diffs, {name: ModuleFacts(name, "", new) for name, new in forms.items()}, project)
    return {name: [here.runs[number] for number in sorted(here.runs)] for name, here in found.items()}


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ("BASE = RATE * 100", ["BASE"]),
        ("def f(a=RATE): pass", ["f()"]),
        ("def f(*, a=RATE): pass", ["f()"]),
        ("def f(a: RATE): pass", ["f()"]),
        ("def f(): return RATE", []),
        ("f = lambda: RATE", []),
        ("f = lambda a=RATE: a", ["f"]),
        ("@deco(RATE)\nclass A: pass", ["A"]),
        ("class A:\n def f(self): return RATE", []),
        ("X = [RATE for _ in y]", ["X"]),
        ("X = f'{RATE}'", ["X"]),
        ("if RATE: X = 1", ["X"]),
        ("match RATE:\n case 1: X = 1", ["X"]),
        ("(X := RATE)", ["X"]),
        ("X = RATE\nY = X\nZ = Y", ["X", "Y", "Z"]),
        ("def f(): return RATE\nX = f()", ["X"]),
        ("def f(): return RATE\ndef g(): return f()\nX = g()", ["X"]),
        ("def f(): return RATE\ng = f\nX = g()", ["X"]),
        ("async def f(): return RATE\nX = f()", ["X"]),
        ("X = OTHER", []),
        ("X = [1]  # livecode: keep RATE", []),
        ("X = [RATE]  # livecode: keep", []),
        ("X = [RATE]  # livecode: keep\nY = X", []),
        ("class A:\n x = RATE\nX = A.x", ["A", "X"]),
        ("class A:\n x = RATE\nX = A.y", ["A"]),
    ],
)
def test_who_reads_a_changed_value(rest: str, expected: list[str]) -> None:
    """A statement that reads what changed while it is executed runs again; a body that would read it later does not."""
    assert ran(f"RATE = 1\n{rest}\n", f"RATE = 2\n{rest}\n") == ["RATE", *expected]


@pytest.mark.parametrize(
    "rest",
    [
        "class A:\n def __init__(self): self.x = RATE\nX = A()",
        "class A:\n def f(self): return RATE\na = A()\nX = a.f()",
        "f = lambda: RATE\nX = f()",
        "X = (lambda: RATE)()",
        "if y:\n def f(): return RATE\nX = f()",
        "def f(_): return RATE\nX = list(map(f, [1]))",
    ],
    ids=["init", "method", "lambda", "called lambda", "def under if", "map"],
)
def test_calls_are_followed(rest: str) -> None:
    """A statement that calls what reads a changed value runs again, however it comes by the function."""
    assert "X" in ran(f"RATE = 1\n{rest}\n", f"RATE = 2\n{rest}\n")


@pytest.mark.parametrize(
    ("importer", "expected"),
    [
        ("from config import RATE\nB = RATE", ["from config import RATE", "B"]),
        ("from config import RATE as R\nB = R", ["from config import RATE as R", "B"]),
        ("from config import OTHER\nB = OTHER", None),
        ("import config\nB = config.RATE", ["B"]),
        ("import config as c\nB = c.RATE", ["B"]),
        ("import config\nB = config.OTHER", None),
        ("from config import *\nB = RATE", ["from config import *", "B"]),
        ("from config import f\nB = f()", ["B"]),
        ("import config\ndef g(): return config.RATE", None),
    ],
)
def test_who_imports_a_changed_value(importer: str, expected: list[str] | None) -> None:
    """Dirt spreads along imports: the import runs again, and who reads what it brings."""
    rest = "OTHER = 0\ndef f(): return RATE\n"
    after = {"config": f"RATE = 2\n{rest}"}
    found = runs({"config": f"RATE = 1\n{rest}", "m": importer + "\n"}, after)
    assert found.get("m") == expected


@pytest.mark.parametrize(
    ("importer", "expected"),
    [
        ("from .config import RATE\nB = RATE", ["from .config import RATE", "B"]),
        ("from . import config\nB = config.RATE", ["B"]),
        ("from .. import shop\nB = shop.x", None),
        ("from ..shop.config import RATE", ["from ..shop.config import RATE"]),
    ],
)
def test_relative_imports(importer: str, expected: list[str] | None) -> None:
    """A relative import means what its level says, seen from the module's package."""
    before = {"top.shop.config": "RATE = 1\n", "top.shop.m": importer + "\n"}
    found = runs(before, {"top.shop.config": "RATE = 2\n"})
    assert found.get("top.shop.m") == expected


def test_star_imports_chain() -> None:
    """Through a package's star imports, dirt reaches those who import from it."""
    before = {"a": "RATE = 1\n", "b": "from a import *\n", "m": "from b import RATE\nX = RATE\n"}
    assert runs(before, {"a": "RATE = 2\n"})["m"] == ["from b import RATE", "X"]


def test_a_star_import_brings_what_is_added() -> None:
    """A new public name of a module is brought in by a star import; a new private one is not."""
    before = {"a": "x = 1\n", "m": "from a import *\n"}
    assert runs(before, {"a": "x = 1\ny = 1\n"})["m"] == ["from a import *"]
    assert "m" not in runs(before, {"a": "x = 1\n_y = 1\n"})


def test_a_star_import_follows_all() -> None:
    """What `__all__` lists is brought in, private or not."""
    before = {"a": "__all__ = ['_R']\n_R = 1\n", "m": "from a import *\nX = _R\n"}
    assert runs(before, {"a": "__all__ = ['_R']\n_R = 2\n"}).get("m") == ["from a import *", "X"]


def test_a_dotted_import_is_read_by_its_whole_path() -> None:
    """`import shop.config` and `shop.config.RATE` read RATE of shop.config."""
    before = {"shop": "", "shop.config": "RATE = 1\n", "m": "import shop.config\nX = shop.config.RATE\n"}
    assert runs(before, {"shop.config": "RATE = 2\n"}).get("m") == ["X"]


def test_a_dotted_import_also_reads_the_package() -> None:
    """`import shop.config` and `shop.RATE` read RATE of shop."""
    before = {"shop": "RATE = 1\n", "shop.config": "", "m": "import shop.config\nX = shop.RATE\n"}
    assert runs(before, {"shop": "RATE = 2\n"}).get("m") == ["X"]


@pytest.mark.parametrize(
    "bringing",
    [
        "try:\n    from config import RATE\nexcept ImportError:\n    RATE = 0",
        "from config import RATE; OTHER = 1",
        "if True:\n    from config import RATE",
        "try:\n    from config import *\nexcept ImportError: pass",
        "class A:\n    from config import RATE",
    ],
    ids=["try", "semicolon", "if", "star in try", "class"],
)
def test_a_conditional_import_runs_again(bringing: str) -> None:
    """An import inside another statement brings the changed value in too."""
    found = runs({"config": "RATE = 1\n", "m": f"{bringing}\nB = 1\n"}, {"config": "RATE = 2\n"})
    assert len(found.get("m", ())) == 1


def test_alternative_imports_are_all_looked_at() -> None:
    """Of `import fast as impl` and, failing that, `import slow as impl`, either may stand behind the name."""
    importer = "try: import fast as impl\nexcept ImportError: import slow as impl\nX = impl.R\n"
    assert runs({"slow": "R = 1\n", "m": importer}, {"slow": "R = 2\n"}).get("m") == ["X"]


def test_a_function_that_reads_an_attribute_of_a_module() -> None:
    """A function that reads `config.RATE` gives another result when RATE changes."""
    importer = "import config\ndef build(): return config.RATE\nX = build()\n"
    assert runs({"config": "RATE = 1\n", "m": importer}, {"config": "RATE = 2\n"}).get("m") == ["X"]


def test_a_call_of_a_module_s_function() -> None:
    """`config.build()` runs again if build reads what changed, as `build()` does."""
    text = "RATE = {}\ndef build(): return RATE\n"
    before = {"config": text.format(1), "m": "import config\nX = config.build()\n"}
    assert runs(before, {"config": text.format(2)}).get("m") == ["X"]


@pytest.mark.parametrize("setting", ["D['a'] = {}", "D.a = {}", "D['a'] += {}"])
def test_who_reads_an_entry_that_changed(setting: str) -> None:
    """A statement that sets part of an object changes what those after it read of the object."""
    text = f"D = new()\n{setting}\nX = dict(D)\n"
    assert "X" in ran(text.format(1), text.format(2))


def test_a_kept_value_stays_though_its_statement_changes() -> None:
    """`# livecode: keep` keeps a value even if the statement changed."""
    assert ran("R = 1  # livecode: keep\n", "R = 2  # livecode: keep\n") == []


@pytest.mark.parametrize(
    "text",
    ["for i in one: L.append(i)\nfor i in {}: print(i)\n", "with a as f: A = f.x\nwith {} as f: B = f.x\n"],
)
def test_statements_that_share_a_loop_variable_are_apart(text: str) -> None:
    """What binds a name before it reads it does not need those who bound it earlier."""
    assert len(ran(text.format(1), text.format(2))) == 1


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("T = 0\nT += 1", "T = 0\nT += 2", ["T", "T"]),
        ("T = 0\nU = 0\nT += U", "T = 0\nU = 1\nT += U", ["T", "U", "T"]),
        ("def f(): 1\nf = wrap(f)", "def f(): 1\nf = wrap2(f)", ["f()", "f"]),
    ],
)
def test_accumulators(before: str, after: str, expected: list[str]) -> None:
    """A statement that needs a name's earlier value has the earlier binders run again."""
    assert ran(before, after) == expected


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("def f(): 1\ndef f(): 2", "def f(): 2\ndef f(): 1", ["f()"]),
        ("x = 1\nx = 2", "x = 2\nx = 1", ["x"]),
        ("x = 1\nx = 2", "x = 1", ["x"]),
        ("x = 1\nx = 2", "x = 2", []),
        ("x = 1\ny = x\nx = 2", "x = 1\ny = x", ["x"]),
        ("x = 1\nx = 2", "x = 3\nx = 2", ["x"]),
        ("x = 1\ndel x", "x = 1", ["x"]),
        ("len = f\nX = len", "X = len", ["X"]),
        ("from a import f\ndef f(): pass", "def f(): pass", []),
        (
            "from a import x\nfrom b import x\nY = x",
            "from b import x\nfrom a import x\nY = x",
            ["from a import x", "Y"],
        ),
        ("from a import x\nx = 1", "x = 1\nfrom a import x", ["from a import x"]),
        ("for i in (1,): pass\ni = 5", "i = 5\nfor i in (1,): pass", ["i"]),
        ("X = 1\nY = 2", "Y = 2\nX = 1", []),
    ],
)
def test_the_last_binder_decides(before: str, after: str, expected: list[str]) -> None:
    """Where several statements bind a name, the last one runs again if the others, or their order, changed."""
    assert ran(before, after) == expected


def test_a_reader_that_moves_below_an_update() -> None:
    """A statement moved below one that changes what it reads runs again."""
    assert "X" in ran("T = 1\nX = T\nT += 1\n", "T = 1\nT += 1\nX = T\n")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("def d(f): return f\n@d\ndef g(): 1", "def d(f): return lambda: f\n@d\ndef g(): 1", ["g()"]),
        ("def d(f): return f\n@d\ndef g(): 1", "def d(f, a=1): return f\n@d\ndef g(): 1", ["d()", "g()"]),
        ("def d(f): return f\n@d\ndef g(): 1", "def d(f): return (f)\n@d\ndef g(): 1", []),
        ("def d(f):\n return 1\nX = d(2)", "def d(f):\n return 2\nX = d(2)", []),
    ],
)
def test_reshaped_decorators(before: str, after: str, expected: list[str]) -> None:
    """What a decorator made is made again if the decorator makes other functions than before."""
    assert ran(before, after) == expected


def test_the_reasons_are_said() -> None:
    """Every statement that runs has its reason."""
    rest = "from {0} import RATE\nB = RATE\n"
    before = {"a": "RATE = 1\nX = RATE\n", "m": rest.format("a")}
    after = {"a": "RATE = 2\nX = RATE\nNEW = 1\n"}
    assert reasons(before, after) == {
        "a": ["changed", "reads RATE", "added"],
        "m": ["imports RATE from a", "reads RATE"],
    }


def test_nothing_changes_nothing_runs() -> None:
    """A source against itself executes nothing, anywhere."""
    text = "import b\nX = b.f()\ndef g(a=X): return a\nX += 1\nfor i in X: print(i)\n"
    assert runs({"a": text, "b": "import a\n"}, {"a": text}) == {"a": []}


def test_cycles_end() -> None:
    """Modules that import each other are each visited until nothing is added."""
    before = {"a": "import b\nX = 1\nY = b.Z\n", "b": "import a\nZ = a.X\n"}
    assert runs(before, {"a": "import b\nX = 2\nY = b.Z\n"}) == {"b": ["Z"], "a": ["X", "Y"]}


def test_modules_run_after_those_they_import_from() -> None:
    """The order is that of the imports, whatever order the push has."""
    texts = {"c": "from b import Y\nZ = Y\n", "b": "from a import X\nY = X\n", "a": "X = 1\n"}
    facts = {name: ModuleFacts(name, "", parse(text)) for name, text in texts.items()}
    found = spread({name: diff((), each.forms) for name, each in facts.items()}, facts, FakeProject(texts))
    assert run_order(found) == ["a", "b", "c"]


def test_a_module_of_the_same_push_is_asked_by_its_new_source() -> None:
    """Who comes to read a changed value only by its new source has its unchanged statements run again too."""
    before = {"m": "from a import K\ndef total(): return 1\nX = total()\n", "a": "K = 1\n"}
    after = {"m": "from a import K\ndef total(): return K\nX = total()\n", "a": "K = 2\n"}
    assert runs(before, after)["m"] == ["from a import K", "X"]
