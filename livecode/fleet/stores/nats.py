"""The log of a service in NATS JetStream: `nats://user:password@host:4222`. Needs nats-server 2.9 with `-js`.

    bucket livecode_log_SHOP        key-value bucket (`nats kv` reads it), 64 revisions of each key
        head                        `livecode.fleet.stores.records`; its revisions are the history
        blob.DIGEST.N               pieces of a packed source; the first begins with their number
    bucket livecode_reports_SHOP    the last revision of each key, for a day at most
        KEY, in base64              "TTL in ms\\nTEXT"; counted by the server's clock, from when it got it
    subjects livecode.news.…        what both buckets republish, without its payload, when it was stored

Compare-and-swap is an update that names the last revision. Watches are plain subscriptions to what the server
republishes: they cost the server no consumer. The client's own reconnecting is off: it was blind for 14 s without a
word. Here a lost connection ends all waits at once, and the next call or wait makes a new one.

**Persistence.** JetStream writes to its file before it acknowledges, so a killed server has all that it acknowledged;
it syncs the file every two minutes only, so a machine that loses power can lose the last pushes, unless the server's
`sync_interval` is `always` (2.10 and newer) or the streams have replicas.

Source: https://docs.nats.io/nats-concepts/jetstream/key-value-store, ADR-8 (key-value stores), ADR-28 (republish).
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from livecode.errors import MissingExtraError, StaleBaseError, StoreError, UsageError
from livecode.fleet.store import NO_HEAD, Head, Store, Topic, Watch
from livecode.fleet.stores.looping import LoopThread
from livecode.fleet.stores.packing import cut, pack, unpack
from livecode.fleet.stores.place import ANSWER_S, CONNECT_S, Place
from livecode.fleet.stores.records import head_record, read_head
from livecode.fleet.stores.watching import Watches

try:
    import nats
    import nats.errors
    import nats.js.errors
    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.js import JetStreamContext
    from nats.js.api import RePublish
    from nats.js.kv import KeyValue
except ImportError as missing:
    raise MissingExtraError("a store in NATS", "nats-py", "nats") from missing

HISTORY = 64
"""Revisions of the head that are kept: the most that a bucket can."""

REPORTS_STREAM = "KV_livecode_reports_"
"""How the stream of a bucket of reports is called, before the name of its service."""

PIECE_BYTES = 512 << 10
"""Half of what a server takes in one message by default."""

REPORT_S = 24 * 3600.0
"""No report is kept for longer than this."""

PING_S = 10
"""How often a silent connection is tried; it is given up when two pings were not answered."""

AT_ONCE = 16
"""Blobs that are under way at the same time."""

SLOW_S = 30.0
"""How long a call may take that moves many blobs; each step of it has ANSWER_S."""

AWAY = "is NATS running there, and reachable from here? try nats server check connection; the next call tries again"
NO_JETSTREAM = "start nats-server with -js, or allow JetStream for this account; the next call tries again"

Answer = TypeVar("Answer")


def open_store(url: str, service: str) -> Store:
    """The log of a service in the NATS at that URL.

    Raises:
        UsageError: The URL has no host, or no valid port.
    """
    place = Place.of(url)
    try:
        host, _ = urlsplit(url).hostname, urlsplit(url).port
    except ValueError:
        host = None
    if not host:
        raise UsageError(f"{place.shown} is not the URL of a NATS, e.g. nats://host:4222")
    return NatsStore(place, service)


def services(url: str) -> tuple[str, ...]:
    """The services whose workers have reported to the NATS at that URL."""
    place, loop = Place.of(url), LoopThread("livecode-nats")
    try:
        with _told(place):
            return loop.run(_services(place), 3 * ANSWER_S)
    finally:
        loop.close()


async def _services(place: Place) -> tuple[str, ...]:
    client = Client()
    try:
        await client.connect(**_options(place), error_cb=_not_told)
        infos = await client.jetstream(timeout=ANSWER_S).streams_info()
    finally:
        await client.close()
    names = (info.config.name or "" for info in infos)
    buckets = (name.removeprefix(REPORTS_STREAM) for name in names if name.startswith(REPORTS_STREAM))
    return tuple(re.sub("__|_-", lambda found: "_" if found[0] == "__" else ".", bucket) for bucket in buckets)


async def _not_told(error: Exception) -> None:
    """What was wrong on the way is raised in the end."""


@dataclass(frozen=True, slots=True)
class Link:
    """One connection, with the buckets of a service on it.

    Attributes:
        lost: Done as soon as the connection is.
    """

    client: Client
    log: KeyValue
    reports: KeyValue
    lost: asyncio.Future[None]


class NatsStore:
    """See `livecode.fleet.store.Store`. One connection for everything, on an event loop in a thread of its own."""

    def __init__(self, place: Place, service: str) -> None:
        self.url = place.shown
        self._place = place
        name = service.replace("_", "__").replace(".", "_-")  # a bucket's name has no dots
        self._buckets = {Topic.HEAD: f"livecode_log_{name}", Topic.REPORTS: f"livecode_reports_{name}"}
        self._loop = LoopThread("livecode-nats")
        self._linking = asyncio.Lock()
        self._link: Link | None = None
        self._watches = Watches()
        self._closed = False

    def head(self) -> Head:
        """The newest generation."""
        return self._run(self._head())[0]

    def publish(self, base: int, head: Head) -> None:
        """Replaces the head of generation `base`."""
        self._run(self._publish(base, head))

    def history(self, limit: int) -> tuple[Head, ...]:
        """The last heads, 64 at most."""
        messages, _ = self._run(self._read(Topic.HEAD, "head", "all"))
        heads = [read_head(self._place, message.data)[0] for message in messages]
        return tuple(heads[::-1][: max(limit, 0)])

    def put(self, blobs: Mapping[str, bytes]) -> None:
        """Keeps blobs that are not there yet."""
        self._run(_each(self._put, blobs.items()), SLOW_S)

    def get(self, digests: Sequence[str]) -> dict[str, bytes]:
        """Those of the blobs that are there."""
        found = self._run(_each(self._get, ((digest,) for digest in digests)), SLOW_S)
        return {digest: content for digest, content in zip(digests, found, strict=True) if content is not None}

    def report(self, key: str, text: str, ttl_s: float) -> None:
        """Keeps what a worker says of itself for that long, a day at most."""
        self._run(self._report(_to_key(key), f"{max(int(ttl_s * 1000), 1)}\n{text}".encode()))

    def withdraw(self, key: str) -> None:
        """Forgets what a worker said."""
        self._run(self._withdraw(_to_key(key)))

    def reports(self) -> dict[str, str]:
        """What the workers said that has not expired."""
        messages, now = self._run(self._read(Topic.REPORTS, ">", "last_per_subject"))
        found = {}
        for message in messages:
            ttl_ms, _, text = message.data.decode().partition("\n")
            if ttl_ms and (now - message.metadata.timestamp).total_seconds() * 1000 < int(ttl_ms):
                found[_from_key(message.subject.rpartition(".")[2])] = text
        return found

    def watch(self, topic: Topic) -> Watch:
        """A new watch."""
        return self._watches.open(lambda: self._dialled(topic))

    def close(self) -> None:
        """Lets the connection go, and ends what waits."""
        self._watches.close()
        if not self._closed and self._link is not None:
            with suppress(StoreError):
                self._run(self._hang_up(self._link))
        self._closed = True
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, Answer], timeout_s: float = 3 * ANSWER_S) -> Answer:
        if self._closed:
            work.close()
            raise self._place.closed()
        with _told(self._place):
            return self._loop.run(work, timeout_s)

    async def _head(self) -> tuple[Head, int]:
        """The head, and the revision that it has in the bucket."""
        link = await self._linked()
        try:
            entry = await _answered(link, link.log.get("head"))
        except nats.js.errors.KeyNotFoundError:
            return NO_HEAD, 0
        return read_head(self._place, entry.value or b"")[0], entry.revision or 0

    async def _publish(self, base: int, head: Head) -> None:
        link = await self._linked()
        found, revision = await self._head()
        if found.generation != base:
            raise StaleBaseError(base, found.generation)
        try:
            await _answered(link, link.log.update("head", head_record(head, base), last=revision))
        except nats.js.errors.KeyWrongLastSequenceError:
            found, _ = await self._head()
            raise StaleBaseError(base, found.generation) from None

    async def _put(self, digest: str, content: bytes) -> None:
        """The first piece comes last: where it is, all are."""
        link = await self._linked()
        pieces = cut(pack(content), PIECE_BYTES)
        for n, piece in reversed(tuple(enumerate(pieces))):
            value = piece if n else len(pieces).to_bytes(2, "big") + piece
            with suppress(nats.js.errors.KeyWrongLastSequenceError):  # it is there already
                await _answered(link, link.log.update(f"blob.{digest}.{n}", value, last=0))

    async def _get(self, digest: str) -> bytes | None:
        link = await self._linked()
        try:
            first = (await _answered(link, link.log.get(f"blob.{digest}.0"))).value or b""
            pieces = [first[2:]]
            for n in range(1, int.from_bytes(first[:2], "big")):
                pieces.append((await _answered(link, link.log.get(f"blob.{digest}.{n}"))).value or b"")
        except nats.js.errors.KeyNotFoundError:
            return None
        return unpack(b"".join(pieces))

    async def _report(self, key: str, value: bytes) -> None:
        link = await self._linked()
        await _answered(link, link.reports.put(key, value))

    async def _withdraw(self, key: str) -> None:
        link = await self._linked()
        await _answered(link, link.reports.delete(key))

    async def _read(self, topic: Topic, key: str, which: str) -> tuple[list[Msg], datetime]:
        """Messages of a bucket in one go, by a consumer that is gone afterwards; and the server's time."""
        link = await self._linked()
        return await _answered(link, _consume(link.client, self._buckets[topic], key, which))

    async def _linked(self) -> Link:
        """The connection; a new one if there is none, or it is lost."""
        async with self._linking:
            if self._link is None or self._link.lost.done():
                self._link = None
                self._link = await _connected(self._place, self._buckets)
            return self._link

    async def _hang_up(self, link: Link) -> None:
        await link.client.close()

    def _dialled(self, topic: Topic) -> _News:
        return self._run(self._subscribed(topic))

    async def _subscribed(self, topic: Topic) -> _News:
        link = await self._linked()
        news = _News(self._place)

        async def heard(_: Msg) -> None:
            news.tell()

        link.lost.add_done_callback(lambda _: news.lose())
        subject = f"livecode.news.{self._buckets[topic]}." + ("head" if topic is Topic.HEAD else ">")
        subscription = await link.client.subscribe(subject, cb=heard)
        await _answered(link, link.client.flush())  # the server has it when it answers
        news.on_close = lambda: self._unsubscribe(subscription)
        return news

    def _unsubscribe(self, subscription: Any) -> None:
        with suppress(StoreError, nats.errors.Error):
            self._run(subscription.unsubscribe())


