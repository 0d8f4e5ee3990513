"""What a call has got at and will get at, as a table of sources and the place at which it is."""

from __future__ import annotations

import dis
from types import CodeType

import pytest

from livecode.engine.spots import spots

CHANGED = frozenset({"first", "second", "RATE", "__add__"})
LASTING = frozenset({"first", "second"})
AT = "here"
"""The place is the call of a function of this name."""

CASES = {
    "between two calls": ("first(); here(); second()", "first", "second"),
    "before both": ("here(); first(); second()", "", "first second"),
    "after both": ("first(); second(); here()", "first second", ""),
    "as an argument": ("second(first(), here())", "first second", "second"),
    "given to what is called": ("here(first)", "first", "first"),
    "loaded and not yet called": ("first(here())", "first", "first"),
    "a value is got at when it is read": ("x = RATE; here(); first()", "RATE", "first"),
    "kept in a variable": ("f = first; here(); f()", "first", "first"),
    "an attribute": ("m.first(); here(); m.second()", "first", "second"),
    "in a branch": ("if a: first()\nhere()\nif b: second()", "first", "second"),
    "all of a loop": ("for x in y: first(); here(); second()", "first second", "first second"),
    "a loop that is over": ("for x in y: first()\nhere()", "first", ""),
    "by an operator": ("x + 1; here(); first()", "__add__", "first"),
    "in an inner function": ("f = lambda: first(); here(); second()", "first", "second"),
    "what is only written": ("RATE = 1; here(); second()", "", "second"),
}


@pytest.mark.parametrize(("body", "before", "behind"), CASES.values(), ids=CASES)
def test_a_call_is_between_what_it_got_at_and_what_it_will(body: str, before: str, behind: str) -> None:
    """What is loaded has been looked at; a function that is loaded counts until it is called."""
    code = _function(body)
    found = spots(code, _itself, CHANGED & {"__add__"}, LASTING)
    assert found.around(_place(code), 0) == (frozenset(before.split()), frozenset(behind.split()))


def test_of_a_call_that_lasts_a_turn_of_its_loop_is_one_look() -> None:
    """What it did in turns before does not count."""
    code = _function("RATE\nwhile True:\n    first()\n    here()\n    while a: second()")
    found = spots(code, _itself, frozenset(), LASTING)
    assert found.around(_place(code), 1) == (frozenset({"first"}), frozenset({"second"}))


def test_of_a_call_that_lasts_without_a_loop_nothing_counts() -> None:
    """It waits for something, and nobody can wait for it."""
    code = _function("first(); here(); second()")
    assert spots(code, _itself, frozenset(), LASTING).around(_place(code), 1) == (frozenset(), frozenset())


def _itself(name: str) -> frozenset[str]:
    return CHANGED & {name}


def _function(body: str) -> CodeType:
    lines = "\n    ".join(body.splitlines())
    module = compile(f"def look(m, a, b, x, y):\n    {lines}\n", "m.py", "exec")
    return next(const for const in module.co_consts if isinstance(const, CodeType))


def _place(code: CodeType) -> int:
    """Where the call of `here` is under way."""
    instructions = list(dis.get_instructions(code))
    number = next(number for number, each in enumerate(instructions) if each.argval == AT)
    return next(each.offset for each in instructions[number:] if each.opname.startswith("CALL"))
