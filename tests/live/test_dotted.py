"""How a dotted name may go on: looked up, nothing of it run."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator

import pytest

from livecode.live.dotted import MAX_NAMES, names_under
from livecode.live.process import this_process

SOURCE = """
class Order:
    '''A slot, a property that must not run, a method.'''
    __slots__ = ("item",)
    limit = 3
    @property
    def total(self):
        raise RuntimeError("nobody asked")
    def pay(self): pass
    def __getattr__(self, name):
        raise RuntimeError("nobody asked")
    def __dir__(self):
        raise RuntimeError("nobody asked")
class Plain: pass
LAST, CACHE, PLAIN = Order(), {}, Plain()
LAST.item = PLAIN
PLAIN.tag = "x"
_hidden = 1
"""


@pytest.fixture
def shop() -> Iterator[types.ModuleType]:
    """A package with one module."""
    made, below = types.ModuleType("shop_lc"), types.ModuleType("shop_lc.till")
    exec(SOURCE, vars(made))
    sys.modules |= {"shop_lc": made, "shop_lc.till": below}
    yield made
    del sys.modules["shop_lc"], sys.modules["shop_lc.till"]


@pytest.mark.parametrize(
    ("text", "module", "names"),
    [
        ("shop_l", "", ("shop_lc",)),
        ("shop_lc.P", "", ("shop_lc.PLAIN", "shop_lc.Plain")),
        ("shop_lc.t", "", ("shop_lc.till",)),
        ("shop_lc._hid", "", ("shop_lc._hidden",)),
        ("shop_lc.LAST.", "", ("shop_lc.LAST.item", "shop_lc.LAST.limit", "shop_lc.LAST.pay", "shop_lc.LAST.total")),
        ("shop_lc.LAST.item.t", "", ("shop_lc.LAST.item.tag",)),
        ("shop_lc.LAST.total.", "", ()),
        ("shop_lc.Order.p", "", ("shop_lc.Order.pay",)),
        ("shop_lc.CACHE.pop", "", ("shop_lc.CACHE.pop", "shop_lc.CACHE.popitem")),
        ("CA", "shop_lc", ("CACHE",)),
        ("LAST.i", "shop_lc", ("LAST.item",)),
        ("no_such_lc.x", "", ()),
        ("isinst", "", ("isinstance",)),
        ("shop_lc.LAST.nothing.x", "", ()),
    ],
)
def test_names(shop: types.ModuleType, text: str, module: str, names: tuple[str, ...]) -> None:
    """Of modules, instances and classes; private ones where they are asked for."""
    assert names_under(this_process(), text, module) == names


def test_there_are_not_too_many(shop: types.ModuleType) -> None:
    """A list that nobody can read is not sent."""
    vars(shop).update({f"name{n}": n for n in range(2 * MAX_NAMES)})
    assert len(names_under(this_process(), "shop_lc.name", "")) == MAX_NAMES
