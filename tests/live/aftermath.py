"""Calls that are inside old code when a push arrives: functions that `tests.live.forker` runs, each in a process.

Every source fails in the line that says `1 / 0`, so that a traceback shows which text it takes that line from.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import linecache
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from livecode.live import stacks
from livecode.live.process import Process
from tests.live.processes import push, tracked

WAIT = "def wait(go, here=None):\n    here and here.set()\n    go.wait(10)\n    return 1 / 0  # the first text\n"
CHANGED = "\n\n\n" + WAIT.replace("the first text", "the second text").replace("here and", "bool(here) and")
MOVED = '"""Doc."""\n\n\n\n' + WAIT


def _still(process: Process) -> list[str]:
    return [text for module in process.status().modules for text in module.still_old]


def _chunks() -> list[str]:
    return sorted(name for name in linecache.cache if name.startswith("<m v"))


def _raised(call: Callable[[], Any]) -> dict[str, Any]:
    """The last own line of the traceback, and where it says it is."""
    try:
        call()
    except ZeroDivisionError as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        return {"file": last.filename.rpartition("/")[2], "line": last.lineno, "text": last.line}
    return {}


def _in_thread(call: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    got: list[Any] = []
    thread = threading.Thread(target=lambda: got.append(_raised(call)), name="waiter")
    thread.start()
    return thread, got


def in_a_thread(after: str) -> dict[str, Any]:
    """A thread waits inside a function that changes, moves, or goes away."""
    process, _ = tracked({"m.py": WAIT})
    import m  # type: ignore[import-not-found]

    go, here = threading.Event(), threading.Event()
    thread, got = _in_thread(lambda: m.wait(go, here))
    here.wait(10)
    outcome = push(process, {"m": after})
    said = {"reported": list(outcome.modules[0].still_old), "status": _still(process), "chunks": _chunks()}
    go.set()
    thread.join()
    status = process.status().modules[0]
    new = _raised(lambda: m.wait(go)) if hasattr(m, "wait") else {}
    return {
        **said,
        "old": got[0],
        "new": new,
        "after": [list(status.still_old), status.old_gone > 0, _chunks()],
    }


LOOP = """\
import time
def run(go, here):
    while True:
        here.set()
        time.sleep(0.001)
        if go.is_set():
            return 1 / 0  # the first text
"""


def in_a_loop() -> dict[str, Any]:
    """A thread runs a loop that never looks at its function again."""
    process, _ = tracked({"m.py": LOOP})
    import m

    go, here = threading.Event(), threading.Event()
    thread, got = _in_thread(lambda: m.run(go, here))
    here.wait(10)
    outcome = push(process, {"m": LOOP.replace("0.001", "0.002")})
    second = push(process, {"m": "X = 1\n" + LOOP.replace("0.001", "0.003")})
    undone = push(process, {"m": LOOP})
    go.set()
    thread.join()
    reports = [list(each.modules[0].still_old) for each in (outcome, second, undone)]
    return {"reports": reports, "old": got[0], "chunks": _chunks()}


SUSPENDED = """\
class Feed:
    def rows(self):
        yield 1
        yield 1 / 0  # the first text
async def stream():
    yield 1
    yield 1 / 0  # the first text
async def job(pause):
    await pause
    return 1 / 0  # the first text
def make():
    def inner():
        yield 1
        yield 1 / 0  # the first text
    return inner
"""


class _Pause:
    def __await__(self) -> Iterator[None]:
        yield


def _step(awaitable: Any) -> Any:
    try:
        awaitable.send(None)
    except StopIteration as stop:
        return stop.value
    return None


def suspended_ones() -> dict[str, Any]:
    """A generator, an async generator, a coroutine that nobody awaits, and one that was never started."""
    process, _ = tracked({"m.py": SUSPENDED})
    import m

    rows, stream, inner = m.Feed().rows(), m.stream(), m.make()()
    job, fresh = m.job(_Pause()), m.job(None)
    next(rows), next(inner), _step(stream.__anext__()), job.send(None)
    after = "\n\n" + SUSPENDED.replace("first", "second").replace("1 / 0", "2 / 0")
    outcome = push(process, {"m": after})
    frame = inspect.getsource(rows.gi_frame).strip().splitlines()[-1]
    raised = [_raised(partial(next, rows)), _raised(partial(next, inner)), _raised(partial(_step, stream.__anext__()))]
    job.close()
    fresh.close()
    del rows, stream, inner, job, fresh
    return {
        "reported": list(outcome.modules[0].still_old),
        "raised": raised,
        "getsource": frame,
        "left": [_still(process), _chunks()],
        "new": inspect.getsource(m.Feed.rows),
    }


def on_a_large_heap() -> dict[str, Any]:
    """The same where the heap is too large to look through it, once held and once let go."""
    process, _ = tracked({"m.py": SUSPENDED})
    import m

    stacks.SMALL_HEAP_BLOCKS = 0
    rows = m.Feed().rows()
    next(rows)
    outcome = push(process, {"m": SUSPENDED.replace("first", "second").replace("1 / 0", "2 / 0")})
    raised = _raised(partial(next, rows))
    del rows
    status = process.status().modules[0]
    return {"reported": list(outcome.modules[0].still_old), "raised": raised, "left": list(status.still_old)}


TASKS = """\
async def work(pause):
    await deeper(pause)
