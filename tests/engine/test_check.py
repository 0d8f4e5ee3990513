"""What can be said of a push before any process is asked."""

from __future__ import annotations

import pytest

from livecode.engine import check
from livecode.engine.check import compile_failure, refuse_name, refuse_source
from livecode.model.nouns import ModuleSource
from livecode.model.report import Failure


def failure(source: str) -> Failure:
    """How the source fails to compile."""
    found = compile_failure(ModuleSource("shop.m", source, "cell 3"))
    assert found is not None
    return found


@pytest.mark.parametrize("name", ["m", "shop.pricing", "größe", "match", "type", "_", "a.__main__", "a1.b2"])
def test_names_that_can_be_pushed(name: str) -> None:
    """A module name is identifiers joined by dots; soft keywords are identifiers."""
    assert refuse_name(name) is None


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("", "LC501", "an empty part"),
        (".a", "LC501", "an empty part"),
        ("a.", "LC501", "an empty part"),
        ("a..b", "LC501", "an empty part"),
        ("a.class", "LC501", "'class' is a keyword"),
        ("None", "LC501", "'None' is a keyword"),
        ("a b", "LC501", "'a b'"),
        ("1a", "LC501", "'1a'"),
        ("a-b", "LC501", "'a-b'"),
        ("../a", "LC501", "''"),
        ("__main__", "LC502", "no import name"),
    ],
)
def test_names_that_cannot_be_pushed(name: str, code: str, said: str) -> None:
    """The refusal says which part of the name is wrong."""
    found = refuse_name(name)
    assert found is not None
    assert (found.code, found.module) == (code, name)
    assert said in found.what or said == "''"


@pytest.mark.parametrize("source", [None, "", "x = 1", "# " + "é" * 1000, "\x0c", "(", "\N{PILE OF POO}"])
def test_sources_that_can_be_sent(source: str | None) -> None:
    """Any text can be sent, whether it compiles or not; None unloads the module."""
    assert refuse_source(ModuleSource("m", source)) is None


@pytest.mark.parametrize(("source", "line"), [("\0", 1), ("x = 1\n\ny = '\0'", 3), ("x\ud800", 1), ("\n'\udfff'\n", 2)])
def test_sources_that_are_no_text(source: str, line: int) -> None:
    """A null byte or a lone surrogate is refused with its line."""
    found = refuse_source(ModuleSource("m", source))
    assert found is not None
    assert (found.code, found.line) == ("LC505", line)


@pytest.mark.parametrize(("letter", "size"), [("a", 1), ("é", 2), ("\N{PILE OF POO}", 4)])
def test_size_is_counted_in_bytes(letter: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A source may have as many bytes as the limit says, and not one more."""
    monkeypatch.setattr(check, "MAX_SOURCE_BYTES", 12 * size)
    assert refuse_source(ModuleSource("m", letter * 12)) is None
    found = refuse_source(ModuleSource("m", letter * 13))
    assert found is not None
    assert found.code == "LC505"


@pytest.mark.parametrize("source", [None, "", "x = 1", "x = '\\d'", "1 is 1", "assert (1, 2)"])
def test_what_compiles(source: str | None) -> None:
    """A source that compiles, with or without warnings, has no failure."""
    assert compile_failure(ModuleSource("m", source)) is None


def test_a_failure_has_its_place() -> None:
    """A syntax error comes with module, line, columns, the lines around it and the place where it was written."""
    found = failure("x = 1\ndef f(a, a): pass\ny = 2\nz = 3\n")
    assert (found.type, found.module, found.line, found.column, found.end_column, found.origin) == (
        *("SyntaxError", "shop.m", 2, 10, 11),
        "cell 3",
    )
    assert found.source == ((1, "x = 1"), (2, "def f(a, a): pass"), (3, "y = 2"))


@pytest.mark.parametrize(
    ("source", "kind", "line"),
    [
        ("x = (", "SyntaxError", 1),
        ("  x = 1", "IndentationError", 1),
        ("if 1:\n\ta\n        b\n", "TabError", 3),
        ("if 1:\n  a\n b", "IndentationError", 3),
        ("return", "SyntaxError", 1),
        ("x = 1\nbreak", "SyntaxError", 2),
        ("x = 1\nfrom __future__ import annotations", "SyntaxError", 2),
        ("from __future__ import nope", "SyntaxError", 1),
        ("x = 1\nglobal x", "SyntaxError", 2),
        ("def f():\n x\n global x", "SyntaxError", 3),
        ("x = 1\\", "SyntaxError", 1),
        ("'''a\n\n", "SyntaxError", 1),
        ("\ufeffx = 1", "SyntaxError", 1),
        ("größe größe", "SyntaxError", 1),
        ("x = 1\n\n\n(", "SyntaxError", 4),
    ],
)
def test_failures(source: str, kind: str, line: int) -> None:
    """Whatever the compiler objects to is a value, with the line."""
    found = failure(source)
    assert (found.type, found.line) == (kind, line)
    assert any(number == line for number, _ in found.source)


def test_a_source_of_too_many_levels() -> None:
    """A source too deep for the compiler fails with words, even if the error has none."""
    found = failure("-" * 100_000 + "1")
    assert found.type in ("MemoryError", "RecursionError")
    assert found.message


@pytest.mark.parametrize("source", ["  x = 1", "if 1:\n  a\n b", "class A:\n"])
def test_an_unknown_column_is_zero(source: str) -> None:
    """Columns are 1-based, and 0 if unknown."""
    assert failure(source).end_column >= 0


@pytest.mark.parametrize("odd", ["\x0c", "\x1c", "\x85", "\u2028"])
def test_the_lines_around_are_those_of_the_tokenizer(odd: str) -> None:
    """The line shown is the line meant, whatever characters stand above it."""
    assert (2, "y = (") in failure(f"# {odd}\ny = (\n").source
