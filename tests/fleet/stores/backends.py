"""The stores that the suite runs on: one row each."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from livecode.errors import StoreError
from livecode.fleet.store import HOMES, Store, open_store
from tests.fleet.stores.servers import (
    ETCD,
    KYOTO_TYCOON,
    MEMCACHED,
    NATS,
    READY_S,
    REDIS,
    STAND_IN_FOR_KYOTO_TYCOON,
    Kind,
    Server,
)

Require = Callable[[str | tuple[str, ...], str], str]


@dataclass(frozen=True, slots=True)
class Backend:
    """One kind of store.

    Attributes:
        scheme: Of its URL.
        kind: The server that it needs; None if it lives in a file.
    """

    scheme: str
    kind: Kind | None

    @contextmanager
    def running(self, require: Require, folder: Path) -> Iterator[Server | None]:
        """A server of its own for this kind of store, which answers."""
        if self.kind is None:
            yield None
            return
        with Server(self.kind, require(self.kind.programs, self.kind.how_to_get), folder) as server:
            answers(server.url)
            yield server

    def url(self, server: Server | None, folder: Path) -> str:
        """What opens it."""
        return f"{self.scheme}://{folder}/shop.log" if server is None else server.url


ALL = (
    Backend("sqlite", None),
    Backend("redis", REDIS),
    Backend("nats", NATS),
    Backend("memcached", MEMCACHED),
    Backend("kyototycoon", KYOTO_TYCOON if shutil.which("ktserver") else STAND_IN_FOR_KYOTO_TYCOON),
    Backend("etcd", ETCD),
)

HERE = tuple(backend for backend in ALL if find_spec(HOMES[backend.scheme]))
"""Those whose module is in this version of livecode."""

SERVED = tuple(backend for backend in HERE if backend.kind is not None)


def answers(url: str) -> None:
    """Returns when the store answers: a server accepts connections before that, e.g. while it reads its file."""

    def answered(store: Store) -> bool:
        try:
            store.head()
        except StoreError:
            return False
        return True

    store = open_store(url, "nobody")
    eventually(lambda: answered(store), READY_S)
    store.close()


def eventually(check: Callable[[], bool], within_s: float = READY_S) -> None:
    """Returns when the check holds; fails if it never does."""
    deadline = time.monotonic() + within_s
    while not check():
        assert time.monotonic() < deadline, "this never came true"
        time.sleep(0.05)
