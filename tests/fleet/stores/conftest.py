"""Stores on real servers: one server of each kind for the session, one service for each test."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from livecode.fleet.store import Store, open_store
from tests.fleet.stores.backends import HERE, SERVED, Backend, Require
from tests.fleet.stores.servers import Server

Open = Callable[[], Store]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short folder for the data of one server."""
    made = Path(tempfile.mkdtemp(prefix="lcs", dir="/tmp"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="session", params=HERE, ids=lambda backend: backend.scheme)
def url(request: pytest.FixtureRequest, require: Require) -> Iterator[str]:
    """What opens a store of each kind: its server runs for the whole session."""
    backend: Backend = request.param
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lcs", dir="/tmp")))
        server = stack.enter_context(backend.running(require, folder / "data"))
        yield backend.url(server, folder)


@pytest.fixture
def service() -> str:
    """The name of a service that nobody has used."""
    return f"shop-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def opened(service: str) -> Iterator[Callable[..., Store]]:
    """`opened(url)` opens a store of this test's service; it is closed with the test."""
    with ExitStack() as stack:

        def open_one(url: str, other_service: str = service) -> Store:
            store = open_store(url, other_service)
            stack.callback(store.close)
            return store

        yield open_one


@pytest.fixture
def store(url: str, opened: Callable[..., Store]) -> Store:
    """An open store, in which nothing is."""
    return opened(url)


@pytest.fixture
def again(url: str, opened: Callable[..., Store]) -> Open:
    """Opens the store of the test once more, as another process would."""
    return lambda: opened(url)


@pytest.fixture(params=SERVED, ids=lambda backend: backend.scheme)
def server(request: pytest.FixtureRequest, require: Require, folder: Path) -> Iterator[Server]:
    """A server of each kind that belongs to this test alone, which may kill it."""
    with request.param.running(require, folder / "data") as running:
        yield running
