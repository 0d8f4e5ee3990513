"""What every store does when its server goes away and comes back."""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import sha256

import pytest

from livecode.errors import StaleBaseError, StoreError
from livecode.fleet.store import NO_HEAD, Head, Store, Topic
from tests.fleet.stores.backends import answers, eventually
from tests.fleet.stores.cutting_proxy import CuttingProxy
from tests.fleet.stores.servers import PASSWORD, Server

LONG_S = 30.0
CALLS: tuple[Callable[[Store], object], ...] = (
    lambda store: store.head(),
    lambda store: store.publish(1, Head(2, "two")),
    lambda store: store.history(5),
    lambda store: store.put({"0" * 64: b"a"}),
    lambda store: store.get(["0" * 64]),
    lambda store: store.report("w1", "at 1", 60),
    lambda store: store.withdraw("w1"),
    lambda store: store.reports(),
)


def check_says(store: Store, error: StoreError, server: Server) -> None:
    """The error says which store it is, and what to do, and not the password."""
    assert not isinstance(error, StaleBaseError)
    assert store.url in str(error)
    assert f"127.0.0.1:{server.port}" in str(error)
    assert PASSWORD not in str(error)
    assert "the next call tries again" in str(error)


def test_killed(server: Server, opened: Callable[..., Store]) -> None:
    """Every call to a store whose server is gone raises a StoreError that helps; when it is back, all work again."""
    store = opened(server.url)
    store.publish(0, Head(1, "one"))
    server.kill()
    for call in CALLS:
        with pytest.raises(StoreError) as raised:
            call(store)
        check_says(store, raised.value, server)
    server.start()
    answers(server.url)
    base = store.head().generation
    store.publish(base, Head(base + 1, "after"))
    store.put({"0" * 64: b"a"})
    store.report("w1", "at 1", 60)
    assert (store.head(), store.history(1)) == (Head(base + 1, "after"), (Head(base + 1, "after"),))
    assert (store.get(["0" * 64]), store.reports()) == ({"0" * 64: b"a"}, {"w1": "at 1"})


def test_acknowledged(server: Server, opened: Callable[..., Store]) -> None:
    """A server that was told to keep what it acknowledges has all of it after kill -9; any other one has nothing."""
    large = os.urandom(2 << 20)
    blobs = {sha256(content).hexdigest(): content for content in (b"a", large)}
    store = opened(server.url)
    store.put(blobs)
    heads = tuple(Head(generation, f"push {generation}") for generation in range(1, 21))
    for head in heads:
        store.publish(head.generation - 1, head)
    server.kill()
    server.start()
    answers(server.url)
    expected = (heads[-1], heads[::-1], blobs) if server.kind.keeps else (NO_HEAD, (), {})
    assert (store.head(), store.history(20), store.get(list(blobs))) == expected


def test_went_back(server: Server, opened: Callable[..., Store]) -> None:
    """Who builds on what a server lost is refused, and told what there is now."""
    store = opened(server.url)
    store.publish(0, Head(1, "one"))
    store.publish(1, Head(2, "two"))
    server.kill()
    server.start()
    answers(server.url)
    built_on, found = (1, 2) if server.kind.keeps else (2, 0)
    with pytest.raises(StaleBaseError) as stale:
        store.publish(built_on, Head(3, "three"))
    assert stale.value.found == found


@pytest.mark.parametrize("topic", Topic)
def test_watch_over_a_restart(server: Server, opened: Callable[..., Store], topic: Topic) -> None:
    """A lost connection is a notice for a watch, and so is a new one; then it hears as before."""
    store = opened(server.url)
    watch = store.watch(topic)
    assert not watch.wait(0.3)
    server.kill()
    assert watch.wait(LONG_S)
    server.start()
    answers(server.url)
    assert watch.wait(LONG_S)
    while watch.wait(0.5):
        pass
    store.publish(store.head().generation, Head(store.head().generation + 1, "next"))
    store.report("w1", "at 2", 60)
    assert watch.wait(LONG_S)


def test_away_from_the_start(server: Server, opened: Callable[..., Store]) -> None:
    """A store may be opened and watched while its server is not there yet; it is a notice when it comes."""
    server.kill()
    store = opened(server.url)
    watch = store.watch(Topic.HEAD)
    assert not watch.wait(0.3)
    server.start()
    answers(server.url)
    assert watch.wait(LONG_S)
    store.publish(0, Head(1, "one"))
    assert watch.wait(LONG_S)


def test_no_password(server: Server, opened: Callable[..., Store]) -> None:
    """What a store says of itself has no password in it."""
    store = opened(server.url)
    assert PASSWORD not in store.url
    assert PASSWORD not in repr(store)


def publish_next(store: Store, text: str) -> None:
    """Publishes on what is there. After an error it is read whether it got there, as the protocol says."""
    while True:
        try:
            base = store.head()
            if base.text == text:
                return
            store.publish(base.generation, Head(base.generation + 1, text))
        except StoreError:
            continue
        return


def behind(proxy: CuttingProxy, server: Server) -> str:
    """What opens the store through the proxy."""
    return server.url.replace(str(server.port), str(proxy.port))


def test_cuts(server: Server, opened: Callable[..., Store]) -> None:
    """The network breaks every few pushes: none that was acknowledged is lost, none is published twice."""
    with CuttingProxy(server.port) as proxy:
        store = opened(behind(proxy, server))
        watch = store.watch(Topic.HEAD)
        for n in range(50):
            if n % 7 == 3:
                proxy.cut(refuse_s=0.1)
            publish_next(store, f"push {n}")
            assert watch.wait(LONG_S)
        assert proxy.cuts == 7
        assert [head.text for head in opened(server.url).history(100)] == [f"push {n}" for n in range(49, -1, -1)]


def test_watch_over_cuts(server: Server, opened: Callable[..., Store]) -> None:
    """What is published while the network is away is a notice when it is back."""
    near = opened(server.url)
    with CuttingProxy(server.port) as proxy:
        watch = opened(behind(proxy, server)).watch(Topic.HEAD)
        proxy.cut(refuse_s=0.5)
        assert watch.wait(LONG_S)
        near.publish(0, Head(1, "meanwhile"))
        assert watch.wait(LONG_S)
        eventually(lambda: not watch.wait(0.3))
        near.publish(1, Head(2, "later"))
        assert watch.wait(LONG_S)
