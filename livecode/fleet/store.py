"""The log that the workers of a service follow: what a store must do, and which one a URL chooses.

    blobs     immutable, by digest: the sources
    head      one small text, replaced only by compare-and-swap: the newest generation, and all that it needs
    history   the heads that were, newest first
    reports   what each worker says of itself; they expire when it stops to say it
    watches   hints that something was published, which may be missing: whoever needs to know reads the head

A store does not look into the texts that it keeps. It is opened after a fork, never before; all of its methods may be
called from any thread. Every method raises `StoreError` when the store cannot be reached or refuses: nothing was
acknowledged then, and the next call tries again, on a new connection if need be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from importlib import import_module
from typing import Protocol
from urllib.parse import urlsplit

from livecode.errors import UsageError


@dataclass(frozen=True, slots=True)
class Head:
    """One generation of a service.

    Attributes:
        generation: Its number, greater than that of the head before it; not always by one.
        text: What it says (JSON of a `livecode.model.log.State`).
    """

    generation: int
    text: str


NO_HEAD = Head(0, "")
"""What a store has of a service that nobody has pushed to."""


class Topic(Enum):
    """What can be watched."""

    HEAD = "head"
    REPORTS = "reports"


class Watch(Protocol):
    """Waits for notices of one topic. It belongs to one thread; `close` may be called from another one."""

    def wait(self, timeout_s: float) -> bool:
        """True as soon as something was published since the watch was made, or since it last returned True.

        False after `timeout_s`, or when the watch was closed. A lost connection does not raise: it is a notice too,
        so that whoever waits reads what is there. Where the store cannot notify, it is asked every so often.
        """

    def close(self) -> None:
        """Ends a wait that is under way."""


class Store(Protocol):
    """The log of one service.

    Attributes:
        url: What it was opened with, without passwords: for people.
    """

    url: str

    def head(self) -> Head:
        """The newest generation, `NO_HEAD` if there is none."""

    def publish(self, base: int, head: Head) -> None:
        """Replaces the head of generation `base` by this one, keeps it in the history, and notifies who watches.

        Raises:
            StaleBaseError: The head is of another generation than `base`; it holds that head. Nothing was changed.
            StoreError: It may or may not have been published: read the head.
        """

    def history(self, limit: int) -> tuple[Head, ...]:
        """The last heads, newest first; the oldest may be forgotten."""

    def put(self, blobs: Mapping[str, bytes]) -> None:
        """Keeps blobs by their digests; those that are there already are not written again."""

    def get(self, digests: Sequence[str]) -> dict[str, bytes]:
        """Those of the blobs that are there. The caller checks that they are what their digests say."""

    def report(self, key: str, text: str, ttl_s: float) -> None:
        """Keeps what a worker says of itself for that long, in place of what it said before, and notifies."""

    def withdraw(self, key: str) -> None:
        """Forgets what a worker said, at once, and notifies."""

    def reports(self) -> dict[str, str]:
        """What the workers said that has not expired, by their keys."""

    def watch(self, topic: Topic) -> Watch:
        """A new watch, which sees what is published from now on."""

    def close(self) -> None:
        """Lets connections go, and ends what waits."""


HOMES = {
    "sqlite": "livecode.fleet.stores.sqlite",
    "redis": "livecode.fleet.stores.redis",
    "rediss": "livecode.fleet.stores.redis",
    "memcached": "livecode.fleet.stores.memcached",
    "kyototycoon": "livecode.fleet.stores.kyototycoon",
    "nats": "livecode.fleet.stores.nats",
    "etcd": "livecode.fleet.stores.etcd",
}
"""URL scheme → the module that has ``open_store(url, service) -> Store``."""

EXAMPLES = "sqlite:///run/shop.log, redis://host:6379/0, nats://host:4222, etcd://host:2379, memcached://host:11211, kyototycoon://host:1978"


def check_url(url: str) -> str:
    """The scheme of the URL of a store.

    Raises:
        UsageError: It is none; says which there are.
    """
    scheme = urlsplit(url).scheme if isinstance(url, str) else ""
    if scheme not in HOMES:
        raise UsageError(
            f"{url!r} is not the URL of a store: it begins with one of {', '.join(HOMES)}, e.g. {EXAMPLES}"
        )
    return scheme


def open_store(url: str, service: str) -> Store:
    """The log of a service in the store at that URL. The connection is made when it is first needed.

    Raises:
        UsageError: The URL is none of a store; says which there are.
        MissingExtraError: The store's client is not installed; names the pip command.
    """
    store: Store = import_module(HOMES[check_url(url)]).open_store(url, service)
    return store


def without_password(url: str) -> str:
    """The URL for people: a password in it becomes ``***``."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    user, _, place = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{user.partition(':')[0]}:***@{place}").geturl()