class _News:
    """A line on which a subscription tells that something was published."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._heard = threading.Event()
        self._lost = False
        self.on_close: Callable[[], None] = lambda: None

    def tell(self) -> None:
        """Something was published."""
        self._heard.set()

    def lose(self) -> None:
        """The connection is gone."""
        self._lost = True
        self._heard.set()

    def hear(self, timeout_s: float) -> bool:
        heard = self._heard.wait(timeout_s)
        self._heard.clear()  # what came between the two is there to be read when this returns
        if self._lost:
            raise self._place.unreachable("the connection was lost", AWAY)
        return heard

    def close(self) -> None:
        self.lose()
        self.on_close()


async def _connected(place: Place, buckets: Mapping[Topic, str]) -> Link:
    """A new connection, and the buckets, which are made if they are not there."""
    client = Client()
    lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    errors: list[Exception] = []

    async def ended() -> None:
        if not lost.done():
            lost.set_result(None)

    async def failed(error: Exception) -> None:
        errors.append(error)

    try:
        await client.connect(**_options(place), error_cb=failed, disconnected_cb=ended, closed_cb=ended)
        stream = client.jetstream(timeout=ANSWER_S)
        log = await _bucket(stream, buckets[Topic.HEAD], "head", history=HISTORY)
        return Link(client, log, await _bucket(stream, buckets[Topic.REPORTS], ">", ttl=REPORT_S), lost)
    except BaseException as error:
        await client.close()
        if errors and isinstance(error, nats.errors.NoServersError):
            raise errors[-1] from None  # it says why
        raise


def _options(place: Place) -> dict[str, Any]:
    """How to connect: twice at most, within CONNECT_S; and never again by itself."""
    parts = urlsplit(place.url)
    user = (
        {} if parts.username is None else {"user": unquote(parts.username), "password": unquote(parts.password or "")}
    )
    if parts.password is None and parts.username is not None:
        user = {"token": unquote(parts.username)}
    return {
        "servers": f"nats://{parts.hostname}:{parts.port or 4222}",
        "name": "livecode",
        "connect_timeout": CONNECT_S / 2,
        "allow_reconnect": False,
        "max_reconnect_attempts": 1,
        "reconnect_time_wait": 0.05,
        "ping_interval": PING_S,
        **user,
    }


async def _bucket(stream: JetStreamContext, name: str, news: str, **options: Any) -> KeyValue:
    """The bucket of that name, which tells of what is put under the keys `news`."""
    try:
        return await stream.key_value(name)
    except nats.js.errors.NotFoundError:
        retold = RePublish(src=f"$KV.{name}.{news}", dest=f"livecode.news.{name}.{news}", headers_only=True)
        return await stream.create_key_value(bucket=name, republish=retold, **options)


async def _consume(client: Client, bucket: str, key: str, which: str) -> tuple[list[Msg], datetime]:
    """Messages of a bucket in one go, by a consumer that the server forgets afterwards; and the server's time."""
    inbox = client.new_inbox()
    subscription = await client.subscribe(inbox)
    try:
        config = {
            "deliver_subject": inbox,
            "deliver_policy": which,
            "ack_policy": "none",
            "filter_subject": f"$KV.{bucket}.{key}",
            "inactive_threshold": 5_000_000_000,  # ns
        }
        request = json.dumps({"stream_name": f"KV_{bucket}", "config": config}).encode()
        answer = await client.request(f"$JS.API.CONSUMER.CREATE.KV_{bucket}", request, timeout=ANSWER_S)
        made = json.loads(answer.data)
        if "error" in made:
            raise nats.js.errors.APIError.from_error(made["error"])
        count = made["num_pending"] + made["delivered"]["consumer_seq"]
        messages = [await subscription.next_msg(timeout=ANSWER_S) for _ in range(count)]
        return messages, datetime.fromisoformat(made["created"])
    finally:
        await subscription.unsubscribe()


