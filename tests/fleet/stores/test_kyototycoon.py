"""What only the store in Kyoto Tycoon promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from livecode.errors import StoreError, UsageError
from livecode.fleet.store import Head, Store, open_store
from tests.fleet.stores.backends import ALL, Require
from tests.fleet.stores.servers import Server


@pytest.fixture
def kyoto(require: Require, folder: Path) -> Iterator[Server]:
    """A Kyoto Tycoon of this test's own, or the stand-in for it."""
    (backend,) = (backend for backend in ALL if backend.scheme == "kyototycoon")
    with backend.running(require, folder / "data") as server:
        assert server is not None
        yield server


def test_database(kyoto: Server, opened: Callable[..., Store]) -> None:
    """The path of the URL chooses the database; the first one is meant where there is none."""
    opened(kyoto.url).publish(0, Head(1, "one"))
    named = opened(f"{kyoto.url}/shop.kch")
    assert named.head() == Head(1, "one")
    named.publish(1, Head(2, "two"))
    named.report("w1", "at 2", 60)
    assert (opened(kyoto.url).history(5), opened(kyoto.url).reports()) == (
        (Head(2, "two"), Head(1, "one")),
        {"w1": "at 2"},
    )


@pytest.mark.parametrize("text", ["plain", "two\nlines", "\u00e4" * 100])
def test_columns(kyoto: Server, opened: Callable[..., Store], text: str) -> None:
    """An answer is read in whichever way the server chose to encode it."""
    store = opened(kyoto.url)
    store.report("w1", text, 60)
    assert store.reports() == {"w1": text}


def test_not_there(kyoto: Server, opened: Callable[..., Store]) -> None:
    """An answer that is no success is an error that says what the server said."""
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", kyoto.port, timeout=5)
    connection.request("POST", "/rpc/no_such_procedure", b"", {"Content-Type": "text/tab-separated-values"})
    assert connection.getresponse().status == 501  # what the next lines rest on
    connection.close()
    store = opened(kyoto.url)
    with pytest.raises(StoreError, match="HTTP 501"):
        store._server.call("no_such_procedure", {})  # type: ignore[attr-defined]


@pytest.mark.parametrize("url", ["kyototycoon://host:port", "kyototycoon://", "kyototycoon://me:secret@host"])
def test_url(url: str) -> None:
    """A URL that names no Kyoto Tycoon, or one with a password, is refused when it is opened."""
    with pytest.raises(UsageError, match="not the URL of a Kyoto Tycoon") as raised:
        open_store(url, "shop")
    assert "secret" not in str(raised.value)