async def deeper(pause):
    await pause.wait()
    return 1 / 0  # the first text
"""


def in_tasks_of_another_loop() -> dict[str, Any]:
    """Tasks wait in an event loop that runs in a thread of its own; the heap counts as too large to look through it."""
    process, _ = tracked({"m.py": TASKS})
    import m

    stacks.SMALL_HEAP_BLOCKS = 0
    loop, started = asyncio.new_event_loop(), threading.Event()
    results: list[Any] = []

    async def main() -> None:
        pause = asyncio.Event()
        loop.release = pause.set  # type: ignore[attr-defined]
        tasks = [asyncio.create_task(m.work(pause)) for _ in range(3)]
        await asyncio.sleep(0)
        loop.call_soon(started.set)
        results.extend(await asyncio.gather(*tasks, return_exceptions=True))

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()))
    thread.start()
    started.wait(10)
    outcome = push(process, {"m": "\n\n" + TASKS.replace("first", "second").replace("1 / 0", "2 / 0")})
    loop.call_soon_threadsafe(loop.release)  # type: ignore[attr-defined]
    thread.join()
    loop.close()
    last = [traceback.extract_tb(error.__traceback__)[-1].line for error in results]
    results.clear()
    return {"reported": list(outcome.modules[0].still_old), "lines": last, "left": _still(process)}


def in_greenlets() -> dict[str, Any]:
    """A greenlet is switched away from inside a function that changes."""
    greenlet = importlib.import_module("greenlet")
    process, _ = tracked({"m.py": "def wait(switch):\n    switch()\n    return 1 / 0  # the first text\n"})
    import m

    let = greenlet.greenlet(lambda: _raised(lambda: m.wait(greenlet.getcurrent().parent.switch)))
    let.switch()
    outcome = push(process, {"m": "\n\ndef wait(switch):\n    return 2\n"})
    return {"reported": list(outcome.modules[0].still_old), "old": let.switch(), "left": _still(process)}


REMOVED = """\
class Order:
    def total(self, go, here):
        here.set()
        go.wait(10)
        return 1 / 0  # the first text
"""


def in_a_class_that_goes() -> dict[str, Any]:
    """A thread waits in a method of a class that the push takes away."""
    process, _ = tracked({"m.py": REMOVED})
    import m

    go, here = threading.Event(), threading.Event()
    order = m.Order()
    thread, got = _in_thread(lambda: order.total(go, here))
    here.wait(10)
    outcome = push(process, {"m": "a = 1\n" * 9})
    go.set()
    thread.join()
    later = _raised(lambda: order.total(go, here))
    return {"reported": list(outcome.modules[0].still_old), "old": got[0], "later": later, "left": _still(process)}


def many_pushes() -> dict[str, Any]:
    """Pushes in which nobody is inside old code leave nothing behind, and look at no heap."""
    text = "class A:\n    def f(self):\n        return {}\ndef g():\n    yield {}\n"
    process, _ = tracked({"m.py": text.format(0, 0)})
    import m

    looked: list[int] = []
    stacks.gc = type("gc", (), {"get_referrers": lambda *codes: looked.append(len(codes)) or []})  # type: ignore[attr-defined]
    push(process, {"m": "\n" + text.format(0, 0)})
    entries = len(linecache.cache)
    for n in range(1, 50):
        push(process, {"m": "\n" * (n % 3) + text.format(n, n)})
    return {"lines": len(linecache.cache) - entries, "looked": looked, "value": [m.A().f(), *m.g()]}


def recursive_pusher() -> dict[str, Any]:
    """A module that pushes itself is told that it is inside old code itself."""
    source = "def deploy(push):\n    return push()\n"
    process, _ = tracked({"m.py": source})
    import m

    outcome = m.deploy(lambda: push(process, {"m": source.replace("return push()", "return None")}))
    return {"reported": list(outcome.modules[0].still_old), "after": _still(process), "time": time.time() > 0}


def getsource_of_all() -> dict[str, Any]:
    """What `inspect` and tracebacks show of functions that are new, changed, moved, and of classes."""
    before = "def a():\n    return 1 / 0  # a\n\nclass C:\n    def m(self):\n        return 1 / 0  # m\n"
    process, _ = tracked({"m.py": before})
    import m

    held = m.C().m
    after = "def new():\n    return 1 / 0  # new\n\n" + before.replace("# a\n", "# changed\n\n\n")
    push(process, {"m": after})
    return {
        "sources": [inspect.getsource(thing) for thing in (m.new, m.a, m.C.m, m.C)],
        "raised": [_raised(call)["text"] for call in (m.new, m.a, held)],
        "chunks": _chunks(),
        "whole": inspect.getsource(sys.modules["m"]) == after,
    }
