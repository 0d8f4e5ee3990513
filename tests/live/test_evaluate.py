"""The value of an expression: names, limits, and errors with their own frames."""

from __future__ import annotations

import sys
import threading
import time
import types
from collections.abc import Iterator

import pytest

from livecode.errors import UsageError
from livecode.live.evaluate import MAX_CHARACTERS, evaluate, shown
from livecode.live.process import this_process
from livecode.model.evaluated import Evaluated


@pytest.fixture
def module() -> Iterator[types.ModuleType]:
    """A loaded module with something to look at."""
    made = types.ModuleType("shop_lc")
    exec("CACHE = {'apple': 3}\ndef boom(): return 1 / 0\nasync def later(): pass\n", vars(made))
    sys.modules["shop_lc"] = made
    yield made
    del sys.modules["shop_lc"]


def value(expression: str, module: str = "", timeout_s: float = 10.0) -> Evaluated:
    return evaluate(this_process(), expression, module, timeout_s)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("1 + 1", "2"),
        ("  'a' * 3 ", "'aaa'"),
        ("shop_lc.CACHE", "{'apple': 3}"),
        ("[key for key in shop_lc.CACHE]", "['apple']"),
        ("(lambda: shop_lc.CACHE['apple'])()", "3"),
        ("{(1,), 'x'} == {'x', (1,)}", "True"),
        ("(1,)", "(1,)"),
        ("[[], {}, set(), ()]", "[[], {}, set(), ()]"),
    ],
)
def test_values(module: types.ModuleType, expression: str, text: str) -> None:
    """Names are those of loaded modules, also within functions and comprehensions."""
    found = value(expression)
    assert (found.text, found.failure, found.cut) == (text, None, False)


def test_the_names_of_a_module(module: types.ModuleType) -> None:
    """They can be used without a prefix, and nothing that is bound stays in the module."""
    assert value("CACHE['apple'] + (bound := 1)", "shop_lc").text == "4"
    assert not hasattr(module, "bound")
    with pytest.raises(UsageError, match="no_such_lc is not loaded"):
        value("1", "no_such_lc")


@pytest.mark.parametrize("statement", ["x = 1", "import os", "del shop_lc", "for x in (): pass", "x += 1"])
def test_a_statement_is_refused(module: types.ModuleType, statement: str) -> None:
    """With a way out."""
    with pytest.raises(UsageError, match=r"is a statement.*push it"):
        value(statement)


def test_errors_have_their_own_frames(module: types.ModuleType) -> None:
    """Those of the expression and of the service's modules; livecode's are left out."""
    failure = value("shop_lc.boom()").failure
    assert failure is not None
    assert failure.type == "ZeroDivisionError"
    assert [frame.function for frame in failure.frames] == ["<module>", "boom"]


@pytest.mark.parametrize(
    ("expression", "kind", "why"),
    [
        ("(1 +", "SyntaxError", "never closed"),
        ("no_such_lc.x", "NameError", "no module no_such_lc is loaded here"),
        ("exit(3)", "SystemExit", "3"),
        ("shop_lc.later()", "TypeError", "event loop"),
        ("(" * 5000 + ")" * 5000, "", ""),
    ],
)
def test_what_has_no_value(module: types.ModuleType, expression: str, kind: str, why: str) -> None:
    """Whatever an expression does, the service goes on."""
    failure = value(expression).failure
    assert failure is not None
    assert kind in failure.type
    assert why in failure.message


def test_what_takes_too_long_is_stopped() -> None:
    """The thread is gone, and the failure says where it was."""
    found = value("all(True for _ in iter(int, 1))", timeout_s=0.2)
    assert found.failure is not None
    assert "no value within 0.2 s; it was stopped" in found.failure.message
    deadline = time.monotonic() + 20
    while any(each.name == "livecode-eval" for each in threading.enumerate()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(each.name == "livecode-eval" for each in threading.enumerate())


@pytest.mark.parametrize(
    "large",
    [range(10**9), list(range(10**6)), dict.fromkeys(range(10**5), "x" * 100), "x" * 10**7, [["y" * 10**6] * 9]],
)
def test_large_values_are_cut(large: object) -> None:
    """No more of them is looked at than is shown; what is shown is how the whole begins."""
    text, cut = shown(large)
    assert len(text) <= MAX_CHARACTERS
    assert cut == (not isinstance(large, range))
    assert repr(large).startswith(text.rstrip("'…")[:1000])


def test_a_container_that_holds_itself() -> None:
    """It says so, as `repr` does."""
    endless: list[object] = [1]
    endless.append(endless)
    assert shown(endless) == (repr(endless), False) or "..." in shown(endless)[0]
