"""The part of an edit that can be applied is a source of its own, with the refused statements as they were."""

from __future__ import annotations

import pytest

from livecode.engine.forms import parse
from livecode.engine.safe_part import Edit, Version, orphans, refused, without
from livecode.model.report import Refusal

BEFORE = '''\
"""Doc."""
import os

# the rate
RATE = 1


def gone():
    """Removed by the edit."""
    return RATE

class Order:
    total = 1
'''
AFTER = '''\
"""Doc."""
import os
import re

RATE = 2


class Order:
    total = 2

def new(): return Order
'''


def version(old: str, new: str) -> Version:
    """Both sources as forms, of a module at the top."""
    return Version("", parse(old), parse(new))


def named(edits: tuple[Edit, ...]) -> list[str]:
    """How people see them."""
    return [edit.form.label() for edit in edits]


def kept(old: str, new: str, *labels: str) -> str:
    """The new source without the edits of these names."""
    both = version(old, new)
    return without(old, new, both, [edit for edit in both.edits() if edit.form.label() in labels])


@pytest.mark.parametrize(
    ("labels", "lines", "no_lines"),
    [
        (("RATE",), ["RATE = 1", "import re", "    total = 2"], ["RATE = 2"]),
        (("Order",), ["    total = 1", "RATE = 2"], ["    total = 2"]),
        (("new()", "import re"), ["RATE = 2"], ["import re", "def new(): return Order"]),
        (("gone()",), ["def gone():", "    return RATE", "RATE = 2"], []),
    ],
)
def test_what_is_left_out_has_its_old_text(labels: tuple[str, ...], lines: list[str], no_lines: list[str]) -> None:
    """Changed is as before, added is not there, removed is there again; the rest is new."""
    made = kept(BEFORE, AFTER, *labels).splitlines()
    assert (set(lines) <= set(made), set(no_lines) & set(made)) == (True, set())


def test_without_any_edit_nothing_but_comments_is_left() -> None:
    """Every form of the old source comes back, in its order."""
    both = version(BEFORE, AFTER)
    assert [form.text for form in parse(without(BEFORE, AFTER, both, both.edits()))] == [f.text for f in both.old]


def test_a_removed_statement_comes_back_where_it_was() -> None:
    """It stands behind what it stood behind, with the comments before it, and keeps the order of its kind."""
    old = "a = 1\n\n# about b\nb = 2\nc = 3\nd = 4\n"
    assert kept(old, "a = 5\nd = 6", "b", "c") == "a = 5\n\n# about b\nb = 2\nc = 3\nd = 6\n"
    assert kept("# -*- coding: utf-8 -*-\nimport os\na = 1\n", "# -*- coding: utf-8 -*-\na = 2\n", "import os") == (
        "# -*- coding: utf-8 -*-\nimport os\na = 2\n"
    )
    assert kept("a = 1\n", "", "a") == "a = 1\n"


@pytest.mark.parametrize(
    ("refusal", "about"),
    [
        (Refusal("LC103", "", module="m", line=9), ["Order"]),
        (Refusal("LC103", "", module="m", line=5), ["RATE"]),
        (Refusal("LC104", "", module="m", old_line=9), ["gone()"]),
        (Refusal("LC104", "", module="other", line=5), []),
        (Refusal("LC201", "", module="m"), []),
    ],
)
def test_a_refusal_is_found_by_its_line(refusal: Refusal, about: list[str]) -> None:
    """The line is one of the new source; for what is removed, one of the source that runs."""
    assert named(refused("m", version(BEFORE, AFTER).edits(), [refusal])) == about


@pytest.mark.parametrize(
    ("old", "new", "out", "also"),
    [
        ("", "A = 1\nB = A\n", ("A",), ["B"]),
        ("", "def f(): return g()\ndef g(): return 1\n", ("g()",), ["f()"]),
        ("", "def f(g): return g\ndef g(): return 1\n", ("g()",), []),
        ("H = 1\nclass C:\n    x = H\n", "class C:\n    x = 2\n", ("C",), ["H"]),
        ("H = 1\nclass C:\n    x = 1\n", "class C:\n    x = 2\n", ("C",), []),
        ("A = 1\n", "A = 2\nB = A\n", ("A",), []),
    ],
)
def test_what_cannot_stand_alone_goes_too(old: str, new: str, out: tuple[str, ...], also: list[str]) -> None:
    """A statement that names what is left out is left out; what a statement that came back names comes back."""
    left = version(old, kept(old, new, *out))
    assert named(orphans({"m": left}, {"m": parse(new)}).get("m", ())) == also


def test_an_import_of_what_is_left_out_goes_too() -> None:
    """Also where the module that lacks the name is another one of the push."""
    new = {"shop.a": parse("A = 1\n"), "shop.b": parse("from .a import A\nX = 1\n")}
    versions = {"shop.a": Version("shop", (), ()), "shop.b": Version("shop", (), new["shop.b"])}
    assert {name: named(edits) for name, edits in orphans(versions, new).items()} == {"shop.b": ["from .a import A"]}
