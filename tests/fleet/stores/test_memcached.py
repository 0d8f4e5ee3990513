"""What only the store in memcached promises: little."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from pymemcache.client.base import Client

from livecode.errors import StaleBaseError, StoreError, UsageError
from livecode.fleet.store import NO_HEAD, Head, Store, open_store
from tests.fleet.stores.backends import Backend, Require
from tests.fleet.stores.servers import MEMCACHED, Server

THREE = tuple(Head(generation, f"push {generation}") for generation in (1, 2, 3))


@pytest.fixture
def memcached(require: Require, folder: Path) -> Iterator[Server]:
    """A memcached of this test's own."""
    with Backend("memcached", MEMCACHED).running(require, folder / "data") as server:
        assert server is not None
        yield server


@pytest.fixture
def forget(memcached: Server) -> Iterator[Callable[[str], None]]:
    """Does what memcached does when it has no room: drops a key."""
    client = Client(("127.0.0.1", memcached.port))
    yield lambda key: client.delete(f"livecode:shop:{key}", noreply=False)
    client.close()


@pytest.fixture
def filled(memcached: Server, opened: Callable[..., Store]) -> Store:
    """A store with three pushes."""
    store = opened(memcached.url, "shop")
    for head in THREE:
        store.publish(head.generation - 1, head)
    return store


def test_forgotten_head(filled: Store, forget: Callable[[str], None]) -> None:
    """A head that was dropped is no error: there is none, and who builds on it is told so."""
    forget("head")
    assert (filled.head(), filled.history(9)) == (NO_HEAD, ())
    with pytest.raises(StaleBaseError) as stale:
        filled.publish(3, Head(4, "push 4"))
    assert stale.value.found == 0
    filled.publish(0, Head(4, "push 4"))
    assert filled.history(9) == (Head(4, "push 4"),)


def test_forgotten_history(filled: Store, forget: Callable[[str], None]) -> None:
    """The history ends where something was dropped."""
    forget("log:1")
    assert filled.history(9) == THREE[:0:-1]


def test_forgotten_piece(filled: Store, forget: Callable[[str], None]) -> None:
    """A blob of which a piece was dropped is not there, and is whole again when it is put again."""
    content = os.urandom(2 << 20)
    digest = sha256(content).hexdigest()
    filled.put({digest: content})
    forget(f"blob:{digest}:2")
    assert filled.get([digest]) == {}
    filled.put({digest: content})
    assert filled.get([digest]) == {digest: content}


def test_forgotten_reports(filled: Store, forget: Callable[[str], None]) -> None:
    """The list of the reports, dropped, comes back with each worker's next report."""
    filled.report("w1", "at 3", 60)
    filled.report("w2", "at 3", 60)
    forget("reporting")
    assert filled.reports() == {}
    filled.report("w1", "at 3", 60)
    assert filled.reports() == {"w1": "at 3"}


def test_too_large(filled: Store) -> None:
    """A head that memcached does not take is refused, with what to do."""
    with pytest.raises(StoreError, match="larger items"):
        filled.publish(3, Head(4, os.urandom(1 << 20).hex()))
    assert filled.head() == THREE[-1]


@pytest.mark.parametrize("url", ["memcached://host:port", "memcached://", "memcached://me:secret@host"])
def test_url(url: str) -> None:
    """A URL that names no memcached, or one with a password, is refused when it is opened."""
    with pytest.raises(UsageError, match="not the URL of a memcached") as raised:
        open_store(url, "shop")
    assert "secret" not in str(raised.value)
