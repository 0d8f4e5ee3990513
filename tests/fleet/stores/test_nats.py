"""What only the store in NATS promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from livecode.errors import StoreError, UsageError
from livecode.fleet.store import Head, Store, open_store
from tests.fleet.stores.backends import Backend, Require
from tests.fleet.stores.servers import NATS, PASSWORD, Server


@pytest.fixture
def nats_server(require: Require, folder: Path) -> Iterator[Server]:
    """A NATS of this test's own."""
    with Backend("nats", NATS).running(require, folder / "data") as server:
        assert server is not None
        yield server


def test_wrong_password(nats_server: Server, opened: Callable[..., Store]) -> None:
    """A password that is refused is not said back, and the error says where it belongs."""
    store = opened(nats_server.url.replace(PASSWORD, "not-this-one"))
    with pytest.raises(StoreError, match="put user and password into the URL") as raised:
        store.head()
    assert "not-this-one" not in str(raised.value)


def test_no_jetstream(require: Require, folder: Path, opened: Callable[..., Store]) -> None:
    """A server without JetStream keeps nothing: the error says how it is started."""
    kind = replace(NATS, command=lambda port, _: ["--addr", "127.0.0.1", "--port", str(port)])
    with Server(kind, require(NATS.programs, NATS.how_to_get), folder / "data") as server:
        store = opened(f"nats://127.0.0.1:{server.port}")
        with pytest.raises(StoreError, match="start nats-server with -js"):
            store.head()


def test_names(nats_server: Server, opened: Callable[..., Store]) -> None:
    """Services whose names differ in a character that a bucket's name cannot have are different services."""
    names = ("a.b", "a_b", "a-b", "a_-b", "a__b", "a_.b")
    stores = [opened(nats_server.url, name) for name in names]
    for name, store in zip(names, stores, strict=True):
        store.publish(0, Head(1, name))
    assert [store.head().text for store in stores] == list(names)


@pytest.mark.parametrize("url", ["nats://host:port", "nats://"])
def test_url(url: str) -> None:
    """A URL that names no NATS is refused when it is opened."""
    with pytest.raises(UsageError, match="not the URL of a NATS"):
        open_store(url, "shop")
