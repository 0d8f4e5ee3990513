"""IPython shells, kernels and services for the tests of the front end."""

from __future__ import annotations

import builtins
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from livecode.front import extension
from livecode.live.tracking import untrack_all
from tests.services import Services


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """Starts real services; ends them after the test."""
    with Services(tmp_path) as started:
        yield started


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    """A real IPython shell in an empty working folder, with livecode loaded; the process is put back after it."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.syspath_prepend(work)
    main, names = sys.modules["__main__"], set(vars(builtins))
    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell.instance(config=config)
    shell.run_line_magic("load_ext", "livecode")
    yield shell
    extension.unload(shell)
    untrack_all()
    InteractiveShell.clear_instance()
    sys.modules["__main__"] = main
    for name in set(vars(builtins)) - names:
        delattr(builtins, name)


@pytest.fixture
def doors(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A short, safe directory for doors, without any."""
    folder = Path(tempfile.mkdtemp(prefix="lc", dir="/tmp"))
    monkeypatch.setenv("LIVECODE_DIR", str(folder))
    yield folder
    shutil.rmtree(folder)
