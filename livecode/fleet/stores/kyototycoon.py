"""The log of a service in Kyoto Tycoon: `kyototycoon://host:1978`, or `…:1978/shop.kch` to choose one of its databases.

    livecode:SHOP:head              `livecode.fleet.stores.records`, replaced by /rpc/cas
    livecode:SHOP:log:GENERATION    the head of that generation, kept by who replaced it
    livecode:SHOP:blob:DIGEST       packed source
    livecode:SHOP:report:HASH       key and text of a report, with an expiration time
    livecode:SHOP:mark:TOPIC        something random, new whenever something was published

It is spoken to over HTTP, by the calls that its documentation describes. A watch asks for the mark five to ten times a
second: its signals would need one of the server's few threads for each worker that waits.

**Persistence.** With a hash database in a file (`ktserver shop.kch`), a server that is killed has all that it
acknowledged; the operating system writes it to the disk when it likes, so a machine that loses power can lose the last
pushes. A database in memory (`ktserver` alone) is lost with the server.

Source: https://dbmx.net/kyototycoon/spex.html, section Protocol.
"""

from __future__ import annotations

import math
import os
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from urllib.parse import quote, unquote_to_bytes, urlsplit

from livecode.errors import StaleBaseError, StoreError, UsageError
from livecode.fleet.store import NO_HEAD, Head, Store, Topic, Watch
from livecode.fleet.stores.http_calls import Answer, HttpCalls
from livecode.fleet.stores.packing import pack, unpack
from livecode.fleet.stores.place import Place
from livecode.fleet.stores.probe import Probe
from livecode.fleet.stores.records import head_record, read_head, read_history, read_report, report_record
from livecode.fleet.stores.watching import PolledLine, Watches

HISTORY = 256
DONE, MADE, NOT_FOUND, OTHERWISE = 200, 201, 404, 450
"""The statuses of answers that are none of a fault; 450 is "the logic of the call was not fulfilled"."""

TSV = "text/tab-separated-values"
AWAY = (
    "is ktserver running there, and reachable from here? try curl http://HOST:1978/rpc/void; the next call tries again"
)
FAULT = "see the log of ktserver; is its disk full?"
DECODERS: dict[str, Callable[[bytes], bytes]] = {"B": b64decode, "U": unquote_to_bytes}
CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


def open_store(url: str, service: str) -> Store:
    """The log of a service in the Kyoto Tycoon at that URL.

    Raises:
        UsageError: The URL has no host, no valid port, or a password, for which Kyoto Tycoon has no use.
    """
    return KyotoTycoonStore(_server(url), service)


def services(url: str) -> tuple[str, ...]:
    """The services whose workers have reported to the Kyoto Tycoon at that URL."""
    server = _server(url)
    try:
        keys = server.call("match_prefix", {b"prefix": b"livecode:"}) or {}
    finally:
        server.close()
    parts = (key.decode(errors="replace").removeprefix("_").split(":") for key in keys)
    return tuple(each[1] for each in parts if each[2:] == ["mark", Topic.REPORTS.value])


def _server(url: str) -> Server:
    place = Place.of(url)
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or 1978
    except ValueError:
        host, port = None, 0
    if host is None or parts.username is not None:
        raise UsageError(
            f"{place.shown} is not the URL of a Kyoto Tycoon without passwords, e.g. kyototycoon://host:1978"
        )
    return Server(place, host, port, parts.path.strip("/"))


class Server:
    """Kyoto Tycoon's calls."""

    def __init__(self, place: Place, host: str, port: int, database: str) -> None:
        self.place, self.address, self.database = place, (host, port), database
        self._calls = HttpCalls(place, self.address, AWAY)

    def value(self, key: str) -> bytes | None:
        """The value of a key, None if there is none."""
        answer = self._calls.call("GET", self.path(key), None, {})
        return answer.body if self._checked(answer, NOT_FOUND) == DONE else None

    def keep(self, key: str, value: bytes, mode: str) -> None:
        """Keeps a value: "set" in place of what is there, "add" only if nothing is."""
        self._checked(self._calls.call("PUT", self.path(key), value, {"X-Kt-Mode": mode}), MADE, OTHERWISE)

    def call(self, procedure: str, rows: Mapping[bytes, bytes]) -> dict[bytes, bytes] | None:
        """What a procedure answers; None if its logic was not fulfilled."""
        if self.database:
            rows = {b"DB": self.database.encode(), **rows}
        body = b"".join(b"%b\t%b\n" % (b64encode(key), b64encode(value)) for key, value in rows.items())
        answer = self._calls.call("POST", f"/rpc/{procedure}", body, {"Content-Type": f"{TSV}; colenc=B"})
        return _table(answer) if self._checked(answer, OTHERWISE) == DONE else None

    def path(self, key: str) -> str:
        """Where a key is."""
        database = f"/{quote(self.database, safe='')}" if self.database else ""
        return f"{database}/{quote(key, safe='')}"

    def close(self) -> None:
        """Lets the connection go."""
        self._calls.close()

    def _checked(self, answer: Answer, *expected: int) -> int:
        if answer.status == DONE or answer.status in expected:
            return answer.status
        reason = _table(answer).get(b"ERROR", answer.body[:200]).decode(errors="replace")
        raise self.place.refusing(f"HTTP {answer.status} {reason}".rstrip(), FAULT)


