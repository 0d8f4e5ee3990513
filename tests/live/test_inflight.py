"""Calls that are inside old code when a push arrives are named, counted, and keep the lines of their own source."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live import aftermath
from tests.live.forker import Forker

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="every case has a forked process of its own")

OLD = {"file": "<m v1>", "line": 4, "text": "return 1 / 0  # the first text"}


def test_a_call_in_a_thread_is_named_until_it_ends(forker: Forker) -> None:
    """Report and status name function, version, line and thread; then status says that the last call ended."""
    said = forker.ask(aftermath.in_a_thread, aftermath.CHANGED)
    assert said["reported"] == said["status"] == ['wait() of v1 (m.py:3), thread "waiter"']
    assert (said["old"], said["chunks"]) == (OLD, ["<m v1>"])
    assert said["new"] == {"file": "m.py", "line": 7, "text": "return 1 / 0  # the second text"}
    assert said["after"] == [[], True, []]


def test_a_call_in_a_function_that_moved_keeps_its_lines(forker: Forker) -> None:
    """It does what the new code does, so it is not told of; but its traceback shows the line where it stood."""
    said = forker.ask(aftermath.in_a_thread, aftermath.MOVED)
    assert (said["reported"], said["old"]) == ([], OLD)
    assert said["new"] == {"file": "m.py", "line": 8, "text": "return 1 / 0  # the first text"}
    assert said["after"] == [[], False, []]


def test_a_call_in_a_function_that_is_removed_is_old_code(forker: Forker) -> None:
    """Nothing replaces it, and still somebody is inside it."""
    said = forker.ask(aftermath.in_a_thread, "x = 1\n")
    assert said["reported"] == ['wait() of v1 (m.py:3), thread "waiter"']
    assert (said["old"], said["after"]) == (OLD, [[], True, []])


def test_a_loop_that_never_ends_is_named_at_every_push(forker: Forker) -> None:
    """It stays in the version in which it began, until that very source runs again."""
    said = forker.ask(aftermath.in_a_loop)
    named = [
        text.startswith("run() of v1 (m.py:") and text.endswith(', thread "waiter"') for (text,) in said["reports"][:2]
    ]
    assert (named, said["reports"][2]) == ([True, True], [])
    assert (said["old"]["text"], said["chunks"]) == ("return 1 / 0  # the first text", [])


def test_what_is_suspended_is_found_wherever_it_is_held(forker: Forker) -> None:
    """Generators and coroutines on no stack are counted, keep their lines, and are gone when they are let go."""
    said = forker.ask(aftermath.suspended_ones)
    assert said["reported"] == [
        "Feed.rows() of v1 (m.py:3), a suspended generator",
        "job() of v1 (m.py:8), a suspended coroutine, not started",
        "job() of v1 (m.py:9), a suspended coroutine",
        "make.<locals>.inner() of v1 (m.py:13), a suspended generator",
        "stream() of v1 (m.py:6), a suspended async generator",
    ]
    assert [(item["file"], item["line"]) for item in said["raised"]] == [("<m v1>", 4), ("<m v1>", 14), ("<m v1>", 7)]
    assert {item["text"] for item in said["raised"]} == {"yield 1 / 0  # the first text"}
    assert said["getsource"].strip() == "yield 1 / 0  # the first text"
    assert said["left"] == [[], []]
    assert "the second text" in said["new"]


def test_on_a_large_heap_it_says_what_is_not_known(forker: Forker) -> None:
    """No look through the heap: that something holds the old code is all that can be said, and it is said as that."""
    said = forker.ask(aftermath.on_a_large_heap)
    (text,) = said["reported"]
    assert text.startswith("perhaps Feed.rows() of v1 (m.py:2): the heap is too large")
    assert (said["raised"]["text"], said["left"]) == ("yield 1 / 0  # the first text", [])


def test_tasks_of_any_loop_are_seen(forker: Forker) -> None:
    """Tasks that wait in the loop of another thread are counted by place, however large the heap is."""
    said = forker.ask(aftermath.in_tasks_of_another_loop)
    assert said["reported"] == ["3 × deeper() of v1 (m.py:4)"]  # work() only moved
    assert (said["lines"], said["left"]) == (["return 1 / 0  # the first text"] * 3, [])


def test_greenlets_are_seen(forker: Forker) -> None:
    """A greenlet that was switched away from is on no thread's stack."""
    pytest.importorskip("greenlet", reason="greenlet is not installed")
    said = forker.ask(aftermath.in_greenlets)
    assert (said["reported"], said["left"]) == (["wait() of v1 (m.py:2), a greenlet"], [])
    assert said["old"] == {"file": "<m v1>", "line": 3, "text": "return 1 / 0  # the first text"}


def test_methods_of_a_class_that_goes_keep_their_lines(forker: Forker) -> None:
    """Instances live on and run old methods: in the call under way, and in the next."""
    said = forker.ask(aftermath.in_a_class_that_goes)
    assert said["reported"] == ['Order.total() of v1 (m.py:4), thread "waiter"']
    assert said["old"] == said["later"] == {"file": "<m v1>", "line": 5, "text": "return 1 / 0  # the first text"}


def test_pushes_leave_nothing_behind(forker: Forker) -> None:
    """Where nobody is inside old code, nothing of it is kept, and the heap is not looked through."""
    assert forker.ask(aftermath.many_pushes) == {"lines": 0, "looked": [], "value": [49, 49]}


def test_a_module_that_pushes_itself_is_inside_old_code(forker: Forker) -> None:
    """The caller of the push is a call like any other."""
    said = forker.ask(aftermath.recursive_pusher)
    assert (said["reported"], said["after"]) == (["deploy() of v1 (m.py:2)"], [])


def test_sources_are_right_for_what_is_new_changed_and_moved(forker: Forker) -> None:
    """`inspect.getsource` and tracebacks follow what runs."""
    said = forker.ask(aftermath.getsource_of_all)
    method = "    def m(self):\n        return 1 / 0  # m\n"
    assert said["sources"] == [
        "def new():\n    return 1 / 0  # new\n",
        "def a():\n    return 1 / 0  # changed\n",
        method,
        "class C:\n" + method,
    ]
    assert said["raised"] == [f"return 1 / 0  # {word}" for word in ("new", "changed", "m")]
    assert (said["chunks"], said["whole"]) == ([], True)


ENDING = """
import sys, livecode
sys.path.insert(0, {folder!r})
livecode.track({folder!r})
import ends
livecode.push({{"ends": open(ends.__file__).read().replace("yield 1", "yield 2")}})
assert livecode.status()[0].modules[0].still_old
"""


def test_a_process_that_ends_says_nothing_of_old_code(tmp_path: Path) -> None:
    """At its end the interpreter takes everything down, old code too: that is no error to print."""
    (tmp_path / "ends.py").write_text(
        "def ticks():\n    while True:\n        yield 1\n\n\nTICKS = ticks()\nnext(TICKS)\n"
    )
    program = ENDING.format(folder=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
