"""Threads that look at two things of a program at once while versions of it come and go: does one see a mixture?

Every piece of a version carries its number, so a look that gets two numbers is a mixture.
"""

from __future__ import annotations

import importlib
import sys
import threading
import time
from collections import Counter
from typing import Any

from tests.live.processes import push, tracked

SETTINGS = """\
RATE = {n}
def tax(): return {n}
"""

SHOP = """\
import dataclasses, enum, functools, typing
import settings
from settings import RATE, tax

NUMBER = {n}
FROM_CALL = settings.tax() + 0 * {n}
DOUBLE = settings.RATE * 2
LISTED = [RATE for _ in range(2)]
COPIED = dict(rate=RATE, number=NUMBER)

def first(): return {n}
def second(x={n}): return x
def constant(): return NUMBER
def build(): return {{"number": NUMBER, "first": first()}}
TABLE = build()

class Order:
    kind = {n}
    rates = [NUMBER for _ in range(1)]
    def method(self): return {n}
    @property
    def total(self): return {n}

ORDER = Order()

class Colour(enum.Enum):
    RED = {n}
    BLUE = NUMBER + 1

@dataclasses.dataclass
class Item:
    price: int = {n}
    count: int = NUMBER

class Point(typing.NamedTuple):
    x: int = {n}
    y: int = RATE
"""

LOOKS = """\
import operator
import settings, shop

def two_functions(): return shop.first(), shop.second()
def function_and_constant(): return shop.constant(), shop.first(), shop.NUMBER
def method_and_function(): return shop.ORDER.method(), shop.first()
def property_and_attribute(): return shop.ORDER.total, shop.Order.kind, shop.ORDER.rates[0]
def enum_and_function(): return shop.Colour.RED.value, shop.Colour.BLUE.value - 1, shop.first()
def enum_by_value(): return shop.Colour(shop.NUMBER).value, shop.first()
def dataclass_and_function(): return shop.Item().price, shop.Item().count, shop.first()
def named_tuple(): return (*shop.Point(), shop.second())
def two_modules(): return settings.RATE, shop.RATE, shop.first(), settings.tax(), shop.tax(), shop.FROM_CALL
def derived(): return shop.DOUBLE // 2, shop.LISTED[0], shop.COPIED["rate"], shop.COPIED["number"]
def table_and_function(): return shop.TABLE["number"], shop.TABLE["first"], shop.constant()
"""


def mixtures(seconds: float, number_of_threads: int) -> dict[str, Any]:
    """How many looks saw a mixture, by what they looked at, while versions were pushed and undone."""
    files = {"settings.py": SETTINGS.format(n=1), "shop.py": SHOP.format(n=1), "looks.py": LOOKS}
    process, _ = tracked(files)
    looks = importlib.import_module("looks")
    found = [value for value in vars(looks).values() if callable(value) and value.__module__ == "looks"]
    seen: Counter[str] = Counter()
    calls: Counter[str] = Counter()
    stop = threading.Event()

    def keep_looking() -> None:
        while not stop.is_set():
            for look in found:
                _look_once(look, seen, calls)

    threads = [threading.Thread(target=keep_looking) for _ in range(number_of_threads)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    for thread in threads:
        thread.start()
    verdicts: Counter[str] = Counter()
    said: Counter[str] = Counter()
    until = time.monotonic() + seconds
    number = 1
    while time.monotonic() < until:
        number = 1 if number > 1 and number % 3 == 0 else number + 1  # every third push takes it all back
        sources = {"settings": SETTINGS.format(n=number), "shop": SHOP.format(n=number)}
        outcome = push(process, {**sources})
        verdicts[outcome.verdict.value] += 1
        said.update(outcome.warnings)
        if outcome.failure is not None:
            said[f"{outcome.failure.type}: {outcome.failure.message}"] += 1
    stop.set()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(before)
    return {"mixed": seen, "calls": calls, "pushes": verdicts, "said": said}


def _look_once(look: Any, seen: Counter[str], calls: Counter[str]) -> None:
    try:
        numbers = look()
    except Exception as error:
        seen[f"{look.__name__}: {type(error).__name__}: {error}"] += 1
        return
    calls[look.__name__] += 1
    if len(set(numbers)) > 1:
        seen[look.__name__] += 1


def mixtures_with_hook(seconds: float, number_of_threads: int) -> dict[str, Any]:
    """The same with an audit hook in the process."""
    sys.addaudithook(lambda event, args: None)
    return mixtures(seconds, number_of_threads)


def hooks_heard() -> list[bool]:
    """Whether audit hooks are noticed: before there is one, and after."""
    from livecode.live.interference import Listener, _lets_others_run

    listener = Listener()
    heard = [listener.event_s() > 0, _lets_others_run(1e-7)]
    sys.addaudithook(lambda event, args: None)
    return [*heard, listener.event_s() > 0, _lets_others_run(1e-7)]


def hook_that_raises() -> list[str]:
    """A push in a process with an audit hook that dislikes what it does not know."""

    def dislike(event: str, args: Any) -> None:
        if event.startswith("livecode."):
            raise RuntimeError("unknown event")

    process, _ = tracked({"m.py": "def f(): return 1\n"})
    module = importlib.import_module("m")
    sys.addaudithook(dislike)
    outcome = push(process, {"m": "def f(): return 2\n"})
    return [outcome.verdict.value, str(module.f()), *outcome.warnings]
