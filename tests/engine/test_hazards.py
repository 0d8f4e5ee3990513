"""What a statement does for good is refused where it would be done again, and told where it is done or stays."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from livecode.engine.forms import parse
from livecode.engine.hazards import (
    Scan,
    compiled_warnings,
    hazard_warnings,
    refuse_compiled,
    refuse_hazards,
    refuse_unload,
    unload_warnings,
)
from livecode.engine.plan import plan
from tests.engine.fake import FakeProject, planned

PROTO = "from ctypes import CFUNCTYPE, c_int\nPROTO = CFUNCTYPE(c_int)\ndef f(): return 1\n"
HOOK = "import sys\ndef hook(*a): pass\n"
FFI = "from cffi import FFI\nffi = FFI()\n"
THREAD = "from threading import Thread\ndef work(): pass\n"


ADDED = HOOK + "sys.addaudithook(hook)\n"
STARTED = THREAD + "T = Thread(target=work)\n"
AGAIN = ("LC204", 4, 0)


def both(text: str) -> tuple[str, str]:
    """The text with one number in it, and with another."""
    return text.format(1), text.format(2)


def refused(before: str, after: str) -> list[tuple[str, int, int]]:
    """Codes and lines with which an edit of one module is refused."""
    found = refuse_hazards(planned({"m": before}, {"m": after}), {"m": parse(before)})
    return [(item.code, item.line, item.old_line) for item in found]


def warned(before: str, after: str) -> list[str]:
    """What is said of an edit that goes ahead."""
    return hazard_warnings(planned({"m": before}, {"m": after}), {"m": parse(before)})


@pytest.mark.parametrize(
    ("before", "after", "codes"),
    [
        (ADDED, HOOK + "X = 1\nsys.addaudithook(hook, )  # same\n", []),
        (*both("N = 1\n" + HOOK + "sys.addaudithook(lambda *a: {})\n"), []),
        ("N = hash\n" + HOOK + "sys.addaudithook(N)\n", "N = len\n" + HOOK + "sys.addaudithook(N)\n", [AGAIN]),
        (*both("import os as o\n\n\nX = o.register_at_fork({})\n"), [AGAIN]),
        (*both("from codecs import register as r\n\n\nX = r({})\n"), [AGAIN]),
        (*both("import codecs\n\ndef go(n): codecs.register(n)\nX = go({})\n"), [AGAIN]),
        (*both(PROTO + "CB = PROTO(({}, f)[1])\n"), [("LC202", 4, 0)]),
        (*both(PROTO + "CB = CFUNCTYPE(c_int)(({}, f)[1])\n"), [("LC202", 4, 0)]),
        (PROTO + "CB = PROTO(f)\n", PROTO, [("LC202", 0, 4)]),
        (PROTO + "CB = PROTO(f)\n", PROTO.replace("return 1", "return 2") + "CB = PROTO(f)\n", []),
        (*both(FFI + "ffi.cdef('int a{};')\n"), [("LC203", 3, 0)]),
        (*both("import numpy as np\nX = np.zeros({})\n"), []),
        (*both("class sys: addaudithook = print\nX = sys.addaudithook({})\n"), []),
    ],
)
def test_doing_it_again_is_refused(before: str, after: str, codes: list[tuple[str, int, int]]) -> None:
    """Only statements that are executed again or that go away count; names mean what the module imports them as."""
    assert refused(before, after) == codes


def test_an_ffi_that_is_made_anew_may_declare_anew() -> None:
    """What cffi keeps belongs to one FFI object."""
    before, after = FFI + "ffi.cdef('int a;')\n", FFI.replace("FFI()", "FFI(None)") + "ffi.cdef('int b;')\n"
    assert refused(before, after) == []


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (HOOK, HOOK + "sys.addaudithook(hook)\n", "m, line 3: no undo takes it back"),
        (HOOK + "sys.addaudithook(hook)\n", HOOK, "m: what line 3 did before stays"),
        (
            THREAD + "T = Thread(target=work)\n",
            THREAD + "T = Thread(target=work, daemon=True)\n",
            "m, line 3: threading",
        ),
        (THREAD + "T = Thread(target=work)\n", THREAD, "m: what line 3 did before stays: a thread runs on"),
        (THREAD, THREAD + "T = Thread(target=work)\n", ""),
    ],
)
def test_what_stays_is_told(before: str, after: str, said: str) -> None:
    """The first time, a second one beside the first, and what a statement did that goes."""
    told = warned(before, after)
    assert (len(told), all(text.startswith(said) for text in told)) == (1 if said else 0, True)


def test_an_unload_frees_callbacks() -> None:
    """C code would call what is gone: refused; what only stays is told."""
    assert [(item.code, item.old_line) for item in refuse_unload("m", parse(PROTO + "CB = PROTO(f)\n"))] == [
        ("LC202", 4)
    ]
    assert refuse_unload("m", parse(PROTO)) == []
    assert unload_warnings("m", parse(HOOK + "sys.addaudithook(hook)\n"))[0].startswith(
        "m: what line 3 did before stays"
    )


def test_a_compiled_function_does_not_follow_its_source() -> None:
    """Its body cannot change; a value that it was compiled with may stay in it, which is told."""
    before = "RATE = 1\ndef area(x): return x * RATE\nclass C:\n    def m(self): return 1\n"
    facts = replace(
        FakeProject({"m": before}).facts("m"), compiled=lambda name: {"area": "numba", "C.m": "Cython"}.get(name, "")
    )  # type: ignore[type-var]

    def made(after: str):  # type: ignore[no-untyped-def]
        return plan({"m": parse(after)}, FakeProject({"m": before}))

    body = made(before.replace("x * RATE", "x + RATE").replace("return 1", "return 2"))
    assert [(item.code, item.line) for item in refuse_compiled(body, {"m": facts})] == [("LC301", 2), ("LC301", 3)]
    value = made(before.replace("RATE = 1", "RATE = 2"))
    assert refuse_compiled(value, {"m": facts}) == []
    assert compiled_warnings(value, {"m": facts}) == ["area() may keep RATE as it was when numba compiled it"]


def test_the_standard_library_has_few_hazards() -> None:
    """The scan finds what is there, and nothing in modules without any: of these, one registers at a fork."""
    found = {}
    for name in ("random", "threading", "ast", "argparse", "json/decoder", "textwrap"):
        forms = parse((Path(ast.__file__).parent / f"{name}.py").read_text())
        scan = Scan(forms)
        found[name] = {hazard.what for form in forms for hazard in scan.of(form)}
    assert {name: what for name, what in found.items() if what} in (
        {"random": {"os.register_at_fork"}, "threading": {"os.register_at_fork"}},
        {"random": {"os.register_at_fork"}},
    )
