"""`--safe-part`: what is refused runs as before, the rest is live, and what runs has a source that says so."""

from __future__ import annotations

import os

import pytest

from tests.live import narrowed
from tests.live.forker import Forker

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="every case has a forked process of its own")

SLOTS = "RATE = 1\nclass Order:\n    __slots__ = ('a',)\nORDERS = [Order()]\ndef gone(): pass\n"
MORE_SLOTS = "RATE = 2\nclass Order:\n    __slots__ = ('a', 'b')\nORDERS = [Order()]\nNEW = RATE\n"


def test_the_rest_of_a_push_goes_live(forker: Forker) -> None:
    """The refusal counts what is safe; the safe part is a version of its own, says what it lacks, and ends there."""
    said = forker.ask(narrowed.in_part, {"m.py": SLOTS}, {"m": MORE_SLOTS}, {"m": ["RATE", "NEW", "gone"]})
    assert said["whole"] == {"verdict": "REFUSED", "codes": ["LC103"], "left": [], "safe": 3}
    assert said["dry"] == {"verdict": "READY", "codes": [], "left": [["LC103", "m", 3, 0]], "safe": 0}
    assert said["done"] == {**said["dry"], "verdict": "LIVE"}
    assert (said["again"]["verdict"], said["again"]["codes"], said["again"]["safe"]) == ("REFUSED", ["LC103"], 0)
    assert said["values"] == {"m.RATE": "2", "m.NEW": "2", "m.gone": "'not there'"}
    assert said["sources"]["m"] == MORE_SLOTS.replace("('a', 'b')", "('a',)")
    assert (said["disk"], said["last"]) == (["differs"], ["m"])
    assert "in part" in said["text"].splitlines()[0]
    assert "! left out, it runs as before:\n  LC103  line 3: Order gains slot 'b'" in said["text"]


def test_a_module_that_cannot_be_changed_is_left_out(forker: Forker) -> None:
    """The other modules of the push go live."""
    sources = {"m": "X = 2\n", "json": "X = 1\n", "nowhere.m": "X = 1\n"}
    said = forker.ask(narrowed.in_part, {"m.py": "X = 1\n"}, sources, {"m": ["X"]})
    assert (said["whole"]["codes"], said["whole"]["safe"]) == (["LC504", "LC503"], 1)
    assert (said["done"]["verdict"], said["values"], said["last"]) == ("LIVE", {"m.X": "2"}, ["m"])
    assert [item[:2] for item in said["done"]["left"]] == [["LC504", "json"], ["LC503", "nowhere.m"]]


def test_what_needs_the_left_out_goes_with_it(forker: Forker) -> None:
    """Statements that name it, in the module and in others of the push, and names that it needs to stay."""
    files = {"a.py": "OLD = 1\nclass C:\n    __slots__ = ('x',)\n    y = OLD\nONE = C()\n", "b.py": "Z = 1\n"}
    after = {"a": "class C:\n    __slots__ = ('z',)\nONE = C()\nclass D(C): pass\nW = 1\n", "b": "Z = 2\n"}
    said = forker.ask(narrowed.in_part, files, after, {"a": ["OLD", "W"], "b": ["Z"]})
    assert said["done"]["left"] == [["LC103", "a", 2, 0], ["LC108", "a", 0, 1]]
    assert said["values"] == {"a.OLD": "1", "a.W": "1", "b.Z": "2"}


REGISTRY = "def add(f):\n    ALL.append(f.__name__)\n    return f\nALL = []\n"


def test_a_refusal_elsewhere_is_traced_to_the_change_that_causes_it(forker: Forker) -> None:
    """Only the value is left out that a statement of another module reads, which must not run again."""
    files = {"reg.py": REGISTRY, "conf.py": "RATE = 1\nOTHER = 1\n"}
    files["use.py"] = "import conf, reg\n@reg.add\ndef f(x=conf.RATE): return x\n"
    said = forker.ask(narrowed.in_part, files, {"conf": "RATE = 2\nOTHER = 2\n"}, {"conf": ["RATE", "OTHER"]})
    assert (said["whole"]["codes"], said["whole"]["safe"]) == (["LC104"], 1)
    assert said["values"] == {"conf.RATE": "1", "conf.OTHER": "2"}


def test_future_imports_are_left_out(forker: Forker) -> None:
    """The module is compiled as before, and everything else is applied."""
    new = "from __future__ import barry_as_FLUFL\nX = 2\n"
    said = forker.ask(narrowed.in_part, {"m.py": "X = 1\n"}, {"m": new}, {"m": ["X"]})
    assert (said["done"]["verdict"], said["sources"]["m"]) == ("LIVE", "X = 2\n")


def test_a_push_that_is_refused_altogether_stays_refused(forker: Forker) -> None:
    """There is no safe part, and none is offered."""
    said = forker.ask(narrowed.in_part, {"m.py": SLOTS}, {"m": SLOTS.replace("('a',)", "('b',)")}, {})
    assert [said[step]["verdict"] for step in ("whole", "dry", "done")] == ["REFUSED"] * 3
    assert said["whole"]["safe"] == 0
