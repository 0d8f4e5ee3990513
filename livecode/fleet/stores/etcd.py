"""The log of a service in etcd: `etcd://user:password@host:2379`. Needs etcd 3.4 or newer; no client.

    livecode/SHOP/head              `livecode.fleet.stores.records`
    livecode/SHOP/log/GENERATION    the same, of each head that was, twenty digits wide
    livecode/SHOP/blob/DIGEST/N     pieces of a packed source; the first begins with their number
    livecode/SHOP/report/HASH       key and text of a report, under a lease
    livecode/SHOP/news/TOPIC        written together with whatever is published: what is watched

Compare-and-swap, history and notice are one transaction on the head's revision. A watch is one request whose answer
goes on, of tiny events. It is spoken to over etcd's own JSON gateway: of the clients for Python, `etcd3` fails on
import, and `etcd3gw` wraps the same gateway.

**Persistence.** etcd syncs its log before it acknowledges: a server that is killed, or loses power, has everything. It
keeps every revision until it compacts: run it with `--auto-compaction-retention`, or it fills up (2 GB by default).

Source: https://etcd.io/docs/v3.5/dev-guide/api_grpc_gateway/ and .../learning/api/.
"""

from __future__ import annotations

import json
import math
import select
import socket
import threading
import time
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from typing import Any
from urllib.parse import unquote, urlsplit

from livecode.errors import StaleBaseError, StoreError, UsageError
from livecode.fleet.store import NO_HEAD, Head, Store, Topic, Watch
from livecode.fleet.stores.http_calls import HttpCalls
from livecode.fleet.stores.packing import cut, pack, unpack
from livecode.fleet.stores.place import ANSWER_S, CONNECT_S, Place
from livecode.fleet.stores.records import head_record, read_head, read_report, report_record
from livecode.fleet.stores.watching import Watches

HISTORY = 256
TRIM_EVERY = 32
"""How many pushes go between two looks for heads that are too old to keep."""

PIECE_BYTES = 512 << 10
"""A third of what etcd takes in one request by default."""

AWAY = "is etcd running there, and reachable from here? try etcdctl endpoint status; the next call tries again"
FAULT = "see the log of etcd; if its space is exceeded, compact and defragment it, or raise --quota-backend-bytes"
STRANGER = "put user and password into the URL, etcd://user:password@host:2379"
UNAUTHENTICATED = 401

Kept = tuple[bytes, bytes, int]
"""A key, its value, and the revision that wrote it last."""


def open_store(url: str, service: str) -> Store:
    """The log of a service in the etcd at that URL.

    Raises:
        UsageError: The URL has no host, or no valid port.
    """
    return EtcdStore(_gateway(url), service)


def services(url: str) -> tuple[str, ...]:
    """The services that the etcd at that URL knows: one question each, from the first key of one to the next one's."""
    gateway, found, key = _gateway(url), list[str](), "livecode/"
    try:
        while kept := gateway.kept(key, "livecode0", limit="1", keys_only=True):
            found.append(kept[0][0].decode().split("/")[1])
            key = f"livecode/{found[-1]}0"  # the character after the slash
    finally:
        gateway.close()
    return tuple(found)


def _gateway(url: str) -> Gateway:
    place = Place.of(url)
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or 2379
    except ValueError:
        host, port = None, 0
    if host is None:
        raise UsageError(f"{place.shown} is not the URL of an etcd, e.g. etcd://host:2379")
    return Gateway(place, (host, port))


