"""Closures held in many places when the function that made them changes: for `tests.live.forker`, a process each."""

from __future__ import annotations

import asyncio
import functools
import gc
import threading
import time
from collections import deque
from typing import Any

from livecode.live import search, stragglers
from livecode.live.process import Process
from tests.live.processes import push, tracked

MAKE = "def make(a):\n    def made(b=0):\n        return a + b\n    return made\n"
HOLDER = "class Box: pass\nBY_NAME = {}\nLIST = []\nBOX = Box()\n"


def _changed(number: int) -> str:
    return MAKE.replace("a + b", f"a + b + {number}")


def _still(process: Process) -> list[str]:
    return [text for module in process.status().modules for text in module.still_old]


def held_anywhere() -> list[int]:
    """Containers and objects of another module, class attributes, partials, cells, local variables, other threads."""
    process, _ = tracked({"m.py": MAKE, "holder.py": HOLDER})
    import holder  # type: ignore[import-not-found]
    import m  # type: ignore[import-not-found]

    holder.BY_NAME["a"] = [(m.make(1),)]
    holder.LIST.extend([0] * 5000 + [m.make(2)])
    holder.BOX.inner = holder.Box()
    holder.BOX.inner.made = functools.partial(m.make(3), 0)
    holder.Box.method = staticmethod(m.make(4))
    holder.BY_KEY = {m.make(5): "a function as a key"}
    holder.QUEUE = deque([holder.Box()])
    holder.QUEUE[0].call = (lambda made: lambda: made())(m.make(6))
    local = [m.make(7)]
    go, there, got = threading.Event(), threading.Event(), []

    def wait(made: Any) -> None:
        there.set()
        go.wait(10)
        got.append(made())

    thread = threading.Thread(target=wait, args=(m.make(8),))
    thread.start()
    there.wait(10)
    push(process, {"m": _changed(100)})
    go.set()
    thread.join()
    called = [holder.BY_NAME["a"][0][0], holder.LIST[-1], holder.BOX.inner.made, holder.Box.method]
    return [made() for made in (*called, *holder.BY_KEY, holder.QUEUE[0].call, *local)] + got


def in_callbacks_of_a_loop() -> list[int]:
    """An event loop of another thread is to call closures: later, and when a future is done."""
    process, _ = tracked({"m.py": MAKE})
    import m

    loop, got = asyncio.new_event_loop(), list[int]()

    async def main() -> None:
        future = loop.create_future()
        made = m.make(2)
        future.add_done_callback(lambda _, made=made: got.append(made()))  # type: ignore[misc]
        del made
        loop.call_later(0.5, (lambda made: lambda: got.append(made()))(m.make(1)))
        loop.call_later(0.5, future.set_result, None)
        started.set()
        await future
        await asyncio.sleep(0.1)

    started = threading.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(main()))
    thread.start()
    started.wait(10)
    push(process, {"m": _changed(100)})
    thread.join()
    loop.close()
    return got


def none_held() -> dict[str, Any]:
    """No closure is alive, so nothing is looked for."""
    process, _ = tracked({"m.py": MAKE})
    import m

    m.make(1)
    looked = []
    search.Walk.through = lambda self, things: looked.append(self)  # type: ignore[method-assign]
    outcome = push(process, {"m": _changed(100)})
    return {"looked": len(looked), "warnings": list(outcome.warnings)}


def not_found() -> dict[str, Any]:
    """Nothing may be looked at, so the closures stay old; then they are called, and another push comes."""
    process, _ = tracked({"m.py": MAKE, "holder.py": HOLDER})
    import holder
    import m

    search.LOOK_S = 0.0
    holder.LIST.extend(m.make(number) for number in range(2))
    gc.collect()  # they are not young
    outcome = push(process, {"m": _changed(100)})
    said = {"warnings": list(outcome.warnings), "reported": list(outcome.modules[0].still_old)}
    calls = [[made() for made in holder.LIST] for _ in range(2)]
    left = _still(process)
    search.LOOK_S = 1.0
    push(process, {"m": _changed(200)})
    again = [made() for made in holder.LIST]
    tool = stragglers.MONITORING and [stragglers.MONITORING.get_tool(number) for number in range(6)]
    return {**said, "calls": calls, "left": left, "again": again, "status": _still(process), "tools": tool}


def let_go() -> list[list[str]]:
    """Closures that were not found are counted as long as somebody has them."""
    process, _ = tracked({"m.py": MAKE, "holder.py": HOLDER})
    import holder
    import m

    search.LOOK_S = 0.0
    holder.LIST.extend(m.make(number) for number in range(3))
    gc.collect()
    push(process, {"m": _changed(100)})
    said = [_still(process)]
    del holder.LIST[0]
    said.append(_still(process))
    holder.LIST.clear()
    gc.collect()
    return [*said, _still(process)]


def longest_wait() -> bool:
    """True if another thread got turns while a million objects were looked through."""
    process, _ = tracked({"m.py": MAKE, "holder.py": HOLDER})
    import holder
    import m

    holder.LIST.extend([number] for number in range(200_000))
    holder.LIST.append([m.make(1)])
    turns, stop = [0], threading.Event()

    def count() -> None:
        while not stop.is_set():
            turns[0] += 1
            time.sleep(0)

    thread = threading.Thread(target=count)
    thread.start()
    push(process, {"m": _changed(100)})
    stop.set()
    thread.join()
    return turns[0] > 1
