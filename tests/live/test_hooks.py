"""Hooks: what old code lets go of and new code takes over, and how live instances migrate."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.live import hooked
from tests.live.forker import Forker

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="every case has a forked process of its own")


def module(version: int, *lines: str, accept: str = "", dispose: str = "") -> str:
    """A source whose hooks say which version they are of, and what they got."""
    return "\n".join(
        [
            "import log",
            f"V = {version}",
            "def __hot_dispose__():",
            f"    log.say('dispose of v{version}')",
            f"    {dispose or 'pass'}",
            f"    return 'state of v{version}'",
            "def __hot_accept__(state):",
            f"    log.say('accept of v{version}: ' + str(state))",
            f"    {accept or 'pass'}",
            *lines,
            "",
        ]
    )


def test_the_old_code_lets_go_and_the_new_code_takes_over(forker: Forker) -> None:
    """The old `__hot_dispose__` runs before the push, the new `__hot_accept__` after it, with what that returned."""
    (said,) = forker.ask(hooked.pushes, {"m": module(1)}, {"m": module(2)})
    assert (said["verdict"], said["log"]) == ("LIVE", ["dispose of v1", "accept of v2: state of v1"])


def test_hooks_run_around_the_statements(forker: Forker) -> None:
    """Dispose, statements that are staged, statements that come late, accept."""
    lines = ("log.say(V)", "def build():", "    return log.say(('built by', V))", "T = build()")
    (said,) = forker.ask(hooked.pushes, {"m": module(1)}, {"m": module(2, *lines)})
    assert said["log"] == ["dispose of v1", 2, ["built by", 2], "accept of v2: state of v1"]


@pytest.mark.parametrize(
    ("before", "after", "log"),
    [
        ("import log\n", module(2), ["accept of v2: None"]),
        (module(1), "import log\n", ["dispose of v1"]),
        (module(1), module(1) + "# moved\n", ["dispose of v1", "accept of v1: state of v1"]),
    ],
)
def test_each_hook_is_optional(before: str, after: str, log: list[str], forker: Forker) -> None:
    """A hook that is not there is not missed, and a push of a comment is a push."""
    (said,) = forker.ask(hooked.pushes, {"m": before}, {"m": after})
    assert (said["verdict"], said["log"]) == ("LIVE", log)


def test_what_nobody_takes_over_is_said(forker: Forker) -> None:
    """State that the new code has no hook for is let go, and the report says so."""
    (said,) = forker.ask(hooked.pushes, {"m": module(1)}, {"m": "import log\n"})
    assert "is let go: there is no __hot_accept__" in said["warnings"][0]


def test_only_modules_of_the_push_have_their_hooks_called(forker: Forker) -> None:
    """A module in which something is run again because of another one keeps what it holds."""
    user = module(1, "from m import V as W", "X = [W]")
    (said,) = forker.ask(hooked.pushes, {"m": "import log\nV = 1\n", "user": user}, {"m": "import log\nV = 2\n"})
    assert (said["verdict"], said["log"]) == ("LIVE", [])


def test_neither_an_import_nor_a_dry_run_nor_the_same_source_calls_hooks(forker: Forker) -> None:
    """Hooks belong to replacing running code."""
    assert forker.ask(hooked.dry_run, {"m": module(1)}, {"m": module(2)}) == ["READY"]
    said = forker.ask(hooked.pushes, {"m": module(1)}, {"m": module(1)}, {"new": module(1)})
    assert [(item["verdict"], item["log"]) for item in said] == [("SAME", []), ("LIVE", [])]


def test_an_undo_runs_hooks_as_any_push_does(forker: Forker) -> None:
    """Going back is a push of an older source."""
    log = ["dispose of v2", "accept of v1: state of v2"]
    assert forker.ask(hooked.undone, {"m": module(1)}, {"m": module(2)}) == ["LIVE", *log]


def test_users_let_go_before_what_they_use(forker: Forker) -> None:
    """Several modules are disposed of from the users down, and take over from the used ones up."""
    files = {"low": module(1), "top": module(10, "import low")}
    (said,) = forker.ask(hooked.pushes, files, {"top": module(20, "import low"), "low": module(2)})
    assert said["log"] == [
        "dispose of v10",
        "dispose of v1",
        "accept of v2: state of v1",
        "accept of v20: state of v10",
    ]


def test_an_unload_disposes_of_the_module_and_those_below_it(forker: Forker) -> None:
    """Before a module is taken out, its old code lets go; there is nobody to take over."""
    files = {"pkg.__init__": module(1), "pkg.sub": module(2)}
    (said,) = forker.ask(hooked.pushes, files, {"pkg": None})
    assert (said["verdict"], said["log"]) == ("LIVE", ["dispose of v2", "dispose of v1"])


@pytest.mark.parametrize(
    ("broken", "log"),
    [
        (module(2, "1 / 0"), ["dispose of v1", "accept of v1: state of v1"]),
        (
            module(2, accept="1 / 0"),
            ["dispose of v1", "accept of v2: state of v1", "accept of v1: state of v1"],
        ),
    ],
)
def test_a_push_that_fails_gives_back_what_was_let_go(broken: str, log: list[str], forker: Forker) -> None:
    """After a roll back the old `__hot_accept__` takes over what the old `__hot_dispose__` returned."""
    first, second = forker.ask(hooked.pushes, {"m": module(1)}, {"m": broken}, {"m": module(3)})
    assert (first["verdict"], first["failure"][:2], first["log"]) == ("ROLLED BACK", ["ZeroDivisionError", "m"], log)
    assert (first["not undone"], second["verdict"]) == ([], "LIVE")
    assert second["log"] == ["dispose of v1", "accept of v3: state of v1"]


def test_a_module_that_accepted_lets_go_again_when_another_one_fails(forker: Forker) -> None:
    """What the new code took over is handed back through its own `__hot_dispose__`."""
    files = {"low": module(1), "top": module(10, "import low")}
    step = {"low": module(2), "top": module(20, "import low", accept="raise OSError")}
    (said,) = forker.ask(hooked.pushes, files, step)
    assert said["verdict"] == "ROLLED BACK"
    assert said["log"][4:] == [
        "dispose of v2",
        "accept of v1: state of v2",
        "accept of v10: state of v10",
    ]


def test_a_dispose_that_raises_stops_the_push_and_names_its_own_line(forker: Forker) -> None:
    """Nothing has changed then; what it did before is said not to be undone, and --force goes on without it."""
    broken = module(1, dispose="1 / 0")
    (said,) = forker.ask(hooked.pushes, {"m": broken}, {"m": "\n\n\n" + module(2)})
    assert (said["verdict"], said["failure"]) == ("ROLLED BACK", ["ZeroDivisionError", "m", 5])
    assert said["log"] == ["dispose of v1"]
    assert "--force" in said["not undone"][0]
    said = forker.ask(hooked.forced, {"m": broken}, {"m": module(2)})
    assert (said["verdict"], said["log"]) == ("LIVE", ["dispose of v1", "accept of v2: None"])
    assert "ZeroDivisionError" in said["warnings"][0]


@pytest.mark.parametrize("error", ["KeyboardInterrupt", "SystemExit(3)"])
@pytest.mark.parametrize("where", ["accept", "dispose"])
def test_hooks_cannot_end_the_service(where: str, error: str, forker: Forker) -> None:
    """An exit or an interrupt that a hook raises takes the push back, as any error does."""
    old = module(1, dispose=f"raise {error}" if where == "dispose" else "")
    (said,) = forker.ask(hooked.pushes, {"m": old}, {"m": module(2, accept=f"raise {error}")})
    assert (said["verdict"], said["failure"][0]) == ("ROLLED BACK", error.partition("(")[0])


def test_what_cannot_be_given_back_is_said(forker: Forker) -> None:
    """Without an old `__hot_accept__` the report says so; if that raises, the process is said to need a restart."""
    only_dispose = "import log\ndef __hot_dispose__():\n    log.say('gone')\n"
    (said,) = forker.ask(hooked.pushes, {"m": only_dispose}, {"m": only_dispose + "1 / 0\n"})
    assert (said["verdict"], said["log"]) == ("ROLLED BACK", ["gone"])
    assert "no __hot_accept__ to give it back to" in said["not undone"][0]
    (said,) = forker.ask(hooked.pushes, {"m": module(1, accept="1 / 0")}, {"m": module(2, "1 / 0")})
    assert said["verdict"] == "HALTED"
    assert "the old __hot_accept__() raised ZeroDivisionError" in said["not undone"][0]


def test_what_a_hook_changes_is_taken_back(forker: Forker) -> None:
    """Globals, containers and attributes that a hook of a failed push changed are as they were."""
    lines = [
        "import collections",
        "N, L, Q, C = 0, [1], collections.deque([1]), type('C', (), {})()",
        "def __hot_accept__(state):",
        "    global N, NEW",
        "    N = NEW = 1",
        "    L.append(2)",
        "    Q.append(2)",
        "    C.x = 1",
    ]
    before, after = "\n".join(lines) + "\n", "\n".join([*lines, "    raise OSError"]) + "\n"
    look = ("m.N", "hasattr(m, 'NEW')", "m.L", "list(m.Q)", "hasattr(m.C, 'x')")
    values = forker.ask(hooked.values, {"m": before}, {"m": after}, *look)
    assert values == ["ROLLED BACK", 0, False, [1], [1], False]


@pytest.mark.parametrize(
    ("hook", "says"),
    [
        ("def __hot_accept__():\n    pass", "takes 0 arguments, and it is called with 1"),
        ("def __hot_accept__(a, b):\n    pass", "takes 2 arguments"),
        ("def __hot_dispose__(a):\n    pass", "takes 1 argument,"),
        ("__hot_accept__ = 3", "cannot be called"),
        ("class C:\n    async def __hot_migrate__(self, old):\n        pass", "is async"),
        ("class C:\n    def __hot_migrate__(self):\n        pass", "takes 1 argument"),
        ("async def __hot_accept__(state):\n    pass", "runs no event loop"),
    ],
)
def test_a_hook_that_cannot_be_called_is_refused(hook: str, says: str, forker: Forker) -> None:
    """A wrong signature is found before anything is touched, not when it is called."""
    (said,) = forker.ask(hooked.pushes, {"m": module(1)}, {"m": f"import log\n{hook}\n"})
    assert (said["verdict"], said["codes"], said["log"]) == ("REFUSED", ["LC107"], [])
    assert says in said["says"][0]


def test_a_hook_of_the_old_code_that_cannot_be_called_is_left_out(forker: Forker) -> None:
    """It could not be mended otherwise; the report says so."""
    (said,) = forker.ask(hooked.pushes, {"m": "def __hot_dispose__(a):\n    pass\n"}, {"m": module(2)})
    assert (said["verdict"], said["log"]) == ("LIVE", ["accept of v2: None"])
    assert "was left out" in said["warnings"][0]


def test_what_turns_out_not_to_be_callable_takes_the_push_back(forker: Forker) -> None:
    """Where only running the source can tell, the push is rolled back with a reason."""
    (said,) = forker.ask(hooked.pushes, {"m": module(1)}, {"m": "__hot_accept__ = dict(a=1)\n"})
    assert (said["verdict"], said["failure"][0]) == ("ROLLED BACK", "HookError")


ASYNC = (
    "import asyncio, log",
    "TASK = None",
    "async def __hot_dispose__():",
    "    if TASK: TASK.cancel()",
    "    await asyncio.sleep(0)",
    "    return 'handed on'",
    "async def __hot_accept__(state):",
    "    global TASK",
    "    TASK = asyncio.get_running_loop().create_task(asyncio.sleep(60))",
    "    log.say(state)",
)


def test_async_hooks_run_on_the_loop_of_the_service(forker: Forker) -> None:
    """They may await, cancel tasks and start them; without a loop to wait for, the push is refused."""
    old = "\n".join(ASYNC) + "\n"
    said = forker.ask(hooked.on_a_loop, {"m": old}, {"m": old + "X = 1\n"})
    assert (said["verdict"], said["log"]) == ("LIVE", ["handed on"])
    said = forker.ask(hooked.from_the_loop, {"m": old}, {"m": old + "X = 1\n"})
    assert (said["verdict"], said["codes"]) == ("REFUSED", ["LC107"])
    assert "asyncio.to_thread" in said["says"][0]


def test_an_async_hook_that_does_not_end_is_cancelled(forker: Forker) -> None:
    """A push does not hang: it is taken back."""
    never = "import asyncio\nasync def __hot_accept__(state):\n    await asyncio.sleep(60)\n"
    said = forker.ask(hooked.patience, {"m": "X = 1\n"}, {"m": never})
    assert (said["verdict"], said["failure"][0]) == ("ROLLED BACK", "HookError")


def test_an_async_hook_that_does_not_let_itself_be_cancelled_is_told(forker: Forker) -> None:
    """What goes on after the roll back is said to go on."""
    stubborn = (
        "import asyncio\nasync def __hot_accept__(state):\n    for _ in range(20):\n        try:\n"
        "            await asyncio.sleep(0.05)\n        except asyncio.CancelledError:\n            pass\n"
    )
    verdict, message = forker.ask(hooked.impatience, {"m": "X = 1\n"}, {"m": stubborn})
    assert (verdict, message.rpartition("; ")[2]) == ("ROLLED BACK", "it did not stop, and goes on")


def test_a_plain_hook_that_does_not_end_is_interrupted(forker: Forker) -> None:
    """A push does not hang, nor hold off the next one; code that goes on after every error ends, too."""
    never = """def __hot_accept__(state):
    while True:
        try:
            1 / 0
        except Exception:
            pass