class Gateway:
    """etcd's calls, as JSON."""

    def __init__(self, place: Place, address: tuple[str, int]) -> None:
        self.place, self.address = place, address
        self._calls = HttpCalls(place, address, AWAY)
        self._token: str | None = None

    def call(self, what: str, **request: Any) -> dict[str, Any]:
        """What etcd answers. Logs in first if the URL names a user, and again when the log-in has expired."""
        answer = self._posted(what, request, self.login_headers())
        if answer[0] == UNAUTHENTICATED and self._token is not None:
            self._token = None
            answer = self._posted(what, request, self.login_headers())
        return self._checked(*answer)

    def kept(self, key: str, end: str | None = None, **options: Any) -> list[Kept]:
        """What is at a key, or from there up to another one."""
        bounds = {"key": _encoded(key)} if end is None else {"key": _encoded(key), "range_end": _encoded(end)}
        found = self.call("kv/range", **bounds, **options).get("kvs", ())
        return [(b64decode(one["key"]), b64decode(one.get("value", "")), int(one["mod_revision"])) for one in found]

    def did(self, compare: Sequence[dict[str, Any]], *steps: dict[str, Any]) -> bool:
        """Whether the comparison held, and all of the steps were done."""
        return bool(self.call("kv/txn", compare=compare, success=steps).get("succeeded"))

    def login_headers(self) -> dict[str, str]:
        """What says who asks."""
        parts = urlsplit(self.place.url)
        if parts.username is None:
            return {}
        if self._token is None:
            who = {"name": unquote(parts.username), "password": unquote(parts.password or "")}
            self._token = str(self._checked(*self._posted("auth/authenticate", who, {}))["token"])
        return {"Authorization": self._token}

    def close(self) -> None:
        """Lets the connection go."""
        self._calls.close()

    def _posted(self, what: str, request: Mapping[str, Any], headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
        answer = self._calls.call("POST", f"/v3/{what}", json.dumps(request).encode(), headers)
        try:
            content = json.loads(answer.body)
        except ValueError:
            content = {"error": answer.body[:200].decode(errors="replace")}
        return answer.status, content

    def _checked(self, status: int, content: dict[str, Any]) -> dict[str, Any]:
        if status == 200 and "error" not in content:
            return content
        reason = str(content.get("error") or content.get("message"))
        advice = STRANGER if status in (UNAUTHENTICATED, 403) or "user name" in reason or "auth" in reason else FAULT
        raise self.place.refusing(f"HTTP {status} {reason}", advice)


class EtcdStore:
    """See `livecode.fleet.store.Store`. One connection for all calls, and one for each watch."""

    def __init__(self, gateway: Gateway, service: str) -> None:
        self.url = gateway.place.shown
        self._gateway = gateway
        self._prefix = f"livecode/{service}/"
        self._watches = Watches()

    def head(self) -> Head:
        """The newest generation."""
        return self._read_head()[0]

    def publish(self, base: int, head: Head) -> None:
        """Replaces the head of generation `base`."""
        found, revision = self._read_head()
        if found.generation != base:
            raise StaleBaseError(base, found.generation)
        record = head_record(head, base)
        steps = _put(self._key("head"), record), _put(self._log(head.generation), record), self._news(Topic.HEAD)
        if not self._gateway.did([_compare(self._key("head"), "MOD", "mod_revision", revision)], *steps):
            raise StaleBaseError(base, self.head().generation)
        if head.generation % TRIM_EVERY == 0:
            with suppress(StoreError):  # it is published; what is too old goes another time
                self._trim()

    def history(self, limit: int) -> tuple[Head, ...]:
        """The last heads, 256 at least if there were as many."""
        if limit <= 0:
            return ()
        logged = self._logged(limit)
        return tuple(read_head(self._gateway.place, record)[0] for _, record, _ in logged)

    def put(self, blobs: Mapping[str, bytes]) -> None:
        """Keeps blobs that are not there yet. The first piece comes last: where it is, all are."""
        for digest, content in blobs.items():
            pieces = cut(pack(content), PIECE_BYTES)
            for n, piece in reversed(tuple(enumerate(pieces))):
                key = self._key("blob", digest, f"{n:04}")
                value = piece if n else len(pieces).to_bytes(2, "big") + piece
                self._gateway.did([_compare(key, "CREATE", "create_revision", 0)], _put(key, value))

    def get(self, digests: Sequence[str]) -> dict[str, bytes]:
        """Those of the blobs that are there."""
        found = {digest: self._joined(digest) for digest in digests}
        return {digest: content for digest, content in found.items() if content is not None}

    def report(self, key: str, text: str, ttl_s: float) -> None:
        """Keeps what a worker says of itself for that long, in whole seconds, and two at least."""
        lease = self._gateway.call("lease/grant", TTL=str(math.ceil(ttl_s)))["ID"]
        put = _put(self._report(key), report_record(key, text), lease)
        self._gateway.did((), put, self._news(Topic.REPORTS))

    def withdraw(self, key: str) -> None:
        """Forgets what a worker said."""
        gone = {"request_delete_range": {"key": _encoded(self._report(key))}}
        self._gateway.did((), gone, self._news(Topic.REPORTS))

    def reports(self) -> dict[str, str]:
        """What the workers said that has not expired."""
        kept = self._gateway.kept(self._key("report/"), self._key("report0"))
        found = (read_report(record) for _, record, _ in kept)
        return dict(report for report in found if report is not None)

    def watch(self, topic: Topic) -> Watch:
        """A new watch, on a connection of its own."""
        return self._watches.open(lambda: _News(self._gateway, self._key("news", topic.value)))

    def close(self) -> None:
        """Lets connections go, and ends what waits."""
        self._watches.close()
        self._gateway.close()

    def _read_head(self) -> tuple[Head, int]:
        """The head, and the revision that wrote it; 0 if there is none."""
        kept = self._gateway.kept(self._key("head"))
        return (read_head(self._gateway.place, kept[0][1])[0], kept[0][2]) if kept else (NO_HEAD, 0)

    def _logged(self, limit: int, **options: Any) -> list[Kept]:
        order = {"sort_order": "DESCEND", "sort_target": "KEY", "limit": str(limit)}
        return self._gateway.kept(self._key("log/"), self._key("log0"), **order, **options)

    def _trim(self) -> None:
        """Forgets the heads that are too old to keep."""
        kept = self._logged(HISTORY, keys_only=True)
        if len(kept) == HISTORY:
            bounds = {"key": _encoded(self._key("log/")), "range_end": b64encode(kept[-1][0]).decode()}
            self._gateway.call("kv/deleterange", **bounds)

    def _joined(self, digest: str) -> bytes | None:
        """A blob, None if it is not there, or not all of it."""
        kept = self._gateway.kept(self._key("blob", digest, ""), self._key("blob", digest + "0"))
        pieces = [piece for _, piece, _ in kept]
        if not pieces or not kept[0][0].endswith(b"/0000") or len(pieces) != int.from_bytes(pieces[0][:2], "big"):
            return None
        return unpack(b"".join((pieces[0][2:], *pieces[1:])))

    def _news(self, topic: Topic) -> dict[str, Any]:
        return _put(self._key("news", topic.value), b"")

    def _log(self, generation: int) -> str:
        return self._key("log", f"{generation:020}")

    def _report(self, key: str) -> str:
        return self._key("report", sha256(key.encode()).hexdigest())

    def _key(self, *names: str) -> str:
        return self._prefix + "/".join(names)


class _News:
    """A line on which etcd tells, in one answer that goes on, whenever a key was written."""

    def __init__(self, gateway: Gateway, key: str) -> None:
        self._place = gateway.place
        self._lock = threading.Lock()
        self._answer = b""
        body = json.dumps({"create_request": {"key": _encoded(key)}}).encode()
        fields = {"Host": "etcd", "Content-Length": str(len(body)), **gateway.login_headers()}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        try:
            self._socket = socket.create_connection(gateway.address, timeout=CONNECT_S)
        except OSError as error:
            raise self._place.unreachable(error, AWAY) from error
        try:
            _keep_alive(self._socket)
            self._socket.sendall(f"POST /v3/watch HTTP/1.1\r\n{head}\r\n".encode() + body)
            self._created()
        except (OSError, StoreError) as error:
            self._socket.close()
            raise error if isinstance(error, StoreError) else self._place.unreachable(error, AWAY) from error

    def hear(self, timeout_s: float) -> bool:
        deadline = time.monotonic() + timeout_s
        while not self._told():
            if not self._readable(max(deadline - time.monotonic(), 0.0)):
                return False
            self._receive()
        return True

    def close(self) -> None:
        with suppress(OSError):  # ends a wait that is under way
            self._socket.shutdown(socket.SHUT_RDWR)
        with self._lock:
            self._socket.close()

    def _created(self) -> None:
        """Returns when etcd says that it watches."""
        deadline = time.monotonic() + ANSWER_S
        while b'"created":true' not in self._answer:
            if not self._readable(max(deadline - time.monotonic(), 0.0)):
                raise self._place.unreachable("it does not begin to watch", AWAY)
            self._receive()
            if b"\r\n\r\n" in self._answer and b" 200 " not in self._answer.partition(b"\r\n")[0]:
                raise self._place.refusing(self._answer.partition(b"\r\n")[0].decode(errors="replace"), FAULT)
        self._answer = self._answer.partition(b'"created":true')[2]  # an event may have come with it

    def _told(self) -> bool:
        """Whether an event has come, to its end: a line of JSON, within a chunk of HTTP."""
        if b'"events"' in self._answer and self._answer.endswith(b"\n\r\n"):
            self._answer = b""
            return True
        return False

    def _readable(self, timeout_s: float) -> bool:
        with self._lock:
            if self._socket.fileno() < 0:
                raise self._place.closed()
            waiting = select.poll()
            waiting.register(self._socket, select.POLLIN)
            return bool(waiting.poll(timeout_s * 1000))

    def _receive(self) -> None:
        with self._lock:
            try:
                content = self._socket.recv(1 << 16)
            except OSError as error:
                raise self._place.unreachable(error, AWAY) from error
        if not content:
            raise self._place.unreachable("it hung up", AWAY)
        self._answer += content


def _keep_alive(line: socket.socket) -> None:
    """Lets the kernel find out that the other side is gone, within half a minute: nothing is asked on this line."""
    line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (("TCP_KEEPIDLE", 15), ("TCP_KEEPALIVE", 15), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3)):
        if (number := getattr(socket, option, None)) is not None:
            line.setsockopt(socket.IPPROTO_TCP, number, value)


def _encoded(text: str) -> str:
    return b64encode(text.encode()).decode()


def _put(key: str, value: bytes, lease: str = "0") -> dict[str, Any]:
    """The step of a transaction that writes a key."""
    return {"request_put": {"key": _encoded(key), "value": b64encode(value).decode(), "lease": lease}}


def _compare(key: str, target: str, field: str, number: int) -> dict[str, Any]:
    """The condition of a transaction that a key has such a revision; 0 is a key that is not there."""
    return {"key": _encoded(key), "target": target, "result": "EQUAL", field: str(number)}
