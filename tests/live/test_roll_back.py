"""All or nothing: an error at any step of a push leaves the process as it was."""

from __future__ import annotations

import os

import pytest

from tests.live.edits import SAME_AS_FRESH, Edit
from tests.live.forker import Forker
from tests.live.roll_back import after_failure, each_step_fails, failing_push, imports_twice

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="every case has a forked process of its own")

MADE_BY_LOOKING = ("global written", "cm")  # describing these modules changes them
EDITS = [edit for edit in SAME_AS_FRESH if len(edit.pushes) == 1 and edit.name not in MADE_BY_LOOKING]
GOOD = {"verdict": "ROLLED BACK", "changed": [], "then": "LIVE", "not undone": []}


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.name)
def test_an_exception_at_the_end_takes_everything_back(edit: Edit, forker: Forker) -> None:
    """A last line that raises leaves every object, value and name as it was; the corrected source then applies."""
    last = list(edit.pushes[0])[-1]
    broken = {**edit.pushes[0], last: edit.pushes[0][last] + "\n1 / 0\n"}
    assert forker.ask(failing_push, edit.before, broken, edit.pushes[0]) == GOOD


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.name)
def test_an_exception_at_any_step_takes_everything_back(edit: Edit, forker: Forker) -> None:
    """Whatever step of the journal fails, before or after it is done, the process is as it was; so with statements.

    Errors, exits and interrupts take turns; all pushes are of one process, so that each failure must leave it whole.
    """
    assert forker.ask(each_step_fails, edit.before, edit.pushes[0]) == {}


REACHED = """\
import collections, functools, array
class Base:
    items = [1]
    count = 0
    def add(self, x):
        self.items.append(x)
        self.n = x
class Slotted:
    __slots__ = "a", "b"
class MyList(list):
    def __iter__(self): raise TypeError("not to be asked")
    def __len__(self): raise TypeError("not to be asked")
class MyDict(dict):
    def items(self): raise TypeError("not to be asked")
    def __setitem__(self, key, value): raise TypeError("not to be asked")
class MySet(set): pass
def make_counter():
    n = 0
    def count():
        nonlocal n
        n += 1
        return n
    count.now = lambda: n
    return count
N = 0
def bump():
    global N, NEW
    N += 1
    NEW = N
def remember(x, seen=[1]):
    seen.append(x)
def rename():
    Base.count = 5
    Base.more = 6
def set_attribute(thing, value):
    thing.a = value
def nested():
    def inner():
        global N
        N = 7
    inner()
L, D, S, Q = [1], {"b": 1, "a": 2}, {1}, collections.deque([1], maxlen=3)
DD, OD, C = collections.defaultdict(list, x=[1]), collections.OrderedDict(b=1, a=2), collections.Counter("a")
BA, AR = bytearray(b"ab"), array.array("i", [1])
ML, MD, MS = MyList([1]), MyDict(a=1), MySet([1])
O, SL, UD = Base(), Slotted(), collections.UserDict(a=1)
SL.a = 1
DEEP = {"a": [{"b": (Base(), [1])}]}
COUNT = make_counter()
PART = functools.partial(remember, 5)
BOUND = O.add
"""


