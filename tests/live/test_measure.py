"""What is measured of calls, in every interpreter of this machine that can; `tests.live.measuring` has the cases."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from livecode.live.measure import Measuring, why_not
from livecode.model.measured import Measured

CHECKOUT = Path(__file__).parents[2]
CAN_MEASURE = sys.version_info >= (3, 12)
VERSIONS = ("3.12", "3.13", "3.13t", "3.14", "3.14t", "3.15", "3.15t")
KINDS = [
    "Order.empty",
    "Order.fee",
    "Order.tax",
    "Order.total",
    "cached",
    "make",
    "make.<locals>.Local.deep",
    "make.<locals>.inner",
    "quote",
    "taxed",
    "traced",
    "traced.<locals>.wrapper",
]


def candidates(version: str) -> Iterator[str]:
    """Where an interpreter of this version is: on PATH, or made by pyenv."""
    if found := shutil.which(f"python{version}"):
        yield found
    yield from map(str, sorted(Path.home().glob(f".pyenv/versions/*/bin/python{version}")))


def runs(program: str) -> bool:
    """True for an interpreter that starts: pyenv leaves programs on PATH that do not."""
    try:
        return subprocess.run([program, "-c", ""], capture_output=True, timeout=60, check=False).returncode == 0
    except OSError:
        return False


OWN = ".".join(map(str, sys.version_info[:2]))
FOUND = tuple(version for version in VERSIONS if version == OWN or any(candidates(version)))


@functools.cache
def interpreter(version: str) -> str:
    """An interpreter of this version; empty where none starts."""
    return sys.executable if version == OWN else next(filter(runs, candidates(version)), "")


@functools.cache
def ran(program: str) -> subprocess.CompletedProcess[str]:
    """All cases, once in that interpreter; warnings are errors there, too."""
    return subprocess.run(
        [program, "-W", "error", "-B", "-m", "tests.live.measuring"],
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


@pytest.fixture(params=FOUND or ("3.12",))
def said(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What the cases say in one interpreter."""
    program = interpreter(request.param)
    if not program:
        pytest.skip("Python 3.12 or newer is neither on PATH nor in ~/.pyenv/versions: pyenv install 3.13")
    done = ran(program)
    assert done.returncode == 0, done.stderr
    answers: dict[str, Any] = json.loads(done.stdout)
    return answers


@pytest.mark.skipif(CAN_MEASURE, reason="this Python can measure calls")
def test_python_3_11_says_why_it_does_not_measure() -> None:
    """Nothing is done there, and the reason is what goes to whoever asked."""
    reason = "Python 3.11 cannot measure calls without slowing every call; 3.12 can"
    with Measuring({"test": [test_python_3_11_says_why_it_does_not_measure.__code__]}) as measuring:
        assert (measuring.reason, why_not()) == (reason, reason)
    assert measuring.snapshot() == Measured(not_measured=(reason,))


def test_calls_errors_and_recursion(said: dict[str, Any]) -> None:
    """Every call counts, and every error that leaves it by its type, but no end of an iteration."""
    assert said["functions"] == {
        "divide": [5, {"KeyError": 2, "ZeroDivisionError": 1}, 0, 5],
        "countdown": [5, {}, 0, 5],
        "ended_iteration": [1, {}, 0, 1],
        "left": [1, {"SystemExit": 1}, 0, 1],
    }


def test_every_kind_of_function_is_found(said: dict[str, Any]) -> None:
    """Methods, properties, what is behind decorators and caches, functions in functions; not lambdas."""
    assert said["every_kind"]["named"] == KINDS
    calls = {name: (calls, errors) for name, (calls, errors, _, _) in said["every_kind"]["said"].items()}
    once = {name: (1, {}) for name in KINDS if name != "traced"}
    assert calls == once | {"Order.tax": (2, {}), "quote": (1, {"ZeroDivisionError": 1})}
    assert said["every_kind"]["unknown"] == {}


def test_generators_are_timed_by_the_step(said: dict[str, Any]) -> None:
    """A call when the body begins; a step that an exception began has no latency; to be closed is no error."""
    assert said["generators"] == {"seen": {"steps": [5, {"OSError": 1}, 0, 8]}, "timed": "step"}


def test_coroutines_are_timed_until_they_return(said: dict[str, Any]) -> None:
    """They are under way while they wait; a cancelled one is no error; one that nobody awaits is no call."""
    before, after = {"fetch": [0, {}, 3, 0]}, {"fetch": [3, {"ValueError": 1}, 0, 3]}
    assert said["coroutines"]["said"] == [before, after]


