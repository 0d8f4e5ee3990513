"""What only the store in etcd promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from livecode.errors import StoreError, UsageError
from livecode.fleet.store import Head, Store, Topic, open_store
from livecode.fleet.stores import etcd
from livecode.fleet.stores.etcd import Gateway
from livecode.fleet.stores.place import Place
from tests.fleet.stores.backends import Backend, Require
from tests.fleet.stores.servers import ETCD, PASSWORD, Server


@pytest.fixture
def server(require: Require, folder: Path) -> Iterator[Server]:
    """An etcd of this test's own."""
    with Backend("etcd", ETCD).running(require, folder / "data") as running:
        assert running is not None
        yield running


@pytest.fixture
def guarded(server: Server) -> str:
    """What opens an etcd that asks for a password, without saying it."""
    gateway = Gateway(Place.of(server.url), ("127.0.0.1", server.port))
    gateway.call("auth/user/add", name="root", password=PASSWORD)
    gateway.call("auth/user/grant", user="root", role="root")
    gateway.call("auth/enable")
    gateway.close()
    return server.url


def test_password(guarded: str, opened: Callable[..., Store]) -> None:
    """The user in the URL is logged in, for watches too."""
    store = opened(guarded.replace("://", f"://root:{PASSWORD}@"))
    watch = store.watch(Topic.HEAD)
    store.publish(0, Head(1, "one"))
    assert watch.wait(30)
    assert store.head() == Head(1, "one")
    assert PASSWORD not in store.url


def test_log_in_again(guarded: str, opened: Callable[..., Store]) -> None:
    """A log-in that etcd does not know any more, as after some minutes, is done again."""
    store = opened(guarded.replace("://", f"://root:{PASSWORD}@"))
    store.publish(0, Head(1, "one"))
    store._gateway._token = "expired.1"  # type: ignore[attr-defined]
    assert store.head() == Head(1, "one")


@pytest.mark.parametrize("user", ["", "root:not-this-one@"])
def test_stranger(guarded: str, opened: Callable[..., Store], user: str) -> None:
    """Without a password, or with a wrong one, the error says where it belongs, and not what it was."""
    store = opened(guarded.replace("://", f"://{user}"))
    with pytest.raises(StoreError, match="put user and password into the URL") as raised:
        store.head()
    assert "not-this-one" not in str(raised.value)


def test_trimmed(server: Server, opened: Callable[..., Store], monkeypatch: pytest.MonkeyPatch) -> None:
    """Heads that are too old to keep are forgotten, now and then."""
    monkeypatch.setattr(etcd, "HISTORY", 4)
    monkeypatch.setattr(etcd, "TRIM_EVERY", 10)
    store = opened(server.url)
    for generation in range(1, 11):
        store.publish(generation - 1, Head(generation, "text"))
    assert [head.generation for head in store.history(100)] == [10, 9, 8, 7]


@pytest.mark.parametrize("url", ["etcd://host:port", "etcd://"])
def test_url(url: str) -> None:
    """A URL that names no etcd is refused when it is opened."""
    with pytest.raises(UsageError, match="not the URL of an etcd"):
        open_store(url, "shop")