@pytest.mark.parametrize("error", ["ValueError", "KeyboardInterrupt", "SystemExit(1)"])
@pytest.mark.parametrize(
    ("statement", "look"),
    [
        ("L.append(2)", "m.L"),
        ("L.clear()", "m.L"),
        ("D['c'] = 3; D.pop('b')", "m.D"),
        ("D['b'] = D.pop('b')", "list(m.D)"),
        ("S.add(2)", "m.S"),
        ("Q.extend([2, 3, 4])", "m.Q"),
        ("DD['new'].append(1)", "m.DD"),
        ("OD.move_to_end('b')", "m.OD"),
        ("C.update('ab')", "m.C"),
        ("BA += b'c'", "m.BA"),
        ("AR.append(2)", "m.AR"),
        ("ML.append(2)", "list.__repr__(m.ML)"),
        ("MD.update(b=2)", "m.MD"),
        ("MS.add(2)", "m.MS"),
        ("O.add(2)", "(m.O.__dict__, m.Base.items)"),
        ("BOUND(2)", "(m.O.__dict__, m.Base.items)"),
        ("SL.b = 2; SL.a = 3", "(m.SL.a, hasattr(m.SL, 'b'))"),
        ("set_attribute(SL, 5)", "m.SL.a"),
        ("UD['b'] = 2", "m.UD"),
        ("DEEP['a'][0]['b'][1].append(2)", "m.DEEP['a'][0]['b'][1]"),
        ("DEEP['a'][0]['b'][0].n = 2", "m.DEEP['a'][0]['b'][0].__dict__"),
        ("COUNT()", "m.COUNT.now()"),
        ("bump()", "(m.N, hasattr(m, 'NEW'))"),
        ("nested()", "m.N"),
        ("remember(2)", "m.remember.__defaults__"),
        ("PART()", "m.remember.__defaults__"),
        ("rename()", "(m.Base.count, hasattr(m.Base, 'more'))"),
        ("Base.count = 9", "m.Base.count"),
        ("remember.called = [1]", "hasattr(m.remember, 'called')"),
        ("for L in ([5],): L.append(1)", "m.L"),
    ],
)
def test_what_a_statement_can_reach_is_as_it_was(statement: str, look: str, error: str, forker: Forker) -> None:
    """Containers of all kinds, attributes, slots, cells and globals that a failed push changed are found unchanged."""
    said = forker.ask(after_failure, REACHED, statement, look, error)
    assert said["verdicts"] == ["ROLLED BACK", "LIVE"]
    before, failed, good = said["seen"]
    assert (failed == before, good == before) == (True, False)


def test_what_is_too_long_to_be_copied_is_said(forker: Forker) -> None:
    """A container of a million entries is not copied; the report says if it has other entries than before."""
    said = forker.ask(after_failure, "L = [0] * 1_000_000\n", "L.append(1)", "len(m.L)", "ValueError")
    assert said["said"] == ["a list of 1,000,000 entries has 1,000,001 now: it is too long to be copied"]


def test_modules_that_a_failed_push_imported_are_imported_again(forker: Forker) -> None:
    """The corrected push finds the corrected files of modules that the failed one imported; libraries stay."""
    said = forker.ask(imports_twice)
    assert said == {"verdicts": ["ROLLED BACK", "LIVE"], "stayed": ["wave"], "value": 2}


HOOKED = """\
class Order:
    def __init__(self, n): self.n = n
    def f(self): return 1
    def __hot_migrate__(self, old):
        self.tip = [old]
ORDERS = [Order(n) for n in range(3)]
HELD = [1]
def __hot_dispose__():
    return [HELD.pop()]
def __hot_accept__(state):
    HELD[:] = state
"""


def test_each_step_of_a_push_with_hooks(forker: Forker) -> None:
    """Also where hooks run and instances migrate, the failure of any step leaves the process as it was."""
    after = HOOKED.replace("return 1", "return 2").replace("self.tip = [old]", "self.tip = old")
    assert forker.ask(each_step_fails, {"m": HOOKED}, {"m": after + "NEW = 1\nclass Order2(Order): pass\n"}) == {}


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("error", ["ValueError", "KeyboardInterrupt", "SystemExit(1)"])
def test_each_instance_that_migrates_may_fail(number: int, error: str, forker: Forker) -> None:
    """Whichever instance's hook raises, all instances are as they were, and the corrected push migrates all."""
    bad = HOOKED.replace(
        "self.tip = [old]", f"self.n, self.tip = -self.n, 0\n        if self.n == -{number}: raise {error}"
    )
    said = forker.ask(failing_push, {"m": HOOKED}, {"m": bad}, {"m": HOOKED + "X = 1\n"})
    kept = [] if error == "ValueError" else said["not undone"]
    assert said == {"verdict": "ROLLED BACK", "changed": [], "then": "LIVE", "not undone": kept}