def test_asynchronous_generators_are_timed_by_the_item(said: dict[str, Any]) -> None:
    """What they await on the way is part of it; three items and the end, and one item of one that is given up."""
    assert said["asynchronous_generators"] == {"said": {"stream": [2, {}, 0, 5]}, "timed": "item"}


def test_no_call_is_lost_between_threads(said: dict[str, Any]) -> None:
    """Eight threads call, and somebody reads meanwhile: the numbers are exact."""
    assert said["in_threads"] == {
        "divide": [20_000, {"KeyError": 4_000}, 0, 20_000],
        "countdown": [60_000, {}, 0, 60_000],
    }


def test_what_began_before_is_not_counted(said: dict[str, Any]) -> None:
    """Nor is its end, nor a call that ends after the measure did."""
    first = {"outer": [1, {}, 0, 1], "steps": [0, {}, 0, 1]}
    assert said["begun_before"]["said"] == [first, first | {"outer": [1, {}, 1, 1]}]


def test_the_end_of_the_stack_is_the_programs_own_error(said: dict[str, Any]) -> None:
    """A recursion without end raises what it raised, and leaves no call open."""
    assert said["deep"] == {"errors": ["RecursionError"] * 3, "types": ["RecursionError"], "open": 0}


def test_nothing_stays_when_it_stops(said: dict[str, Any]) -> None:
    """No tool id, no events, no callbacks: after the end, after an error inside, after one while it began."""
    assert said["nothing_stays"] == {
        "while": ["livecode canary"],
        "after": [[], [], ["MemoryError"]],
        "said": {"divide": [1, {}, 0, 1]},
    }


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_stops_measuring(said: dict[str, Any]) -> None:
    """Nothing is left there, and the call in which it was forked is not counted; the parent goes on."""
    assert said["forked"] == {
        "child": [[], {"outer": [0, {}, 1, 0]}],
        "parent": {"outer": [1, {}, 0, 1], "countdown": [2, {}, 0, 2]},
    }


def test_code_that_is_replaced_meanwhile_is_let_go(said: dict[str, Any]) -> None:
    """What was counted stays; the new code is not measured until somebody begins with it, and has no events after."""
    assert said["replaced"] == {
        "verdict": "LIVE",
        "values": [2, 1],
        "gone": True,
        "said": [{"f": [1, {}, 0, 1], "g": [1, {}, 0, 1]}, {"f": [2, {}, 0, 2]}],
        "left": [],
    }


def test_no_free_tool_id_is_said(said: dict[str, Any]) -> None:
    """The tools that have them keep them; the next time there may be one."""
    case = said["no_tool_id"]
    assert case["reason"].startswith("every tool id of sys.monitoring is taken, by tool 3, tool 4, tool 5, tool 2;")
    assert case["measured"] == {"functions": [], "seconds": 0.0, "workers": 0, "not_measured": [case["reason"]]}
    assert (case["taken"], case["now"]) == ([f"tool {number}" for number in range(6)], "")


def test_other_tools_do_not_notice(said: dict[str, Any]) -> None:
    """Coverage tools, debuggers and profilers have the events that they had, on the same code."""
    assert said["other_tools"] == {"seen": ["divide"] * 3, "kept": True, "said": {"divide": [1, {}, 0, 1]}}
    assert said["traced_too"] == {"same": True, "said": {"divide": [1, {"KeyError": 1}, 0, 1]}}


def test_new_code_beside_old_code(said: dict[str, Any]) -> None:
    """What a push changed is found among what was measured: one that raises is taken back, one that is not called is
    not known."""
    assert said["new_beside_old"]["found"] == [
        [
            ["till.rate"],
            "take back",
            "till.rate(): errors rose, 90 of 100 calls raised (KeyError 90), in old code 0 of 400 (and 1 more)",
        ],
        [["till.quote"], "keep", "no worse than the old code"],
        [["till.audit"], "undecided", "till.audit(): not called"],
    ]


def test_what_is_left_in_the_middle_is_not_under_way(said: dict[str, Any]) -> None:
    """Coroutines and generators that nobody finishes."""
    assert said["left_in_the_middle"] == {"nap": [50, {}, 0, 50], "steps": [50, {}, 0, 50]}


def test_a_function_is_measured_until_enough_was_seen(said: dict[str, Any]) -> None:
    """So that one which is called all the time costs nothing after a while; the next measure begins anew."""
    first, second = {"divide": [200_000, {}, 0, 200_000]}, {"divide": [1, {}, 0, 1]}
    assert said["enough"] == {"said": [first, second], "told": True, "left": []}


def test_what_was_measured_goes_through_json(said: dict[str, Any]) -> None:
    """A worker can send it."""
    assert said["in_json"] == {"same": True, "positive": True, "workers": 1}
