"""What only the store in Redis promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from livecode.errors import StoreError, UsageError
from livecode.fleet.store import Head, Store, Topic, open_store
from tests.fleet.stores.backends import Backend, Require, eventually
from tests.fleet.stores.servers import PASSWORD, REDIS, Server


@pytest.fixture
def redis_server(require: Require, folder: Path) -> Iterator[Server]:
    """A Redis of this test's own."""
    with Backend("redis", REDIS).running(require, folder / "data") as server:
        assert server is not None
        yield server


def test_wrong_password(redis_server: Server, opened: Callable[..., Store]) -> None:
    """A password that is refused is not said back, and the error says where it belongs."""
    store = opened(redis_server.url.replace(PASSWORD, "not-this-one"))
    with pytest.raises(StoreError, match="put user and password into the URL") as raised:
        store.head()
    assert "not-this-one" not in str(raised.value)
    with pytest.raises(StoreError, match="put user and password into the URL"):
        opened(f"redis://127.0.0.1:{redis_server.port}").head()


def test_full(redis_server: Server, opened: Callable[..., Store]) -> None:
    """A Redis that is full refuses, and what was published stays."""
    import redis

    store = opened(redis_server.url)
    store.publish(0, Head(1, "one"))
    with redis.Redis.from_url(redis_server.url) as admin:
        admin.config_set("maxmemory", "1")
        with pytest.raises(StoreError, match="raise maxmemory"):
            store.publish(1, Head(2, "two"))
        assert store.head() == Head(1, "one")
        admin.config_set("maxmemory", "0")
    store.publish(1, Head(2, "two"))


def test_connections(redis_server: Server, opened: Callable[..., Store]) -> None:
    """A worker takes two connections: one for what it asks, one for what it waits for; closing gives both back."""
    import redis

    with redis.Redis.from_url(redis_server.url) as admin:
        eventually(lambda: len(admin.client_list()) == 1)
        store = opened(redis_server.url)
        watch = store.watch(Topic.HEAD)
        assert not watch.wait(0.1)
        store.head()
        assert len(admin.client_list()) == 3
        store.close()
        eventually(lambda: len(admin.client_list()) == 1)


@pytest.mark.parametrize("url", ["redis://host:port/0", "redis://127.0.0.1:6379?db=first"])
def test_url(url: str) -> None:
    """A URL that names no Redis is refused when it is opened."""
    with pytest.raises(UsageError, match="not the URL of a Redis"):
        open_store(url, "shop")
