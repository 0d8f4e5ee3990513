"""Call statements at module level that register something: changed, removed, run again."""

from __future__ import annotations

import pytest

from tests.live.adapters import services
from tests.live.adapters.equal import as_fresh
from tests.live.forker import Forker

LOGS = """import logging
import sys

class Mine(logging.StreamHandler):
    pass

LEVEL = 1
log = logging.getLogger("calls")
other = logging.getLogger("calls.other")
kept = logging.NullHandler()
log.addHandler(kept)
log.addHandler(logging.StreamHandler())
log.addHandler(Mine(sys.stdout))
log.addFilter(lambda record: LEVEL)
"""
HANDLERS = "[[type(h).__name__, getattr(getattr(h, 'stream', None), 'name', '')] for h in m.log.handlers]"
LOGGED = [
    HANDLERS,
    HANDLERS.replace("m.log", "m.other"),
    "m.log.handlers.count(m.kept)",
    "[f(None) for f in m.log.filters]",
]
SOME = "log.addHandler(logging.StreamHandler())\n"


@pytest.mark.parametrize(
    "edits",
    [
        [("StreamHandler())", "StreamHandler(sys.stdout))")],
        [("logging.StreamHandler())", "logging.NullHandler(3))")],
        [(SOME, "")],
        [("log.addHandler(kept)\n", "")],
        [("log.addHandler(kept)", "log.addHandler((kept))"), ("log.addHandler((kept))", "other.addHandler(kept)")],
        [("kept = logging.NullHandler()", "kept = logging.NullHandler(level=5)")],
        [("log.addHandler(Mine", "other.addHandler(Mine")],
        [("log.addFilter(lambda record: LEVEL)\n", "")],
        [("lambda record: LEVEL", "lambda record, n=7: n")],
        [("LEVEL = 1", "LEVEL = 2")],
    ],
)
def test_logging(edits: list[tuple[str, str]], frameworks: Forker) -> None:
    """A logger has each handler and filter of the source once, in its order; a removed one goes."""
    versions = [LOGS]
    for old, new in edits:
        assert old in versions[-1]
        versions.append(versions[-1].replace(old, new))
    lived = frameworks.ask(services.live, [{"m": text} for text in versions], "evaluate", LOGGED)
    for text, entry in zip(versions, lived, strict=True):
        fresh = frameworks.ask(services.live, [{"m": text}], "evaluate", LOGGED)[0]
        assert entry["answers"] == fresh["answers"]
        assert entry["verdict"] in ("", "LIVE")


@pytest.mark.parametrize(
    "edits",
    [
        [("StreamHandler())", "StreamHandler(sys.stdout))")],
        [("log.addHandler(Mine", "other.addHandler(Mine")],
        [("lambda record: LEVEL", "lambda record, n=7: n"), ("n=7", "n=8")],
    ],
)
def test_logging_there_and_back(edits: list[tuple[str, str]], frameworks: Forker) -> None:
    """The way back leads to what there was, too."""
    as_fresh(frameworks, "evaluate", LOGS, edits, LOGGED)


AT_EXIT = """import atexit

CALLS = []
NAME = "a"

def bye(*what, **more):
    CALLS.append(f"bye {what} {more}")

def late():
    CALLS.append("late")

atexit.register(bye, NAME, n=1)
atexit.register(late)
"""


@pytest.mark.parametrize(
    "edits",
    [
        [("bye, NAME, n=1", "bye, NAME, n=2"), ("n=2", "n=3")],
        [("atexit.register(late)\n", ""), ("atexit.register(bye, NAME, n=1)\n", "")],
        [("bye, NAME, n=1", "bye")],
        [('NAME = "a"', 'NAME = "b"')],
        [("def late()", "def late(n=1)"), ('"late"', 'f"late{n}"')],
        [("atexit.register(late)", "atexit.register(lambda: CALLS.append('x'))"), ("'x'", "'y'")],
    ],
)
def test_atexit(edits: list[tuple[str, str]], frameworks: Forker) -> None:
    """Each exit function is called once, with the arguments of the source, if it is still there."""
    as_fresh(frameworks, "exit", AT_EXIT, edits, [])


BUS = "HANDLERS = []\nNAMES = set()\n"
USER = """from base import HANDLERS, NAMES

def one():
    return 1

def two():
    return 2

HANDLERS.append(one)
HANDLERS.append(two)
NAMES.add(one)
"""
FOUND = ["[run() for run in base.HANDLERS]", "sorted(run() for run in base.NAMES)"]


