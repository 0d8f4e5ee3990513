"""Services and doors for the tests of fleet."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from livecode.fleet.door import Door
from tests.services import Services


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """Starts real services; ends them after the test."""
    with Services(tmp_path) as started:
        yield started


@pytest.fixture
def doors(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A short, safe directory for the doors of one test."""
    folder = Path(tempfile.mkdtemp(prefix="lc", dir="/tmp"))
    monkeypatch.setenv("LIVECODE_DIR", str(folder))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def door(doors: Path) -> Iterator[Door]:
    """An open door of this process."""
    opened = Door("shop")
    yield opened
    opened.close()
