from __future__ import annotations

import ast

import pytest

from livecode.engine import pieces
from livecode.engine.forms import Form, forget_trees, parse, parse_lines, source_lines
from tests.engine.test_reparse import whole

FILLER = "".join(f"def f{number}(a):\n    return a + {number}\n\n\n" for number in range(60))

SOURCES = {
    "functions": FILLER,
    "docstring first": f'"""Says.\n\nMore.\n"""\n{FILLER}',
    "future first": f"from __future__ import annotations\n{FILLER}",
    "a string over many lines": f'X = """\n{FILLER}"""\n{FILLER}',
    "a bracket over many lines": "X = [\n" + "1,\n" * 300 + "]\n" + FILLER,
    "a branch over many lines": "if X:\n" + "    y = 1\n" * 150 + "# why\nelse:\n" + "    z = 1\n" * 150 + FILLER,
    "handlers after many lines": "try:\n" + "    y = 1\n" * 130 + "except E:\n    pass\nfinally:\n    pass\n" + FILLER,
    "decorators": "@a\n@b(\n    1\n)\ndef f(): pass\n" * 60,
    "a line that goes on": "x = 1; \\\ny = 2\n" * 120,
    "an expression that goes on": "x = 1 + \\\n2\n" * 120,
    "one class": "class C:\n" + "    def m(self):\n        return 1\n\n" * 100,
    "one class, decorated": "# why\n@a\n@b\nclass C(B, k=1):\n" + "    @d\n    def m(self):\n        return 1\n\n" * 60,
    "a class with a docstring": 'class C:\n    """Says.\n\n    more\n    """\n' + "    x = 1\n    y: int = 2\n" * 60,
    "a class with strings at the margin": "class C:\n" + "    x = 1\n    s = '''\nclass D:\n    t = 1\n'''\n" * 60,
    "a class with strings like members": "class C:\n" + "    x = 1\n    s = '''\n    y = 1\n    '''\n" * 60,
    "a class with branches": "class C:\n" + "    if X:\n        y = 1\n    # why\n    else:\n        y = 2\n" * 60,
    "a class with tabs": "class C:\n" + "\tdef m(self):\n\t\treturn 1\n" * 60,
    "a class with brackets": "class C(\n    B,\n):\n" + "    x = [\n    1,\n    2,\n]\n" * 60,
    "a class with comments at the margin": "class C:\n" + "    def m(self):\n# here\n        return 1\n" * 60,
    "a class in a class": "class C:\n    class D:\n" + "        def m(self):\n            return 1\n" * 60,
    "a class with lines that go on": "class C:\n" + "    x = 1; \\\n    y = 2\n" * 60,
    "a class on one line, and much below": "class C: x = 1\n" + "# nothing\n" * 100,
    "classes with members on their lines": "class C: x = 1; y = 2\nclass D:\n    @d\n    def m(self): return 1\n" * 60,
    "comments at the margin": "def f():\n    a = 1\n# here\n    return a\n" * 60,
    "match": "match x:\n    case 1:\n        y = 1\n" * 60,
    "form feeds": "\fx = 1\n" * 150,
    "several on a line": "x = 1; y = 2; z = 3\n" * 150,
    "no text": "# nothing\n" * 300,
}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_pieces_give_the_forms_of_the_whole(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A source parsed piece by piece has the forms that it has when it is parsed as a whole."""
    lines = source_lines(source)
    monkeypatch.setattr("livecode.engine.forms.PIECE_LINES", len(lines) + 1)
    at_once = parse_lines(lines, 0, first=True)
    monkeypatch.setattr("livecode.engine.forms.PIECE_LINES", 10)
    monkeypatch.setattr(pieces, "PIECE_LINES", 10)
    assert whole(parse_lines(lines, 0, first=True)) == whole(at_once)


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_forgotten_trees_come_back(source: str) -> None:
    """A form whose trees were forgotten says the same as before, its leaves and members too, at the same lines."""
    kept, forgotten = parse(source), parse(source)
    for form in forgotten:
        assert form.leaves is not None
        assert form.members is not None
    forget_trees(forgotten)
    assert whole(forgotten) == whole(kept)
    assert [at(form) for form in forgotten] == [at(form) for form in kept]


def test_trees_of_a_long_module_are_forgotten() -> None:
    """Parsing a long source leaves no trees behind; of a short one they are kept."""
    assert not [form for form in parse(FILLER * 10) if "nodes" in form.shape.syntax.__dict__]
    assert all("nodes" in form.shape.syntax.__dict__ for form in parse(FILLER))


@pytest.mark.parametrize("wrong", ["x = (\n", "def f(:\n    pass\n", "  x = 1\n", "else:\n    x = 1\n", "x = '''\n"])
def test_what_does_not_parse_does_not_parse_in_pieces(wrong: str) -> None:
    """A source that does not parse raises, wherever the fault stands."""
    for source in (wrong + FILLER * 10, FILLER * 5 + wrong + FILLER * 5, FILLER * 10 + wrong):
        with pytest.raises(SyntaxError):
            parse(source)


def at(form: Form) -> list[object]:
    """Where everything in a form stands, and what it is."""
    placed = [ast.dump(node, include_attributes=True) for node in form.placed()]
    leaves = [(leaf.path, leaf.line, leaf.nested, leaf.knows_class, ast.dump(leaf.node)) for leaf in form.leaves]
    return [placed, leaves, form.shape.own_bodies, form.shape.head, [at(member) for member in form.members]]