async def _answered(link: Link, work: Coroutine[Any, Any, Answer]) -> Answer:
    """What the server answers; an error as soon as the connection is lost, for which the client does not look."""
    task = asyncio.ensure_future(work)
    either: set[asyncio.Future[Any]] = {task, link.lost}
    try:
        await asyncio.wait(either, timeout=ANSWER_S, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise ConnectionError("the connection was lost" if link.lost.done() else f"no answer within {ANSWER_S:.0f} s")
    finally:
        task.cancel()


async def _each(do: Callable[..., Coroutine[Any, Any, Answer]], cases: Iterable[tuple[Any, ...]]) -> list[Answer]:
    """What it returns for each of the cases, some at a time. The first error ends all."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def in_turn(case: tuple[Any, ...]) -> Answer:
        async with turns:
            return await do(*case)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(in_turn(case)) for case in cases]
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [task.result() for task in tasks]


def _to_key(key: str) -> str:
    """A report's key, in the few characters that a bucket takes."""
    return urlsafe_b64encode(key.encode()).decode()


def _from_key(name: str) -> str:
    return urlsafe_b64decode(name).decode()


@contextmanager
def _told(place: Place) -> Iterator[None]:
    """Errors of nats-py, as StoreError."""
    try:
        yield
    except CancelledError:
        raise place.closed() from None
    except (nats.js.errors.ServiceUnavailableError, nats.errors.NoRespondersError) as error:
        raise place.refusing(error, NO_JETSTREAM) from error
    except nats.js.errors.Error as error:
        raise place.refusing(error, "see the log of nats-server; if it is full, raise max_file_store") from error
    except nats.errors.MaxPayloadError as error:
        raise place.refusing(error, "raise max_payload of nats-server") from error
    except nats.errors.Error as error:
        if "uthorization" in str(error):
            raise place.refusing(error, "put user and password into the URL, nats://user:password@host") from error
        raise place.unreachable(error, AWAY) from error
    except StoreError:
        raise
    except OSError as error:
        raise place.unreachable(error, AWAY) from error