"""
    stuck, then, left = forker.ask(hooked.plain_patience, {"m": "X = 1\n"}, {"m": never}, {"m": "X = 2\n"})
    assert (stuck["verdict"], stuck["failure"][0]) == ("ROLLED BACK", "HookError")
    assert (then["verdict"], left["threads"]) == ("LIVE", [])


def test_a_hook_that_ends_in_time_is_left_alone(forker: Forker) -> None:
    """No thread watches it any more afterwards."""
    good = "def __hot_accept__(state):\n    global X\n    X = 3\n"
    *said, left = forker.ask(hooked.plain_patience, {"m": "X = 1\n"}, {"m": good}, {"m": good + "Y = 1\n"})
    assert ([item["verdict"] for item in said], left["threads"]) == (["LIVE", "LIVE"], [])


POLLING = """\
import threading
STATE = {STATE}
STOP = threading.Event()
def poll(stop):
    stop.wait()
def start(state):
    global THREAD, STATE
    STATE = state
    STOP.clear()
    THREAD = threading.Thread(target=poll, args=(STOP,), name='poll {VERSION}', daemon=True)
    THREAD.start()
def __hot_dispose__():
    STOP.set()
    THREAD.join()
    return STATE + 1
def __hot_accept__(state):
    start(state)
if 'THREAD' not in globals():
    start(STATE)
