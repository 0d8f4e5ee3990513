"""The log of a service in memcached: `memcached://host:11211`. A cache: what it forgets is gone.

    livecode:SHOP:head              `livecode.fleet.stores.records`, replaced by `cas`
    livecode:SHOP:log:GENERATION    the head of that generation, kept by who replaced it
    livecode:SHOP:blob:DIGEST:N     pieces of a packed source; the first begins with their number
    livecode:SHOP:report:HASH       key and text of a report, with a time to live
    livecode:SHOP:reporting         the hashes of the reports, changed by `cas`
    livecode:SHOP:mark:TOPIC        something random, new whenever something was published

memcached drops whatever it likes when its memory is full, and everything when it ends. It can be the way that pushes
travel, never the only place where they are: a head that is lost or older than one that a worker has is no error here,
and is for the worker to notice. The history ends at the first head that was dropped. A watch asks for the mark five
to ten times a second.

Kyoto Tycoon speaks some of this protocol, without `cas`, so it cannot serve here: use `kyototycoon://`.

Source: https://github.com/memcached/memcached/blob/master/doc/protocol.txt
"""

from __future__ import annotations

import math
import os
import select
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from livecode.errors import MissingExtraError, StaleBaseError, StoreError, UsageError
from livecode.fleet.store import NO_HEAD, Head, Store, Topic, Watch
from livecode.fleet.stores.packing import cut, pack, unpack
from livecode.fleet.stores.place import ANSWER_S, CONNECT_S, Place
from livecode.fleet.stores.probe import Probe
from livecode.fleet.stores.records import head_record, read_head, read_history, read_report, report_record
from livecode.fleet.stores.watching import PolledLine, Watches

try:
    from pymemcache.client.base import Client
    from pymemcache.exceptions import (
        MemcacheClientError,
        MemcacheError,
        MemcacheServerError,
        MemcacheUnexpectedCloseError,
    )
except ImportError as missing:
    raise MissingExtraError("a store in memcached", "pymemcache", "memcached") from missing

HISTORY = 256

PIECE_BYTES = 512 << 10
"""Half of the largest item that memcached takes by default."""

AT_ONCE = 32
"""Blobs that are asked for in one command."""

LONGEST_S = 30 * 24 * 3600
"""memcached takes greater times to live for dates."""

AWAY = "is memcached running there, and reachable from here? try nc HOST PORT, then version; the next call tries again"
FULL = "give memcached more memory (-m) or larger items (-I)"
NO_CAS = "this server has no compare-and-swap; for Kyoto Tycoon give kyototycoon://host:1978"


def open_store(url: str, service: str) -> Store:
    """The log of a service in the memcached at that URL.

    Raises:
        UsageError: The URL has no host, no valid port, or a password, for which pymemcache has no use.
    """
    place = Place.of(url)
    try:
        parts = urlsplit(url)
        address = (parts.hostname, parts.port or 11211)
    except ValueError:
        address = (None, 0)
    if address[0] is None or parts.username is not None:
        raise UsageError(f"{place.shown} is not the URL of a memcached without passwords, e.g. memcached://host:11211")
    return MemcachedStore(place, service, (address[0], address[1]))


