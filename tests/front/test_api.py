"""The public names, their price, and the verbs on the own process."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import livecode
from livecode.live.tracking import untrack_all

SOURCE = "CACHE = []\ndef quote(x):\n    return x * 2\n"

EXPORTED = [
    "listen",
    "attach",
    "track",
    "push",
    "push_folder",
    "unload",
    "undo",
    "status",
    "watch",
    "Policy",
    "Report",
    "Verdict",
    "errors",
    "http",
    "load_ipython_extension",
    "unload_ipython_extension",
    "__version__",
]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A tracked folder with one loaded module, `pricing_api`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "pricing_api.py").write_text(SOURCE)
    livecode.track(tmp_path)
    __import__("pricing_api")
    yield tmp_path
    for name in ("pricing_api", "promo_api"):
        sys.modules.pop(name, None)
    untrack_all()


def quote(x: int) -> object:
    """What the running module says."""
    return sys.modules["pricing_api"].quote(x)


def test_the_exported_names_are_pinned() -> None:
    """Adding or removing a name is a decision, not an accident."""
    assert livecode.__all__ == EXPORTED
    for name in EXPORTED:
        assert getattr(livecode, name) is not None
    assert set(EXPORTED) <= set(dir(livecode))


def test_an_unknown_name_is_an_attribute_error() -> None:
    """The lazy API fails as any module does."""
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        livecode.nothing  # noqa: B018


def test_importing_livecode_imports_nothing_else() -> None:
    """A service pays for what it uses only."""
    code = "import sys; before = set(sys.modules); import livecode; print(*sorted(set(sys.modules) - before))"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert set(printed.split()) <= {"livecode", "__future__"}


def test_push_undo_and_status(project: Path) -> None:
    """The verbs act on this process, without a service."""
    assert project.is_dir()
    report = livecode.push({"pricing_api": SOURCE.replace("2", "3")}, author="ann@laptop", reason="why")
    assert (report.verdict, quote(1)) == (livecode.Verdict.LIVE, 3)
    (status,) = livecode.status()
    (module,) = (m for m in status.modules if m.module == "pricing_api")
    assert (module.version, module.author, module.reason) == (2, "ann@laptop", "why")
    assert livecode.undo("pricing_api").ok
    assert quote(1) == 2


def test_a_failed_push_does_not_raise(project: Path) -> None:
    """What a user must expect is a verdict, and the old code still runs."""
    assert project.is_dir()
    syntax = livecode.push({"pricing_api": "def quote(x:\n"})
    on_load = livecode.push({"pricing_api": SOURCE + "RATE = 1 / 0\n"})
    refused = livecode.push({"__main__": ""})
    verdicts = [report.verdict.value for report in (syntax, on_load, refused)]
    assert verdicts == ["NOT SENT", "ROLLED BACK", "REFUSED"]
    assert "is still live" in str(syntax)
    assert quote(1) == 2


def test_a_dry_run_touches_nothing(project: Path) -> None:
    """READY says what would happen."""
    assert project.is_dir()
    report = livecode.push({"pricing_api": SOURCE.replace("2", "3")}, dry_run=True)
    assert report.verdict is livecode.Verdict.READY
    assert "nothing was touched" in str(report)
    assert quote(1) == 2


def test_a_new_module_and_its_unload(project: Path) -> None:
    """A module without a file is importable until it is unloaded."""
    assert project.is_dir()
    assert livecode.push({"promo_api": "def off(): return 5\n"}).ok
    assert __import__("promo_api").off() == 5
    assert livecode.unload("promo_api").ok
    assert "promo_api" not in sys.modules


def test_push_folder_pushes_what_differs(project: Path) -> None:
    """The file decides; nothing to do is said."""
    assert livecode.push_folder(project).verdict is livecode.Verdict.SAME
    (project / "pricing_api.py").write_text(SOURCE.replace("2", "5"))
    assert livecode.push_folder(project).modules == ("pricing_api",)
    assert quote(1) == 5


def test_push_folder_leaves_what_has_no_file_any_more(project: Path) -> None:
    """A loaded module whose file is gone keeps nothing else from going live; it stays loaded, and is named."""
    (project / "gone_api.py").write_text("X = 1\n")
    gone = importlib.import_module("gone_api")
    livecode.push_folder(project)
    (project / "gone_api.py").unlink()
    (project / "pricing_api.py").write_text("def price():\n    return 7\n")
    report = livecode.push_folder(project)
    assert (report.modules, gone.X) == (("pricing_api",), 1)
    assert "gone_api stays loaded" in str(report)


def test_push_folder_tells_of_a_module_that_became_a_package(project: Path) -> None:
    """Its new source stands in another file, which takes a restart: the old one is not said to be the same."""
    (project / "shape_api.py").write_text("X = 1\n")
    shape = importlib.import_module("shape_api")
    livecode.push_folder(project)
    (project / "shape_api.py").unlink()
    (project / "shape_api").mkdir()
    (project / "shape_api/__init__.py").write_text("X = 2\n")
    report = str(livecode.push_folder(project))
    assert shape.X == 1
    assert "shape_api is stale: shape_api/__init__.py makes it a package" in report
    assert "nothing differs" not in report


def test_watch_makes_a_save_live(project: Path) -> None:
    """From the save to the running function."""
    with livecode.watch(project, say=lambda said: None) as watch:
        (project / "pricing_api.py").write_text(SOURCE.replace("2", "7"))
        assert watch.next(20).verdict is livecode.Verdict.LIVE
    assert quote(1) == 7


def test_an_untracked_folder_is_tracked_when_it_is_watched(project: Path) -> None:
    """In the own process, watching is enough: what runs is known from then on."""
    untrack_all()
    with livecode.watch(project, say=lambda said: None) as watch:
        (project / "pricing_api.py").write_text(SOURCE.replace("2", "8"))
        assert watch.next(20).modules == ("pricing_api",)
    assert quote(1) == 8


def test_status_is_readable_and_json(project: Path) -> None:
    """The same value for people and programs."""
    assert project.is_dir()
    status = livecode.status()
    assert "pricing_api" in str(status)
    assert repr(status) == str(status)
    assert '"module": "pricing_api"' in status.to_json()
    assert "pricing_api" in status._repr_html_()
