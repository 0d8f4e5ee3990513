"""Services with notebooks inside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from livecode.fleet.client import RemoteWorker
from tests.kernel.inside import Notebook, notebook_in, workers
from tests.services import RunningService, Services

PRICING = "CACHE = []\ndef quote(x=1):\n    return x * 2\n"


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Starts real services; ends them after the module."""
    with Services(tmp_path_factory.mktemp("services")) as started:
        yield started


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty home for the services and for Jupyter."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR"):
            patch.delenv(name, raising=False)
        yield folder


@pytest.fixture(scope="module")
def shop(services: Services, home: Path) -> RunningService:
    """A plain program that serves with threads."""
    snapshot = Path(__file__).with_name("snapshot.py").read_text()
    return services.threaded("shop", {"pricing.py": PRICING, "snapshot.py": snapshot})


@pytest.fixture(scope="module")
def worker(shop: RunningService) -> RemoteWorker:
    """Its only process."""
    return workers("shop", 1)[0]


@pytest.fixture(scope="module")
def shared(worker: RemoteWorker) -> Iterator[Notebook]:
    """A notebook inside, for tests that leave it as it was."""
    with notebook_in(worker, "shared") as opened:
        yield opened