@pytest.mark.parametrize(
    "change",
    [
        ("append(one)", "append(lambda: 3)"),
        ("HANDLERS.append(one)\n", ""),
        ("HANDLERS.append(two)\n", ""),
        ("NAMES.add(one)", "NAMES.add(two)"),
        ("NAMES.add(one)\n", ""),
        ("def one():\n    return 1", "def one(n=4):\n    return n"),
    ],
)
def test_containers_of_other_modules(change: tuple[str, str], frameworks: Forker) -> None:
    """What a statement put into a list or set of another module is replaced in its place."""
    history = [{"base": BUS, "m": USER}, {"m": USER.replace(*change)}, {"m": USER}]
    lived = frameworks.ask(services.live, history, "evaluate", FOUND)
    texts = [USER, USER.replace(*change)]
    fresh = [
        frameworks.ask(services.live, [{"base": BUS, "m": text}], "evaluate", FOUND)[0]["answers"] for text in texts
    ]
    assert [entry["verdict"] for entry in lived[1:]] == ["LIVE", "LIVE"]
    assert lived[1]["answers"] == fresh[1]
    assert [sorted(lived[2]["answers"][0]), lived[2]["answers"][1]] == fresh[0]  # what comes back comes last


@pytest.mark.parametrize(
    ("source", "change", "questions"),
    [
        (LOGS, ("StreamHandler())", "StreamHandler(sys.stdout))"), ["[id(h) for h in m.log.handlers]"]),
        (LOGS, (SOME, ""), ["[id(h) for h in m.log.handlers]"]),
    ],
)
def test_a_push_that_fails_changes_no_logger(
    source: str, change: tuple[str, str], questions: list[str], frameworks: Forker
) -> None:
    """The very same handlers are there when a later statement raises."""
    after = source.replace(*change) + "1 / 0\n"
    before, failed = frameworks.ask(services.live, [{"m": source}, {"m": after}], "evaluate", questions)
    assert failed["verdict"] not in ("", "LIVE")
    assert failed["answers"] == before["answers"]


@pytest.mark.parametrize("change", [("n=1)", "n=2)"), ("atexit.register(bye, NAME, n=1)\n", "")])
def test_a_push_that_fails_changes_no_exit_function(change: tuple[str, str], frameworks: Forker) -> None:
    """The old one is called, with its arguments, when a later statement raises."""
    after = AT_EXIT.replace(*change) + "1 / 0\n"
    before, failed = frameworks.ask(services.live, [{"m": AT_EXIT}, {"m": after}], "exit", [])
    assert failed["verdict"] not in ("", "LIVE")
    assert failed["answers"] == before["answers"]


RERUN = "import sys\nN = 2\nsys.intern(str(N))\n"
TWICE = LOGS.replace(
    SOME, "def both():\n    logging.getLogger('calls').addHandler(logging.StreamHandler())\n\nboth()\n" + SOME
)
MADE = LOGS.replace(SOME, "def make():\n    return logging.StreamHandler()\n\nlog.addHandler(make())\n")


@pytest.mark.parametrize(
    ("history", "detail"),
    [
        ([TWICE, TWICE.replace(SOME, SOME.replace("()", "(sys.stdout)"))], "what the old line did is not taken back"),
        ([TWICE, TWICE.replace(SOME, "")], "what it did is not taken back"),
        ([MADE, MADE.replace("log.addHandler(make())\n", "")], "what it did is not taken back"),
        ([LOGS, LOGS.replace(SOME, SOME.replace("()", "(sys.stdout)"))], "replaces what the old line did"),
        ([LOGS, LOGS.replace(SOME, "")], ""),
        (
            ["import sys\nN = 1\nsys.intern(str(N))\n", "import sys\nN = 2\nsys.intern(str(N))\n"],
            "before is not taken back",
        ),
    ],
)
def test_what_is_not_certain_stays_and_is_told(history: list[str], detail: str, frameworks: Forker) -> None:
    """Where two things may be what the old line made, or none is known to be, nothing goes, and the report says so."""
    said = frameworks.ask(services.told, history)
    details = [text for label, text in said if "taken back" in text or "replaces" in text]
    assert [detail] == [text[-len(detail) :] for text in details] if detail else not details


@pytest.mark.parametrize("new", ["log.addHandler(logging.StreamHandler(sys.stdout))\n", ""])
def test_a_handler_of_somebody_else_stays(new: str, frameworks: Forker) -> None:
    """One of the same class that came later, while ours is gone, is not taken for ours."""
    source = "import logging\nimport sys\nlog = logging.getLogger('ours')\n" + SOME
    before, said = frameworks.ask(handed_over, source, source.replace(SOME, new))
    assert before == "StreamHandler"
    assert said["foreign stays"]
    assert [text for text in said["details"] if "not taken back" in text]


def handed_over(source: str, after: str) -> list[object]:
    """The module's handler is replaced behind its back by another one; then its line changes."""
    import logging
    import sys

    from livecode.live.process import this_process
    from livecode.model.nouns import ModuleSource, Push

    services.lived([{"m": source}], services.evaluated, [])
    log = sys.modules["m"].log  # type: ignore[attr-defined]
    own = type(log.handlers[0]).__name__
    foreign = logging.StreamHandler()
    log.handlers[:] = [foreign]
    outcome = this_process().push(Push((ModuleSource("m", after),), force=True))
    details = [change.detail for module in outcome.modules for change in module.changes]
    return [own, {"foreign stays": foreign in log.handlers, "details": details}]
