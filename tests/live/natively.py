"""Modules with native parts: functions that `tests.live.forker` runs in processes of their own."""

from __future__ import annotations

import importlib
import sys
import types
from typing import Any

from tests.live.processes import push, summary, tracked

CALLBACK = """\
from ctypes import CFUNCTYPE, c_int, Structure
PROTO = CFUNCTYPE(c_int, c_int)
def f(x):
    return x + 1
CB = PROTO(f)
class Point(Structure):
    _fields_ = [("x", c_int)]
    def twice(self):
        return self.x * 2
"""


def edited(old: str, new: str) -> dict[str, Any]:
    """An edit of a module with a ctypes callback and structure."""
    process, _ = tracked({"m.py": CALLBACK})
    import m  # type: ignore[import-not-found]

    held, point = m.CB, m.Point(4)
    outcome = push(process, {"m": CALLBACK.replace(old, new)})
    return {**summary(outcome), "called": held(1), "twice": point.twice()}


def unloaded() -> dict[str, Any]:
    """An unload of it."""
    process, _ = tracked({"m.py": CALLBACK})
    importlib.import_module("m")
    return {"plain": summary(push(process, {"m": None})), "forced": summary(push(process, {"m": None}, force=True))}


STAND_IN = """\
class Dispatcher:
    def __init__(self, function):
        self.py_func, self.compiled = function, function.__code__
    def __call__(self, *args):
        return eval(self.compiled, self.py_func.__globals__)
def njit(function):
    return Dispatcher(function)
"""


def compiled(package: str, old: str, new: str) -> dict[str, Any]:
    """An edit of a function held by what stands in for a compiler: a class of that package that keeps old code."""
    stand_in = types.ModuleType(package)
    sys.modules[package] = stand_in
    exec(STAND_IN, stand_in.__dict__)
    source = f"from {package} import njit\nRATE = 1\n@njit\ndef area():\n    return RATE\ndef plain():\n    return 1\n"
    process, _ = tracked({"m.py": source})
    importlib.import_module("m")
    return summary(push(process, {"m": source.replace(old, new)}))