"""


def test_a_module_with_a_thread_is_replaced_and_put_back(forker: Forker) -> None:
    """Exactly one thread runs at any time: that of the new code, or again that of the old code after a failure."""
    before, after = POLLING.format(STATE=0, VERSION=1), POLLING.format(STATE=0, VERSION=2)
    said = forker.ask(hooked.worker_thread, before, after, after + "1 / 0\n")
    assert said["verdicts"] == ["ROLLED BACK", "LIVE"]
    assert said["threads"] == [["poll 1"], ["poll 1"], ["poll 2"]]
    assert said["state"] == 2


def order(*lines: str, head: str = "class Order:") -> str:
    """A class with these members."""
    return "\n".join(["import log", head, *(f"    {line}" for line in lines), ""])


DATACLASS = "import dataclasses\n@dataclasses.dataclass\nclass Order:"
ADD_TIP = ("def __hot_migrate__(self, old):", "    self.tip = old * 10")


@pytest.mark.parametrize(
    ("before", "after", "make", "look", "wanted"),
    [
        (order("n = 1"), order("n = 1", *ADD_TIP), "[m.Order(), m.Order()]", "it.tip", [10, 10]),
        (
            order("n = 1") + "class Sub(Order):\n    pass\n",
            order("n = 1", *ADD_TIP) + "class Sub(Order):\n    pass\n",
            "[m.Order(), m.Sub()]",
            "it.tip",
            [10, 10],
        ),
        (
            order("__slots__ = 'n', 'tip'"),
            order("__slots__ = 'n', 'tip'", *ADD_TIP),
            "[m.Order()]",
            "it.tip",
            [10],
        ),
        (
            order("n: int = 1", head=DATACLASS),
            order("n: int = 1", "tip: int = 0", *ADD_TIP, head=DATACLASS),
            "[m.Order(5)]",
            "(it.n, it.tip)",
            [[5, 10]],
        ),
        (
            order("class Line:", "    n = 1"),
            order("class Line:", "    n = 1", *(f"    {line}" for line in ADD_TIP)),
            "[m.Order.Line()]",
            "it.tip",
            [10],
        ),
        (
            order("n = 1", *ADD_TIP) + "class Sub(Order):\n    def f(self): return 1\n",
            order("n = 1", *ADD_TIP) + "class Sub(Order):\n    def f(self): return 2\n",
            "[m.Order(), m.Sub()]",
            "getattr(it, 'tip', None)",
            [None, 10],
        ),
        (
            order("n = 1") + "T = 1\n",
            order("n = 2", *ADD_TIP) + "T = Order()\n",
            "[m.Order()]",
            "(it.tip, hasattr(m.T, 'tip'))",
            [[10, False]],
        ),
        (
            order("n = 1", head="class Order(list):"),
            order("n = 2", *ADD_TIP, head="class Order(list):"),
            "[m.Order([1])]",
            "(list(it), it.tip)",
            [[[1], 10]],
        ),
    ],
)
def test_live_instances_of_a_changed_class_migrate(
    before: str, after: str, make: str, look: str, wanted: list[Any], forker: Forker
) -> None:
    """The hook is called for each instance, subclasses' too; not for classes that did not change, nor for new ones."""
    said = forker.ask(hooked.migrated, {"m": before}, {"m": after}, make, look)
    assert (said["verdict"], said["look"]) == ("LIVE", wanted), said
    count = sum(item not in (None,) for item in wanted)
    (line,) = [text for text in said["warnings"] if "__hot_migrate__" in text]
    assert f"{count} live instance" in line
    assert "found by a scan of the heap" in line