class KyotoTycoonStore:
    """See `livecode.fleet.store.Store`. One connection for all calls, and one for each watch."""

    def __init__(self, server: Server, service: str) -> None:
        self.url = server.place.shown
        self._server = server
        self._prefix = f"livecode:{service}:"
        self._watches = Watches()

    def head(self) -> Head:
        """The newest generation."""
        return self._read_head()[0]

    def publish(self, base: int, head: Head) -> None:
        """Replaces the head of generation `base`."""
        found, record = self._read_head()
        if found.generation != base:
            raise StaleBaseError(base, found.generation)
        swap = {b"key": self._key("head").encode(), b"nval": head_record(head, base)}
        if record is not None:
            self._server.keep(self._key("log", str(base)), record, "set")  # whoever races writes the same
            swap[b"oval"] = record
        if self._server.call("cas", swap) is None:
            raise StaleBaseError(base, self.head().generation)
        with suppress(StoreError):  # it is published, whether or not anybody is woken
            self._mark(Topic.HEAD)

    def history(self, limit: int) -> tuple[Head, ...]:
        """The last heads, 256 at most."""
        newest = self._server.value(self._key("head"))
        return read_history(
            self._server.place,
            newest,
            lambda generation: self._server.value(self._key("log", str(generation))),
            min(limit, HISTORY),
        )

    def put(self, blobs: Mapping[str, bytes]) -> None:
        """Keeps blobs that are not there yet."""
        for digest, content in blobs.items():
            self._server.keep(self._key("blob", digest), pack(content), "add")

    def get(self, digests: Sequence[str]) -> dict[str, bytes]:
        """Those of the blobs that are there."""
        found: dict[str, bytes] = {}
        for digest in digests:
            packed = self._server.value(self._key("blob", digest))
            if packed is not None and (content := unpack(packed)) is not None:
                found[digest] = content
        return found

    def report(self, key: str, text: str, ttl_s: float) -> None:
        """Keeps what a worker says of itself for that long, in whole seconds."""
        expires = str(math.ceil(ttl_s)).encode()
        self._server.call("set", {b"key": self._report(key), b"value": report_record(key, text), b"xt": expires})
        self._mark(Topic.REPORTS)

    def withdraw(self, key: str) -> None:
        """Forgets what a worker said."""
        self._server.call("remove", {b"key": self._report(key)})
        self._mark(Topic.REPORTS)

    def reports(self) -> dict[str, str]:
        """What the workers said that has not expired."""
        keys = self._server.call("match_prefix", {b"prefix": self._key("report", "").encode()}) or {}
        wanted = {key: b"" for key in keys if key.startswith(b"_")}
        records = (self._server.call("get_bulk", wanted) or {}) if wanted else {}
        found = (read_report(record) for key, record in records.items() if key.startswith(b"_"))
        return dict(report for report in found if report is not None)

    def watch(self, topic: Topic) -> Watch:
        """A new watch, on a connection of its own."""
        return self._watches.open(lambda: self._dialled(topic))

    def close(self) -> None:
        """Lets connections go, and ends what waits."""
        self._watches.close()
        self._server.close()

    def _dialled(self, topic: Topic) -> PolledLine:
        host, port = self._server.address
        path = self._server.path(self._key("mark", topic.value))
        question = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode()
        probe = Probe(self._server.place, self._server.address, question, _is_whole, AWAY)
        return PolledLine(lambda: probe.ask().partition(b"\r\n\r\n")[2], probe.close)

    def _read_head(self) -> tuple[Head, bytes | None]:
        """The head, and how it lies there."""
        record = self._server.value(self._key("head"))
        return (NO_HEAD, None) if record is None else (read_head(self._server.place, record)[0], record)

    def _mark(self, topic: Topic) -> None:
        self._server.keep(self._key("mark", topic.value), os.urandom(8).hex().encode(), "set")

    def _report(self, key: str) -> bytes:
        return self._key("report", sha256(key.encode()).hexdigest()).encode()

    def _key(self, *names: str) -> str:
        return self._prefix + ":".join(names)


def _table(answer: Answer) -> dict[bytes, bytes]:
    """The rows of an answer, whose columns are as they are, in base64, or encoded as in URLs."""
    decode = DECODERS.get(answer.content_type.partition("colenc=")[2], bytes)
    rows = (line.split(b"\t", 1) for line in answer.body.split(b"\n") if b"\t" in line)
    return {decode(key): decode(value) for key, value in rows}


def _is_whole(answer: bytes) -> bool:
    """Whether all of an HTTP answer is there."""
    head, end, body = answer.partition(b"\r\n\r\n")
    length = CONTENT_LENGTH.search(head)
    return bool(end) and len(body) >= (int(length[1]) if length else 0)