class MemcachedStore:
    """See `livecode.fleet.store.Store`. One connection for all commands, and one for each watch."""

    def __init__(self, place: Place, service: str, address: tuple[str, int]) -> None:
        self.url = place.shown
        self._place, self._address = place, address
        self._prefix = f"livecode:{service}:"
        self._client = Client(address, connect_timeout=CONNECT_S, timeout=ANSWER_S, no_delay=True)
        self._turn = threading.RLock()
        self._watches = Watches()
        self._closed = False

    def head(self) -> Head:
        """The newest generation that memcached remembers."""
        with self._asking() as client:
            record = client.get(self._key("head"))
        return NO_HEAD if record is None else read_head(self._place, record)[0]

    def publish(self, base: int, head: Head) -> None:
        """Replaces the head of generation `base`."""
        with self._asking() as client:
            record, token = client.gets(self._key("head"))
            found = NO_HEAD if record is None else read_head(self._place, record)[0]
            if found.generation != base:
                raise StaleBaseError(base, found.generation)
            if not self._swapped(client, record, token, head, base):
                raise StaleBaseError(base, self.head().generation)
        with suppress(StoreError):  # it is published, whether or not anybody is woken
            self._mark(Topic.HEAD)

    def history(self, limit: int) -> tuple[Head, ...]:
        """The last heads that memcached remembers without a gap, 256 at most."""
        with self._asking() as client:
            newest = client.get(self._key("head"))
            return read_history(
                self._place,
                newest,
                lambda generation: client.get(self._key("log", str(generation))),
                min(limit, HISTORY),
            )

    def put(self, blobs: Mapping[str, bytes]) -> None:
        """Keeps blobs, or those of their pieces, that are not there."""
        for digest, content in blobs.items():
            pieces = cut(pack(content), PIECE_BYTES)
            with self._asking() as client:
                for n, piece in reversed(tuple(enumerate(pieces))):
                    value = piece if n else len(pieces).to_bytes(2, "big") + piece
                    client.add(self._key("blob", digest, str(n)), value, noreply=False)

    def get(self, digests: Sequence[str]) -> dict[str, bytes]:
        """Those of the blobs of which memcached remembers every piece."""
        found: dict[str, bytes] = {}
        for at in range(0, len(digests), AT_ONCE):
            keys = {digest: self._key("blob", digest, "0") for digest in digests[at : at + AT_ONCE]}
            with self._asking() as client:
                firsts = client.get_many(list(keys.values()))
            for digest, key in keys.items():
                if key in firsts and (content := self._joined(digest, firsts[key])) is not None:
                    found[digest] = content
        return found

    def report(self, key: str, text: str, ttl_s: float) -> None:
        """Keeps what a worker says of itself for that long, in whole seconds."""
        name = sha256(key.encode()).hexdigest()
        expires_s = min(math.ceil(ttl_s) + 1, LONGEST_S)  # its clock ticks once a second: 1 may mean at once
        with self._asking() as client:
            client.set(self._key("report", name), report_record(key, text), expire=expires_s, noreply=False)
        self._change_index(lambda names: names if name in names else self._alive(names) | {name})
        self._mark(Topic.REPORTS)

    def withdraw(self, key: str) -> None:
        """Forgets what a worker said."""
        name = sha256(key.encode()).hexdigest()
        with self._asking() as client:
            client.delete(self._key("report", name), noreply=False)
        self._change_index(lambda names: names - {name})
        self._mark(Topic.REPORTS)

    def reports(self) -> dict[str, str]:
        """What the workers said that has not expired, and that memcached remembers."""
        with self._asking() as client:
            names = _names(client.get(self._key("reporting")))
            records = client.get_many([self._key("report", name) for name in names]) if names else {}
        return dict(report for record in records.values() if (report := read_report(record)) is not None)

    def watch(self, topic: Topic) -> Watch:
        """A new watch, on a connection of its own."""
        return self._watches.open(lambda: self._dialled(f"get {self._key('mark', topic.value)}\r\n".encode()))

    def close(self) -> None:
        """Lets connections go, and ends what waits."""
        self._watches.close()
        with self._turn:
            self._closed = True
            self._client.close()

    def _dialled(self, question: bytes) -> PolledLine:
        probe = Probe(self._place, self._address, question, lambda answer: answer.endswith(b"\r\n"), AWAY)
        return PolledLine(probe.ask, probe.close)

    def _swapped(self, client: Client, record: bytes | None, token: Any, head: Head, base: int) -> bool:
        """Whether the head was still that one, and is replaced. The old one is kept first, by whoever comes first."""
        replacement = head_record(head, base)
        if record is None:
            return bool(client.add(self._key("head"), replacement, noreply=False))
        client.set(self._key("log", str(base)), record, noreply=False)
        return bool(client.cas(self._key("head"), replacement, token, noreply=False))

    def _joined(self, digest: str, first: bytes) -> bytes | None:
        """The blob that begins with this piece; None if a piece is missing."""
        pieces = [first[2:]]
        for n in range(1, int.from_bytes(first[:2], "big")):
            with self._asking() as client:
                if (piece := client.get(self._key("blob", digest, str(n)))) is None:
                    return None
            pieces.append(piece)
        return unpack(b"".join(pieces))

    def _change_index(self, change: Callable[[frozenset[str]], frozenset[str]]) -> None:
        """Replaces the names of the reports by what `change` makes of them, however many others do that too."""
        key = self._key("reporting")
        with self._asking() as client:
            while True:
                index, token = client.gets(key)
                names = _names(index)
                if (changed := change(names)) == names:
                    return
                value = " ".join(sorted(changed)).encode()
                if index is None:
                    done = client.add(key, value, noreply=False)
                else:
                    done = client.cas(key, value, token, noreply=False)
                if done:
                    return

    def _alive(self, names: frozenset[str]) -> frozenset[str]:
        """Those whose report is there. One that comes back at this moment is in the index with its next report."""
        keys = {self._key("report", name): name for name in names}
        with self._asking() as client:
            return frozenset(keys[key] for key in client.get_many(list(keys)))

    def _mark(self, topic: Topic) -> None:
        with self._asking() as client:
            client.set(self._key("mark", topic.value), os.urandom(8).hex(), noreply=False)

    def _key(self, *names: str) -> str:
        return self._prefix + ":".join(names)

    @contextmanager
    def _asking(self) -> Iterator[Client]:
        """The connection, which the threads of a process take turns on."""
        with self._turn:
            if self._closed:
                raise self._place.closed()
            with _told(self._place):
                _let_go_if_hung_up(self._client)
                yield self._client


def _let_go_if_hung_up(client: Client) -> None:
    """A connection that the server has ended is not used: the command would be lost with it."""
    if client.sock is not None:
        readable = select.poll()
        readable.register(client.sock, select.POLLIN)
        if readable.poll(0):
            client.close()


def _names(index: bytes | None) -> frozenset[str]:
    return frozenset((index or b"").decode(errors="replace").split())


@contextmanager
def _told(place: Place) -> Iterator[None]:
    """Errors of pymemcache, as StoreError."""
    try:
        yield
    except StoreError:
        raise
    except (MemcacheUnexpectedCloseError, OSError) as error:
        raise place.unreachable(error, AWAY) from error
    except MemcacheServerError as error:
        raise place.refusing(error, FULL) from error
    except (MemcacheClientError, ValueError) as error:
        raise place.refusing(error, NO_CAS) from error
    except MemcacheError as error:
        raise place.unreachable(error, AWAY) from error