def test_instances_migrate_between_commit_and_accept(forker: Forker) -> None:
    """Dispose, commit, late statements, migrate, accept."""
    say = ("def __hot_migrate__(self, old):", "    log.say(('migrate from', old, self.f()))")
    tail = "def build():\n    return log.say(('late', V))\nT = build()\n"
    before = module(1) + order("def f(self):", "    return 1") + "KEEP = Order()\n"
    after = module(2) + order("def f(self):", "    return 2", *say) + "KEEP = Order()\n" + tail
    (said,) = forker.ask(hooked.pushes, {"m": before}, {"m": after})
    assert said["log"] == ["dispose of v1", ["late", 2], ["migrate from", 1, 2], "accept of v2: state of v1"]


BREAK_HALF_WAY = (
    "def __hot_migrate__(self, old):",
    "    self.n, self.tip = 9, 9",
    "    del self.gone",
    "    self.items.append(9)",
    "    if self.last: raise KeyError('no')",
)


@pytest.mark.parametrize("slots", ["", "__slots__ = 'n', 'tip', 'gone', 'items', 'last'"])
def test_instances_that_migrated_already_are_put_back(slots: str, forker: Forker) -> None:
    """If the hook of one instance raises, all have their attributes again, in slots too."""
    make = ("def __init__(self, last):", "    self.n, self.gone, self.items, self.last = 1, 2, [3], last")
    lines = [line for line in (slots,) if line]
    before, after = order(*lines, *make), order(*lines, *make, *BREAK_HALF_WAY)
    look = "(it.n, hasattr(it, 'tip'), it.gone, it.items)"
    said = forker.ask(hooked.migrated, {"m": before}, {"m": after}, "[m.Order(n == 4) for n in range(5)]", look)
    assert (said["verdict"], said["look"]) == ("ROLLED BACK", [[1, False, 2, [3]]] * 5)
    assert said["failure"][:2] == ["KeyError", "m"]
    assert said["warnings"] == []


