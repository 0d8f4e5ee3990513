"""The demo, for its tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.demo.running import LIMIT_S, Demo, running_demo


@pytest.fixture
def doors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for sockets, with a path short enough for them."""
    folder = tmp_path_factory.mktemp("d")
    folder.chmod(0o700)
    return folder


@pytest.fixture(scope="session")
def whole_run(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """One whole `livecode demo`, run to its end."""
    folder = tmp_path_factory.mktemp("w")
    folder.chmod(0o700)
    with running_demo(folder) as demo:
        demo.process.wait(LIMIT_S)
        return demo
