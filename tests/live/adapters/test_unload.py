"""What a module registered goes with it when it is unloaded."""

from __future__ import annotations

from typing import Any

import pytest

from tests.live.adapters import services
from tests.live.forker import Forker

BASE = """from fastapi import FastAPI
import logging

app = FastAPI()
log = logging.getLogger("base")
HANDLERS = []
"""
GOING = """import atexit
import copyreg
import logging

from base import HANDLERS, app, log

class Point:
    pass

def read():
    return 1

def bye():
    HANDLERS.append("bye")

def reduce(point):
    return Point, ()

app.add_api_route("/read", read)
log.addHandler(logging.StreamHandler())
logging.getLogger("base").addFilter(lambda record: True)
HANDLERS.append(read)
atexit.register(bye)
copyreg.pickle(Point, reduce)
"""
LEFT = [
    "[route.path for route in base.app.routes if route.path == '/read']",
    "len(base.log.handlers) + len(base.log.filters)",
    "len(base.HANDLERS)",
    "sum(getattr(f, '__name__', '') == 'bye' for f in __import__('livecode.live.adapters.atexit', fromlist=['x'])"
    ".ExitFunctions(__import__('atexit')).entries())",
    "sum(cls.__name__ == 'Point' for cls in __import__('copyreg').dispatch_table)",
]


def unloaded(source: str, *, fails: bool) -> list[Any]:
    """What is registered before and after a module is unloaded, and what the report says."""
    from livecode.live.process import this_process
    from livecode.model.nouns import ModuleSource, Push

    (first,) = services.lived([{"base": BASE, "going": source}], services.evaluated, LEFT)
    broken = [ModuleSource("base", BASE + "1 / 0\n")] if fails else []
    outcome = this_process().push(Push((*broken, ModuleSource("going", None)), force=True))
    return [first["answers"], outcome.verdict.value, services.evaluated(LEFT), list(outcome.warnings)]


def failed(source: str) -> list[Any]:
    """The same, in a push that fails."""
    return unloaded(source, fails=True)


def went(source: str) -> list[Any]:
    """The same, in one that does not."""
    return unloaded(source, fails=False)


def test_what_call_statements_registered_goes(frameworks: Forker) -> None:
    """Routes, handlers, filters, exit functions, entries of other modules' lists and tables go with the module."""
    before, verdict, after, warnings = frameworks.ask(went, GOING)
    assert (before, verdict) == ([["/read"], 2, 1, 1, 1], "LIVE")
    assert (after, [text for text in warnings if "taken back" in text]) == ([[], 0, 0, 0, 0], [])


def test_an_unload_that_is_taken_back_takes_back_all_of_it(frameworks: Forker) -> None:
    """A later failure leaves everything registered."""
    before, verdict, after, _ = frameworks.ask(failed, GOING)
    assert (verdict, after) == ("ROLLED BACK", before)


@pytest.mark.parametrize("line", ["log.addHandler(make())", "HANDLERS.append(make())"])
def test_what_nobody_can_know_is_told(line: str, frameworks: Forker) -> None:
    """A statement of which the entries are not certain is named, with its line."""
    source = f"import logging\nfrom base import HANDLERS, log\ndef make():\n    return logging.NullHandler()\n{line}\n"
    source += "log.info('nothing that stays')\n"
    _, verdict, _, warnings = frameworks.ask(went, source)
    assert verdict == "LIVE"
    assert [text for text in warnings if "taken back" in text] == [
        f"going, line 5: {line}: what it did is not taken back"
    ]
