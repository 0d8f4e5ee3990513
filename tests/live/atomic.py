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
def both(x={n}): return x, {n}
def twice(function):
    @functools.wraps(function)
    def wrapper():
        return function()
    return wrapper
@twice
def wrapped(): return {n}
def build(): return {{"number": NUMBER, "first": first()}}
TABLE = build()

class Order:
    kind = {n}
    rates = [NUMBER for _ in range(1)]
    def method(self): return {n}
    @property
    def total(self): return {n}
    @classmethod
    def made(cls): return {n}
    @staticmethod
    def rate(): return {n}
    def __add__(self, other): return {n}

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
def property_and_function(): return shop.ORDER.total, shop.second()
def class_method_and_constant(): return shop.Order.made(), shop.ORDER.rate(), shop.NUMBER
def operator_and_function(): return shop.ORDER + 1, shop.first()
def default_and_body(): return shop.both()
def wrapper_and_function(): return shop.wrapped(), shop.first()
def _one(): return shop.first()
def _other(): return shop.Order().method()
def by_way_of_others(): return _one(), _other()
def kept_and_called():
    first, second = shop.first, shop.second
    return first(), second(), first()
def given_to_others(): return (*sorted([shop.first(), shop.second()], key=lambda each: shop.first()), shop.constant())
"""


def mixtures(seconds: float, number_of_threads: int) -> dict[str, Any]:
    """How many looks saw a mixture, by what they looked at, while versions were pushed and undone."""
    files = {"settings.py": SETTINGS.format(n=1), "shop.py": SHOP.format(n=1), "looks.py": LOOKS}
    process, _ = tracked(files)
    looks = importlib.import_module("looks")
    own = [value for value in vars(looks).values() if getattr(value, "__module__", "") == "looks"]
    found = [look for look in own if not look.__name__.startswith("_")]
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


def mixtures_in_loops(number_of_pushes: int, number_of_threads: int) -> dict[str, Any]:
    """How many turns of loops that never end saw a mixture; each turn calls two functions of one module."""
    source = "def first(): return {n}\ndef second(x={n}): return x\n"
    process, _ = tracked({"pair.py": source.format(n=1)})
    pair = importlib.import_module("pair")
    seen: Counter[bool] = Counter()
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            one = pair.first()
            two = pair.second()
            seen[one == two] += 1

    threads = [threading.Thread(target=look) for _ in range(number_of_threads)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    for thread in threads:
        thread.start()
    outcomes = [push(process, {"pair": source.format(n=number + 2)}) for number in range(number_of_pushes)]
    stop.set()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(before)
    impatient = sum(any("busy" in text for text in outcome.warnings) for outcome in outcomes)
    live = sum(outcome.verdict.value == "LIVE" for outcome in outcomes)
    return {"mixed": seen[False], "whole": seen[True], "live": live, "impatient": impatient}


def mixtures_with_hook(seconds: float, number_of_threads: int) -> dict[str, Any]:
    """The same with an audit hook in the process."""
    sys.addaudithook(lambda event, args: None)
    return mixtures(seconds, number_of_threads)


def hooks_heard() -> list[bool]:
    """Whether audit hooks are noticed: before there is one, and after."""
    from livecode.live.interference import Listener, lets_others_run

    listener = Listener()
    heard = [listener.event_s() > 0, lets_others_run(0.001)]
    sys.addaudithook(lambda event, args: None)
    heard.append(any(map(lets_others_run, (0.01, 0.1, 1.0, 5.0))))
    return [*heard, any(listener.event_s() > 0 for _ in range(20))]


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
