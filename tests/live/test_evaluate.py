"""The value of an expression: names, limits, and errors with their own frames."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import types
from collections.abc import Iterator

import pytest

from livecode.errors import UsageError
from livecode.live.evaluate import evaluate
from livecode.live.process import this_process
from livecode.live.showing import MAX_CHARACTERS, shown
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


@pytest.mark.parametrize(
    ("block", "text"),
    [
        ("x = 2\ny = [x + n for n in range(2)]\n(x, y)", "(2, [2, 3])"),
        ("counts = {}\nfor key in shop_lc.CACHE:\n    counts[key] = 1\ncounts", "{'apple': 1}"),
        ("def twice(n):\n    return n * 2\ntwice(shop_lc.CACHE['apple'])", "6"),
        ("    n = 1\n    n + 1\n", "2"),
        ("[\n  n\n  for n in (1, 2)\n]", "[1, 2]"),
        ("from os import path\nimport sys as s\n(path is s.modules['os'].path)", "True"),
        ("x = 1; x + 1", "2"),
        ("[first := 1, first]", "[1, 1]"),
    ],
)
def test_a_block_ends_with_its_value(module: types.ModuleType, block: str, text: str) -> None:
    """Its names are its own: nothing of them stays."""
    before = set(vars(module))
    assert value(block).text == text
    assert value(block, "shop_lc").text == text
    assert set(vars(module)) == before


@pytest.mark.parametrize(
    ("block", "why"),
    [
        ("shop_lc.RATE = 2\n1", r"line 1: shop_lc\.RATE would be changed in the service"),
        ("alias = shop_lc\nalias.RATE = 2\n1", "line 2: alias.RATE would be changed"),
        ("shop_lc.CACHE['pear'] = 1\n1", "would be changed in the service"),
        ("del shop_lc.CACHE['apple']\n1", "would be changed in the service"),
        ("shop_lc.RATE += 1\n1", "would be changed in the service"),
        ("for shop_lc.x in (1, 2): pass\n1", "would be changed in the service"),
        ("import no_such_lc\n1", "no_such_lc is not loaded in the service, and this loads nothing"),
        ("def f():\n    from os import no_such_lc\n1", "line 2: os.no_such_lc is not loaded"),
        ("from . import x\n1", "a relative module is not loaded"),
        ("x = 1\ny = 2", r"the last line must be an expression.*line 2.*'y = 2' is a statement"),
        ("# nothing", "an expression is needed"),
    ],
)
def test_a_block_binds_nothing_in_the_service(module: types.ModuleType, block: str, why: str) -> None:
    """That is said with the line before anything runs."""
    with pytest.raises(UsageError, match=why):
        value(block)
    assert module.CACHE == {"apple": 3}
    assert not hasattr(module, "RATE")


def test_a_failure_in_a_block_has_its_line(module: types.ModuleType) -> None:
    """The frames begin with the block's own."""
    failure = value("x = 1\n\nshop_lc.boom()").failure
    assert failure is not None
    assert [(frame.chunk, frame.line, frame.text) for frame in failure.frames[:1]] == [
        ("expression", 3, "shop_lc.boom()")
    ]


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop that a service runs in a thread of its own."""
    made = asyncio.new_event_loop()
    thread = threading.Thread(target=made.run_forever, name="serves")
    thread.start()
    yield made
    made.call_soon_threadsafe(made.stop)
    thread.join()
    made.close()


AWAITED = "import asyncio\nawait asyncio.sleep(0)\nid(asyncio.get_running_loop())"


def test_what_awaits_runs_on_the_loop_of_the_service(loop: asyncio.AbstractEventLoop) -> None:
    """So that it can use what belongs to that loop."""
    assert value(AWAITED).text == str(id(loop))


def test_without_a_loop_it_has_one_of_its_own() -> None:
    """A service of threads can be asked, too."""
    assert value(AWAITED).failure is None


def test_what_awaits_too_long_is_cancelled(loop: asyncio.AbstractEventLoop) -> None:
    """On the loop, which goes on."""
    found = value("import asyncio\nawait asyncio.Event().wait()", timeout_s=0.2)
    assert found.failure is not None
    assert "it was stopped (it was in wait, " in found.failure.message
    assert asyncio.run_coroutine_threadsafe(_pending(), loop).result(20) == 1


async def _pending() -> int:
    return len(asyncio.all_tasks())


def test_errors_of_what_awaits_have_their_own_frames(module: types.ModuleType, loop: asyncio.AbstractEventLoop) -> None:
    """Nothing of the waiting thread, or of the loop."""
    failure = value("await shop_lc.later()\nshop_lc.boom()").failure
    assert failure is not None
    assert [frame.function for frame in failure.frames] == ["<module>", "boom"]
