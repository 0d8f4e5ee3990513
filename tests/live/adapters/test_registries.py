# ruff: noqa: E501  # a line of a table is one case
"""Registries that nobody wrote an adapter for: they are found from the decorator."""

from __future__ import annotations

import pytest

from tests.live.adapters import services
from tests.live.adapters.equal import as_fresh
from tests.live.forker import Forker

BY_NAME = """REGISTRY = {}

def register(function):
    REGISTRY[function.__name__] = function
    return function
"""
LISTED = """HANDLERS = []

def register(function):
    HANDLERS.append(function)
    return function
"""
USED = """
@register
def a():
    return 1

@register
def b():
    return 2
"""
REMOVED = "@register\ndef a():\n    return 1\n"
ORDER = "[[name, function()] for name, function in m.REGISTRY.items()]"
SAME = "[function is vars(m).get(function.__name__) for function in m.REGISTRY.values()]"
LIST = "[function() for function in m.HANDLERS]"
SAME_LISTED = "[function is vars(m).get(function.__name__) for function in m.HANDLERS]"
CHANGES = [
    [("def a():", "def a(n=5):"), ("return 1", "return n"), ("n=5", "n=6")],
    [("def a():", "def c():"), ("return 1", "return 3")],
    [(REMOVED, "")],
    [("@register\ndef a", "@register\ndef first():\n    return 0\n\n@register\ndef a")],
    [("@register\ndef a", "def a"), ("return 1", "return 7")],
    [("@register\ndef b", "@register\ndef between():\n    return 0\n\n@register\ndef b"), ("return 0", "return 9")],
    [("def a():", "def a(n=5):"), (REMOVED.replace("a()", "a(n=5)"), "")],
]


@pytest.mark.parametrize("edits", CHANGES)
def test_a_dict_by_name(edits: list[tuple[str, str]], frameworks: Forker) -> None:
    """Entries stand in the order of the source, and hold the function that the name stands for."""
    as_fresh(frameworks, "evaluate", BY_NAME + USED, edits, [ORDER, SAME])


@pytest.mark.parametrize("edits", CHANGES)
def test_a_list(edits: list[tuple[str, str]], frameworks: Forker) -> None:
    """A list has each function once, in the order of the source."""
    as_fresh(frameworks, "evaluate", LISTED + USED, edits, [LIST, SAME_LISTED])


OTHERS = {
    "refuses twice": (BY_NAME.replace("    REG", "    assert function.__name__ not in REGISTRY\n    REG"), ORDER),
    "keeps the first": (
        BY_NAME.replace("[function.__name__] = function", ".setdefault(function.__name__, function)"),
        ORDER,
    ),
    "in front": (LISTED.replace("append(", "insert(0, "), LIST),
    "tuples": (LISTED.replace("append(function)", "append((0, function))"), "[run() for _, run in m.HANDLERS]"),
    "records": (
        LISTED.replace("(function)\n    r", "({'run': function, 'n': 5})\n    r"),
        "[h['run']() for h in m.HANDLERS]",
    ),
    "a set": (
        LISTED.replace("= []", "= set()").replace("append", "add"),
        "sorted(function() for function in m.HANDLERS)",
    ),
    "a deque": ("import collections\n" + LISTED.replace("= []", "= collections.deque()"), LIST),
    "partials": (
        "import functools\n" + LISTED.replace("(function)\n    r", "(functools.partial(function))\n    r"),
        LIST,
    ),
    "weak": (
        "import weakref\n" + LISTED.replace("(function)\n    r", "(weakref.ref(function))\n    r"),
        "[h()() for h in m.HANDLERS]",
    ),
    "wraps": (LISTED.replace("return function", "return lambda *args: -function(*args)"), LIST + " + [m.a()]"),
    "gives nothing": (LISTED.replace("return function", "return None"), LIST),
    "by event": (
        "import collections\nREGISTRY = collections.defaultdict(list)\n\ndef on(event):\n"
        "    def decorate(function):\n        REGISTRY[event].append(function)\n        return function\n"
        "    return decorate\n\nregister = on('event')\n",
        "[function() for function in m.REGISTRY['event']]",
    ),
    "an object": (
        "class Bus:\n    def __init__(self):\n        self.found = []\n    def __call__(self, function):\n"
        "        self.found.append(function)\n        return function\n\nregister = Bus()\n",
        "[function() for function in m.register.found]",
    ),
    "slots": (
        "class Bus:\n    __slots__ = ('found',)\n    def __init__(self):\n        self.found = {}\n"
        "    def add(self, function):\n        self.found[function.__name__] = function\n        return function\n\n"
        "bus = Bus()\nregister = bus.add\n",
        "[function() for function in m.bus.found.values()]",
    ),
    "jobs": (
        "class Job:\n    def __init__(self, run):\n        self.run = run\n\nJOBS = []\n\ndef register(function):\n"
        "    JOBS.append(Job(function))\n    return function\n",
        "[job.run() for job in m.JOBS]",
    ),
    "a class": (
        "class Plugin:\n    found = []\n    @classmethod\n    def add(cls, function):\n"
        "        cls.found.append(function)\n        return function\n\nregister = Plugin.add\n",
        "[function() for function in m.Plugin.found]",
    ),
    "a closure": (
        "def make():\n    found = []\n    def register(function):\n        found.append(function)\n        return function\n"
        "    register.found = found\n    return register\n\nregister = make()\n",
        "[function() for function in m.register.found]",
    ),
}