def test_frozen_instances_migrate(forker: Forker) -> None:
    """Objects that `gc.freeze` put aside before a fork are found."""
    before, after = order("n = 1"), order("n = 1", *ADD_TIP)
    assert forker.ask(hooked.migrated_frozen, {"m": before}, {"m": after}) == ["LIVE", [10, 10, 10], True]


@pytest.mark.parametrize(
    ("after", "asked"),
    [
        (order("n = 2"), 0),
        (order("n = 1", *ADD_TIP), 1),
        (order("n = 1", *ADD_TIP) + "X = 1\n", 1),
    ],
)
def test_the_heap_is_scanned_only_for_a_hook(after: str, asked: int, forker: Forker) -> None:
    """Without `__hot_migrate__` no push asks the collector for all objects."""
    assert forker.ask(hooked.scans, {"m": order("n = 1")}, {"m": after}) == ["LIVE", asked]
    both = order("n = 1", *ADD_TIP)
    assert forker.ask(hooked.scans, {"m": both}, {"m": both + "X = 1\n"}) == ["LIVE", 0]


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("__slots__ = 'n'", "__slots__ = 'n', 'tip'", "Order gains slot 'tip'; 2 live instances would lack it"),
        ("__slots__ = 'n', 'tip'", "__slots__ = ['n']", "Order loses slot 'tip'; 2 live instances hold one"),
        ("n = 1", "__slots__ = ()", "Order gets __slots__; 2 live instances have a __dict__ instead"),
        ("__slots__ = 'n',", "n = 1", "Order loses its __slots__; 2 live instances would lack a __dict__"),
        ("__slots__ = 'n',", "__slots__ = 'n', '__weakref__'", "gains slot '__weakref__'; 2 live"),
    ],
)
def test_a_changed_layout_is_refused_with_a_count(before: str, after: str, says: str, forker: Forker) -> None:
    """The slot is named, and how many live instances, those of subclasses among them, stand in the way."""
    tail = "class Sub(Order):\n    pass\n"
    said = forker.ask(
        hooked.migrated, {"m": order(before) + tail}, {"m": order(after) + tail}, "[m.Order(), m.Sub()]", "1"
    )
    assert (said["verdict"], said["codes"]) == ("REFUSED", ["LC103"])
    assert says in said["says"][0]


def test_a_changed_metaclass_is_named(forker: Forker) -> None:
    """The refusal says which metaclass would become which."""
    before = "class M(type): pass\nclass A(metaclass=M): pass\n"
    (said,) = forker.ask(hooked.pushes, {"m": before}, {"m": before.replace("=M", "=type")})
    assert (said["codes"], "A changes its metaclass: M → type" in said["says"][0]) == (["LC102"], True)


def test_a_kept_member_of_a_class_keeps_its_value(forker: Forker) -> None:
    """`# livecode: keep` holds in a class body, also over several lines and together with other changes."""
    before = order("x = [", "    1,  # livecode: keep", "]", "y = 1")
    after = order("x = [", "    2,  # livecode: keep", "]", "y = 2")
    assert forker.ask(hooked.values, {"m": before}, {"m": after}, "m.Order.x", "m.Order.y") == ["LIVE", [1], 2]
