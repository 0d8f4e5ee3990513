"""Functions of which numba or Cython really runs a translation; the stand-ins of `test_natively` are always tried."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live.forker import Forker
from tests.live.looks import looked_at_live

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="every case has a forked process of its own")

NUMBA = (
    "import numba, functools\nR = 2\n@numba.njit\ndef f(x): return x + 1\n@numba.njit\ndef g(x): return f(x) * R\n"
    "def slow(x): return x + 1\nfast = numba.njit(slow)\nclass C:\n @staticmethod\n @numba.njit\n"
    " def s(x): return x + 1\n"
    "@functools.lru_cache\ndef cached(x): return x + 1\n@functools.singledispatch\ndef one(x): return 1\n"
    "@one.register\ndef _(x: int): return 2\n"
)
LOOKS = ["m.f(1)", "m.g(1)", "m.fast(1)", "m.C.s(1)", "m.cached(1)", "m.one(1)"]
AS_BEFORE = ["2", "4", "2", "2", "2", "2"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("def f(x): return x + 1", "def f(x): return x + 9", "f() runs as numba compiled it"),
        ("return f(x) * R", "return f(x) * R * 2", "g() runs as numba compiled it"),
        (" def s(x): return x + 1", " def s(x): return x + 9", "C.s() runs as numba compiled it"),
        ("def slow(x): return x + 1", "def slow(x): return x + 9", "slow() runs as numba (in fast) compiled it"),
    ],
)
def test_numba_compiled_it(old: str, new: str, said: str, forker: Forker) -> None:
    """A body of which numba runs a translation is refused before anything is touched, whoever calls it inlined."""
    pytest.importorskip("numba", reason="pip install numba")
    found = forker.ask(looked_at_live, {"m": NUMBA}, [{"m": NUMBA.replace(old, new)}], "; ".join(LOOKS), LOOKS)
    assert [item[0] for item in found["refused"]] == ["LC301"]
    assert said in found["refused"][0][3]
    assert found["seen"] == AS_BEFORE


def test_what_numba_has_in_it(forker: Forker) -> None:
    """A value that was compiled into a function is changed, and the report says who may keep the old one."""
    pytest.importorskip("numba", reason="pip install numba")
    found = forker.ask(
        looked_at_live, {"m": NUMBA}, [{"m": NUMBA.replace("R = 2", "R = 3")}], "m.g(1)", ["m.R", "m.g(1)"]
    )
    assert (found["verdicts"], found["seen"]) == (["LIVE"], ["3", "4"])
    assert "g() may keep R as it was when numba compiled it" in found["warnings"]


@pytest.mark.parametrize(
    ("old", "new", "look", "expected"),
    [("def cached(x): return x + 1", "def cached(x): return x + 9", "m.cached(1)", "10"),
     ("x: int): return 2", "x: int): return 9", "m.one(1)", "9")],
)  # fmt: skip
def test_wrappers_of_the_library_beside_it(old: str, new: str, look: str, expected: str, forker: Forker) -> None:
    """Caches and dispatching functions compile nothing: they run the new code, and forget results."""
    pytest.importorskip("numba", reason="pip install numba")
    found = forker.ask(looked_at_live, {"m": NUMBA}, [{"m": NUMBA.replace(old, new)}], look, [look])
    assert (found["verdicts"], found["seen"]) == (["LIVE"], [expected])


def test_a_module_that_cython_compiled(forker: Forker, tmp_path: Path) -> None:
    """It is native code and refused; who uses it is changed as ever."""
    pytest.importorskip("Cython", reason="pip install cython setuptools")
    if shutil.which("cc") is None and shutil.which("gcc") is None:
        pytest.skip("Cython needs a C compiler")
    (tmp_path / "fast.py").write_text("def f(x): return x + 1\nclass A:\n def m(self): return 1\n")
    build = [sys.executable, "-m", "Cython.Build.Cythonize", "-i", "fast.py"]
    subprocess.run(build, cwd=tmp_path, check=True, capture_output=True)
    setup = f"sys.path.insert(0, {str(tmp_path)!r}); import fast"
    before = {"m": f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\nimport fast\nclass B(fast.A):\n"
    " def n(self): return 1\n"
              "def g(x): return fast.f(x)\n"}  # fmt: skip
    after = (
        before["m"].replace("fast.f(x)", "fast.f(x) * 2").replace("n(self): return 1", "n(self): return self.m() + 1")
    )
    edits = [{"fast": "def f(x): return x + 2\n"}, {"m": after}]
    found = forker.ask(looked_at_live, before, edits, setup, ["m.g(1)", "m.B().n()"])
    assert (found["verdicts"], [item[0] for item in found["refused"]]) == (["REFUSED", "LIVE"], ["LC201"])
    assert found["seen"] == ["4", "2"]