@pytest.mark.parametrize("registry", OTHERS)
@pytest.mark.parametrize("name", ["a", "b"])
def test_other_registries(registry: str, name: str, frameworks: Forker) -> None:
    """Sets, deques, tuples, records, objects, weak references, closures, attributes; those that refuse twice."""
    source, question = OTHERS[registry]
    edits = [(f"def {name}():", f"def {name}(n=5):"), (f"return {'ab'.index(name) + 1}", "return n"), ("n=5", "n=6")]
    as_fresh(frameworks, "evaluate", source + USED, edits, [question])


@pytest.mark.parametrize("registry", OTHERS)
def test_removed_from_other_registries(registry: str, frameworks: Forker) -> None:
    """What a statement registered goes with it."""
    source, question = OTHERS[registry]
    as_fresh(frameworks, "evaluate", source + USED, [(REMOVED, "")], [question.removesuffix(" + [m.a()]")])


METHODS = """HANDLERS = {}

def on(name):
    def decorate(function):
        HANDLERS[name] = function
        return function
    return decorate

class Views:
    @on("one")
    def one(self):
        return 1

    @on("two")
    def two(self):
        return 2
"""


@pytest.mark.parametrize(
    "edits",
    [
        [("def one(self):", "def one(self, n=5):"), ("return 1", "return n"), ("n=5", "n=6")],
        [('"one"', '"uno"'), ("return 1", "return 11")],
        [('    @on("one")\n    def one(self):\n        return 1\n', "")],
        [('    @on("two")', '    @on("new")\n    def new(self):\n        return 3\n\n    @on("two")')],
    ],
)
def test_methods(edits: list[tuple[str, str]], frameworks: Forker) -> None:
    """What decorators in a class body register is replaced like all else."""
    questions = ["{name: run(m.Views()) for name, run in m.HANDLERS.items()}", "sorted(vars(m.Views))"]
    as_fresh(frameworks, "evaluate", METHODS, edits, questions)


SINGLE = """import functools

@functools.singledispatch
def show(value):
    return "any"

@show.register
def of_int(value: int):
    return "int"

@show.register(str)
def of_str(value):
    return "str"
"""


@pytest.mark.parametrize(
    "edits",
    [
        [("value: int", "value: float"), ('"int"', '"float"')],
        [("(str)", "(list)"), ('"str"', '"list"'), ("def of_str(value)", "def of_str(value, n=2)")],
        [('@show.register\ndef of_int(value: int):\n    return "int"\n', "")],
        [("@show.register(str)", '@show.register(bytes)\ndef of_b(value):\n    return "b"\n\n@show.register(str)')],
    ],
)
def test_singledispatch(edits: list[tuple[str, str]], frameworks: Forker) -> None:
    """What a generic function calls for a type is what the source says; a removed one is not called any more."""
    questions = ["[m.show(value) for value in (1, 1.5, 'a', b'a', [1], None)]"]
    as_fresh(frameworks, "evaluate", SINGLE, edits, questions)


EXIT = """import atexit

CALLS = []

@atexit.register
def bye():
    CALLS.append("bye")

@atexit.register
def late():
    CALLS.append("late")
"""


@pytest.mark.parametrize(
    "edits",
    [
        [("def bye():", "def bye(n=1):"), ('"bye"', 'f"bye {n}"'), ("n=1", "n=2")],
        [('@atexit.register\ndef bye():\n    CALLS.append("bye")\n', "")],
        [("@atexit.register\ndef late", "def late")],
        [("def late", 'def more():\n    CALLS.append("more")\n\n@atexit.register\ndef late')],
    ],
)
def test_atexit(edits: list[tuple[str, str]], frameworks: Forker) -> None:
    """Each exit function is called once when the process ends, if it is still in the source."""
    as_fresh(frameworks, "exit", EXIT, edits, [])


UNKNOWN = {
    "counts": "N = [0]\n\ndef register(function):\n    N[0] += 1\n    return function\n",
    "counts too": LISTED.replace("    H", "    COUNTS.append(len(COUNTS))\n    H").replace("H", "COUNTS = []\nH", 1),
    "the last one": "LAST = None\n\ndef register(function):\n    global LAST\n    LAST = function\n    return function\n",
    "native code": "import ctypes\n\nregister = ctypes.CFUNCTYPE(ctypes.c_int)\n",
}


@pytest.mark.parametrize("registry", UNKNOWN)
def test_what_cannot_be_told_apart_is_refused(registry: str, frameworks: Forker) -> None:
    """LC104 names the decorator and the line, and nothing is different afterwards."""
    source = UNKNOWN[registry] + USED
    line = source[: source.index("@register")].count("\n") + 1
    history = [{"m": source}, {"m": source.replace("def a():", "def a(n=1):")}]
    before, after = frameworks.ask(services.live, history, "evaluate", ["str(vars(m))"])
    assert after["verdict"] == "REFUSED"
    assert after["says"][0].startswith(f"LC104 line {line}: @register on a()")
    assert after["answers"] == before["answers"]
