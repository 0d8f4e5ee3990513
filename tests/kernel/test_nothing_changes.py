"""What a kernel changes in its process: a list with reasons while it is there, nothing after it."""

from __future__ import annotations

import ast
import json
import sys
from typing import Any

from livecode.fleet.client import RemoteWorker
from tests.kernel.inside import notebook_in
from tests.services import RunningService, wait_until

WHILE_IT_IS_THERE = {
    "streams": "cells print to their notebook; routed by context",
    "hooks": "sys.displayhook alone: the values of cells; routed by context",
    "instances": "get_ipython() in cells; the service still finds none",
    "comm": "widgets in cells; routed by context",
    "last": "sys.last_value and the like, for %debug after an error",
    "namespaces": "the module of the notebook's names, for pickle and dataclasses",
    "threads": "its own",
    "descriptors": "its sockets and event loops",
    "atexit": "removes its files when the process ends",
}
AFTER_THE_FIRST_IMPORT = {
    "atexit": "libraries register their own clean-up when they are imported: tornado, zmq, asyncio, comm",
    "loggers": "traitlets gives its logger a NullHandler",
    "warnings": "libraries add filters when they are imported",
    "comm": "the library was not there before; its two functions are its own",
    "policy": "asyncio makes its default policy with the first event loop",
    "meta_path": "six, which jupyter_client's dateutil imports, finds its own modules",
}
CELLS = (
    "1 + 1",
    "print('hello')",
    "1 / 0",
    "import asyncio; await asyncio.sleep(0.01)",
    "import sys, warnings; sys.exit(2)",
    "from IPython.display import display, HTML; display(HTML('<b>x</b>'))",
    "class Local: pass\nimport pickle; pickle.loads(pickle.dumps(Local()))",
    "%time 1",
    "!true",
    "exit",
)


def taken(shop: RunningService) -> dict[str, Any]:
    """The process as it is now, seen by a request that it serves."""
    found: dict[str, Any] = json.loads(ast.literal_eval(shop.get("snapshot.text()")))
    return found


def differences(before: dict[str, Any], after: dict[str, Any]) -> dict[str, object]:
    """What is not as it was, by its name in the snapshot."""
    return {name: (value, after[name]) for name, value in before.items() if value != after[name]}


def quiet(shop: RunningService) -> dict[str, Any]:
    """The process as it is when nobody is served any more: a guest's short turns go on for a moment."""
    usual = str(sys.getswitchinterval())
    wait_until(lambda: shop.get("sys.getswitchinterval()") == usual, "no guest is served", shop)
    wait_until(lambda: taken(shop)["descriptors"] == taken(shop)["descriptors"], "connections have ended", shop)
    return taken(shop)


def live_a_little(worker: RemoteWorker, shop: RunningService) -> dict[str, Any]:
    """A notebook that does all sorts of things, and the process as it was at its end."""
    with notebook_in(worker, "a little life") as notebook:
        for cell in CELLS:
            notebook.run(cell)
        running = notebook.send("import time; time.sleep(300)")
        meanwhile = taken(shop)
        notebook.interrupt()
        assert notebook.answer(running).error.startswith("KeyboardInterrupt")
    return meanwhile


def test_a_kernel_leaves_nothing_behind(shop: RunningService, worker: RemoteWorker) -> None:
    """After a kernel, its process is as it was: the first one leaves what imports leave, the next one nothing."""
    untouched = quiet(shop)
    live_a_little(worker, shop)
    once = quiet(shop)
    assert set(differences(untouched, once)) <= set(AFTER_THE_FIRST_IMPORT), differences(untouched, once)
    again = live_a_little(worker, shop)
    changed = set(differences(once, again)) - {"switchinterval"}  # shorter turns while a cell runs
    assert changed <= set(WHILE_IT_IS_THERE), {name: differences(once, again)[name] for name in changed}
    hooks = {name for name, value in once["hooks"].items() if again["hooks"][name] != value}
    assert hooks == {"displayhook"}
    assert differences(once, quiet(shop)) == {}


def test_the_process_knows_no_shell_while_a_notebook_is_inside(shop: RunningService, worker: RemoteWorker) -> None:
    """Code of the service that looks for a notebook, as progress bars do, finds none while a cell runs."""
    ask = "__import__('IPython').get_ipython()"
    with notebook_in(worker, "seen by none") as notebook:
        running = notebook.send("import time; print('on'); time.sleep(300)")
        notebook.wait_for_print(running)
        assert shop.get(f"sys.modules['IPython'] and {ask}") == "None"
        notebook.interrupt()
        notebook.answer(running)
        assert "LiveShell" in notebook.run("get_ipython()").value
